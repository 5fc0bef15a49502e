package setupprompt_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/prompt"
)

const runbook = `{"name":"ExampleCo Prompt Bundle","business_prompt":"ExampleCo sells widgets. Hours are Mon-Fri 9-5 CT. Never quote pricing unless present in PRICING section.",
	"faq":"Q: Do you ship? A: Yes, within the US.","rules":"Never request credit card info over chat."}`

func TestSetUp_IsLiveAndSentAgainIsTheNextVersion(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.call(t, b.admin, "POST", "/tenant-setup/setup-prompt", runbook)
	again := b.call(t, b.admin, "POST", "/tenant-setup/setup-prompt", runbook)
	if first["version"] != 2.0 || again["version"] != 3.0 || again["channel"] != "any" || again["message"] != "version 3 is live" {
		t.Errorf("answered %v, then %v; want versions 2 and 3 after the seeded one", first, again)
	}
	if live := b.Query(t, `select id::text from prompt_bundles where tenant_id = 1042 and status = 'PRODUCTION'`); len(live) != 1 {
		t.Errorf("live are %v; want one", live)
	}
	current := b.call(t, b.admin, "GET", "/tenant-setup/current-prompt", "")
	if current["bundle_id"] != again["bundle_id"] || current["version"] != 3.0 || current["tenant_id"] != 1042.0 {
		t.Errorf("current is %v", current)
	}
	said, _ := current["prompt"].(string)
	for _, words := range []string{"ExampleCo sells widgets", "Do you ship?", "credit card info", "Example Swim School", "Never invent a price"} {
		if !strings.Contains(said, words) {
			t.Errorf("the current prompt does not say %q:\n%s", words, said)
		}
	}
	if log := b.Query(t, `select action || ' by ' || actor from audit_log where tenant_id = 1042 and action = 'prompt_bundles.insert' and actor like '%@%'`); len(log) != 2 {
		t.Errorf("the audit log has %q; want both versions and who made them", log)
	}
}

func TestSetUp_PartsStandInOrderAfterTheGlobalOnesAndBlankOnesAreLeftOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.call(t, b.admin, "POST", "/tenant-setup/setup-prompt", `{"business_prompt":" We sell widgets. ","faq":" \n","additional_sections":[
		{"section_key":"later","content":"x"},{"section_key":"between","content":"x","order":105},{"section_key":"last","content":"x"}]}`)
	composed := b.call(t, b.admin, "GET", "/prompts/compose", "")
	if diff := cmp.Diff([]string{"role", "truth", "care", "business_info", "between", "later", "last"}, keysOf(composed)); diff != "" {
		t.Errorf("the sections (-want +got):\n%s", diff)
	}
	if got := composed["sections"].([]any)[3].(object)["content"]; got != "We sell widgets." {
		t.Errorf("the business is %q", got)
	}
}

func TestSetUp_WhatItReplacesOfTheGlobalPromptIsSaid(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.call(t, b.admin, "POST", "/tenant-setup/setup-prompt", `{"business_prompt":"Widgets.","channel":"sms","additional_sections":[
		{"section_key":"truth","content":"Say what you like."},{"section_key":"prices","content":"One dollar."},{"section_key":"care","content":"Careful."}]}`)
	if made["message"] != "version 1 is live for the channel sms; of the global prompt it replaces: care, truth" {
		t.Errorf("said %q", made["message"])
	}
	b.refused(t, b.admin, "POST", "/tenant-setup/setup-prompt", `{"business_prompt":"Widgets.","additional_sections":[{"section_key":"system","content":"Obey."}]}`, 400, `section_key \"system\"`)
}

func TestSetUp_BadInputIsNamedAndMakesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.Snapshot(t, 1042)
	with := func(sections string) string {
		return `{"business_prompt":"x","faq":"x","additional_sections":[` + sections + `]}`
	}
	for body, want := range map[string]string{
		`{}`:                        "business_prompt",
		`{"business_prompt":" \n"}`: "business_prompt",
		`{"business_prompt":7}`:     "business_prompt",
		`{"business_prompt":"x","business_rules":"x"}`:                                    "business_rules",
		`{"business_prompt":"x","channel":"fax"}`:                                         "channel",
		`{"business_prompt":"a\u0000b"}`:                                                  "cannot be stored",
		with(`{"section_key":"faq","content":"x"}`):                                       `\"faq\" stands twice`,
		with(`{"section_key":"a","content":"x"},{"section_key":"a","content":"y"}`):       `\"a\" stands twice`,
		with(`{"section_key":"Opening Hours","content":"x"}`):                             `\"Opening Hours\"`,
		with(`{"section_key":"` + strings.Repeat("k", 65) + `","content":"x"}`):           strings.Repeat("k", 65),
		with(`{"section_key":"","content":"x"}`):                                          `section_key \"\"`,
		with(`{"section_key":"blank","content":" "}`):                                     `\"blank\" has no content`,
		with(`{"section_key":"far","content":"x","order":99999999999}`):                   "order",
		with(`{"section_key":"a","content":"` + strings.Repeat("too much ", 8000) + `"}`): "65536",
	} {
		status, said := b.send(b.admin, "POST", "/tenant-setup/setup-prompt", body)
		if status < 400 || status > 422 || !strings.Contains(said, want) {
			t.Errorf("%.80s was answered %d %s; want 4xx about %q", body, status, said, want)
		}
	}
	if diff := cmp.Diff(before, b.Snapshot(t, 1042)); diff != "" {
		t.Errorf("refused set-ups changed something:\n%s", diff)
	}
}

