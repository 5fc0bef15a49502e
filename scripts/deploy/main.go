// Command deploy brings staged deployments to Cloud Run with gcloud, moves traffic to them in steps, and takes it back.
//
//	deploy NAME|all           deploy what differs and give it all traffic at once
//	deploy -next NAME|all     deploy what differs without traffic, reachable at https://next.DOMAIN
//	deploy smoke              run the smoke test against https://next.DOMAIN
//	deploy release            give what is next 10, 50 and 100 % of the traffic, with a smoke test of https://DOMAIN after each
//	deploy rollback NAME...   give the traffic back to what served before the last release; all is each that was ever released
//
// It runs in the repository's root. A deployment is uploaded from staged/NAME, which stage writes; its resources stand in its
// function.yaml; its account, settings and callers in the secret `deployments` of Secret Manager, which Terraform keeps. Labels on the
// service hold the digest of what was uploaded and of what was set: a deployment with both digests equal is skipped, one with other
// settings gets them without a build. Settings are added and changed and never taken away; no secret's value is read.
//
// The first deployment of a service takes all traffic at once, because there is nothing else that could. A release that fails or is
// interrupted gives the traffic back to the revisions that had it, looks whether they have it, and exits with 1. One that was killed
// left each service between the revisions tagged last-good and next; the next release starts there and goes back to last-good
// when it fails. What was rolled back by hand stays so until its source or settings change, or it is deployed by name without -next.
// Nothing keeps two releases apart: run one at a time. The smoke test of what is next reaches public deployments alone; of a worker
// it is known that it started.
//
// GOOGLE_CLOUD_PROJECT names the project that holds the secret, gcloud's own configuration does otherwise. smoke and release
// log in as ADMIN_EMAIL with ADMIN_PASSWORD, a global admin.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
	"github.com/chattercheatah/chattercheatah/scripts/internal/usage"
	"github.com/chattercheatah/chattercheatah/shared/boot"
)

//go:embed main.go
var source string

func main() {
	next := flag.Bool("next", false, "give a deployment that is already there no traffic")
	usage.Parse(source)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command{root: ".", env: boot.OSEnvironment(), gcloud: "gcloud", out: os.Stdout}.run(ctx, *next, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
		os.Exit(1)
	}
}

// command is one run, with all that it reaches.
type command struct {
	root   string // the repository's
	env    boot.Environment
	gcloud string // the program
	out    io.Writer
	smoke  func(ctx context.Context, base string) error // nil for the real one
}

func (c command) run(ctx context.Context, next bool, args []string) error {
	if len(args) == 0 {
		return errors.New("say what to deploy: a name or all; or smoke, release or rollback. -h explains")
	}
	all, err := deployment.All(c.root)
	if err != nil {
		return err
	}
	p, err := newPlatform(ctx, c, all)
	if err != nil {
		return err
	}
	switch args[0] {
	case "smoke":
		return p.smokeAt(ctx, "next."+p.settings.Domain)
	case "release":
		return p.release(ctx)
	case "rollback":
		named, err := pick(all, args[1:])
		if err != nil {
			return err
		}
		return p.rollBack(ctx, named)
	default:
		named, err := pick(all, args)
		if err != nil {
			return err
		}
		return p.deploy(ctx, named, next)
	}
}

// pick finds deployments by their names; all is every one.
func pick(all []deployment.Deployment, names []string) ([]deployment.Deployment, error) {
	if slices.Equal(names, []string{"all"}) {
		return all, nil
	}
	var found []deployment.Deployment
	for _, name := range names {
		i := slices.IndexFunc(all, func(d deployment.Deployment) bool { return d.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no function.yaml has a deployment %q", name)
		}
		found = append(found, all[i])
	}
	if len(found) == 0 {
		return nil, errors.New("say which deployment, or all")
	}
	return found, nil
}
