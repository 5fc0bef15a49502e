package staging

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// server is what the buildpack generates beside the staged root, but for the host: it listens on this machine alone.
const server = `package main

import (
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	_ "%s"
)

func main() {
	if err := funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")); err != nil {
		panic(err)
	}
}
`

// Build makes of a staged folder the program that is deployed, as the buildpack does: from vendored sources alone, trimmed
// and stripped. The program serves FUNCTION_TARGET at 127.0.0.1:PORT.
func Build(ctx context.Context, dir, program string) error {
	module, err := moduleOf(dir)
	if err != nil {
		return err
	}
	main := filepath.Join(dir, "functions.local", "app")
	if err := os.MkdirAll(main, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(main, "main.go"), fmt.Appendf(nil, server, module), 0o644); err != nil {
		return err
	}
	return Compile(ctx, dir, "-mod=vendor", "./functions.local/app", program)
}

// Compile builds one package as deployed programs are built: -trimpath, stripped, without cgo.
func Compile(ctx context.Context, dir, mod, pkg, program string) error {
	absolute, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "go", "build", mod, "-trimpath", "-ldflags=-s -w", "-o", absolute, pkg)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
	if mod == "-mod=vendor" {
		command.Env = append(command.Env, "GOPROXY=off")
	}
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

func moduleOf(dir string) (string, error) {
	modfile, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(string(modfile), "\n")
	return strings.TrimSpace(strings.TrimPrefix(first, "module ")), nil
}
