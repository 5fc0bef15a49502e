package operations_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/functions/operations"
	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

// bench is the function with a real database and no queue, an admin of each tenant, somebody who is none, and a global admin.
type bench struct {
	*storetest.DB
	tokens  *auth.Tokens
	handler http.Handler
	log     bytes.Buffer

	swimmer, dentist, desk, operator string // their bearer tokens
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{DB: storetest.New(t)}
	b.tokens = auth.NewTokens(auth.TokenConfig{Keys: private.NewSecret(strings.Repeat("k", 32))}, time.Now)
	b.handler = operations.New(operations.Deps{
		Log: slog.New(slog.NewJSONHandler(&b.log, nil)), Guard: auth.NewGuard(b.Admin, b.tokens),
	})
	b.swimmer = b.person(t, "admin@exampleco.test", "tenant_admin", 1042)
	b.desk = b.person(t, "desk@exampleco.test", "user", 1042)
	b.dentist = b.person(t, "admin@sampledental.test", "tenant_admin", 2048)
	b.operator = b.person(t, "admin@example.test", "admin", nil)
	return b
}

// person makes somebody who can log in, and returns their bearer token.
func (b *bench) person(t testing.TB, email, role string, tenant any) string {
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

// call makes one call; header is name and value in turn. The answer's body is returned without its request id.
func (b *bench) call(method, path, token, body string, header ...string) (status int, answer map[string]any) {
	r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	delete(answer, "request_id")
	return w.Code, answer
}

// want makes a call that must be answered 200, and returns the answer.
func (b *bench) want(t testing.TB, method, path, token, body string, header ...string) map[string]any {
	t.Helper()
	status, answer := b.call(method, path, token, body, header...)
	if status != http.StatusOK {
		t.Fatalf("%s %s was answered %d %v; the log: %s", method, path, status, answer, &b.log)
	}
	return answer
}
