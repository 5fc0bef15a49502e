package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/store/localpg"
)

// test runs go vet and go test over one database server that all packages share, with the race detector where a C compiler
// is found. args go to go test; without any it is ./...
func test(ctx context.Context, args []string) error {
	if os.Getenv("TEST_DATABASE_URL") == "" {
		server, err := localpg.Start(ctx, localpg.Options{})
		if err != nil {
			return err
		}
		defer func() { _ = server.Stop() }()
		if err := os.Setenv("TEST_DATABASE_URL", server.URL("postgres", "postgres")); err != nil {
			return err
		}
	}
	if len(args) == 0 {
		args = []string{"./..."}
	}
	race := raceFlag(ctx) // for vet too, so that everything is compiled once
	if err := goCommand(ctx, slices.Concat([]string{"vet"}, race, []string{"./..."})...); err != nil {
		return err
	}
	return goCommand(ctx, slices.Concat([]string{"test"}, race, args)...)
}

func goCommand(ctx context.Context, args ...string) error {
	fmt.Println("go", args)
	command := exec.CommandContext(ctx, "go", args...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command.Run()
}

// raceFlag is -race where it works: it needs cgo and a C compiler.
func raceFlag(ctx context.Context) []string {
	compiler, err := exec.CommandContext(ctx, "go", "env", "CC").Output()
	if err != nil {
		return nil
	}
	if _, err := exec.LookPath(strings.TrimSpace(string(compiler))); err != nil {
		fmt.Println("no C compiler found: tests run without the race detector")
		return nil
	}
	if err := os.Setenv("CGO_ENABLED", "1"); err != nil {
		return nil
	}
	return []string{"-race"}
}
