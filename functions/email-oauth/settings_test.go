package emailoauth_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	_ "github.com/chattercheatah/chattercheatah/functions/email-oauth"
	"github.com/chattercheatah/chattercheatah/shared/boot"
)

// all are the settings that can be changed, none as it is by default.
const all = `{"business_hours_enabled":true,"auto_reply_outside_hours":false,"auto_reply_message":"Closed.\nUntil Monday.",
	"response_signature":"The team","max_thread_depth":3,"answer_mode":"draft","lead_capture_subject_prefixes":["New form"],"escalation_keywords":["refund","Anwalt"]}`

func TestSettings_OfATenantThatHasNoneAreTheDefaults(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	want := map[string]any{
		"is_enabled": false, "gmail_email": nil, "is_connected": false, "needs_reconnect": false, "watch_active": false, "last_read_at": nil,
		"business_hours_enabled": false, "auto_reply_outside_hours": true, "auto_reply_message": "", "response_signature": "", "max_thread_depth": 10.0, "answer_mode": "reply",
		"lead_capture_subject_prefixes": []any{"Email Capture from Booking Page", "Get In Touch Form Submission"}, "escalation_keywords": []any{"urgent", "complaint", "lawyer", "legal"},
	}
	status, got := b.call(http.MethodGet, "/email/settings", b.person(t, "desk@exampleco.test", "user", 1042), "")
	if delete(got, "$schema"); status != http.StatusOK || !cmp.Equal(want, got) {
		t.Errorf("answered %d (-want +got):\n%s", status, cmp.Diff(want, got))
	}
}

func TestSettings_EveryFieldIsSavedAndTheOthersStay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.connected(t, b.swimmer, swimBox)
	_, want := b.call(http.MethodGet, "/email/settings", b.swimmer, "")
	var changes map[string]any
	if err := json.Unmarshal([]byte(all), &changes); err != nil {
		t.Fatal(err)
	}
	changes["is_enabled"] = false
	for field, value := range changes {
		want[field] = value
		body, _ := json.Marshal(map[string]any{field: value})
		status, got := b.call(http.MethodPut, "/email/settings", b.swimmer, string(body))
		if status != http.StatusOK || !cmp.Equal(want, got) {
			t.Fatalf("%s was answered %d (-want +got):\n%s", body, status, cmp.Diff(want, got))
		}
	}
	nulls := maps.Clone(changes)
	for field := range nulls {
		nulls[field] = nil
	}
	for _, nothing := range []map[string]any{nulls, {}} {
		body, _ := json.Marshal(nothing)
		if status, got := b.call(http.MethodPut, "/email/settings", b.swimmer, string(body)); status != http.StatusOK || !cmp.Equal(want, got) {
			t.Errorf("%s was answered %d (-want +got):\n%s", body, status, cmp.Diff(want, got))
		}
	}
	if _, got := b.call(http.MethodGet, "/email/settings", b.swimmer, ""); !cmp.Equal(want, got) {
		t.Errorf("read (-want +got):\n%s", cmp.Diff(want, got))
	}
}

func TestSettings_ListsAndTextsAreCleaned(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	status, got := b.call(http.MethodPut, "/email/settings", b.swimmer, `{"lead_capture_subject_prefixes":[" New form\t"],"escalation_keywords":[],"response_signature":" The team\r\nof the pool \n"}`)
	if status != http.StatusOK || !cmp.Equal(got["lead_capture_subject_prefixes"], []any{"New form"}) || !cmp.Equal(got["escalation_keywords"], []any{}) || got["response_signature"] != "The team\nof the pool" {
		t.Errorf("answered %d %v", status, got)
	}
}

func TestSettings_EnablingWithoutAMailboxSaysWhatToDo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	status, problem := b.call(http.MethodPut, "/email/settings", b.swimmer, `{"is_enabled":true,"max_thread_depth":3}`)
	if detail, _ := problem["detail"].(string); status != http.StatusBadRequest || !strings.Contains(detail, "POST /email/oauth/start") {
		t.Errorf("answered %d %v; want 400 that says to connect a mailbox", status, problem)
	}
	if _, got := b.call(http.MethodGet, "/email/settings", b.swimmer, ""); got["max_thread_depth"] != 10.0 {
		t.Errorf("a part of it was saved: %v", got)
	}
}

func TestSettings_MailOfBeforeItIsTurnedOnIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.answering(t, 7)
	for _, body := range []string{`{"is_enabled":true}`, `{"is_enabled":false}`} {
		b.call(http.MethodPut, "/email/settings", b.swimmer, body)
		if m := mailbox(t, b.SwimSchool); m.EnabledAt.After(before.EnabledAt) {
			t.Errorf("after %s mail counts since %v", body, m.EnabledAt)
		}
	}
	b.call(http.MethodPut, "/email/settings", b.swimmer, `{"is_enabled":true}`)
	if m := mailbox(t, b.SwimSchool); !m.EnabledAt.After(before.EnabledAt) {
		t.Errorf("turned on again, mail counts since %v", m.EnabledAt)
	}
}

