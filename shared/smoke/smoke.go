// Package smoke proves, against a running system and through its API alone, that no tenant sees another: the whole of the runbook's
// section 7. It makes two canary tenants, looks at each as the other, and closes them again. A second run finds the first one's
// tenants. One run at a time: each sets the canaries' passwords anew.
package smoke

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/api"
)

// Config is what a run works with.
type Config struct {
	Operator api.Operator
	Now      func() time.Time // time.Now when nil
}

// Run does every check that it can and reports all of them. A check that needs what an earlier one did not find is skipped. What it
// made is cleared away, also when ctx has ended.
func Run(ctx context.Context, c Config) Report {
	if c.Now == nil {
		c.Now = time.Now
	}
	r := &run{operator: c.Operator, mark: rand.Text(), now: c.Now, report: Report{Base: c.Operator.Base, Began: c.Now().UTC(), Passed: true}}
	for _, t := range canaries() {
		r.tenants = append(r.tenants, &t)
	}
	r.everything(ctx)
	r.report.Seconds = c.Now().Sub(r.report.Began).Seconds()
	return r.report
}

type run struct {
	operator api.Operator
	mark     string // unique to this run
	now      func() time.Time
	admin    *api.Client // the global admin
	tenants  []*canary   // two
	lead     int64       // of the first; 0 for none
	report   Report
}

func (r *run) a() *canary { return r.tenants[0] }
func (r *run) b() *canary { return r.tenants[1] }

func (r *run) everything(ctx context.Context) {
	r.check("log-in of the global admin", func() (string, error) { return r.logInAsOperator(ctx) })
	if r.admin == nil {
		return
	}
	defer r.check("clean-up", func() (string, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return r.cleanUp(ctx)
	})
	for _, t := range r.tenants {
		r.check("tenant "+t.subdomain, func() (string, error) { return r.setUp(ctx, t) })
		r.check("log-in of the admin of "+t.subdomain, func() (string, error) { return r.logIn(ctx, t) })
	}
	for _, c := range r.checks() {
		r.check(c.name, func() (string, error) {
			if err := r.ready(); err != nil {
				return "", err
			}
			return c.do(ctx)
		})
	}
}

// isolationCheck is a check that needs both canaries.
type isolationCheck struct {
	name string
	do   func(ctx context.Context) (checked string, err error)
}

func (r *run) checks() []isolationCheck {
	return []isolationCheck{
		{"impersonation", r.impersonation},
		{"another tenant's X-Tenant-Id", r.foreignHeader},
		{"prompt isolation", r.promptIsolation},
		{"lead isolation: create", r.leadCreate},
		{"lead isolation: fetch", r.leadFetch},
		{"lead isolation: list", r.leadList},
		{"lead isolation: change and delete", r.leadChange},
		{"a text's number belongs to one tenant", r.numberOfTexts},
		{"a call's number belongs to one tenant", r.numberOfCalls},
		{"routing of texts", r.routingOfTexts},
		{"routing of calls", r.routingOfCalls},
		{"routing of e-mail", r.routingOfMail},
	}
}

func (r *run) check(name string, do func() (string, error)) {
	detail, err := do()
	r.report.note(name, detail, err)
}

// ready reports why the checks that need both canaries cannot be tried.
func (r *run) ready() error {
	for _, t := range r.tenants {
		if t.client == nil {
			return skipped{"nobody is logged in to " + t.subdomain}
		}
	}
	return nil
}

func (r *run) logInAsOperator(ctx context.Context) (string, error) {
	admin, err := r.operator.LogIn(ctx)
	r.admin = admin
	return "", err
}
