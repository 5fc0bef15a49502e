// Command seed-admin makes the global admin, ADMIN_EMAIL with ADMIN_PASSWORD, in the database of DATABASE_URL. An operator
// runs it once for each environment; running it again changes nothing, the password least of all. Where ADMIN_PASSWORD is not set it
// makes a random one and prints it once, when it has made the admin.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"

	"github.com/chattercheatah/chattercheatah/scripts/internal/seed"
	"github.com/chattercheatah/chattercheatah/scripts/internal/usage"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

//go:embed main.go
var source string

func main() {
	usage.Parse(source)
	if err := seed.Run(boot.OSEnvironment(), run); err != nil {
		fmt.Fprintf(os.Stderr, "seed-admin:\n%v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, admin seed.Admin, s *store.Store) error {
	seeded, err := admin.Seed(ctx, s)
	if err != nil {
		return err
	}
	if !seeded.Made {
		fmt.Println("there is a user", admin.Email, "already; nothing was changed")
		return nil
	}
	fmt.Println("made the global admin", admin.Email)
	if !seeded.Password.IsZero() {
		fmt.Println("with this password, which is not shown again:", seeded.Password.Reveal())
	}
	return nil
}