func TestSettings_BadInputIsNamedAndChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.call(http.MethodPut, "/email/settings", b.swimmer, all)
	_, before := b.call(http.MethodGet, "/email/settings", b.swimmer, "")
	many := func(n int) string { return `["` + strings.Repeat(`x","`, n-1) + `x"]` }
	for body, want := range map[string]string{
		`{"is_enabled":"yes"}`:                                                        "is_enabled",
		`{"business_hours_enabled":1}`:                                                "business_hours_enabled",
		`{"auto_reply_message":"` + strings.Repeat("x", 4001) + `"}`:                  "auto_reply_message",
		`{"auto_reply_message":"a\u0000b"}`:                                           "auto_reply_message",
		`{"response_signature":"` + strings.Repeat("x", 1001) + `"}`:                  "response_signature",
		`{"response_signature":"a\u0007b"}`:                                           "response_signature",
		`{"response_signature":"a\rBcc: x"}`:                                          "response_signature",
		`{"max_thread_depth":0}`:                                                      "max_thread_depth",
		`{"max_thread_depth":41}`:                                                     "max_thread_depth",
		`{"max_thread_depth":1.5}`:                                                    "max_thread_depth",
		`{"answer_mode":"shout"}`:                                                     "answer_mode",
		`{"lead_capture_subject_prefixes":["a"," "]}`:                                 "lead_capture_subject_prefixes[1]",
		`{"lead_capture_subject_prefixes":["` + strings.Repeat("x", 201) + `"]}`:      "lead_capture_subject_prefixes[0]",
		`{"lead_capture_subject_prefixes":["a\nb"]}`:                                  "lead_capture_subject_prefixes[0]",
		`{"lead_capture_subject_prefixes":` + many(51) + `}`:                          "lead_capture_subject_prefixes",
		`{"lead_capture_subject_prefixes":"a"}`:                                       "lead_capture_subject_prefixes",
		`{"lead_capture_subject_prefixes":[null]}`:                                    "lead_capture_subject_prefixes",
		`{"escalation_keywords":[""]}`:                                                "escalation_keywords[0]",
		`{"escalation_keywords":` + many(101) + `}`:                                   "escalation_keywords",
		`{"escalation_keywords":[7]}`:                                                 "escalation_keywords",
		`{"gmail_email":"x@exampleco.test"}`:                                          "gmail_email",
		`{"escalation_rules":{}}`:                                                     "escalation_rules",
		`{"max_thread_depth":5,"escalation_keywords":["a",""],"answer_mode":"reply"}`: "escalation_keywords[1]",
		`{`: "",
	} {
		status, problem := b.call(http.MethodPut, "/email/settings", b.swimmer, body)
		said, _ := json.Marshal(problem)
		if status < 400 || status > 422 || !strings.Contains(string(said), want) {
			t.Errorf("%.60s was answered %d %s; want 4xx about %q", body, status, said, want)
		}
	}
	if _, after := b.call(http.MethodGet, "/email/settings", b.swimmer, ""); !cmp.Equal(before, after) {
		t.Errorf("refused changes changed something:\n%s", cmp.Diff(before, after))
	}
	if status, answer := b.call(http.MethodPut, "/email/settings", b.swimmer, `{"lead_capture_subject_prefixes":`+many(50)+`,"escalation_keywords":`+many(100)+`}`); status != http.StatusOK {
		t.Errorf("lists of the greatest length were answered %d %v", status, answer)
	}
}

func TestSettings_AreTheTenantsOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	global, person := b.person(t, "op@p.test", "admin", nil), b.person(t, "desk@exampleco.test", "user", 1042)
	for _, c := range []struct {
		name, method, token, tenant string
		want                        int
	}{
		{"nobody", "GET", "", "", 401},
		{"the tenant's admin", "PUT", b.swimmer, "", 200},
		{"the tenant's admin naming another", "PUT", b.swimmer, "2048", 403},
		{"somebody of the tenant, reading", "GET", person, "", 200},
		{"somebody of the tenant, changing", "PUT", person, "", 403},
		{"a global admin for a tenant", "PUT", global, "2048", 200},
		{"a global admin without a tenant", "GET", global, "", 400},
	} {
		body := map[string]string{"PUT": `{}`}[c.method]
		if status, answer := b.call(c.method, "/email/settings", c.token, body, "X-Tenant-Id", c.tenant); status != c.want {
			t.Errorf("%s: %d %v; want %d", c.name, status, answer, c.want)
		}
	}
}

func TestOpen_NamesWhatIsMissingWhereMailboxesCanBeConnected(t *testing.T) {
	t.Parallel()
	good := boot.Environment{
		"DATABASE_URL": "postgres://user@localhost/app", "JWT_SECRET_KEY": strings.Repeat("k", 32), "API_BASE_URL": "https://fn.example.test", "GOOGLE_CLOUD_PROJECT": "p",
		"FIELD_ENCRYPTION_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "GOOGLE_OAUTH_CLIENT_ID": "c", "GOOGLE_OAUTH_CLIENT_SECRET": "s", "GMAIL_TOPIC": "projects/p/topics/gmail",
	}
	for changed, want := range map[string]string{
		"": "", "GMAIL_TOPIC=": "GMAIL_TOPIC", "GMAIL_TOPIC=gmail": "GMAIL_TOPIC", "GMAIL_TOPIC=projects/p/topics/x/y": "GMAIL_TOPIC", "FIELD_ENCRYPTION_KEY=": "FIELD_ENCRYPTION_KEY",
		"GOOGLE_OAUTH_CLIENT_SECRET=": "GOOGLE_OAUTH_CLIENT_SECRET", "API_BASE_URL=http://fn.example.test": "API_BASE_URL",
	} {
		env := maps.Clone(good)
		if name, value, ok := strings.Cut(changed, "="); ok {
			env[name] = value
		}
		if err := open(env); (want == "") != (err == nil) || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("with %q: %v; want %q alone", changed, err, want)
		}
	}
	without := maps.Clone(good)
	for _, name := range []string{"GOOGLE_OAUTH_CLIENT_ID", "GOOGLE_OAUTH_CLIENT_SECRET", "GMAIL_TOPIC", "FIELD_ENCRYPTION_KEY"} {
		delete(without, name)
	}
	if err := open(without); err != nil {
		t.Errorf("without an OAuth client: %v", err)
	}
}

func open(env boot.Environment) error {
	_, err := boot.Functions()[0].Open(env)
	return err
}
