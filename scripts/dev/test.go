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
// is found. args go to go test; without any it is ./... A pooler is installed for it where that is possible.
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
	installPooler(ctx)
	race := raceFlag(ctx) // for vet too, so that everything is compiled once
	if err := goCommand(ctx, slices.Concat([]string{"vet"}, race, []string{"./..."})...); err != nil {
		return err
	}
	return goCommand(ctx, slices.Concat([]string{"test"}, race, args)...)
}

// installPooler installs pgbouncer where it is missing and can be: as root, with apt-get. Without it the tests that need one are skipped.
func installPooler(ctx context.Context) {
	if localpg.HasPooler() {
		return
	}
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		fmt.Println("no pgbouncer found: the tests of poolers are skipped")
		return
	}
	var said []byte
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", "pgbouncer"}} {
		command := exec.CommandContext(ctx, "apt-get", append([]string{"-q"}, args...)...)
		command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1") // the service is not to start
		out, err := command.CombinedOutput()
		if said = append(said, out...); err != nil && args[0] == "install" {
			fmt.Printf("%s\npgbouncer could not be installed: the tests of poolers are skipped\n", said)
		}
	}
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
