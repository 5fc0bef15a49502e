package setupprompt_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	setupprompt "github.com/chattercheatah/chattercheatah/functions/setup-prompt"
	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

// now is the moment of every test: noon in Chicago.
var now = time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)

// bench is the function with a real database.
type bench struct {
	*storetest.DB
	handler http.Handler
	trips   *storetest.Trips
	tokens  *auth.Tokens
	admin   string // the swim school's
	dentist string // the other tenant's admin
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{DB: storetest.New(t)}
	counted, trips := b.Counted(t)
	b.trips = trips
	b.tokens = auth.NewTokens(auth.TokenConfig{Keys: private.NewSecret(strings.Repeat("k", 32))}, time.Now)
	b.handler = setupprompt.New(setupprompt.Deps{
		Log: slog.New(slog.DiscardHandler), Guard: auth.NewGuard(counted, b.tokens), Now: func() time.Time { return now },
	})
	b.admin = b.person(t, "lead@exampleco.test", "tenant_admin", 1042)
	b.dentist = b.person(t, "lead@sampledental.test", "tenant_admin", 2048)
	return b
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

// object is a JSON object.
type object = map[string]any

// send calls the function and returns the status and the answer as it stands.
func (b *bench) send(token, method, path, body string) (int, string) {
	r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("X-Request-Id", "request-0001")
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// call wants 200 and returns the answer.
func (b *bench) call(t *testing.T, token, method, path, body string) object {
	t.Helper()
	status, said := b.send(token, method, path, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s was answered %d %s", method, path, status, said)
	}
	var answer object
	if err := json.Unmarshal([]byte(said), &answer); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, said)
	}
	return answer
}

// refused wants an error that says so.
func (b *bench) refused(t *testing.T, token, method, path, body string, status int, words string) {
	t.Helper()
	got, said := b.send(token, method, path, body)
	if got != status || !strings.Contains(said, words) {
		t.Errorf("%s %s %.80s was answered %d %s; want %d about %q", method, path, body, got, said, status, words)
	}
}

// draft makes a bundle of the swim school's with one section, and returns its id.
func (b *bench) draft(t *testing.T, channel, words string) int64 {
	t.Helper()
	return idOf(b.call(t, b.admin, "POST", "/prompts/bundles", fmt.Sprintf(`{"name":"Draft","channel":%q,"sections":[{"section_key":"words","content":%q}]}`, channel, words)))
}

func (b *bench) publish(t *testing.T, id int64) object {
	t.Helper()
	return b.call(t, b.admin, "POST", bundlePath(id)+"/publish", "")
}

func bundlePath(id int64) string { return fmt.Sprintf("/prompts/bundles/%d", id) }

func idOf(bundle object) int64 { return int64(bundle["id"].(float64)) }

// keysOf are the section keys of an answer, in its order.
func keysOf(answer object) (keys []string) {
	for _, s := range answer["sections"].([]any) {
		keys = append(keys, s.(object)["section_key"].(string))
	}
	return keys
}
