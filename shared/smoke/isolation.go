package smoke

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/api"
)

// impersonation looks at both canaries as the global admin, and sees each one's own profile.
func (r *run) impersonation(ctx context.Context) (string, error) {
	for _, t := range r.tenants {
		var profile struct {
			BusinessName string `json:"business_name"`
		}
		if err := r.admin.In(t.id).Call(ctx, http.MethodGet, "/tenant/profile", nil, &profile); err != nil {
			return "", err
		}
		if profile.BusinessName != t.name {
			return "", fmt.Errorf("with X-Tenant-Id %d the global admin sees the profile of %q", t.id, profile.BusinessName)
		}
	}
	return "the profile differs with X-Tenant-Id", nil
}

// foreignHeader asks as each canary's admin for the other one.
func (r *run) foreignHeader(ctx context.Context) (string, error) {
	for _, pair := range [][2]*canary{{r.a(), r.b()}, {r.b(), r.a()}} {
		answer, err := pair[0].client.In(pair[1].id).Send(ctx, http.MethodGet, "/tenant/profile", nil)
		if err != nil {
			return "", err
		}
		if answer.Status != http.StatusForbidden {
			return "", fmt.Errorf("the admin of %s was answered %d for %s", pair[0].subdomain, answer.Status, pair[1].subdomain)
		}
	}
	return "refused with 403, both ways", nil
}

// promptIsolation looks for each canary's sentence in what the model would be told for both.
func (r *run) promptIsolation(ctx context.Context) (string, error) {
	for _, channel := range []string{"sms", "voice", "email"} {
		for _, t := range r.tenants {
			answer, err := t.client.Send(ctx, http.MethodGet, "/prompts/compose?channel="+channel, nil)
			if err != nil {
				return "", err
			}
			if answer.Status != http.StatusOK {
				return "", fmt.Errorf("GET /prompts/compose was answered %d", answer.Status)
			}
			for _, other := range r.tenants {
				if has := strings.Contains(string(answer.Body), other.secret); has != (t == other) {
					return "", fmt.Errorf("the prompt of %s for %s: the section of %s is in it: %v", t.subdomain, channel, other.subdomain, has)
				}
			}
		}
	}
	return "each one's section is in its own prompt only, for sms, voice and email", nil
}

type lead struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

// What this test's leads are known by.
const (
	leadName  = "Smoke test "
	leadEmail = "smoke-test@canary-a.test"
)

// leadCreate makes a lead in A, which A finds again.
func (r *run) leadCreate(ctx context.Context) (string, error) {
	var made, found lead
	body := map[string]string{"name": leadName + r.mark, "email": leadEmail}
	if err := r.a().client.Call(ctx, http.MethodPost, "/leads", body, &made); err != nil {
		return "", err
	}
	r.lead = made.ID
	if err := r.a().client.Call(ctx, http.MethodGet, leadPath(made.ID), nil, &found); err != nil {
		return "", err
	}
	if found.Name != leadName+r.mark {
		return "", fmt.Errorf("lead %d is another than was made", made.ID)
	}
	return fmt.Sprintf("lead %d in %s", made.ID, r.a().subdomain), nil
}

func leadPath(id int64) string { return fmt.Sprintf("/leads/%d", id) }

// leadFetch asks for A's lead as B, and wants the answer that a lead gets which nobody has.
func (r *run) leadFetch(ctx context.Context) (string, error) {
	return r.likeAMissingLead(ctx, http.MethodGet, nil)
}

// leadChange does the same with a change and a deletion, and finds the lead unharmed.
func (r *run) leadChange(ctx context.Context) (string, error) {
	_, changeErr := r.likeAMissingLead(ctx, http.MethodPatch, map[string]string{"name": "changed by " + r.b().subdomain})
	_, deleteErr := r.likeAMissingLead(ctx, http.MethodDelete, nil)
	if err := errors.Join(changeErr, deleteErr); err != nil {
		return "", err
	}
	var still lead
	if err := r.a().client.Call(ctx, http.MethodGet, leadPath(r.lead), nil, &still); err != nil {
		return "", fmt.Errorf("after %s changed and deleted it: %w", r.b().subdomain, err)
	}
	if still.Name != leadName+r.mark {
		return "", fmt.Errorf("%s has changed lead %d", r.b().subdomain, r.lead)
	}
	return "404 as for a missing id, and the lead is unharmed", nil
}

// missingID is that of a lead which nobody has.
const missingID = 1 << 52

func (r *run) likeAMissingLead(ctx context.Context, method string, body any) (string, error) {
	if r.lead == 0 {
		return "", skipped{"there is no lead"}
	}
	foreign, err := r.b().client.Send(ctx, method, leadPath(r.lead), body)
	if err != nil {
		return "", err
	}
	missing, err := r.b().client.Send(ctx, method, leadPath(missingID), body)
	if err != nil {
		return "", err
	}
	switch {
	case foreign.Status != http.StatusNotFound:
		return "", fmt.Errorf("%s of a lead of %s as %s was answered %d; want 404", method, r.a().subdomain, r.b().subdomain, foreign.Status)
	case missing.Status != http.StatusNotFound || !bytes.Equal(withoutRequestID(foreign), withoutRequestID(missing)):
		return "", fmt.Errorf("%s of a lead of %s as %s is not answered as one of a missing id is", method, r.a().subdomain, r.b().subdomain)
	}
	return fmt.Sprintf("404 as %s, byte for byte as for a missing id", r.b().subdomain), nil
}

// withoutRequestID is an answer but for the one part that differs from call to call.
func withoutRequestID(a api.Answer) []byte {
	var said struct {
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal(a.Body, &said); err != nil || said.RequestID == "" {
		return a.Body
	}
	return bytes.ReplaceAll(a.Body, []byte(said.RequestID), nil)
}

// leadList finds the lead in A's list and not in B's.
func (r *run) leadList(ctx context.Context) (string, error) {
	if r.lead == 0 {
		return "", skipped{"there is no lead"}
	}
	for _, t := range r.tenants {
		holds, err := r.listHoldsLead(ctx, t.client)
		if err != nil {
			return "", err
		}
		if holds != (t == r.a()) {
			return "", fmt.Errorf("the list of %s holds lead %d of %s: %v", t.subdomain, r.lead, r.a().subdomain, holds)
		}
	}
	return fmt.Sprintf("it is in the list of %s and not in that of %s", r.a().subdomain, r.b().subdomain), nil
}

func (r *run) listHoldsLead(ctx context.Context, c *api.Client) (bool, error) {
	for l, err := range api.All[lead](ctx, c, "/leads", nil) {
		if err != nil || l.ID == r.lead {
			return err == nil, err
		}
	}
	return false, nil
}
