package leads_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// create makes a lead and returns its path.
func (b *bench) create(t testing.TB, body string) string {
	t.Helper()
	return fmt.Sprintf("/leads/%.0f", b.want(t, http.MethodPost, "/leads", body)["id"])
}

func TestLeads_AreKeptAsSentAndNormalised(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	talk := strings.TrimPrefix(b.receive(t, customer, "hello"), "/conversations/")
	made := b.want(t, http.MethodPost, "/leads", `{"name":" Pat Doe ","email":" Pat.Doe@Exampleco.test ","phone_number":"+15555550101","notes":"calls back",
		"status":"verified","source":"sms","conversation_id":`+talk+`,"details":{"type of lessons":"Adult"}}`)
	read := b.want(t, http.MethodGet, fmt.Sprintf("/leads/%.0f", made["id"]), "")
	if diff := cmp.Diff(made, read); diff != "" {
		t.Errorf("what is read is not what was answered (-answered +read):\n%s", diff)
	}
	listed := b.want(t, http.MethodGet, "/leads", "")["items"].([]any)
	inShort := maps.Clone(made)
	delete(inShort, "notes")
	delete(inShort, "details")
	if diff := cmp.Diff([]any{inShort}, listed); diff != "" {
		t.Errorf("what is listed is not what was answered (-answered +listed):\n%s", diff)
	}
	for _, ours := range []string{"id", "created_at", "updated_at"} {
		if made[ours] == nil {
			t.Errorf("%s is missing", ours)
		}
		delete(made, ours)
	}
	want := map[string]any{
		"name": "Pat Doe", "email": "pat.doe@exampleco.test", "phone_number": "+15555550101", "notes": "calls back", "status": "verified", "source": "sms",
		"conversation_id": made["conversation_id"], "details": map[string]any{"type of lessons": "Adult"},
	}
	if diff := cmp.Diff(want, made); diff != "" || fmt.Sprint(made["conversation_id"]) != talk {
		t.Errorf("kept is not what was sent (-want +kept):\n%s", diff)
	}
}

func TestLeads_WhatIsNotSentIsNullAndHasItsDefault(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.want(t, http.MethodPost, "/leads", `{"name":"Pat"}`)
	for field, want := range map[string]any{"email": nil, "phone_number": nil, "notes": nil, "conversation_id": nil, "status": "new", "source": "manual"} {
		if got, there := made[field]; got != want || !there {
			t.Errorf("%s is %v; want %v", field, got, want)
		}
	}
	if details, ok := made["details"].(map[string]any); !ok || len(details) != 0 {
		t.Errorf("details are %v; want an empty object", made["details"])
	}
}

// unfit are fields of a lead that cannot be, and what the refusal says.
var unfit = map[string]string{
	`"phone_number":"555-0101"`:                     "E.164",
	`"phone_number":"15555550101"`:                  "E.164",
	`"email":"pat"`:                                 "name@example.com",
	`"email":"Pat <pat@exampleco.test>"`:            "name@example.com",
	`"status":"won"`:                                "status",
	`"source":"carrier pigeon"`:                     "source",
	`"tags":["vip"]`:                                "tags",
	`"id":7`:                                        "id",
	`"tenant_id":2048`:                              "tenant_id",
	`"conversation_id":0`:                           "conversation_id",
	`"conversation_id":"7"`:                         "conversation_id",
	`"conversation_id":1099511627776`:               "there is no such conversation",
	`"details":{" ":"x"}`:                           "label",
	`"details":{"x":1}`:                             "details",
	`"details":[]`:                                  "details",
	`"notes":"` + strings.Repeat("x", 10_001) + `"`: "notes",
	`"notes":"a\u0000b"`:                            "cannot be stored",
	`"details":{"a":"\u0000"}`:                      "cannot be stored",
}

func TestLeads_BadInputIsNamedAndKeepsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := b.create(t, `{"name":"Pat"}`)
	before := b.Snapshot(t, 1042)
	for field, about := range unfit {
		b.refused(t, http.MethodPost, "/leads", `{"name":"Sam",`+field+`}`, about)
		b.refused(t, http.MethodPatch, path, `{`+field+`}`, about)
	}
	for _, nobody := range []string{`{}`, `{"notes":"x","status":"new"}`, `{"name":"  ","email":" ","phone_number":""}`} {
		b.refused(t, http.MethodPost, "/leads", nobody, "a name, an e-mail address or a phone number")
	}
	if diff := cmp.Diff(before, b.Snapshot(t, 1042)); diff != "" {
		t.Errorf("refused calls changed something:\n%s", diff)
	}
	if strings.Contains(b.log.String(), "555-0101") || strings.Contains(b.log.String(), "5555550101") || strings.Contains(b.log.String(), "pat@") {
		t.Errorf("the log holds what was sent: %s", b.log)
	}
}

