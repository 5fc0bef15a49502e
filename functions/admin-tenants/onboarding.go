package admintenants

import (
	"context"
	"fmt"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/store"
)

type onboardingOutput struct {
	Body struct {
		TenantID int64            `json:"tenant_id"`
		Complete bool             `json:"complete"`
		Items    []onboardingItem `json:"items"`
	}
}

// onboardingItem is one line of the runbook's checklist (its section 6).
type onboardingItem struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	Done  bool   `json:"done"`
	Next  string `json:"next" doc:"the call or the command to make; empty when done"`
}

// onboarding tells how far the tenant is provisioned, and what to do next.
func (d Deps) onboarding(ctx context.Context, t *store.Tenant, _ *struct{}) (*onboardingOutput, error) {
	o, err := t.Onboarding(ctx)
	if err != nil {
		return nil, err
	}
	out := &onboardingOutput{}
	b := &out.Body
	b.TenantID, b.Complete, b.Items = int64(o.Tenant.ID), true, checklist(o)
	for i := range b.Items {
		if b.Items[i].Done {
			b.Items[i].Next = ""
		}
		b.Complete = b.Complete && b.Items[i].Done
	}
	return out, nil
}

// checklist is what by hand, then what by command. A migrated database and a global admin are there whenever this is asked: the
// one answers and the other asks.
func checklist(o store.Onboarding) []onboardingItem {
	admin := fmt.Sprintf("/admin/tenants/%v", o.Tenant.ID)
	as := fmt.Sprintf(", X-Tenant-Id: %v, ", o.Tenant.ID)
	sms := []field{{!o.SMS.TelnyxPhone.IsZero(), `"telnyx_phone_number":"..."`}, {o.SMS.TelnyxAPIKey.Opens, `"telnyx_api_key":"..."`}, {o.SMS.Enabled, `"is_enabled":true`}}
	voice := []field{{!o.Voice.Phone.IsZero(), `"telnyx_phone_number":"..."`}, {o.Voice.AssistantID != "", `"telnyx_assistant_id":"..."`}}
	return []onboardingItem{
		{"tenant", "Create tenant", o.Tenant.Active, "PATCH " + admin + ` {"is_active":true}`},
		{"tenant_admin", "Create tenant admin user", o.HasAdmin, "POST /users" + as + `{"email":"...","password":"...","role":"tenant_admin"}`},
		{"tenant_prompt", "Seed tenant prompt", o.HasPrompt, "POST /tenant-setup/setup-prompt" + as + `{"name":"...","business_prompt":"...","faq":"...","rules":"..."}`},
		{"business_profile", "Update business profile", o.BusinessName != "", "PUT /tenant/profile" + as + `{"business_name":"..."}`},
		{"sms", "Configure SMS number and credentials", len(missing(sms)) == 0, "PUT " + admin + "/sms-config " + object(missing(sms))},
		{"voice", "Configure voice number", len(missing(voice)) == 0, "PUT " + admin + "/voice-config " + object(missing(voice))},
		{"email", "Connect Gmail and enable the email responder", o.MailIsAnswered, "POST /email/oauth/start" + as + "and open its authorization_url in a browser; then PUT /email/settings {\"is_enabled\":true} if it was turned off"},
		{"migrations", "Migrate the database", true, ""},
		{"global_admin", "Seed the global admin", true, ""},
		{"global_prompt", "Create the global base prompt", o.HasGlobalPrompt, "go run ./scripts/create-base-prompt"},
	}
}

// field is one of a configuration, as JSON, and whether it is there.
type field struct {
	there bool
	json  string
}

func missing(fields []field) []string {
	var left []string
	for _, f := range fields {
		if !f.there {
			left = append(left, f.json)
		}
	}
	return left
}

func object(fields []string) string { return "{" + strings.Join(fields, ",") + "}" }
