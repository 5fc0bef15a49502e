package emailoauth_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	emailoauth "github.com/chattercheatah/chattercheatah/functions/email-oauth"
	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral/ephemeraltest"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

const (
	redirect = "https://fn.example.test/api/v1/email/oauth/callback"
	topic    = "projects/p/topics/gmail"
	swimBox  = "Support@Exampleco.test" // as Google spells it
	swimKept = "support@exampleco.test"
	denBox   = "desk@sampledental.test"
)

// bench is the function with a real database, a fake Google and an admin of each tenant.
type bench struct {
	*storetest.DB
	google  *gmailtest.Server
	state   *ephemeraltest.Server
	handler http.Handler
	log     *syncLog
	tokens  *auth.Tokens
	ahead   atomic.Int64 // how many seconds our clock is ahead
	swimmer string       // a token of an admin of tenant 1042, lead@exampleco.test
	dentist string       // and of 2048, lead@sampledental.test

	mu      sync.Mutex
	secrets []string // what may stand in no log
	meet    func()   // at an exchange
}

// syncLog lets several requests write one log.
type syncLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *syncLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *syncLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{DB: storetest.New(t), log: &syncLog{}, google: gmailtest.New(), state: ephemeraltest.New(t), meet: func() {}}
	b.google.Register(redirect)
	b.google.Add(swimBox)
	b.google.Add(denBox)
	server := httptest.NewServer(http.HandlerFunc(b.atGoogle))
	t.Cleanup(server.Close)
	t.Cleanup(func() { b.nothingPrivateIsLogged(t) })
	b.tokens = auth.NewTokens(auth.TokenConfig{Keys: private.NewSecret(strings.Repeat("k", 32))}, time.Now)
	config := google.Config{Base: server.URL, ClientID: googletest.ClientID, ClientSecret: private.NewSecret(googletest.ClientSecret)}
	b.handler = b.build(t, config)
	b.swimmer, b.dentist = b.person(t, "lead@exampleco.test", "tenant_admin", 1042), b.person(t, "lead@sampledental.test", "tenant_admin", 2048)
	return b
}

// build makes the function, without an OAuth client when c has none.
func (b *bench) build(t testing.TB, c google.Config) http.Handler {
	t.Helper()
	mail, err := gmail.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Now().Add(time.Duration(b.ahead.Load()) * time.Second) }
	state := ephemeral.New(ephemeral.Config{Project: "p", EmulatorHost: b.state.Addr()}, now)
	t.Cleanup(func() { _ = state.Close() })
	d := emailoauth.Deps{
		Log: slog.New(slog.NewJSONHandler(b.log, nil)), Guard: auth.NewGuard(b.Store, b.tokens), States: state.Once("email_oauth", emailoauth.StateLife),
		Starts: state.Throttle("email_oauth_starts", 20, time.Hour), Gmail: mail, Redirect: redirect, Topic: topic, Now: now,
	}
	if c.ClientID != "" {
		d.OAuth = google.NewOAuth(c)
	}
	return emailoauth.New(d)
}

