// Command migrate brings the schema of the database of DATABASE_URL up to date. The log-in must own the schema and may
// create roles; the functions log in as another.
//
//	migrate         run every step that is missing (the same as migrate up)
//	migrate down    undo the newest step
//	migrate status  list the steps
package main

import (
	"context"
	"database/sql"
	_ "embed"
	"flag"
	"fmt"
	"os"

	"github.com/chattercheatah/chattercheatah/migrations"
	"github.com/chattercheatah/chattercheatah/scripts/internal/usage"
	"github.com/chattercheatah/chattercheatah/shared/boot"
)

//go:embed main.go
var source string

func main() {
	usage.Parse(source)
	if err := run(context.Background(), boot.OSEnvironment(), flag.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "migrate:\n%v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, env boot.Environment, args []string) error {
	settings, err := boot.Settings[struct{ Database boot.Database }](env)
	if err != nil {
		return err
	}
	db, err := settings.Database.SQL()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if len(args) == 0 {
		args = []string{"up"}
	}
	switch args[0] {
	case "up":
		err = migrations.Up(ctx, db)
	case "down":
		err = migrations.Down(ctx, db)
	case "status":
	default:
		return fmt.Errorf("there is no %q; use up, down or status", args[0])
	}
	if err != nil {
		return err
	}
	return status(ctx, db)
}

func status(ctx context.Context, db *sql.DB) error {
	steps, err := migrations.Status(ctx, db)
	if err != nil {
		return err
	}
	for _, s := range steps {
		state := "missing"
		if s.Applied {
			state = "applied"
		}
		fmt.Printf("%-8s %s\n", state, s.Name)
	}
	return nil
}
