package smoke

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/onboard"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// canary is one of the two tenants that the checks look at.
type canary struct {
	subdomain string
	name      string // how a canary is told from a customer who took its subdomain
	secret    string // a sentence that stands in this canary's prompt and in no other
	number    string // what is texted and called; nobody can own it

	id     int64
	client *api.Client // its admin
}

// canaries are the tenants. Their numbers are among those that are never given to anybody.
func canaries() []canary {
	return []canary{
		{subdomain: "canary-a", name: "Canary A (smoke test)", secret: "The secret word of canary A is saffron.", number: "+15555550197"},
		{subdomain: "canary-b", name: "Canary B (smoke test)", secret: "The secret word of canary B is indigo.", number: "+15555550198"},
	}
}

func (t *canary) email() string { return "admin@" + t.subdomain + ".test" }

func (t *canary) file() onboard.File {
	return onboard.File{
		Tenant:  onboard.Tenant{Name: t.name, Subdomain: t.subdomain},
		Admin:   &onboard.Admin{Email: t.email()},
		Prompt:  &onboard.Prompt{Name: t.name, BusinessPrompt: t.secret},
		Profile: &onboard.Profile{BusinessName: t.name, Email: t.email()},
		SMS:     &onboard.SMS{TelnyxPhoneNumber: t.number},
		Voice:   &onboard.Voice{TelnyxPhoneNumber: t.number},
	}
}

// setUp makes the canary, or opens the one of an earlier run and brings it to its file.
func (r *run) setUp(ctx context.Context, t *canary) (string, error) {
	there, err := onboard.Find(ctx, r.admin, t.subdomain)
	if err != nil {
		return "", err
	}
	if there != nil && there.Name != t.name {
		return "", fmt.Errorf("tenant %d has the subdomain %s and is no canary; give it another", there.ID, t.subdomain)
	}
	made, err := onboard.Apply(ctx, r.admin, t.file(), onboard.Options{Reopen: true}, func(onboard.Step) {})
	t.id = made.TenantID
	return fmt.Sprintf("id %d", t.id), err
}

// logIn sets the canary's admin a password that nobody else knows, and logs in with it.
func (r *run) logIn(ctx context.Context, t *canary) (string, error) {
	if t.id == 0 {
		return "", skipped{"there is no tenant " + t.subdomain}
	}
	password := private.NewSecret(rand.Text())
	admin, err := onboard.FindUser(ctx, r.admin.In(t.id), t.email())
	if err != nil {
		return "", err
	}
	if admin == nil {
		return "", errors.New("nobody has the address " + t.email())
	}
	if err := r.admin.In(t.id).Call(ctx, http.MethodPatch, fmt.Sprintf("/users/%d", admin.ID), map[string]string{"password": password.Reveal()}, nil); err != nil {
		return "", err
	}
	nobody, err := api.New(r.operator.Base)
	if err != nil {
		return "", err
	}
	client, err := nobody.LogIn(ctx, t.email(), password)
	if err != nil {
		return "", err
	}
	if err := isAdminOf(ctx, client, t.id); err != nil {
		return "", err
	}
	t.client = client
	return "", nil
}

func isAdminOf(ctx context.Context, c *api.Client, id int64) error {
	var me struct {
		Role     string `json:"role"`
		TenantID *int64 `json:"tenant_id"`
	}
	if err := c.Call(ctx, http.MethodGet, "/auth/me", nil, &me); err != nil {
		return err
	}
	if me.TenantID == nil || *me.TenantID != id || me.Role != "tenant_admin" {
		return fmt.Errorf("GET /auth/me says role %q and another tenant than %d", me.Role, id)
	}
	return nil
}

// cleanUp deletes the canaries' leads and closes the canaries.
func (r *run) cleanUp(ctx context.Context) (string, error) {
	var errs []error
	for _, t := range r.tenants {
		if t.id == 0 {
			continue
		}
		errs = append(errs, r.deleteLeads(ctx, t))
		errs = append(errs, r.admin.Call(ctx, http.MethodPatch, fmt.Sprintf("/admin/tenants/%d", t.id), map[string]bool{"is_active": false}, nil))
	}
	return "leads deleted, canaries closed", errors.Join(errs...)
}

// deleteLeads deletes this test's leads in a canary, those too that a run left behind which was cut off. Were isolation broken, the
// list could hold anybody's: what is not this test's stays.
func (r *run) deleteLeads(ctx context.Context, t *canary) error {
	inside := r.admin.In(t.id)
	var ours []int64
	for l, err := range api.All[lead](ctx, inside, "/leads", url.Values{"email": {leadEmail}}) {
		if err != nil {
			return err
		}
		if l.Email == leadEmail && strings.HasPrefix(l.Name, leadName) {
			ours = append(ours, l.ID)
		}
	}
	for _, id := range ours {
		if err := inside.Call(ctx, http.MethodDelete, leadPath(id), nil, nil); err != nil {
			return err
		}
	}
	return nil
}
