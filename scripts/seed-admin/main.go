// Command seed-admin makes the global admin, ADMIN_EMAIL with ADMIN_PASSWORD, in the database of DATABASE_URL. An operator
// runs it once for each environment; running it again changes nothing.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/chattercheatah/chattercheatah/scripts/internal/seed"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

func main() {
	if err := seed.Run(boot.OSEnvironment(), run); err != nil {
		fmt.Fprintf(os.Stderr, "seed-admin:\n%v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, admin seed.Admin, s *store.Store) error {
	made, err := admin.Seed(ctx, s)
	if err != nil {
		return err
	}
	if made {
		fmt.Println("made the global admin", admin.Email)
	} else {
		fmt.Println("there is a user", admin.Email, "already; nothing was changed")
	}
	return nil
}
