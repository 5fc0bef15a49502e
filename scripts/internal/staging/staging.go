// Package staging makes the folder that is uploaded to deploy one function: the packages that it links, go.mod, go.sum, a
// generated root file, and everything vendored, so that the build needs no network. Nothing else of the repository is in it.
//
// The rules are those of Google's Go buildpack for functions: the root holds one package, which imports the functions
// framework and, blank, the function; the module path has a dot; there is no toolchain line.
package staging

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
)

// Stage writes the folder for one deployment to dir, which must not exist or be empty, and returns the digest of all its
// files. The same source gives the same digest. root is the repository's.
func Stage(ctx context.Context, root string, d deployment.Deployment, dir string) (digest string, err error) {
	if left, err := os.ReadDir(dir); err == nil && len(left) > 0 {
		return "", fmt.Errorf("%s is not empty; remove it or name another", dir)
	}
	packages, err := linked(ctx, root, d.Package)
	if err != nil {
		return "", err
	}
	module := ""
	for _, p := range packages {
		module = p.Module.Path
		if err := p.copyTo(root, dir); err != nil {
			return "", err
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := copyFile(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "function.go"), rootFile(module, d), 0o644); err != nil {
		return "", err
	}
	if err := vendor(ctx, root, dir); err != nil {
		return "", err
	}
	return Digest(dir)
}

// pkg is one package of this module, as go list tells it.
type pkg struct {
	Dir                 string
	ImportPath          string
	Module              *struct{ Path string }
	GoFiles, EmbedFiles []string
}

// linked lists the packages of this module that a function links, itself included.
func linked(ctx context.Context, root, function string) ([]pkg, error) {
	out, err := run(ctx, root, "list", "-deps", "-json=Dir,ImportPath,Module,GoFiles,EmbedFiles", "./"+function)
	if err != nil {
		return nil, err
	}
	self, err := run(ctx, root, "list", "-m")
	if err != nil {
		return nil, err
	}
	module := strings.TrimSpace(string(self))
	var found []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading go list: %w", err)
		}
		if p.Module == nil || p.Module.Path != module {
			continue
		}
		own := strings.TrimPrefix(p.ImportPath, module+"/")
		if strings.HasPrefix(own, "functions/") && own != function || strings.HasPrefix(own, "scripts/") {
			return nil, fmt.Errorf("%s links %s: a function is independent of every other and of the scripts", function, own)
		}
		found = append(found, p)
	}
}

func (p pkg) copyTo(root, dir string) error {
	absolute, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	from, err := filepath.Rel(absolute, p.Dir)
	if err != nil {
		return err
	}
	for _, name := range slices.Concat(p.GoFiles, p.EmbedFiles) {
		if err := copyFile(filepath.Join(p.Dir, name), filepath.Join(dir, from, name)); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o644)
}

// rootFile is the one package in the root. The buildpack wants a root file that imports functions, and vendored sources that
// hold funcframework; the function registers its entry point when it is imported.
func rootFile(module string, d deployment.Deployment) []byte {
	return fmt.Appendf(nil, `// Package deploy is the function %s. Generated; do not edit.
package deploy

import (
	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	_ "github.com/GoogleCloudPlatform/functions-framework-go/functions"

	_ "%s/%s"
)
`, d.Entry, module, d.Package)
}

// vendor drops the requirements that the function does not have and brings in the others, in the versions of the module.
func vendor(ctx context.Context, root, dir string) error {
	if _, err := run(ctx, dir, "mod", "tidy"); err != nil {
		return err
	}
	if _, err := run(ctx, dir, "mod", "vendor"); err != nil {
		return err
	}
	return sameVersions(ctx, root, dir)
}

// sameVersions refuses a folder whose build would differ from what was tested.
func sameVersions(ctx context.Context, root, dir string) error {
	tested, err := run(ctx, root, "list", "-m", "all")
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(tested)) {
		known[strings.TrimSpace(line)] = true
	}
	vendored, err := os.ReadFile(filepath.Join(dir, "vendor", "modules.txt"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(vendored)) {
		if module, ok := strings.CutPrefix(strings.TrimSpace(line), "# "); ok && !known[module] {
			return fmt.Errorf("%s was not what the tests ran with; run go mod tidy in the repository", module)
		}
	}
	return nil
}

func run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	if args[0] == "list" {
		command.Env = append(os.Environ(), "GOWORK=off")
	}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out, nil
}

// Digest is the SHA-256 over the names and contents of all files of a staged folder, in order of name.
func Digest(dir string) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		_, _ = fmt.Fprintf(h, "%s %d\n", filepath.ToSlash(name), len(content))
		_, _ = h.Write(content)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}
