package emailpubsub_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// person makes somebody who can log in, and returns their bearer token; tenant is nil for one of no tenant.
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

// try has a mailbox read as somebody.
func (b *bench) try(token, body string) (status int, outcome string) {
	r := httptest.NewRequest(http.MethodPost, "/api/v1/email/pubsub/test", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	if w.Code == http.StatusOK {
		return w.Code, outcomeOf(w)
	}
	var problem struct{ Detail string }
	_ = json.Unmarshal(w.Body.Bytes(), &problem)
	return w.Code, problem.Detail
}

func TestTest_IsAGlobalAdminsAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, c := range map[string]struct {
		token string
		want  int
	}{
		"nobody":         {"", http.StatusUnauthorized},
		"Pub/Sub":        {b.token, http.StatusUnauthorized},
		"a tenant admin": {b.person(t, "admin@people.test", "tenant_admin", 1042), http.StatusForbidden},
		"a user":         {b.person(t, "user@people.test", "user", 1042), http.StatusForbidden},
	} {
		if status, said := b.try(c.token, `{"email_address":"`+swimBox+`"}`); status != c.want {
			t.Errorf("%s was answered %d %s; want %d", name, status, said, c.want)
		}
	}
	b.wantNothing(t, "after those who may not")
}

func TestTest_IsNotThereInProduction(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.handler = b.build(t, setting{production: true})
	if status, said := b.try(b.person(t, "root@people.test", "admin", nil), `{"email_address":"`+swimBox+`"}`); status != http.StatusForbidden || !strings.Contains(said, "production") {
		t.Errorf("answered %d %s; want 403 and why", status, said)
	}
	b.wantNothing(t, "in production")
}

func TestTest_HasAMailboxRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, change, outcome, state string }{
		"what there is":      {`{"email_address":"support@exampleco.test"}`, "", "ok queued", "0, read"},
		"in mixed case":      {`{"email_address":"Support@ExampleCo.test"}`, "", "ok queued", "0, read"},
		"from a number":      {`{"email_address":"support@exampleco.test","history_id":1710}`, "", "ok queued", "1710, due"},
		"from a string":      {`{"email_address":"support@exampleco.test","history_id":"1710"}`, "", "ok queued", "1710, due"},
		"what has been read": {`{"email_address":"support@exampleco.test","history_id":999}`, "", "ok read_already", "0, read"},
		"one that is off":    {`{"email_address":"support@exampleco.test"}`, `update tenant_email_configs set is_enabled = false`, "ignored not_answered", "0, read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if c.change != "" {
				b.Exec(t, c.change)
			}
			status, outcome := b.try(b.person(t, "root@people.test", "admin", nil), c.body)
			if status != http.StatusOK || outcome != c.outcome || b.state(t, b.SwimSchool) != c.state {
				t.Errorf("answered %d %s, recorded %s; want %s, %s", status, outcome, b.state(t, b.SwimSchool), c.outcome, c.state)
			}
			if c.outcome == "ok queued" {
				b.wantQueued(t, b.SwimSchool)
			} else {
				b.wantQueued(t)
			}
		})
	}
}

func TestTest_AMailboxIsNotReadForEver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if status, outcome := b.try(b.person(t, "root@people.test", "admin", nil), `{"email_address":"`+swimBox+`"}`); outcome != "ok queued" {
		t.Fatalf("answered %d %s", status, outcome)
	}
	if again, err := b.read(t, b.SwimSchool, 1007); again || err != nil {
		t.Errorf("after it was read it is to be read again: %v, %v", again, err)
	}
}

func TestTest_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	root := b.person(t, "root@people.test", "admin", nil)
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"an unknown mailbox":   {`{"email_address":"stranger@nowhere.test"}`, http.StatusNotFound},
		"one with a zero byte": {`{"email_address":"support\u0000@exampleco.test"}`, http.StatusNotFound},
		"no mailbox":           {`{}`, http.StatusUnprocessableEntity},
		"no JSON":              {`secret words`, http.StatusBadRequest},
		"a negative id":        {`{"email_address":"support@exampleco.test","history_id":-1}`, http.StatusUnprocessableEntity},
		"an id of words":       {`{"email_address":"support@exampleco.test","history_id":"secret words"}`, http.StatusUnprocessableEntity},
		"an id above Gmail's":  {`{"email_address":"support@exampleco.test","history_id":"18446744073709551616"}`, http.StatusUnprocessableEntity},
		"a fraction":           {`{"email_address":"support@exampleco.test","history_id":1.5}`, http.StatusUnprocessableEntity},
	} {
		status, said := b.try(root, c.body)
		if status != c.want || said == "" || strings.Contains(said, "secret words") {
			t.Errorf("%s was answered %d %q; want %d and why", name, status, said, c.want)
		}
	}
	b.wantNothing(t, "after what is wrong")
	b.handler = b.build(t, setting{queueAddr: "127.0.0.1:1"})
	if status, said := b.try(root, `{"email_address":"`+swimBox+`"}`); status != http.StatusServiceUnavailable {
		t.Errorf("without a queue: answered %d %s; want 503, for nothing was recorded", status, said)
	}
}
