package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/boot"
)

// TestStart_OnItsOwnPostgresEachFunctionLogsInAsItsRole holds what every other test of this package, which brings a database that the
// functions reach as the superuser, cannot notice: that the roles suffice.
func TestStart_OnItsOwnPostgresEachFunctionLogsInAsItsRole(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("/var/tmp", "stack")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := start(t.Context(), "../..", boot.Environment{}, &state{dir: dir, TelnyxSeed: random(), JWTKey: random(), FieldKey: random()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	var who map[string]any
	call := func(method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if token, _ := who["access_token"].(string); token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		return w
	}
	if err := json.Unmarshal(call(http.MethodPost, "/auth/login", `{"email":"admin@chattercheatah.com","password":"admin123"}`).Body.Bytes(), &who); err != nil {
		t.Fatal(err)
	}
	if w := call(http.MethodPost, "/admin/tenants", `{"name":"New","subdomain":"new"}`); w.Code != http.StatusOK {
		t.Errorf("an operator's call was answered %d %s", w.Code, w.Body)
	}
	if w := call(http.MethodGet, "/admin/tenants/1042/onboarding", ""); w.Code != http.StatusOK {
		t.Errorf("an operator's call about a tenant was answered %d %s", w.Code, w.Body)
	}
}
