package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/smoke"
)

// steps are the shares of the traffic that what is next gets, in turn.
var steps = []int{10, 50, 100}

// move is a service whose traffic goes from one revision to another.
type move struct{ name, from, to string }

// release moves the traffic of every service whose next revision does not have it all. Services that have none to move are not touched.
func (p *platform) release(ctx context.Context) error {
	if _, err := p.operator(p.settings.Domain); err != nil {
		return err
	}
	moves, err := p.toMove(ctx)
	if err != nil {
		return err
	}
	if len(moves) == 0 {
		p.say("release", "everything that is next serves already")
		return nil
	}
	var names []string
	for _, m := range moves {
		p.say(m.name, "%s serves, %s is next", m.from, m.to)
		names = append(names, m.name)
	}
	if err := p.advance(ctx, moves); err != nil {
		return errors.Join(fmt.Errorf("the release failed: %w", err), p.goBack(ctx, moves))
	}
	p.say("release", "done; deploy rollback %s takes it back", strings.Join(names, " "))
	return nil
}

// toMove looks at every service, and is an error when one is missing or nobody can tell what it should go back to.
func (p *platform) toMove(ctx context.Context) ([]move, error) {
	found := make([]move, len(p.all))
	err := each(len(p.all), func(i int) error {
		s, err := p.describe(ctx, p.all[i].Name)
		if err != nil {
			return err
		}
		if s == nil {
			return fmt.Errorf("%s is not deployed yet", p.all[i].Name)
		}
		to := s.tagged(next)
		if to == "" || s.servedBy(to) {
			return nil
		}
		from, err := s.good()
		found[i] = move{name: s.Name, from: from, to: to}
		return err
	})
	var moves []move
	for _, m := range found {
		if m.name != "" && m.from != m.to {
			moves = append(moves, m)
		}
	}
	return moves, err
}

// advance takes every step for all services and proves each with a smoke test.
func (p *platform) advance(ctx context.Context, moves []move) error {
	for _, percent := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := each(len(moves), func(i int) error { return p.step(ctx, moves[i], percent) }); err != nil {
			return err
		}
		p.say("release", "%d %% of the traffic goes to what is next", percent)
		if err := p.smokeAt(ctx, p.settings.Domain); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (p *platform) step(ctx context.Context, m move, percent int) error {
	shares := map[string]int{m.from: 100 - percent, m.to: percent}
	maps.DeleteFunc(shares, func(_ string, share int) bool { return share == 0 })
	return p.give(ctx, m.name, shares, map[string]string{lastGood: m.from})
}

// goBack gives the traffic of all back to where it came from, also when ctx has ended, and says where that did not work.
func (p *platform) goBack(ctx context.Context, moves []move) error {
	ctx = context.WithoutCancel(ctx)
	return each(len(moves), func(i int) error {
		m := moves[i]
		err := p.restore(ctx, m.name, m.from, nil)
		if err != nil {
			return fmt.Errorf("%s is NOT back at %s; run gcloud run services update-traffic %s --to-revisions=%s=100 --region=%s: %w",
				m.name, m.from, m.name, m.from, p.settings.Region, err)
		}
		p.say(m.name, "is back at %s", m.from)
		return nil
	})
}

// restore gives a revision all traffic, trying twice, and looks whether it has it.
func (p *platform) restore(ctx context.Context, name, revision string, tags map[string]string) error {
	err := p.give(ctx, name, map[string]int{revision: 100}, tags)
	if err != nil {
		err = p.give(ctx, name, map[string]int{revision: 100}, tags)
	}
	if err != nil {
		return err
	}
	s, err := p.describe(ctx, name)
	if err == nil && (s == nil || !s.servedBy(revision)) {
		err = errors.New("gcloud reported success, but the traffic is elsewhere")
	}
	return err
}

// rollBack gives the traffic of deployments to what served before their last release, which is next from then on. One of all that
// were named has nothing to go back to is an error, unless there are others.
func (p *platform) rollBack(ctx context.Context, named []deployment.Deployment) error {
	back := make([]bool, len(named))
	err := each(len(named), func(i int) (err error) {
		back[i], err = p.rollBackOne(ctx, named[i].Name)
		return err
	})
	for _, b := range back {
		if b {
			return err
		}
	}
	return errors.Join(err, errors.New("nothing was rolled back"))
}

// rollBackOne reports whether there was anything to go back to.
func (p *platform) rollBackOne(ctx context.Context, name string) (bool, error) {
	s, err := p.describe(ctx, name)
	if err != nil {
		return false, err
	}
	if s == nil || s.tagged(lastGood) == "" || s.servedBy(s.tagged(lastGood)) {
		p.say(name, "has nothing to go back to")
		return false, nil
	}
	good := s.tagged(lastGood)
	if err := p.restore(ctx, name, good, map[string]string{next: good}); err != nil {
		return false, fmt.Errorf("rolling %s back to %s: %w", name, good, err)
	}
	p.say(name, "is back at %s", good)
	return true, nil
}

// operator is who logs in for the smoke test at a host.
func (p *platform) operator(host string) (api.Operator, error) {
	env := maps.Clone(p.env)
	env["API_BASE"] = "https://" + host + "/api/v1"
	return boot.Settings[api.Operator](env)
}

// smokeAt runs the smoke test at a host and prints a line for each check. It is an error when one failed.
func (p *platform) smokeAt(ctx context.Context, host string) error {
	operator, err := p.operator(host)
	if err != nil {
		return err
	}
	if p.smoke != nil {
		return p.smoke(ctx, operator.Base)
	}
	report := smoke.Run(ctx, smoke.Config{Operator: operator})
	if err := report.Print(p.out); err != nil {
		return err
	}
	if !report.Passed {
		return fmt.Errorf("the smoke test of %s failed", operator.Base)
	}
	return nil
}
