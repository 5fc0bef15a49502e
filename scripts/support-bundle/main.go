// Command support-bundle prints one JSON document on the state of an installation that may be pasted into a support ticket: what the runbook's
// section 9 calls safe to share, and nothing else.
//
//	support-bundle  print it
//
// It tells the names of the settings that are set and missing, versions, the connection string without its names, how Postgres is doing, and of
// each tenant its switches, counts by state and reason, and ages in seconds. It tells no value of a setting, no text, name, address, number or
// id of a row. A tenant is called 1001, 1002 and so on, in the order of the ids. Ages of what is to come are negative.
//
// DATABASE_URL is a log-in that may be chattercheatah_operator, such as the owner's; what it may not see is said to be hidden or unreadable. With
// API_BASE set, its /health is asked. A part that cannot be told says why, and the others are printed all the same.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/chattercheatah/chattercheatah/scripts/internal/usage"
	"github.com/chattercheatah/chattercheatah/shared/boot"
)

//go:embed main.go
var source string

func main() {
	usage.Parse(source)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, boot.OSEnvironment(), os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "support-bundle: %v\n", err)
		stop()
		os.Exit(1)
	}
}

// bundle is the document.
type bundle struct {
	MadeAt      time.Time         `json:"made_at"`
	Program     program           `json:"program"`
	Environment string            `json:"environment"` // local, test, staging, production; "" for the default, other for anything else
	Settings    map[string]string `json:"settings"`    // to set or missing
	DatabaseURL string            `json:"database_url"`
	Health      string            `json:"health"`
	Postgres    map[string]any    `json:"postgres"`
}

func run(ctx context.Context, env boot.Environment, out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false) // a connection string has its & in it
	return encoder.Encode(bundle{
		MadeAt:      time.Now().UTC().Truncate(time.Second),
		Program:     describeProgram(ctx),
		Environment: environment(env),
		Settings:    presence(env),
		DatabaseURL: redacted(env["DATABASE_URL"]),
		Health:      health(ctx, env["API_BASE"]),
		Postgres:    postgres(ctx, env["DATABASE_URL"]),
	})
}