func TestLeads_FieldsThatAreNotSentStayAndNullClears(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	talk := strings.TrimPrefix(b.receive(t, customer, "hello"), "/conversations/")
	path := b.create(t, `{"name":"Pat","email":"pat@exampleco.test","phone_number":"+15555550101","notes":"n","conversation_id":`+talk+`,"details":{"a":"b"}}`)
	for _, step := range []struct {
		send  string
		field string
		want  any
	}{
		{`{}`, "name", "Pat"},
		{`{"status":"dismissed"}`, "status", "dismissed"},
		{`{"source":"voice"}`, "source", "voice"},
		{`{"email":"Sam@Exampleco.test"}`, "email", "sam@exampleco.test"},
		{`{"phone_number":"+15555550102"}`, "phone_number", "+15555550102"},
		{`{"notes":"other"}`, "notes", "other"},
		{`{"details":{"c":"d"}}`, "details", map[string]any{"c": "d"}},
		{`{"name":null}`, "name", nil},
		{`{"notes":null}`, "notes", nil},
		{`{"conversation_id":null}`, "conversation_id", nil},
		{`{"details":null}`, "details", map[string]any{}},
		{`{"email":null}`, "email", nil},
	} {
		before := b.want(t, http.MethodGet, path, "")
		after := b.want(t, http.MethodPatch, path, step.send)
		before[step.field], before["updated_at"] = step.want, after["updated_at"]
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", step.send, diff)
		}
	}
	before := b.want(t, http.MethodGet, path, "")
	b.refused(t, http.MethodPatch, path, `{"phone_number":null}`, "a name, an e-mail address or a phone number")
	if diff := cmp.Diff(before, b.want(t, http.MethodGet, path, "")); diff != "" {
		t.Errorf("a refused change changed something:\n%s", diff)
	}
}

func TestLeads_AnotherTenantsLeadIsAsAMissingOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	theirs := b.create(t, `{"name":"Pat","phone_number":"+15555550101"}`)
	before := b.Snapshot(t, 1042)
	for method, body := range map[string]string{http.MethodGet: "", http.MethodPatch: `{"name":"Stolen"}`, http.MethodDelete: ""} {
		status, got := b.call(method, theirs, b.dentist, body)
		missing, want := b.call(method, "/leads/1099511627776", b.dentist, body)
		if diff := cmp.Diff(want, got); status != http.StatusNotFound || status != missing || diff != "" {
			t.Errorf("%s: another tenant's is answered %d and a missing one %d (-missing +theirs):\n%s", method, status, missing, diff)
		}
	}
	if _, list := b.call(http.MethodGet, "/leads", b.dentist, ""); len(list["items"].([]any)) != 0 {
		t.Errorf("another tenant lists %v", list)
	}
	if diff := cmp.Diff(before, b.Snapshot(t, 1042)); diff != "" {
		t.Errorf("tenant 1042's rows changed:\n%s", diff)
	}
}

func TestLeads_AnotherTenantsConversationIsAsAMissingOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	theirs := strings.TrimPrefix(b.receive(t, customer, "hello"), "/conversations/")
	_, own := b.call(http.MethodPost, "/leads", b.dentist, `{"name":"Own"}`)
	for method, path := range map[string]string{http.MethodPost: "/leads", http.MethodPatch: fmt.Sprintf("/leads/%.0f", own["id"])} {
		status, got := b.call(method, path, b.dentist, `{"name":"Sam","conversation_id":`+theirs+`}`)
		missing, want := b.call(method, path, b.dentist, `{"name":"Sam","conversation_id":1099511627776}`)
		if diff := cmp.Diff(want, got); status != http.StatusBadRequest || status != missing || diff != "" {
			t.Errorf("%s: another tenant's is answered %d and a missing one %d (-missing +theirs):\n%s", method, status, missing, diff)
		}
	}
	if names := b.Query(t, `select name from leads`); !slices.Equal(names, []string{"Own"}) {
		t.Errorf("the leads are %q", names)
	}
}

