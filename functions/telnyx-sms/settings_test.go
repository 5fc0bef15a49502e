package telnyxsms_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// person makes a user and returns their bearer token.
func (b *bench) person(t *testing.T, email, role string, tenant any) string {
	t.Helper()
	id, err := strconv.ParseInt(b.Query(t, `insert into users (email, password_hash, role, tenant_id) values ($1, 'x', $2, $3) returning id::text`, email, role, tenant)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := b.tokens.Issue(id, private.NewSecret("x"))
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

// settings calls /sms/settings and returns the status and the body.
func (b *bench) settings(method, token, tenant, body string) (int, map[string]any) {
	r := httptest.NewRequest(method, "/api/v1/sms/settings", bytes.NewReader([]byte(body)))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if tenant != "" {
		r.Header.Set("X-Tenant-Id", tenant)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	var answer map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	return w.Code, answer
}

func TestSettings_FieldsThatAreNotSentStay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	admin := b.person(t, "lead@exampleco.test", "tenant_admin", 1042)
	_, before := b.settings(http.MethodGet, admin, "", "")
	status, after := b.settings(http.MethodPut, admin, "", `{"timezone":"America/Denver"}`)
	if status != http.StatusOK {
		t.Fatalf("answered %d: %v", status, after)
	}
	before["timezone"] = "America/Denver"
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("one field was sent and others changed (-before +after):\n%s", diff)
	}
	_, read := b.settings(http.MethodGet, admin, "", "")
	if diff := cmp.Diff(after, read); diff != "" {
		t.Errorf("what is read is not what was saved (-saved +read):\n%s", diff)
	}
}

func TestSettings_EveryFieldIsSaved(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	admin := b.person(t, "lead@exampleco.test", "tenant_admin", 1042)
	const all = `{"is_enabled":false,"auto_reply_enabled":true,"auto_reply_message":"Closed.","business_hours_enabled":true,"timezone":"America/New_York",
		"business_hours":{"monday":{"start":"09:00","end":"17:30"}},"reply_wait_seconds":1.5,"answered_by_assistant":true}`
	var want map[string]any
	if err := json.Unmarshal([]byte(all), &want); err != nil {
		t.Fatal(err)
	}
	want["phone_number"] = "+15555550142"
	if status, got := b.settings(http.MethodPut, admin, "", all); status != http.StatusOK || !cmp.Equal(want, got) {
		t.Errorf("answered %d (-sent +saved):\n%s", status, cmp.Diff(want, got))
	}
}

func TestSettings_EnablingWithoutANumberSaysWhatToDo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec(t, `insert into tenants (id, name, subdomain) values (3000, 'New', 'new')`)
	admin := b.person(t, "lead@new.test", "tenant_admin", 3000)
	status, problem := b.settings(http.MethodPut, admin, "", `{"is_enabled":true}`)
	if detail, _ := problem["detail"].(string); status != http.StatusBadRequest || !strings.Contains(detail, "no phone number is assigned") {
		t.Errorf("answered %d %v; want 400 that says to have a number assigned", status, problem)
	}
	if status, _ := b.settings(http.MethodPut, admin, "", `{"timezone":"America/Denver"}`); status != http.StatusOK {
		t.Errorf("a change without a number was answered %d", status)
	}
}

func TestSettings_BadInputIsNamedAndChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	admin := b.person(t, "lead@exampleco.test", "tenant_admin", 1042)
	_, before := b.settings(http.MethodGet, admin, "", "")
	for body, want := range map[string]string{
		`{"timezone":"Mars/Olympus"}`:                                   "IANA",
		`{"business_hours":{"monday":{"start":"9","end":"17:00"}}}`:     "HH:MM",
		`{"business_hours":{"montag":{"start":"09:00","end":"17:00"}}}`: "monday",
		`{"reply_wait_seconds":61}`:                                     "reply_wait_seconds",
		`{"phone_number":"+15555550199"}`:                               "operator",
		`{"phone":"+15555550142"}`:                                      "phone",
		`{"is_enabled":"yes"}`:                                          "is_enabled",
		`{"auto_reply_message":"` + strings.Repeat("x", 641) + `"}`:     "auto_reply_message",
		`{`: "",
	} {
		status, problem := b.settings(http.MethodPut, admin, "", body)
		said, _ := json.Marshal(problem)
		if status < 400 || status > 422 || !strings.Contains(string(said), want) {
			t.Errorf("%.60s was answered %d %s; want 4xx about %q", body, status, said, want)
		}
	}
	if _, after := b.settings(http.MethodGet, admin, "", ""); !cmp.Equal(before, after) {
		t.Errorf("refused changes changed something:\n%s", cmp.Diff(before, after))
	}
}

func TestSettings_AreTheTenantsOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	global, admin, person := b.person(t, "op@p.test", "admin", nil), b.person(t, "lead@exampleco.test", "tenant_admin", 1042), b.person(t, "desk@exampleco.test", "user", 1042)
	for _, c := range []struct {
		name, method, token, tenant string
		want                        int
	}{
		{"nobody", "GET", "", "", 401},
		{"a forged token", "GET", "x.y.z", "", 401},
		{"the tenant's admin", "PUT", admin, "", 200},
		{"the tenant's admin naming their tenant", "PUT", admin, "1042", 200},
		{"the tenant's admin naming another", "PUT", admin, "2048", 403},
		{"somebody of the tenant, reading", "GET", person, "", 200},
		{"somebody of the tenant, changing", "PUT", person, "", 403},
		{"a global admin for a tenant", "PUT", global, "2048", 200},
		{"a global admin without a tenant", "GET", global, "", 400},
		{"a global admin for no tenant of ours", "GET", global, "777", 403},
	} {
		if status, body := b.settings(c.method, c.token, c.tenant, `{}`); status != c.want {
			t.Errorf("%s: %d %v; want %d", c.name, status, body, c.want)
		}
	}
}
