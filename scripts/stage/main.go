// Command stage writes what is uploaded to deploy one function, and prints where and its digest.
//
//	stage telnyx-sms [dir]    a function by its name in function.yaml; dir is staged/telnyx-sms when left out
//	stage all                 every function, each under staged/
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
	"github.com/chattercheatah/chattercheatah/scripts/internal/staging"
	"github.com/chattercheatah/chattercheatah/scripts/internal/usage"
)

//go:embed main.go
var source string

func main() {
	usage.Parse(source)
	if err := run(context.Background(), flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "stage:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	deployments, err := deployment.All(".")
	if err != nil {
		return err
	}
	var names []string
	for _, d := range deployments {
		names = append(names, d.Name)
		if len(args) == 0 || args[0] != d.Name && args[0] != "all" {
			continue
		}
		dir := filepath.Join("staged", d.Name)
		if len(args) > 1 && args[0] != "all" {
			dir = args[1]
		} else if err := os.RemoveAll(dir); err != nil {
			return err
		}
		digest, err := staging.Stage(ctx, ".", d, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		fmt.Printf("%s %s sha256:%s\n", d.Name, dir, digest)
		if args[0] == d.Name {
			return nil
		}
	}
	if len(args) > 0 && args[0] == "all" {
		return nil
	}
	return errors.Join(errors.New("say which function"), fmt.Errorf("there are %v, and all", names))
}
