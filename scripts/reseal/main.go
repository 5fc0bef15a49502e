// Command reseal seals every tenant's credentials with the first key of FIELD_ENCRYPTION_KEY, so that the other keys are needed no longer. It
// is the middle of changing that key: put the new one in front, deploy, run this until it says that nothing is left, take the old one
// away, deploy. It may run while the system works, be broken off and run again.
//
// DATABASE_URL is the log-in of the schema's owner, or another that may be chattercheatah_operator and chattercheatah_app. It ends with
// 1 when a credential does not open with any of the keys, and says whose and which: it has to be sent again.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/chattercheatah/chattercheatah/scripts/internal/usage"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

//go:embed main.go
var source string

func main() {
	usage.Parse(source)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, boot.OSEnvironment(), os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "reseal:\n%v\n", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, env boot.Environment, out io.Writer) error {
	database, err := boot.Settings[boot.Database](env)
	if err != nil {
		return err
	}
	if err := boot.Required("FIELD_ENCRYPTION_KEY", !database.Key.IsZero()); err != nil {
		return err
	}
	db, err := database.Open()
	if err != nil {
		return err
	}
	defer db.Close()
	tenants, err := db.Operator().Tenants(ctx)
	if err != nil {
		return err
	}
	resealed, errs := 0, []error{}
	for _, id := range tenants {
		n, err := reseal(ctx, db.For(tenant.ByCommand(id)).By(store.ByCommand("reseal")))
		resealed, errs = resealed+n, append(errs, err)
	}
	if _, err := fmt.Fprintf(out, "%d credentials of %d tenants were sealed with the first key\n", resealed, len(tenants)); err != nil {
		return err
	}
	return errors.Join(errs...)
}

// reseal seals what is left of one tenant, and says how much it was.
func reseal(ctx context.Context, t *store.Tenant) (n int, err error) {
	left, err := t.SealedBefore(ctx)
	errs := []error{err}
	for _, s := range left {
		if err := t.Reseal(ctx, s); err != nil {
			errs = append(errs, err)
			continue
		}
		n++
	}
	return n, errors.Join(errs...)
}