func TestLeads_AreFilteredBeforeTheyArePaged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 12 {
		status, source := "new", "manual"
		if i%4 == 0 {
			status = "verified"
		}
		if i%3 == 0 {
			source = "voice"
		}
		b.create(t, fmt.Sprintf(`{"name":"Lead %c","email":"lead%d@exampleco.test","phone_number":"+155555501%02d","status":%q,"source":%q}`, 'A'+i, i%2, i%3, status, source))
	}
	b.Exec(t, `update leads set created_at = '2026-01-01T12:00:00Z' where name < 'Lead G'`) // all at one moment
	b.Exec(t, `insert into leads (tenant_id, name, status, source, phone_number, email) select 2048, 'Lead A', 'verified', 'voice', '+15555550100', 'lead0@exampleco.test'`)
	for query, want := range map[string]string{
		"":                              "L K J I H G F E D C B A",
		"&status=verified":              "I E A",
		"&source=voice":                 "J G D A",
		"&email=LEAD1@exampleco.test":   "L J H F D B",
		"&phone_number=%2B15555550102":  "L I F C",
		"&phone_number=+15555550102":    "L I F C",
		"&q=lead%20b":                   "B",
		"&q=LEAD":                       "L K J I H G F E D C B A",
		"&q=ead":                        "",
		"&q=lead_":                      "",
		"&q=%25":                        "",
		"&status=verified&source=voice": "A",
		"&status=dismissed":             "",
	} {
		var got []string
		pages := b.pages(t, "/leads?limit=2"+query, "name")
		for i, page := range pages {
			if len(page) > 2 || len(page) == 0 && len(pages) > 1 || len(page) < 2 && i < len(pages)-1 {
				t.Errorf("%q has the pages %v", query, pages)
			}
			for _, name := range page {
				got = append(got, strings.TrimPrefix(name.(string), "Lead "))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q lists %q; want %q", query, got, want)
		}
	}
	for query, about := range map[string]string{
		"?status=won": "status", "?limit=0": "limit", "?limit=101": "limit", "?cursor=x": "cursor", "?cursor=bnVsbDE": "cursor", "?phone_number=12": "E.164", "?skip=1": "skip", "?q=%00": "cannot be stored", "?q=%ff": "cannot be stored",
	} {
		b.refused(t, http.MethodGet, "/leads"+query, "", about)
	}
}

func TestLeads_ADeletedOneIsGone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := b.create(t, `{"name":"Pat"}`)
	if status, _ := b.call(http.MethodDelete, path, b.swimmer, ""); status != http.StatusNoContent {
		t.Fatalf("answered %d; want 204", status)
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		if status, _ := b.call(method, path, b.swimmer, ""); status != http.StatusNotFound {
			t.Errorf("%s afterwards was answered %d; want 404", method, status)
		}
	}
	if n := b.count(t, "leads"); n != "0" {
		t.Errorf("%s leads are left", n)
	}
}

func TestLeads_ChangesArePutDownToThePersonWithoutTheirContents(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := b.create(t, `{"name":"Pat","phone_number":"+15555550101"}`)
	b.want(t, http.MethodPatch, path, `{"name":"Sam"}`)
	b.want(t, http.MethodPatch, path, `{"name":"Sam"}`) // nothing new
	b.call(http.MethodDelete, path, b.swimmer, "")
	if diff := cmp.Diff([]string{"leads.delete", "leads.update", "leads.insert"}, b.audited(t)); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
	entries, err := b.SwimSchool.Audit(t.Context(), 0, 2)
	if err != nil || !slices.Equal(entries[1].Fields, []string{"name"}) || "/leads/"+entries[1].Object != path {
		t.Errorf("the change is logged as %+v, %v; want the field name of %s", entries, err, path)
	}
	if log := strings.Join(b.Query(t, `select to_jsonb(a)::text from audit_log a`), "\n"); strings.Contains(log, "Sam") || strings.Contains(log, "+15555550101") {
		t.Errorf("the audit log holds what was written: %s", log)
	}
}

func TestLeads_AreForPeopleOfTheTenantAndForGlobalAdminsInIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, global := b.person(t, "op@p.test", "admin", nil)
	_, admin := b.person(t, "lead@exampleco.test", "tenant_admin", 1042)
	for _, c := range []struct {
		name, token, tenant string
		want                int
	}{
		{"nobody", "", "", 401},
		{"somebody of the tenant", b.swimmer, "", 200},
		{"an admin of the tenant", admin, "1042", 200},
		{"somebody naming another tenant", b.swimmer, "2048", 403},
		{"a global admin in a tenant", global, "1042", 200},
		{"a global admin in none", global, "", 400},
	} {
		if status, body := b.call(http.MethodPost, "/leads", c.token, `{"name":"Pat"}`, "X-Tenant-Id", c.tenant); status != c.want {
			t.Errorf("%s: %d %v; want %d", c.name, status, body, c.want)
		}
	}
	if got := b.Query(t, `select distinct tenant_id::text from leads`); !slices.Equal(got, []string{"1042"}) {
		t.Errorf("the leads are of %q", got)
	}
}
