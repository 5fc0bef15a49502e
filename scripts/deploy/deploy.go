package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
)

// deploy brings deployments to what is wanted, one after the other, and stops at the first that fails. Each is tagged next; without
// onlyNext it gets all traffic too.
func (p *platform) deploy(ctx context.Context, named []deployment.Deployment, onlyNext bool) error {
	for _, d := range named {
		changed, err := p.deployOne(ctx, d)
		if err != nil {
			return fmt.Errorf("deploying %s: %w", d.Name, err)
		}
		if onlyNext || !changed { // what an earlier run has left without traffic was taken back, or waits for its release
			continue
		}
		if err := p.promote(ctx, d.Name); err != nil {
			return fmt.Errorf("giving %s its traffic: %w", d.Name, err)
		}
	}
	return nil
}

// deployOne reports whether there is a new revision.
func (p *platform) deployOne(ctx context.Context, d deployment.Deployment) (changed bool, err error) {
	w, err := p.want(ctx, d)
	if err != nil {
		return false, err
	}
	is, err := p.describe(ctx, d.Name)
	if err != nil {
		return false, err
	}
	args, what := change(d.Name, is, w)
	if args == nil {
		p.say(d.Name, "unchanged, skipped%s", waiting(is))
	} else {
		p.say(d.Name, "%s", what)
		if _, err := p.runService(ctx, args...); err != nil {
			return false, err
		}
	}
	return args != nil, p.admit(ctx, d)
}

// waiting says of a service that its newest revision has no traffic.
func waiting(s *service) string {
	if s.servedBy(s.Status.LatestReady) {
		return ""
	}
	return "; its newest revision has no traffic: release gives it some"
}

// change is the command that makes a service what is wanted, and what it does in words; nil when the service is that already. is is
// nil where there is no service yet. A newest revision that never became ready is deployed again.
func change(name string, is *service, w wanted) (args []string, what string) {
	common := append(slices.Clone(w.settings), "--update-labels="+join(w.labels, ","), "--tag="+next)
	switch {
	case is == nil:
		return slices.Concat([]string{"deploy", name}, w.build, common), "first deployment, which takes all traffic"
	case is.Meta.Labels[sourceLabel] != w.labels[sourceLabel] || is.Status.LatestCreated != is.Status.LatestReady:
		return slices.Concat([]string{"deploy", name}, w.build, common, []string{"--no-traffic"}), "deploying its source"
	case is.Meta.Labels[settingsLabel] != w.labels[settingsLabel]:
		return slices.Concat([]string{"services", "update", name}, common, []string{"--no-traffic"}), "only its settings changed, no build"
	default:
		return nil, ""
	}
}

// promote gives the newest revision all traffic, and tags the one that had it last-good.
func (p *platform) promote(ctx context.Context, name string) error {
	s, err := p.describe(ctx, name)
	if err != nil {
		return err
	}
	if s == nil {
		return fmt.Errorf("there is no service %s", name)
	}
	newest := s.Status.LatestReady
	if s.servedBy(newest) {
		return nil
	}
	good, err := s.good()
	if err != nil {
		return err
	}
	p.say(name, "%s gets all traffic; %s had it", newest, good)
	return p.give(ctx, name, map[string]int{newest: 100}, map[string]string{next: newest, lastGood: good})
}

const invoker = "roles/run.invoker"

// admit lets the callers of a private deployment call it. Those that may already are left as they are, and so are others.
func (p *platform) admit(ctx context.Context, d deployment.Deployment) error {
	callers := p.settings.Deployments[d.Name].Callers
	if d.Public || len(callers) == 0 {
		return nil
	}
	out, err := p.runService(ctx, "services", "get-iam-policy", d.Name, "--format=json")
	if err != nil {
		return err
	}
	var policy struct {
		Bindings []struct {
			Role    string   `json:"role"`
			Members []string `json:"members"`
		} `json:"bindings"`
	}
	if err := json.Unmarshal(out, &policy); err != nil {
		return fmt.Errorf("reading who may call it: %w", err)
	}
	admitted := map[string]bool{}
	for _, b := range policy.Bindings {
		for _, m := range b.Members {
			admitted[b.Role+" "+m] = true
		}
	}
	for _, caller := range callers {
		member := "serviceAccount:" + caller
		if admitted[invoker+" "+member] {
			continue
		}
		if _, err := p.runService(ctx, "services", "add-iam-policy-binding", d.Name, "--member="+member, "--role="+invoker); err != nil {
			return err
		}
	}
	return nil
}
