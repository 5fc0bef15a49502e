package admintenants_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// checklist reads how far a tenant is: what is left, in order, and what is to be done for each.
func (b *bench) checklist(t *testing.T, path string) (left []string, next map[string]string) {
	t.Helper()
	answer := b.must(t, "GET", path, "")
	next = map[string]string{}
	for _, i := range items(answer) {
		key, todo := i["key"].(string), i["next"].(string)
		if i["title"] == "" || (i["done"] == true) != (todo == "") {
			t.Errorf("%v has no title, or is done and has something next, or neither", i)
		}
		if i["done"] != true {
			left, next[key] = append(left, key), todo
		}
	}
	if answer["complete"] != (len(left) == 0) {
		t.Errorf("complete is %v with %v left", answer["complete"], left)
	}
	return left, next
}

func TestOnboarding_TellsWhatIsLeftFromTheFirstItemToTheLast(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.must(t, "POST", "/admin/tenants", `{"name":"New","subdomain":"new"}`)
	const path = "/admin/tenants/2049"
	fresh := b.Admin.For(tenant.ByCommand(2049))
	steps := []struct {
		key  string
		next []string
		do   func() error
	}{
		{"tenant_admin", []string{"POST /users", "X-Tenant-Id: 2049", `"role":"tenant_admin"`}, func() error {
			b.person(t, "lead@new.test", "tenant_admin", 2049)
			return nil
		}},
		{"tenant_prompt", []string{"POST /tenant-setup/setup-prompt", "X-Tenant-Id: 2049", "business_prompt"}, func() error {
			_, err := fresh.PublishPrompt(t.Context(), prompt.Any, "New", []prompt.Section{{Key: "business", Content: "words"}})
			return err
		}},
		{"business_profile", []string{"PUT /tenant/profile", "X-Tenant-Id: 2049", "business_name"}, func() error {
			_, err := fresh.SaveProfile(t.Context(), store.ProfileChange{BusinessName: new("New")})
			return err
		}},
		{"sms", []string{"PUT " + path + `/sms-config {"telnyx_phone_number":"...","telnyx_api_key":"...","is_enabled":true}`}, func() error {
			b.must(t, "PUT", path+"/sms-config", `{"telnyx_phone_number":"+15555550170","telnyx_api_key":"KEY-new","is_enabled":true}`)
			return nil
		}},
		{"voice", []string{"PUT " + path + `/voice-config {"telnyx_phone_number":"...","telnyx_assistant_id":"..."}`}, func() error {
			b.must(t, "PUT", path+"/voice-config", `{"telnyx_phone_number":"+15555550170","telnyx_assistant_id":"assistant-2049"}`)
			return nil
		}},
		{"email", []string{"POST /email/oauth/start", "X-Tenant-Id: 2049"}, func() error {
			_, err := fresh.ConnectMailbox(t.Context(), store.MailboxGrant{Address: "desk@new.test", RefreshToken: private.NewSecret("1//grant")})
			return err
		}},
	}
	for i, s := range steps {
		var want []string
		for _, rest := range steps[i:] {
			want = append(want, rest.key)
		}
		left, next := b.checklist(t, path+"/onboarding")
		if diff := cmp.Diff(want, left); diff != "" {
			t.Fatalf("left before %s (-want +got):\n%s", s.key, diff)
		}
		for _, part := range s.next {
			if !strings.Contains(next[s.key], part) {
				t.Errorf("next for %s is %q; want it to say %q", s.key, next[s.key], part)
			}
		}
		if err := s.do(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOnboarding_ItemsAreInTheRunbooksOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var keys []string
	for _, i := range items(b.must(t, "GET", "/admin/tenants/1042/onboarding", "")) {
		keys = append(keys, i["key"].(string))
	}
	want := []string{"tenant", "tenant_admin", "tenant_prompt", "business_profile", "sms", "voice", "email", "migrations", "global_admin", "global_prompt"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOnboarding_WhatIsUndoneIsNextAgain(t *testing.T) {
	t.Parallel()
	const path = "/admin/tenants/1042/onboarding"
	for name, c := range map[string]struct {
		undo      func(t *testing.T, b *bench)
		key, next string
	}{
		"the tenant is closed":          {func(t *testing.T, b *bench) { b.closing(t) }, "tenant", `PATCH /admin/tenants/1042 {"is_active":true}`},
		"its admin's account is closed": {func(t *testing.T, b *bench) { b.Exec(t, `update users set is_active = false where tenant_id = 1042`) }, "tenant_admin", "POST /users"},
		"its admin is one no longer":    {func(t *testing.T, b *bench) { b.Exec(t, `update users set role = 'user' where tenant_id = 1042`) }, "tenant_admin", "POST /users"},
		"its prompt is a draft": {func(t *testing.T, b *bench) {
			b.Exec(t, `update prompt_bundles set status = 'draft' where tenant_id = 1042`)
		}, "tenant_prompt", "POST /tenant-setup/setup-prompt"},
		"its profile has no name": {func(t *testing.T, b *bench) {
			b.Exec(t, `update tenant_business_profiles set business_name = '' where tenant_id = 1042`)
		}, "business_profile", "PUT /tenant/profile"},
		"texting is off":        {func(t *testing.T, b *bench) { b.must(t, "PUT", sms, `{"is_enabled":false}`) }, "sms", `PUT ` + sms + ` {"is_enabled":true}`},
		"its key is gone":       {func(t *testing.T, b *bench) { b.must(t, "PUT", sms, `{"telnyx_api_key":null}`) }, "sms", `PUT ` + sms + ` {"telnyx_api_key":"..."}`},
		"its key does not open": {func(t *testing.T, b *bench) { b.serve(b.Keyless(t)) }, "sms", `PUT ` + sms + ` {"telnyx_api_key":"..."}`},
		"its assistant is gone": {func(t *testing.T, b *bench) { b.must(t, "PUT", voice, `{"telnyx_assistant_id":null}`) }, "voice", `PUT ` + voice + ` {"telnyx_assistant_id":"..."}`},
		"Google refuses the mailbox": {func(t *testing.T, b *bench) {
			b.Exec(t, `update tenant_email_configs set grant_failed_at = now() where tenant_id = 1042`)
		}, "email", "POST /email/oauth/start"},
		"answering mail is off": {func(t *testing.T, b *bench) {
			b.Exec(t, `update tenant_email_configs set is_enabled = false where tenant_id = 1042`)
		}, "email", "POST /email/oauth/start"},
		"there is no prompt for everybody": {func(t *testing.T, b *bench) {
			b.Exec(t, `update prompt_bundles set status = 'draft' where tenant_id is null`)
		}, "global_prompt", "go run ./scripts/create-base-prompt"},
		"the other tenant has an admin too": {func(t *testing.T, b *bench) {
			b.person(t, "x@sampledental.test", "tenant_admin", 2048)
			b.Exec(t, `update users set is_active = false where tenant_id = 1042`)
		}, "tenant_admin", "POST /users"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.assign(t)
			b.person(t, "lead@exampleco.test", "tenant_admin", 1042)
			b.connect(t)
			if left, _ := b.checklist(t, path); len(left) > 0 {
				t.Fatalf("before, %v is left; want nothing", left)
			}
			c.undo(t, b)
			left, next := b.checklist(t, path)
			if len(left) != 1 || !strings.HasPrefix(next[c.key], c.next) {
				t.Errorf("%v is left and next is %q; want %s with %q", left, next[c.key], c.key, c.next)
			}
		})
	}
}

// connect connects the mailbox of tenant 1042.
func (b *bench) connect(t *testing.T) {
	t.Helper()
	if _, err := b.SwimSchool.ConnectMailbox(t.Context(), store.MailboxGrant{Address: "support@exampleco.test", RefreshToken: private.NewSecret("1//grant")}); err != nil {
		t.Fatal(err)
	}
}

func TestOnboarding_IsOfTheTenantInThePathAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, before := b.checklist(t, "/admin/tenants/2048/onboarding")
	b.assign(t)
	b.person(t, "lead@exampleco.test", "tenant_admin", 1042)
	if _, after := b.checklist(t, "/admin/tenants/2048/onboarding"); !cmp.Equal(before, after) {
		t.Errorf("what another tenant got changed it (-before +after):\n%s", cmp.Diff(before, after))
	}
}
