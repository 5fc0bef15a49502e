package admintenants_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	admintenants "github.com/chattercheatah/chattercheatah/functions/admin-tenants"
	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

// bench is the function as the role that it logs in as, with an operator to call it.
type bench struct {
	*storetest.DB
	handler  http.Handler
	guard    *auth.Guard
	tokens   *auth.Tokens
	operator string // a global admin's token
	log      bytes.Buffer
	answers  bytes.Buffer // every byte that was answered
}

const operatorEmail = "op@platform.test"

func newBench(t *testing.T) *bench {
	t.Helper()
	db := storetest.New(t)
	b := &bench{DB: db, tokens: auth.NewTokens(auth.TokenConfig{Keys: private.NewSecret(strings.Repeat("k", 32))}, time.Now)}
	b.serve(db.Admin)
	b.operator = b.person(t, operatorEmail, "admin", nil)
	return b
}

func (b *bench) serve(s *store.Store) {
	b.guard = auth.NewGuard(s, b.tokens)
	b.handler = admintenants.New(admintenants.Deps{Log: slog.New(slog.NewJSONHandler(&b.log, nil)), Guard: b.guard})
}

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

// as calls the function with somebody's token.
func (b *bench) as(token, method, path, body string) (int, map[string]any) {
	r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", "203.0.113.9, 198.51.100.7, 192.0.2.1")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	b.answers.Write(w.Body.Bytes())
	var answer map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	return w.Code, answer
}

// call is a call of the operator's.
func (b *bench) call(method, path, body string) (int, map[string]any) {
	return b.as(b.operator, method, path, body)
}

// must is a call of the operator's that is answered 200.
func (b *bench) must(t *testing.T, method, path, body string) map[string]any {
	t.Helper()
	status, answer := b.call(method, path, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s was answered %d %v", method, path, status, answer)
	}
	return answer
}

// refused wants a call of the operator's to be answered with a status and a problem that says something.
func (b *bench) refused(t *testing.T, method, path, body string, want int, saying string) {
	t.Helper()
	status, problem := b.call(method, path, body)
	said, _ := json.Marshal(problem)
	if status != want || !strings.Contains(string(said), saying) {
		t.Errorf("%s %s %s was answered %d %s; want %d with %q", method, path, body, status, said, want, saying)
	}
}

// decoded reads JSON as an answer is read, so that the two can be compared.
func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// items are a list's.
func items(answer map[string]any) []map[string]any {
	var all []map[string]any
	list, _ := answer["items"].([]any)
	for _, i := range list {
		all = append(all, i.(map[string]any))
	}
	return all
}

// routes are all of the function's, with a valid body each.
var routes = []struct{ method, path, body string }{
	{"POST", "/admin/tenants", `{"name":"Example Customer","subdomain":"examplecustomer"}`},
	{"GET", "/admin/tenants", ""},
	{"GET", "/admin/tenants/1042", ""},
	{"PATCH", "/admin/tenants/1042", `{}`},
	{"PUT", "/admin/tenants/1042", `{}`},
	{"GET", "/admin/tenants/1042/sms-config", ""},
	{"PUT", "/admin/tenants/1042/sms-config", `{}`},
	{"GET", "/admin/tenants/1042/voice-config", ""},
	{"PUT", "/admin/tenants/1042/voice-config", `{}`},
	{"GET", "/admin/tenants/1042/customer-service-config", ""},
	{"PUT", "/admin/tenants/1042/customer-service-config", `{}`},
	{"GET", "/admin/tenants/1042/calendar-config", ""},
	{"PUT", "/admin/tenants/1042/calendar-config", `{}`},
	{"GET", "/admin/tenants/1042/onboarding", ""},
	{"GET", "/admin/audit-log", ""},
}

func TestAccess_EveryRouteIsTheGlobalAdminsAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if n := len(admintenants.Routes(admintenants.Deps{})); n != len(routes) {
		t.Fatalf("%d routes are tried of %d", len(routes), n)
	}
	closed := b.person(t, "gone@platform.test", "admin", nil)
	b.Exec(t, `update users set is_active = false where email = 'gone@platform.test'`)
	people := []struct {
		name, token string
		want        int
	}{
		{"nobody", "", http.StatusUnauthorized},
		{"a forged token", "x.y.z", http.StatusUnauthorized},
		{"a global admin whose account is closed", closed, http.StatusUnauthorized},
		{"an admin of the tenant", b.person(t, "lead@exampleco.test", "tenant_admin", 1042), http.StatusForbidden},
		{"an admin of another tenant", b.person(t, "lead@sampledental.test", "tenant_admin", 2048), http.StatusForbidden},
		{"somebody of the tenant", b.person(t, "desk@exampleco.test", "user", 1042), http.StatusForbidden},
		{"a global admin", b.operator, http.StatusOK},
	}
	for _, who := range people {
		for _, r := range routes {
			if status, answer := b.as(who.token, r.method, r.path, r.body); status != who.want {
				t.Errorf("%s, %s %s: %d %v; want %d", who.name, r.method, r.path, status, answer, who.want)
			}
		}
	}
}

func TestAccess_ATenantThatIsNotThereIsNotFoundAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, r := range routes {
		if path, ok := strings.CutPrefix(r.path, "/admin/tenants/1042"); ok {
			b.refused(t, r.method, "/admin/tenants/777"+path, r.body, http.StatusNotFound, "not_found")
			if status, _ := b.call(r.method, "/admin/tenants/exampleco"+path, r.body); status < 400 || status > 422 {
				t.Errorf("%s %s of a tenant that is not named by its id was answered %d", r.method, path, status)
			}
		}
	}
	if rows := b.Snapshot(t, 777); len(rows) > 0 {
		t.Errorf("a tenant that is not there has %v", rows)
	}
}

func TestRoutes_EachTakesTwoRoundTripsToTheDatabase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s, trips := b.CountedAdmin(t)
	b.serve(s)
	for i, r := range routes {
		describe, count := r.body, r.body
		if r.method == http.MethodPost {
			describe, count = fmt.Sprintf(`{"name":"N","subdomain":"first%d"}`, i), fmt.Sprintf(`{"name":"N","subdomain":"second%d"}`, i)
		}
		b.must(t, r.method, r.path, describe)
		before := trips.N()
		b.must(t, r.method, r.path, count)
		if n := trips.N() - before; n != 2 {
			t.Errorf("%s %s took %d round trips; want one for the caller and one for the work", r.method, r.path, n)
		}
	}
}
