// Command onboard provisions a tenant from one file: the runbook's section 6. It makes the tenant, its admin, prompt and profile,
// assigns its numbers and credentials, and prints what is still to be done.
//
//	onboard FILE   scripts/onboard/example.yaml shows a file; what is left out of it stays as it is
//
// API_BASE is the system's address and ends in /api/v1; ADMIN_EMAIL and ADMIN_PASSWORD are a global admin's. A credential may stand in
// the file as env:NAME, for one that the environment variable NAME holds. It prints for each part whether it was made, changed or
// unchanged. A second time changes nothing: what is stored already is not sent again, and a credential counts as stored when its last
// four characters are; -send-credentials sends it all the same. A tenant that is closed stays so without -reopen. The password of an admin who is there already stays; a random one is printed once.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/goccy/go-yaml"

	"github.com/chattercheatah/chattercheatah/scripts/internal/usage"
	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/onboard"
)

//go:embed main.go
var source string

var options onboard.Options

func main() {
	flag.BoolVar(&options.Reopen, "reopen", false, "open a tenant that is closed")
	flag.BoolVar(&options.SendCredentials, "send-credentials", false, "send the credentials even where those that are stored end alike")
	usage.Parse(source)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, boot.OSEnvironment(), flag.Args(), os.Stdout); err != nil {
		stop()
		fmt.Fprintf(os.Stderr, "onboard:\n%v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, env boot.Environment, args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("name one file; -h explains")
	}
	operator, settingsErr := boot.Settings[api.Operator](env)
	file, fileErr := read(args[0], env)
	if err := errors.Join(settingsErr, fileErr); err != nil {
		return err
	}
	admin, err := operator.LogIn(ctx)
	if err != nil {
		return err
	}
	made, err := onboard.Apply(ctx, admin, file, options, func(s onboard.Step) { printStep(out, s) })
	if !made.Password.IsZero() {
		_, _ = fmt.Fprintf(out, "\nThe password of %s, which is not shown again: %s\n", file.Admin.Email, made.Password.Reveal())
	}
	if err != nil {
		return err
	}
	return printChecklist(ctx, admin, made.TenantID, out)
}

// read reads a file strictly: a field that onboard does not know is an error, and so is a credential that is not set.
func read(name string, env boot.Environment) (f onboard.File, err error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return f, err
	}
	if err := yaml.NewDecoder(bytes.NewReader(content), yaml.Strict()).Decode(&f); err != nil {
		return f, fmt.Errorf("%s: %s", name, yaml.FormatError(err, false, false)) // without the lines around it, which may hold a password
	}
	if err := errors.Join(f.Resolve(func(name string) string { return env[name] }), f.ReadVoicePrompt(filepath.Dir(name))); err != nil {
		return f, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

func printStep(out io.Writer, s onboard.Step) {
	line := fmt.Sprintf("%-9s %s", s.Outcome, s.Name)
	if s.Note != "" {
		line += ": " + s.Note
	}
	_, _ = fmt.Fprintln(out, line)
}

func printChecklist(ctx context.Context, admin *api.Client, tenantID int64, out io.Writer) error {
	items, err := onboard.Checklist(ctx, admin, tenantID)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out)
	for _, i := range items {
		mark, next := "x", ""
		if !i.Done {
			mark, next = " ", ": "+i.Next
		}
		_, _ = fmt.Fprintf(out, "[%s] %s%s\n", mark, i.Title, next)
	}
	return nil
}
