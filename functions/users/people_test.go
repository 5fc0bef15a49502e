package users_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// member makes somebody of a tenant as its global admin and returns their id and token.
func (b *bench) member(t *testing.T, tenant, address, role string) (id float64, token string) {
	t.Helper()
	body := fmt.Sprintf(`{"email":%q,"password":%q,"role":%q}`, address, password, role)
	status, made := b.callIn(tenant, http.MethodPost, "/users", b.admin(t), body)
	if status != http.StatusOK {
		t.Fatalf("POST /users was answered %d %v; the log: %s", status, made, &b.log)
	}
	status, answer := b.logIn(address, password)
	if status != http.StatusOK {
		t.Fatalf("%s cannot log in: %d %v", address, status, answer)
	}
	return made["id"].(float64), answer["access_token"].(string)
}

// admin is a global admin's token.
func (b *bench) admin(t *testing.T) string {
	t.Helper()
	if b.global == "" {
		status, answer := b.logIn(email, password)
		if status != http.StatusOK {
			t.Fatalf("the global admin cannot log in: %d %v", status, answer)
		}
		b.global = answer["access_token"].(string)
	}
	return b.global
}

func TestUsers_ATenantsAdminIsMadeByTheRunbookAndMakesOthers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	status, made := b.callIn("1042", http.MethodPost, "/users", b.admin(t), `{"email":" Admin@ExampleCo.test ","password":"<redacted>","role":"tenant_admin"}`)
	if status != http.StatusOK || made["email"] != "Admin@ExampleCo.test" || made["role"] != "tenant_admin" || made["tenant_id"] != 1042.0 || made["is_active"] != true || made["created_at"] == nil || len(made) != 6 {
		t.Fatalf("answered %d %v", status, made)
	}
	_, login := b.logIn("admin@exampleco.test", "<redacted>")
	token, _ := login["access_token"].(string)
	status, other := b.call(http.MethodPost, "/users", token, `{"email":"desk@exampleco.test","password":"a good password"}`)
	if status != http.StatusOK || other["role"] != "user" || other["tenant_id"] != 1042.0 {
		t.Errorf("without a role answered %d %v; want a user", status, other)
	}
	if status, read := b.call(http.MethodGet, fmt.Sprintf("/users/%.0f", other["id"]), token, ""); status != http.StatusOK || !cmp.Equal(other, read) {
		t.Errorf("read is %d %v; want what was answered, %v", status, read, other)
	}
	for _, hash := range b.Query(t, `select password_hash from users`) {
		if strings.Contains(b.log.String(), hash) || !strings.HasPrefix(hash, "$argon2id$") {
			t.Errorf("a hash is in the log or is none: %s", &b.log)
		}
	}
}

