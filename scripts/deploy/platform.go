package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
)

// settings is the secret `deployments`: what Terraform knows of the deployments and function.yaml does not.
type settings struct {
	Project                 string              `json:"project"`
	Region                  string              `json:"region"`
	Domain                  string              `json:"domain"`
	DatabaseConnectionLimit int                 `json:"database_connection_limit"`
	CloudSQLInstance        string              `json:"cloud_sql_instance"` // its connection name; "" for another Postgres
	Deployments             map[string]identity `json:"deployments"`        // by name
}

// identity is whom a deployment runs as, with what, and who may call it.
type identity struct {
	Env            map[string]string `json:"env"`
	Secrets        map[string]string `json:"secrets"` // a setting to the secret whose latest version it is
	ServiceAccount string            `json:"service_account"`
	Callers        []string          `json:"callers"` // accounts that may call a private one
}

// platform is Cloud Run in one project and region, as gcloud shows it.
type platform struct {
	command
	all      []deployment.Deployment
	settings settings
	lines    *sync.Mutex // of out
}

// newPlatform reads the secret `deployments` and holds it against the function.yaml files.
func newPlatform(ctx context.Context, c command, all []deployment.Deployment) (*platform, error) {
	p := &platform{command: c, all: all, lines: &sync.Mutex{}}
	args := []string{"secrets", "versions", "access", "latest", "--secret=deployments"}
	if project := c.env["GOOGLE_CLOUD_PROJECT"]; project != "" {
		args = append(args, "--project="+project)
	}
	out, err := p.call(ctx, args...)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p.settings); err != nil {
		return nil, fmt.Errorf("reading the secret deployments: %w", err)
	}
	return p, p.check()
}

// check reports everything in which the secret and the function.yaml files do not fit, and a budget that is exceeded.
func (p *platform) check() error {
	s := p.settings
	var errs []error
	if s.Project == "" || s.Region == "" || s.Domain == "" {
		errs = append(errs, errors.New("the secret deployments lacks a project, region or domain"))
	}
	for _, d := range p.all {
		if s.Deployments[d.Name].ServiceAccount == "" {
			errs = append(errs, fmt.Errorf("the secret deployments gives %s no service account: apply Terraform first", d.Name))
		}
		if strange := strangers(d, s.Deployments[d.Name]); len(strange) > 0 {
			errs = append(errs, fmt.Errorf("the secret deployments sets %v of %s, which its function.yaml does not list", strange, d.Name))
		}
	}
	return errors.Join(append(errs, deployment.Budget(p.all, s.DatabaseConnectionLimit))...)
}

// strangers lists the settings that a deployment is given and does not take.
func strangers(d deployment.Deployment, id identity) []string {
	takes := append(d.Takes(), "GOOGLE_CLOUD_PROJECT") // which every deployment's log needs
	var strange []string
	for _, given := range slices.Concat(keys(id.Env), keys(id.Secrets)) {
		if !slices.Contains(takes, given) {
			strange = append(strange, given)
		}
	}
	return strange
}

// callLimit is above a build and a start.
const callLimit = 30 * time.Minute

// call runs gcloud and returns what it prints. The error holds what it says is wrong. It runs in a process group of its own, so
// that a Ctrl-C reaches it through ctx alone.
func (p *platform) call(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.gcloud, args...)
	for name, value := range p.env {
		if name != "ADMIN_PASSWORD" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.Dir = p.root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("gcloud %s: %w\n%s", strings.Join(args[:min(4, len(args))], " "), errors.Join(err, context.Cause(ctx)), strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// runService is call for gcloud run, in the project and region of the settings.
func (p *platform) runService(ctx context.Context, args ...string) ([]byte, error) {
	return p.call(ctx, slices.Concat([]string{"run"}, args, []string{"--project=" + p.settings.Project, "--region=" + p.settings.Region, "--quiet"})...)
}

// say prints a line about a deployment.
func (p *platform) say(name, format string, args ...any) {
	p.lines.Lock()
	defer p.lines.Unlock()
	_, _ = fmt.Fprintf(p.out, "%s: %s\n", name, fmt.Sprintf(format, args...))
}

// atOnce is how many gcloud processes run at once: each is a Python of 100 MB.
const atOnce = 4

// each does something for every index below n, some at once, and joins the errors of those that failed.
func each(n int, do func(i int) error) error {
	errs := make([]error, n)
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = do(i)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