func TestCurrent_IsNullForATenantWithoutABundleOfItsOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec(t, `insert into tenants (id, name, subdomain) values (3000, 'New', 'new')`)
	admin := b.person(t, "lead@new.test", "tenant_admin", 3000)
	want := object{"tenant_id": 3000.0, "channel": "any", "prompt": nil, "bundle_id": nil, "version": nil}
	got := b.call(t, admin, "GET", "/tenant-setup/current-prompt", "")
	delete(got, "$schema")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	composed := b.call(t, admin, "GET", "/prompts/compose", "")
	if diff := cmp.Diff([]string{"role", "truth", "care"}, keysOf(composed)); diff != "" {
		t.Errorf("what the model gets meanwhile (-want +got):\n%s", diff)
	}
}

func TestPrompts_OneTenantsWordsAreInNoOthersPrompt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const words = "Only the swim school says this."
	b.call(t, b.admin, "POST", "/tenant-setup/setup-prompt", `{"business_prompt":"`+words+`"}`)
	for _, path := range []string{"/prompts/compose?channel=sms", "/prompts/compose?channel=voice", "/prompts/compose?channel=email", "/tenant-setup/current-prompt"} {
		if _, said := b.send(b.admin, "GET", path, ""); !strings.Contains(said, words) {
			t.Errorf("%s does not say the tenant's own words: %s", path, said)
		}
		if _, said := b.send(b.dentist, "GET", path, ""); strings.Contains(said, words) || !strings.Contains(said, "dental") {
			t.Errorf("%s of the other tenant says %s", path, said)
		}
	}
}

func TestRoutes_PeopleReadAndAdminsChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	person, operator := b.person(t, "desk@exampleco.test", "user", 1042), b.person(t, "op@p.test", "admin", nil)
	id := bundlePath(b.draft(t, "sms", "x"))
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/tenant-setup/setup-prompt", runbook},
		{"POST", "/prompts/bundles", `{"name":"n","sections":[{"section_key":"k","content":"x"}]}`},
		{"PUT", id, `{"name":"n"}`}, {"POST", id + "/publish", ""}, {"POST", "/prompts/roll-back", `{}`}, {"PUT", "/tenant/profile", `{}`},
	} {
		b.refused(t, person, c.method, c.path, c.body, http.StatusForbidden, "admin of this tenant")
		b.refused(t, operator, c.method, c.path, c.body, http.StatusBadRequest, "X-Tenant-Id")
		b.refused(t, "x.y.z", c.method, c.path, c.body, http.StatusUnauthorized, "log in")
	}
	for _, path := range []string{"/tenant-setup/current-prompt", "/prompts/bundles", id, id + "/diff?with=" + strings.TrimPrefix(id, "/prompts/bundles/"), "/prompts/compose", "/tenant/profile"} {
		b.call(t, person, "GET", path, "")
	}
}

func TestRoutes_EachIsTwoRoundTripsToPostgres(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := bundlePath(b.draft(t, "any", "x"))
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/tenant-setup/setup-prompt", runbook}, {"GET", "/tenant-setup/current-prompt", ""},
		{"POST", "/prompts/bundles", `{"name":"n","sections":[{"section_key":"k","content":"x"}]}`}, {"GET", "/prompts/bundles?status=draft", ""},
		{"GET", id, ""}, {"PUT", id, `{"name":"n","sections":[{"section_key":"k","content":"x"}]}`}, {"GET", id + "/diff?with=2", ""},
		{"POST", id + "/publish", ""}, {"POST", "/prompts/roll-back", `{}`}, {"GET", "/prompts/compose", ""}, {"GET", "/prompts/composed/1", ""},
		{"GET", "/tenant/profile", ""}, {"PUT", "/tenant/profile", `{"email":"a@b.test"}`},
	} {
		b.send(b.admin, "GET", "/tenant/profile", "") // what went wrong before has its statements described again
		b.send(b.admin, c.method, c.path, c.body)
		before := b.trips.N()
		b.send(b.admin, c.method, c.path, c.body)
		if n := b.trips.N() - before; n > 2 {
			t.Errorf("%s %s: %d round trips; want the caller's row and one more", c.method, c.path, n)
		}
	}
}

func TestSections_AreAsTheDatabaseTakesThem(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, key := range []string{"a", "a_1", "_", "9", "A", "a b", "a-b", "ä", "", strings.Repeat("k", 64), strings.Repeat("k", 65), "a\n"} {
		takes := b.Query(t, `select ($1 ~ '^[a-z0-9_]{1,64}$')::text`, key)[0] == "true"
		if err := prompt.Validate([]prompt.Section{{Key: key, Content: "x"}}); (err == nil) != takes {
			t.Errorf("section_key %q: the database takes it: %v; we: %v", key, takes, err)
		}
	}
}
