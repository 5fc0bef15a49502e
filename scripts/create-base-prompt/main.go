// Command create-base-prompt publishes the prompt that every tenant inherits in the database of DATABASE_URL. An operator
// runs it once for each environment; where a global prompt is live it changes nothing.
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
		fmt.Fprintf(os.Stderr, "create-base-prompt:\n%v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, _ struct{}, s *store.Store) error {
	made, err := seed.BasePrompt(ctx, s)
	if err != nil {
		return err
	}
	if made {
		fmt.Println("published the global base prompt")
	} else {
		fmt.Println("a global prompt is live already; nothing was changed")
	}
	return nil
}
