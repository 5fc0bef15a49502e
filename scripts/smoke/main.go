// Command smoke proves against a running system, local or deployed, that no tenant sees another: the runbook's section 7. It makes or
// opens two canary tenants, looks at each as the other, and closes them again. It knows the API alone.
//
//	smoke         a line for each check: "ok name: what was checked", "FAIL name: what was seen", "skip name: why not"
//	smoke -json   one JSON object
//
// API_BASE is the system's address and ends in /api/v1; ADMIN_EMAIL and ADMIN_PASSWORD are a global admin's. It exits with 1 when a
// check failed. One run at a time: each gives the canaries' admins other passwords.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/chattercheatah/chattercheatah/scripts/internal/usage"
	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/smoke"
)

//go:embed main.go
var source string

func main() {
	asJSON := flag.Bool("json", false, "print one JSON object")
	usage.Parse(source)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	passed, err := run(ctx, boot.OSEnvironment(), *asJSON, os.Stdout)
	if err != nil {
		fmt.Fprintf(os.Stderr, "smoke:\n%v\n", err)
	}
	if err != nil || !passed {
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, env boot.Environment, asJSON bool, out io.Writer) (passed bool, err error) {
	operator, err := boot.Settings[api.Operator](env)
	if err != nil {
		return false, err
	}
	report := smoke.Run(ctx, smoke.Config{Operator: operator})
	if asJSON {
		return report.Passed, json.NewEncoder(out).Encode(report)
	}
	return report.Passed, report.Print(out)
}