func TestUsers_NobodyGrantsMoreThanTheyHold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	lead, leadToken := b.member(t, "1042", "lead@exampleco.test", "tenant_admin")
	desk, deskToken := b.member(t, "1042", "desk@exampleco.test", "user")
	before := b.Query(t, `select to_jsonb(u)::text from users u order by id`)
	for _, c := range []struct {
		name, token, tenant, method, path, body string
		want                                    int
	}{
		{"an admin making a global admin", leadToken, "", "POST", "/users", `{"email":"a@p.test","password":"a good password","role":"admin"}`, 403},
		{"a global admin making one in a tenant", b.admin(t), "1042", "POST", "/users", `{"email":"a@p.test","password":"a good password","role":"admin"}`, 403},
		{"an admin raising somebody", leadToken, "", "PATCH", fmt.Sprintf("/users/%.0f", desk), `{"role":"admin"}`, 403},
		{"a role that there is not", leadToken, "", "PATCH", fmt.Sprintf("/users/%.0f", desk), `{"role":"owner"}`, 400},
		{"a user making another", deskToken, "", "POST", "/users", `{"email":"a@p.test","password":"a good password"}`, 403},
		{"a user raising themselves", deskToken, "", "PATCH", fmt.Sprintf("/users/%.0f", desk), `{"role":"tenant_admin"}`, 403},
		{"an admin lowering themselves", leadToken, "", "PATCH", fmt.Sprintf("/users/%.0f", lead), `{"role":"user"}`, 409},
		{"an admin closing their own account", leadToken, "", "PATCH", fmt.Sprintf("/users/%.0f", lead), `{"is_active":false}`, 409},
		{"an admin resetting their own password", leadToken, "", "PATCH", fmt.Sprintf("/users/%.0f", lead), `{"password":"stolen token"}`, 409},
		{"a user reading the audit log", deskToken, "", "GET", "/audit-log", "", 403},
		{"a global admin in no tenant", b.admin(t), "", "POST", "/users", `{"email":"a@p.test","password":"a good password"}`, 400},
		{"a global admin in a tenant that there is not", b.admin(t), "777", "POST", "/users", `{"email":"a@p.test","password":"a good password"}`, 403},
		{"an admin naming another tenant", leadToken, "2048", "POST", "/users", `{"email":"a@p.test","password":"a good password"}`, 403},
		{"nobody", "", "", "GET", "/users", "", 401},
	} {
		if status, answer := b.callIn(c.tenant, c.method, c.path, c.token, c.body); status != c.want {
			t.Errorf("%s: %d %v; want %d", c.name, status, answer, c.want)
		}
	}
	if diff := cmp.Diff(before, b.Query(t, `select to_jsonb(u)::text from users u order by id`)); diff != "" {
		t.Errorf("refused calls changed people:\n%s", diff)
	}
}

func TestUsers_BadInputIsNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for body, about := range map[string]string{
		`{"email":"a@p.test"}`: "password", `{"password":"a good password"}`: "email", `{"email":"a","password":"a good password"}`: "name@example.com",
		`{"email":"a@p.test","password":"seven77"}`: "password", `{"email":"a@p.test","password":"a good password","tenant_id":2048}`: "tenant_id",
		`{"email":"a@p.test","password":"a good password","role":"boss"}`: "role", `{"email":"A <a@p.test>","password":"a good password"}`: "name@example.com",
	} {
		status, answer := b.callIn("1042", http.MethodPost, "/users", b.admin(t), body)
		if said, _ := json.Marshal(answer); status < 400 || status > 422 || !strings.Contains(string(said), about) {
			t.Errorf("%s was answered %d %s; want 4xx about %q", body, status, said, about)
		}
	}
	if got := b.Query(t, `select email from users`); !slices.Equal(got, []string{email}) {
		t.Errorf("there are %q", got)
	}
}

func TestUsers_AnAddressIsOnePersonsInWhateverCaseAndTenant(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.member(t, "1042", "Lead@exampleco.test", "tenant_admin")
	for _, tenant := range []string{"1042", "2048"} {
		status, answer := b.callIn(tenant, http.MethodPost, "/users", b.admin(t), `{"email":"LEAD@exampleco.TEST","password":"a good password"}`)
		if said, _ := json.Marshal(answer); status != http.StatusConflict || !strings.Contains(string(said), "e-mail address already") {
			t.Errorf("in tenant %s answered %d %s; want 409", tenant, status, said)
		}
	}
}

func TestUsers_AreListedByPagesAndOfTheTenantAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, token := b.member(t, "1042", "lead@exampleco.test", "tenant_admin")
	b.Exec(t, `insert into users (tenant_id, email, password_hash, role) select 1042 + 1006 * (g % 2), 'p' || g || '@p.test', 'x', 'user' from generate_series(1, 9) g`)
	var got []any
	path := "/users?limit=2"
	for pages := 1; path != ""; pages++ {
		status, page := b.call(http.MethodGet, path, token, "")
		if status != http.StatusOK || pages > 3 {
			t.Fatalf("page %d was answered %d %v", pages, status, page)
		}
		for _, u := range page["items"].([]any) {
			got = append(got, u.(map[string]any)["email"])
		}
		path = ""
		if next, more := page["next_cursor"].(string); more {
			path = "/users?limit=2&cursor=" + next
		}
	}
	if diff := cmp.Diff([]any{"lead@exampleco.test", "p2@p.test", "p4@p.test", "p6@p.test", "p8@p.test"}, got); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
}

