// Package googletest is a fake Google: accounts, the page on which a person consents, tokens and their end, in the real one's shapes. What the
// tokens open is mounted by gcaltest and gmailtest, on one fake when an account is to have both. Used by the local server and by tests.
//
// It is stricter than Google with what only a mistake of ours can send, and remembers it: see Faults.
package googletest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The OAuth client whose requests the fake takes.
const (
	ClientID     = "client-of-the-fake"
	ClientSecret = "secret-of-the-fake"
)

// Asked is how often each thing was asked for, the failed ones too.
type Asked struct{ Consent, Exchange, Refresh, Revoke int }

// Server is a fake Google. It is an http.Handler.
type Server struct {
	url string

	mu        sync.Mutex
	now       func() time.Time
	accounts  []string            // their addresses
	consented map[string][]string // what each account has granted the client until now
	grants    map[string]*grant   // by refresh token
	access    map[string]*access
	codes     map[string]*code
	redirects []string
	parts     map[string]func(http.ResponseWriter, *http.Request, Caller) // by the beginning of their paths
	choice    choice
	withhold  bool
	tokens    int // status; 0 for the truth
	n         int
	asked     Asked
	faults    []string
}

// grant is what one consent has given the client.
type grant struct {
	address string
	scopes  []string
	revoked bool
}

// access is an access token.
type access struct {
	of      *grant
	expires time.Time
}

// New makes a fake that does not listen; mount it.
func New() *Server {
	return &Server{
		now: time.Now, consented: map[string][]string{}, grants: map[string]*grant{}, access: map[string]*access{}, codes: map[string]*code{},
		parts: map[string]func(http.ResponseWriter, *http.Request, Caller){},
	}
}

// Start makes a fake that listens until the test ends. Faults that nobody has asked for fail the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := New()
	server := httptest.NewServer(s)
	s.url = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		for _, f := range s.Faults() {
			t.Error("the fake Google was asked badly: " + f)
		}
	})
	return s
}

// URL is the address, of a fake that Start made.
func (s *Server) URL() string { return s.url }

// SetClock is what time it is at Google.
func (s *Server) SetClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

// Now is what time it is at Google.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// Add makes an account, unless there is one with the address.
func (s *Server) Add(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(address)
}

func (s *Server) add(address string) {
	if !slices.Contains(s.accounts, fold(address)) {
		s.accounts = append(s.accounts, fold(address))
	}
}

// fold is an address as accounts are told apart.
func fold(address string) string { return strings.ToLower(strings.TrimSpace(address)) }

// Connect makes a refresh token the grant of an account, as if its owner had consented to these scopes.
func (s *Server) Connect(address, refreshToken string, scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(address)
	s.consent(fold(address), scopes)
	s.grants[refreshToken] = &grant{address: fold(address), scopes: scopes}
}

func (s *Server) consent(address string, scopes []string) {
	for _, scope := range scopes {
		if !slices.Contains(s.consented[address], scope) {
			s.consented[address] = append(s.consented[address], scope)
		}
	}
}

// AccountOf is whose grant a refresh token is; "" for nobody's.
func (s *Server) AccountOf(refreshToken string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.grants[refreshToken]; g != nil {
		return g.address
	}
	return ""
}

// Revoke has the owner of the account take back all that it has granted: every refresh and access token is worth nothing from now on.
func (s *Server) Revoke(refreshToken string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoke(s.grants[refreshToken].address)
}

func (s *Server) revoke(address string) {
	delete(s.consented, address)
	for _, g := range s.grants {
		g.revoked = g.revoked || g.address == address
	}
	for _, c := range s.codes {
		c.grant.revoked = c.grant.revoked || c.grant.address == address
	}
	for _, a := range s.access {
		a.of.revoked = a.of.revoked || a.of.address == address
	}
}

// Revoked tells whether a refresh token is worth nothing.
func (s *Server) Revoked(refreshToken string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.grants[refreshToken]
	return g == nil || g.revoked
}

// Expire has no access token that was given so far be taken any more.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.access)
}

// WithholdRefreshTokens gives no refresh token at a consent from now on, as Google does at times; false ends it.
func (s *Server) WithholdRefreshTokens(withhold bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.withhold = withhold
}

// RefuseTokens answers each request for a token, of either kind, and each revocation with an HTTP status from now on; 0 ends it.
func (s *Server) RefuseTokens(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = status
}

// Asked tells how often the fake was asked.
func (s *Server) Asked() Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Fault remembers something that only a mistake of the client's can have sent.
func (s *Server) Fault(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// Faults are what was remembered since they were last asked for.
func (s *Server) Faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	faults := s.faults
	s.faults = nil
	return faults
}

// Caller is whose access token a request carries.
type Caller struct {
	Address string // in lower case
	scopes  []string
}

// May tells whether any of the scopes is granted.
func (c Caller) May(scopes ...string) bool {
	return slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(c.scopes, s) })
}

// Mount serves what begins with a path to whoever has a token.
func (s *Server) Mount(beginning string, part func(http.ResponseWriter, *http.Request, Caller)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts[beginning] = part
}

// ServeHTTP answers.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET " + consentPath:
		s.askConsent(w, r)
	case "POST /token":
		s.giveToken(w, r)
	case "POST /revoke":
		s.takeBack(w, r)
	default:
		s.open(w, r)
	}
}

// open hands a request with a good token to the part that it is for.
func (s *Server) open(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a := s.access[token]
	good := bearer && a != nil && !a.of.revoked && s.now().Before(a.expires)
	var part func(http.ResponseWriter, *http.Request, Caller)
	for beginning, p := range s.parts {
		if strings.HasPrefix(r.URL.Path, beginning) {
			part = p
		}
	}
	s.mu.Unlock()
	switch {
	case part == nil:
		s.Fault("%s %s, which is none of Google's", r.Method, r.URL.Path)
		Fail(w, http.StatusNotFound, "notFound")
	case !good:
		Fail(w, http.StatusUnauthorized, "authError")
	default:
		part(w, r, Caller{a.of.address, a.of.scopes})
	}
}

// Fail answers with an error as Google's APIs write them.
func Fail(w http.ResponseWriter, status int, reason string) {
	Say(w, status, map[string]any{"error": map[string]any{
		"code": status, "message": "Invented by the fake.", "errors": []map[string]string{{"domain": "global", "reason": reason, "message": "Invented by the fake."}},
	}})
}

// Say answers with JSON.
func Say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
