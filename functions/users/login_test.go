package users_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/functions/users"
	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral/ephemeraltest"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

const email, password = "admin@chattercheatah.com", "a good password"

type bench struct {
	*storetest.DB
	handler http.Handler
	state   *ephemeraltest.Server
	log     strings.Builder
	trips   *storetest.Trips // of the function to Postgres
	global  string           // the global admin's token; see admin
}

// passwordsSet is how many passwords an admin may set for others here.
const passwordsSet = 12

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{DB: storetest.New(t), state: ephemeraltest.New(t)}
	hash, err := auth.HashPassword(t.Context(), private.NewSecret(password))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Operator.Operator().SeedAdmin(t.Context(), email, private.NewSecret(hash)); err != nil {
		t.Fatal(err)
	}
	counted, trips := b.Counted(t)
	b.trips = trips
	state := ephemeral.New(ephemeral.Config{Project: "p", EmulatorHost: b.state.Addr()}, time.Now)
	t.Cleanup(func() { _ = state.Close() })
	b.handler = users.New(users.Deps{
		Log:       slog.New(slog.NewJSONHandler(&b.log, nil)),
		Guard:     auth.NewGuard(counted, auth.NewTokens(auth.TokenConfig{Keys: private.NewSecret(strings.Repeat("k", 32))}, time.Now)),
		ByAccount: state.Throttle("login_account", 3, time.Hour),
		ByAddress: state.Throttle("login_address", 100, time.Hour),
		BySetter:  state.Throttle("passwords_set", passwordsSet, time.Hour),
	})
	return b
}

func (b *bench) call(method, path, token, body string) (int, map[string]any) {
	return b.callIn("", method, path, token, body)
}

// callIn calls with the header X-Tenant-Id, unless tenant is "".
func (b *bench) callIn(tenant, method, path, token, body string) (int, map[string]any) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
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

func (b *bench) logIn(as, with string) (int, map[string]any) {
	body, _ := json.Marshal(map[string]string{"email": as, "password": with})
	return b.call(http.MethodPost, "/api/v1/auth/login", "", string(body))
}

func TestLogIn_TheTokenSaysWhoYouAre(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	status, answer := b.logIn(" Admin@ChatterCheatah.com ", password)
	if status != http.StatusOK || answer["token_type"] != "bearer" || answer["is_global_admin"] != true || answer["tenant_id"] != nil {
		t.Fatalf("answered %d %v", status, answer)
	}
	token, _ := answer["access_token"].(string)
	status, me := b.call(http.MethodGet, "/auth/me", token, "")
	if status != http.StatusOK || me["email"] != email || me["role"] != "admin" {
		t.Errorf("/auth/me answered %d %v", status, me)
	}
	if strings.Contains(b.log.String(), token) || strings.Contains(b.log.String(), password) {
		t.Errorf("the log holds the token or the password: %s", &b.log)
	}
}

func TestLogIn_WrongPasswordUnknownAddressAndClosedAccountLookTheSame(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, wrong := b.logIn(email, "a wrong password")
	_, unknown := b.logIn("nobody@example.test", password)
	b.Exec(t, `update users set is_active = false where email = $1`, email)
	status, closed := b.logIn(email, password)
	for _, answer := range []map[string]any{wrong, unknown, closed} {
		delete(answer, "request_id")
	}
	if status != http.StatusUnauthorized || !same(wrong, unknown) || !same(wrong, closed) {
		t.Errorf("answers differ:\n%v\n%v\n%v", wrong, unknown, closed)
	}
}