func TestUsers_AnotherTenantsPersonIsAsAMissingOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	theirs, _ := b.member(t, "1042", "desk@exampleco.test", "user")
	_, token := b.member(t, "2048", "lead@sampledental.test", "tenant_admin")
	before := b.Snapshot(t, 1042)
	global := b.Query(t, `select id::text from users where tenant_id is null`)[0]
	for method, body := range map[string]string{http.MethodGet: "", http.MethodPatch: `{"role":"tenant_admin","is_active":false,"password":"stolen account"}`} {
		missing, want := b.call(method, "/users/1099511627776", token, body)
		delete(want, "request_id")
		for _, id := range []string{fmt.Sprintf("%.0f", theirs), global} {
			status, got := b.call(method, "/users/"+id, token, body)
			delete(got, "request_id")
			if diff := cmp.Diff(want, got); status != http.StatusNotFound || status != missing || diff != "" {
				t.Errorf("%s of %s is answered %d and of a missing one %d (-missing +theirs):\n%s", method, id, status, missing, diff)
			}
		}
	}
	if diff := cmp.Diff(before, b.Snapshot(t, 1042)); diff != "" {
		t.Errorf("tenant 1042's rows changed:\n%s", diff)
	}
}

func TestUsers_AChangeActsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, lead := b.member(t, "1042", "lead@exampleco.test", "tenant_admin")
	desk, token := b.member(t, "1042", "desk@exampleco.test", "user")
	path := fmt.Sprintf("/users/%.0f", desk)
	change := func(body string) {
		t.Helper()
		if status, answer := b.call(http.MethodPatch, path, lead, body); status != http.StatusOK {
			t.Fatalf("%s was answered %d %v", body, status, answer)
		}
	}
	change(`{"role":"tenant_admin"}`)
	if status, _ := b.call(http.MethodGet, "/audit-log", token, ""); status != http.StatusOK {
		t.Errorf("raised, they read the audit log: %d", status)
	}
	change(`{"is_active":false}`)
	if status, _ := b.call(http.MethodGet, "/auth/me", token, ""); status != http.StatusUnauthorized {
		t.Errorf("closed, their token is answered %d", status)
	}
	change(`{"is_active":true}`)
	if status, _ := b.call(http.MethodGet, "/auth/me", token, ""); status != http.StatusOK {
		t.Errorf("opened again, their token is answered %d", status)
	}
	change(`{"password":"another password"}`)
	if status, _ := b.call(http.MethodGet, "/auth/me", token, ""); status != http.StatusUnauthorized {
		t.Errorf("after a reset of the password their token is answered %d", status)
	}
	if status, _ := b.logIn("desk@exampleco.test", password); status != http.StatusUnauthorized {
		t.Errorf("the old password is answered %d", status)
	}
	if status, _ := b.logIn("desk@exampleco.test", "another password"); status != http.StatusOK {
		t.Errorf("the new password is answered %d", status)
	}
	if got := b.Query(t, `select role || ' ' || is_active from users where id = $1`, int64(desk)); got[0] != "tenant_admin true" {
		t.Errorf("they are %q", got)
	}
}

func TestUsers_AnAdminSetsSoManyPasswordsInAWhile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, admin := b.member(t, "1042", "lead@exampleco.test", "tenant_admin")
	for range passwordsSet {
		b.call("PATCH", "/users/999999", admin, `{"password":"a good password"}`)
	}
	if status, _ := b.call("PATCH", "/users/999999", admin, `{"password":"a good password"}`); status != 429 {
		t.Errorf("one password too many is answered %d; want 429", status)
	}
	if status, _ := b.call("PATCH", "/users/999999", admin, `{"is_active":false}`); status != 404 {
		t.Errorf("what is no password is answered %d; want 404", status)
	}
}
