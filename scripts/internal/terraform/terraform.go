// Package terraform runs Terraform on infra/ without a Google account, for tests: with the recorded schema of the provider that stands
// beside a checkout where it is developed, else with the provider itself where its registry can be reached.
package terraform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// stub is the program that serves the provider's recorded schema, seen from the repository's root.
const stub = "../shared/tools/terraform-schema"

// Terraform is a copy of infra/, and of what it reads, that commands may be run in.
type Terraform struct {
	dir string   // the copy of infra/
	env []string // how the provider is found
}

// New copies infra/ and the function.yaml files of the repository at root below dir. The error, when neither Terraform nor a provider is
// there, says which: a test is skipped with it.
func New(ctx context.Context, root, dir string) (*Terraform, error) {
	if _, err := exec.LookPath("terraform"); err != nil {
		return nil, errors.New("terraform is not installed")
	}
	files, err := filepath.Glob(filepath.Join(root, "functions", "*", "function.yaml"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		name, err := filepath.Rel(root, file)
		if err != nil {
			return nil, err
		}
		if err := copyFile(file, filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	t := &Terraform{dir: filepath.Join(dir, "infra")}
	if err := os.CopyFS(t.dir, os.DirFS(filepath.Join(root, "infra"))); err != nil {
		return nil, err
	}
	return t, t.findProvider(ctx, root)
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

// findProvider drops the backend, which needs an account, and points Terraform at the stand-in or fetches the provider.
func (t *Terraform) findProvider(ctx context.Context, root string) error {
	main := filepath.Join(t.dir, "main.tf")
	content, err := os.ReadFile(main)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(content), `  backend "gcs" {`)
	_, after, closed := strings.Cut(rest, "\n  }\n")
	if !found || !closed {
		return errors.New("infra/main.tf has no backend gcs")
	}
	if err := os.WriteFile(main, []byte(before+after), 0o644); err != nil {
		return err
	}
	t.env = append(os.Environ(), "TF_DATA_DIR="+filepath.Join(filepath.Dir(t.dir), "data"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	if _, err := os.Stat(filepath.Join(root, stub)); err != nil {
		if _, err := t.Run(ctx, "init", "-input=false"); err != nil {
			return errors.New("the provider's registry cannot be reached, and no stand-in is at " + stub)
		}
		return nil
	}
	program, err := buildStub(root)
	if err != nil {
		return err
	}
	config := filepath.Join(filepath.Dir(t.dir), "dev.tfrc")
	text := fmt.Sprintf("provider_installation {\n  dev_overrides { \"hashicorp/google\" = %q }\n  direct { exclude = [\"*/*/*\"] }\n}\n", filepath.Dir(program))
	t.env = append(t.env, "TF_CLI_CONFIG_FILE="+config)
	return os.WriteFile(config, []byte(text), 0o644)
}

var built struct {
	once    sync.Once
	program string
	err     error
}

// buildStub builds the stand-in once for a process, at a place where the next one finds it built.
func buildStub(root string) (program string, err error) {
	built.once.Do(func() {
		cache, err := os.UserCacheDir()
		if err != nil {
			built.err = err
			return
		}
		built.program = filepath.Join(cache, "chattercheatah", "terraform", "terraform-provider-google")
		command := exec.Command("go", "build", "-o", built.program, ".")
		command.Dir, command.Env = filepath.Join(root, stub), append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
		if out, err := command.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("building the stand-in: %w\n%s", err, out)
		}
	})
	return built.program, built.err
}

// Run runs one command in the copy of infra/ and returns what it printed. The error holds that too.
func (t *Terraform) Run(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "terraform", append(args, "-no-color")...)
	command.Dir, command.Env = t.dir, t.env
	out, err := command.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("terraform %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// Planned is what would be made of a fresh project.
type Planned struct {
	Resources []Resource
	Outputs   map[string]json.RawMessage
}

// Resource is one resource, with the values that are known before it is made.
type Resource struct {
	Type   string          `json:"type"`
	Name   string          `json:"name"`
	Index  any             `json:"index"` // the key of one of several
	Values json.RawMessage `json:"values"`
}

// Plan plans with the variables of infra/example.tfvars.
func (t *Terraform) Plan(ctx context.Context) (p Planned, err error) {
	if _, err := t.Run(ctx, "plan", "-refresh=false", "-input=false", "-out=plan", "-var-file=example.tfvars"); err != nil {
		return p, err
	}
	show := exec.CommandContext(ctx, "terraform", "show", "-json", "plan")
	show.Dir, show.Env = t.dir, t.env
	out, err := show.Output()
	if err != nil {
		return p, fmt.Errorf("terraform show: %w", err)
	}
	var shown struct {
		Values struct {
			Outputs map[string]struct {
				Value json.RawMessage `json:"value"`
			} `json:"outputs"`
			Root struct {
				Resources []Resource `json:"resources"`
			} `json:"root_module"`
		} `json:"planned_values"`
	}
	if err := json.Unmarshal(out, &shown); err != nil {
		return p, fmt.Errorf("reading the plan: %w", err)
	}
	p = Planned{Resources: shown.Values.Root.Resources, Outputs: map[string]json.RawMessage{}}
	for name, o := range shown.Values.Outputs {
		p.Outputs[name] = o.Value
	}
	return p, nil
}