func same(a, b map[string]any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

func TestLogIn_GuessingIsThrottledByAccountAndASuccessForgives(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.logIn(email, "wrong 1...")
	b.logIn(email, "wrong 2...")
	if status, _ := b.logIn(email, password); status != http.StatusOK {
		t.Fatalf("the third attempt was answered %d; want 200", status)
	}
	for range 3 {
		b.logIn(email, "wrong again")
	}
	status, answer := b.logIn(email, password)
	if detail, _ := answer["detail"].(string); status != http.StatusTooManyRequests || !strings.Contains(detail, "try again in") {
		t.Errorf("the fourth attempt in a row was answered %d %v; want 429 saying when to come back", status, answer)
	}
	if status, _ := b.logIn("somebody@else.test", password); status != http.StatusUnauthorized {
		t.Errorf("another account was answered %d; want 401", status)
	}
}

func TestLogIn_GoesOnWhileFirestoreIsDown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.state.Stop()
	if status, answer := b.logIn(email, password); status != http.StatusOK {
		t.Errorf("answered %d %v; want 200", status, answer)
	}
	said := b.log.String()
	if n := strings.Count(said, "log-in attempt not counted"); n != 1 || strings.Contains(said, "not forgotten") {
		t.Errorf("the log says %d times that an attempt goes uncounted, or that one is not forgotten; want once, for Firestore is waited for once:\n%s", n, said)
	}
}

func TestLogIn_BadInputIsNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for body, want := range map[string]string{
		`{"email":"a@b.test"}`:                             "password",
		`{"email":"a@b.test","password":"x","remember":1}`: "remember",
		`{"email":1,"password":"x"}`:                       "email",
	} {
		status, answer := b.call(http.MethodPost, "/auth/login", "", body)
		said, _ := json.Marshal(answer)
		if status < 400 || status > 422 || !strings.Contains(string(said), want) {
			t.Errorf("%s was answered %d %s", body, status, said)
		}
	}
}

func TestMe_TheTenantHeaderIsJudgedHereToo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, member := b.member(t, "1042", "desk@exampleco.test", "user")
	for header, want := range map[string]int{"1042": 200, "2048": 403, "abc": 400} {
		if status, answer := b.callIn(header, http.MethodGet, "/auth/me", member, ""); status != want {
			t.Errorf("X-Tenant-Id: %s was answered %d %v; want %d", header, status, answer, want)
		}
	}
	if status, answer := b.callIn("777", http.MethodGet, "/auth/me", b.admin(t), ""); status != http.StatusForbidden {
		t.Errorf("a tenant that there is not was answered %d %v; want 403", status, answer)
	}
}

func TestMe_AClosedAccountsTokenIsWorthlessAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, answer := b.logIn(email, password)
	token, _ := answer["access_token"].(string)
	b.Exec(t, `update users set is_active = false where email = $1`, email)
	if status, _ := b.call(http.MethodGet, "/auth/me", token, ""); status != http.StatusUnauthorized {
		t.Errorf("answered %d; want 401", status)
	}
}

// TestLogIn_AnUnknownAddressTakesTheWayOfAWrongPassword is not parallel: a password's hash is known by the 19 MiB that it takes, and
// what others take meanwhile would count.
func TestLogIn_AnUnknownAddressTakesTheWayOfAWrongPassword(t *testing.T) {
	b := newBench(t)
	cost := func(as string) (trips int64, hashes uint64) {
		var before, after runtime.MemStats
		from := b.trips.N()
		runtime.ReadMemStats(&before)
		if status, answer := b.logIn(as, "a wrong password"); status != http.StatusUnauthorized {
			t.Fatalf("answered %d %v", status, answer)
		}
		runtime.ReadMemStats(&after)
		return b.trips.N() - from, (after.TotalAlloc - before.TotalAlloc) >> 20 / 19
	}
	cost(email) // describes each statement to the connection
	trips, hashes := cost(email)
	if unknownTrips, unknownHashes := cost("nobody@example.test"); unknownTrips != trips || unknownHashes != hashes || hashes != 1 || trips == 0 {
		t.Errorf("an unknown address takes %d round trips and %d hashes, a wrong password %d and %d", unknownTrips, unknownHashes, trips, hashes)
	}
}