// atGoogle notes the verifiers and tokens that go to Google.
func (b *bench) atGoogle(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost && !strings.HasPrefix(r.URL.Path, "/gmail/") {
		_ = r.ParseForm()
		if r.PostForm.Has("code") {
			b.mu.Lock()
			b.meet()
			b.mu.Unlock()
		}
		b.secret(r.PostForm.Get("code_verifier"), r.PostForm.Get("code"), r.PostForm.Get("refresh_token"), r.PostForm.Get("token"))
	}
	b.secret(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	b.google.ServeHTTP(w, r)
}

func (b *bench) secret(values ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, v := range values {
		if v != "" {
			b.secrets = append(b.secrets, v)
		}
	}
}

// onExchange has f called when Google is given a code.
func (b *bench) onExchange(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.meet = f
}

func (b *bench) nothingPrivateIsLogged(t testing.TB) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	said := strings.ToLower(b.log.String())
	for _, s := range append(b.secrets, swimKept, denBox, "other@exampleco.test", "lead@", "4/0fake", "1//fake", "ya29.", "state=", "code=") {
		if strings.Contains(said, strings.ToLower(s)) {
			t.Errorf("%q is in the log:\n%s", s, b.log)
		}
	}
	for _, f := range b.google.Faults() {
		t.Error("Google was asked badly: " + f)
	}
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

// call makes one call of the API; header is name and value in turn.
func (b *bench) call(method, path, token, body string, header ...string) (status int, answer map[string]any) {
	r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	return w.Code, answer
}

// start begins a connection and returns Google's page for it.
func (b *bench) start(t testing.TB, token string, header ...string) *url.URL {
	t.Helper()
	status, answer := b.call(http.MethodPost, "/email/oauth/start", token, "", header...)
	if status != http.StatusOK {
		t.Fatalf("starting was answered %d %v; the log: %s", status, answer, b.log)
	}
	page, err := url.Parse(answer["authorization_url"].(string))
	if err != nil {
		t.Fatal(err)
	}
	b.secret(page.Query().Get("state"))
	return page
}

// consent visits Google's page as the owner of a mailbox, who unticks some scopes; "" refuses. It returns where Google sends the browser.
func (b *bench) consent(t testing.TB, page *url.URL, mailbox string, unticked ...string) *url.URL {
	t.Helper()
	if b.google.Refuse(); mailbox != "" {
		b.google.Consent(mailbox, unticked...)
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Get(page.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	back, err := response.Location()
	if err != nil {
		said, _ := io.ReadAll(response.Body)
		t.Fatalf("Google answered %d %s", response.StatusCode, said)
	}
	b.secret(back.Query().Get("code"))
	return back
}

// visit opens an address of ours in a browser.
func (b *bench) visit(back *url.URL) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, back.RequestURI(), nil))
	return w
}

// connect goes all the way.
func (b *bench) connect(t testing.TB, token, mailbox string) *httptest.ResponseRecorder {
	t.Helper()
	return b.visit(b.consent(t, b.start(t, token), mailbox))
}

// connected goes all the way, which must work, and returns the page.
func (b *bench) connected(t testing.TB, token, mailbox string) string {
	t.Helper()
	w := b.connect(t, token, mailbox)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "The mailbox is connected") {
		t.Fatalf("connecting was answered %d %s; the log: %s", w.Code, w.Body, b.log)
	}
	return w.Body.String()
}

// shows checks a page.
func shows(t testing.TB, w *httptest.ResponseRecorder, status int, words ...string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("answered %d; want %d", w.Code, status)
	}
	for _, word := range words {
		if !strings.Contains(w.Body.String(), word) {
			t.Errorf("the page does not say %q: %s", word, w.Body)
		}
	}
	for name, want := range map[string]string{"Content-Type": "text/html; charset=utf-8", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q; want %q", name, got, want)
		}
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'unsafe-inline';") || strings.Contains(w.Body.String(), "<script") {
		t.Errorf("the page may run or load something: %s", policy)
	}
}

// nothingStored checks that neither tenant has a mailbox.
func (b *bench) nothingStored(t testing.TB) {
	t.Helper()
	if n := b.Query(t, `select count(*)::text from tenant_email_configs where gmail_email is not null or is_enabled or gmail_refresh_token is not null`)[0]; n != "0" {
		t.Errorf("%s mailboxes are stored; want none", n)
	}
}

// mailbox is what is connected.
func mailbox(t testing.TB, of *store.Tenant) store.Mailbox {
	t.Helper()
	m, err := of.Mailbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// answering connects the swim school's mailbox and has it read up to an id of Gmail's.
func (b *bench) answering(t testing.TB, readTo uint64) store.Mailbox {
	t.Helper()
	b.connected(t, b.swimmer, swimBox)
	b.Exec(t, `update tenant_email_configs set last_history_id = $1::text::numeric, enabled_at = now() - interval '1 day', last_read_at = now() - interval '1 minute' where tenant_id = 1042`,
		strconv.FormatUint(readTo, 10))
	return mailbox(t, b.SwimSchool)
}
