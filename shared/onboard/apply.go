package onboard

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Outcome is what a step did.
type Outcome string

// The outcomes.
const (
	Made      Outcome = "made"
	Changed   Outcome = "changed"
	Unchanged Outcome = "unchanged"
)

// Step is one part of the file, done.
type Step struct {
	Name    string
	Outcome Outcome
	Note    string // which one it is, or what was sent; never a value that the file keeps secret
}

// Options are what a file does by itself not do.
type Options struct {
	Reopen          bool // open a tenant that is closed; else that is an error
	SendCredentials bool // send the credentials even where what is stored of them looks the same
}

// Result is what is there now.
type Result struct {
	TenantID int64
	AdminID  int64          // 0 when the file names no admin
	Password private.Secret // the random one of an admin who was made just now; empty otherwise
}

// Apply brings the tenant to what f says, one step after another, and tells each as soon as it is done. It stops at the first that
// fails: what was done stays, and applying the file again goes on from there. admin is a global admin.
func Apply(ctx context.Context, admin *api.Client, f File, o Options, tell func(Step)) (Result, error) {
	a := &applying{admin: admin, file: f, options: o, tell: tell}
	for _, part := range []struct {
		name string
		do   func(ctx context.Context, name string) error
	}{
		{"tenant", a.tenant}, {"admin", a.firstAdmin}, {"prompt", a.prompt}, {"voice_prompt", a.voicePrompt}, {"profile", a.profile},
		{"sms", a.sms}, {"voice", a.voice}, {"customer_service", a.customerService}, {"calendar", a.calendar},
	} {
		if err := part.do(ctx, part.name); err != nil {
			return a.result, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return a.result, nil
}

type applying struct {
	admin, inside *api.Client // the global admin; the global admin in the tenant
	file          File
	options       Options
	tell          func(Step)
	result        Result
}

// Row is a tenant as the API shows it.
type Row struct {
	ID        int64  `json:"id"`
	Name      string `json:"name"`
	Subdomain string `json:"subdomain"`
	IsActive  bool   `json:"is_active"`
}

// Find looks a tenant up by its subdomain, closed or not; nil when there is none.
func Find(ctx context.Context, admin *api.Client, subdomain string) (*Row, error) {
	query := url.Values{"include_inactive": {"true"}, "limit": {"100"}}
	for row, err := range api.All[Row](ctx, admin, "/admin/tenants", query) {
		if err != nil {
			return nil, err
		}
		if row.Subdomain == subdomain {
			return &row, nil
		}
	}
	return nil, nil
}

func (a *applying) tenant(ctx context.Context, name string) error {
	want := a.file.Tenant
	found, err := Find(ctx, a.admin, want.Subdomain)
	if err != nil {
		return err
	}
	step := Step{Name: name, Outcome: Unchanged}
	switch {
	case found == nil:
		found, step.Outcome = &Row{}, Made
		err = a.admin.Call(ctx, http.MethodPost, "/admin/tenants", map[string]any{"name": want.Name, "subdomain": want.Subdomain, "is_active": true}, found)
	case !found.IsActive && !a.options.Reopen:
		return fmt.Errorf("tenant %d, %s, is closed; open it with -reopen if that is what you want", found.ID, found.Subdomain)
	case found.Name != want.Name || !found.IsActive:
		step.Outcome = Changed
		err = a.admin.Call(ctx, http.MethodPatch, fmt.Sprintf("/admin/tenants/%d", found.ID), map[string]any{"name": want.Name, "is_active": true}, found)
	}
	if err != nil {
		return err
	}
	a.result.TenantID, a.inside = found.ID, a.admin.In(found.ID)
	step.Note = fmt.Sprintf("id %d, subdomain %s", found.ID, found.Subdomain)
	a.tell(step)
	return nil
}

// User is a person of a tenant as the API shows them.
type User struct {
	ID       int64  `json:"id"`
	Email    string `json:"email"`
	Role     string `json:"role"`
	IsActive bool   `json:"is_active"`
}

// firstAdmin makes the admin. Somebody who has the address already, and is no admin any more, becomes one again; their password
// stays.
func (a *applying) firstAdmin(ctx context.Context, name string) error {
	want := a.file.Admin
	if want == nil {
		return nil
	}
	found, err := FindUser(ctx, a.inside, want.Email)
	if err != nil {
		return err
	}
	step := Step{Name: name, Outcome: Unchanged, Note: want.Email}
	switch {
	case found == nil:
		found, step.Outcome = &User{}, Made
		err = a.makeAdmin(ctx, *want, found)
	case found.Role != "tenant_admin" || !found.IsActive:
		step.Outcome = Changed
		err = a.inside.Call(ctx, http.MethodPatch, fmt.Sprintf("/users/%d", found.ID), map[string]any{"role": "tenant_admin", "is_active": true}, found)
	}
	if err != nil {
		return err
	}
	a.result.AdminID = found.ID
	a.tell(step)
	return nil
}

// FindUser looks somebody up by their address; nil when the tenant has nobody with it. inside is somebody of the tenant.
func FindUser(ctx context.Context, inside *api.Client, email string) (*User, error) {
	for row, err := range api.All[User](ctx, inside, "/users", url.Values{"limit": {"100"}}) {
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(row.Email, email) {
			return &row, nil
		}
	}
	return nil, nil
}

func (a *applying) makeAdmin(ctx context.Context, want Admin, made *User) error {
	random := rand.Text()
	password := cmp.Or(string(want.Password), random)
	err := a.inside.Call(ctx, http.MethodPost, "/users", map[string]string{"email": want.Email, "password": password, "role": "tenant_admin"}, made)
	if err == nil && password == random {
		a.result.Password = private.NewSecret(random)
	}
	return err
}

func (a *applying) profile(ctx context.Context, name string) error {
	return put(ctx, a, name, a.inside, "/tenant/profile", a.file.Profile)
}

func (a *applying) sms(ctx context.Context, name string) error {
	return put(ctx, a, name, a.admin, a.config("sms-config"), a.file.SMS)
}

func (a *applying) voice(ctx context.Context, name string) error {
	return put(ctx, a, name, a.admin, a.config("voice-config"), a.file.Voice)
}

func (a *applying) customerService(ctx context.Context, name string) error {
	return put(ctx, a, name, a.admin, a.config("customer-service-config"), a.file.CustomerService)
}

func (a *applying) calendar(ctx context.Context, name string) error {
	return put(ctx, a, name, a.admin, a.config("calendar-config"), a.file.Calendar)
}

func (a *applying) config(which string) string {
	return fmt.Sprintf("/admin/tenants/%d/%s", a.result.TenantID, which)
}
