package googletest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const consentPath = "/o/oauth2/auth"

// scopeNames begin with the same address, but for those of who somebody is.
const scopeAddress = "https://www.googleapis.com/auth/"

var scopeNames = []string{
	"calendar", "calendar.events", "calendar.readonly", "calendar.freebusy", "gmail.readonly", "gmail.metadata", "gmail.modify", "gmail.compose", "gmail.send",
	"userinfo.email", "userinfo.profile",
}

// codeLife is how long a code is good for.
const codeLife = 10 * time.Minute

// choice is what the person at the consent page does, when the page's own links do not say it.
type choice struct {
	address  string
	unticked []string
	refuse   bool
}

// code is what Google sends a person back with.
type code struct {
	grant     *grant
	redirect  string
	challenge string
	refresh   bool // a refresh token comes with it
	expires   time.Time
	used      bool
}

// Register allows an address to be sent back to.
func (s *Server) Register(redirects ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.redirects = append(s.redirects, redirects...)
}

// Consent has the owner of an account, which is made if need be, consent to all that is asked for but some scopes, from now on.
func (s *Server) Consent(address string, unticked ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(address)
	s.choice = choice{address: fold(address), unticked: unticked}
}

// Refuse has whoever is asked not consent from now on.
func (s *Server) Refuse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.choice = choice{refuse: true}
}

// askConsent is the page. It is answered by Consent or Refuse, or by its own links: login_hint is an account, untick a scope, refuse anything.
func (s *Server) askConsent(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked.Consent++
	q := r.URL.Query()
	if wrong := s.wrongConsent(q); wrong != "" {
		s.faults = append(s.faults, "a consent with "+wrong)
		http.Error(w, "Error 400: "+wrong, http.StatusBadRequest)
		return
	}
	c := s.choice
	if known := slices.Contains(s.accounts, fold(q.Get("login_hint"))); known || q.Has("refuse") {
		c = choice{fold(q.Get("login_hint")), q["untick"], q.Has("refuse")}
	}
	back := url.Values{"state": {q.Get("state")}}
	switch {
	case c.refuse:
		back.Set("error", "access_denied")
	case c.address == "":
		s.page(w, r)
		return
	default:
		s.giveCode(back, q, c)
	}
	to, _ := url.Parse(q.Get("redirect_uri"))
	for name := range to.Query() {
		back.Set(name, to.Query().Get(name))
	}
	to.RawQuery = back.Encode()
	http.Redirect(w, r, to.String(), http.StatusFound)
}

// wrongConsent says what is wrong with what a person is sent to us with, "" for nothing.
func (s *Server) wrongConsent(q url.Values) string {
	challenge, err := base64.RawURLEncoding.DecodeString(q.Get("code_challenge"))
	switch {
	case q.Get("client_id") != ClientID:
		return "an unknown client_id"
	case !slices.Contains(s.redirects, q.Get("redirect_uri")):
		return "a redirect_uri that is not registered"
	case q.Get("response_type") != "code":
		return "a response_type other than code"
	case q.Get("access_type") != "offline":
		return "an access_type other than offline, which gives no refresh token"
	case q.Get("state") == "":
		return "no state"
	case q.Get("code_challenge_method") != "S256" || err != nil || len(challenge) != sha256.Size:
		return "no code_challenge of S256"
	case len(strings.Fields(q.Get("scope"))) == 0:
		return "no scope"
	}
	for _, scope := range strings.Fields(q.Get("scope")) {
		name, google := strings.CutPrefix(scope, scopeAddress)
		if !(google && slices.Contains(scopeNames, name)) && !slices.Contains([]string{"openid", "email", "profile"}, scope) {
			return "an unknown scope"
		}
	}
	return ""
}

func (s *Server) giveCode(back, q url.Values, c choice) {
	ticked := slices.DeleteFunc(strings.Fields(q.Get("scope")), func(scope string) bool { return slices.Contains(c.unticked, scope) })
	first := len(s.consented[c.address]) == 0
	s.consent(c.address, ticked)
	if q.Get("include_granted_scopes") == "true" {
		ticked = slices.Clone(s.consented[c.address])
	}
	s.n++
	made := fmt.Sprintf("4/0fake-%d", s.n)
	s.codes[made] = &code{
		grant: &grant{address: c.address, scopes: ticked}, redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"),
		refresh: !s.withhold && (first || strings.Contains(q.Get("prompt"), "consent")), expires: s.now().Add(codeLife),
	}
	back.Set("code", made)
	back.Set("scope", strings.Join(ticked, " "))
}

var consentPage = template.Must(template.New("").Parse(`<!doctype html><meta charset="utf-8"><title>The fake Google</title>
<h1>Who are you?</h1><p>An application wants to use an account of this fake Google.</p>
<ul>{{range .Accounts}}<li><a href="?{{$.Query}}&amp;login_hint={{.}}">{{.}}</a></li>{{end}}</ul>
<p><a href="?{{.Query}}&amp;refuse=1">Refuse</a></p>
`))

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = consentPage.Execute(w, struct {
		Accounts []string
		Query    template.URL
	}{s.accounts, template.URL(r.URL.Query().Encode())})
}

func (s *Server) giveToken(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := r.PostFormValue("grant_type")
	switch kind {
	case "authorization_code":
		s.asked.Exchange++
	case "refresh_token":
		s.asked.Refresh++
	}
	switch {
	case s.tokens != 0:
		refuseToken(w, s.tokens, "invented")
	case r.PostFormValue("client_id") != ClientID || r.PostFormValue("client_secret") != ClientSecret:
		s.misused(w, http.StatusUnauthorized, "invalid_client", "a token for another client")
	case r.URL.RawQuery != "":
		s.misused(w, http.StatusBadRequest, "invalid_request", "a token asked for in the address, where it is logged")
	case kind == "authorization_code":
		s.exchange(w, r)
	case kind == "refresh_token":
		s.refresh(w, r)
	default:
		s.misused(w, http.StatusBadRequest, "unsupported_grant_type", "an unknown grant_type")
	}
}

// misused refuses what is a fault. The caller holds the mutex.
func (s *Server) misused(w http.ResponseWriter, status int, code, what string) {
	s.faults = append(s.faults, what)
	refuseToken(w, status, code)
}

func refuseToken(w http.ResponseWriter, status int, code string) {
	Say(w, status, map[string]string{"error": code, "error_description": "Invented by the fake."})
}

func (s *Server) exchange(w http.ResponseWriter, r *http.Request) {
	c := s.codes[r.PostFormValue("code")]
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case c == nil || !s.now().Before(c.expires) || c.grant.revoked:
		refuseToken(w, http.StatusBadRequest, "invalid_grant")
	case c.used:
		c.grant.revoked = true
		refuseToken(w, http.StatusBadRequest, "invalid_grant")
	case c.redirect != r.PostFormValue("redirect_uri"):
		s.misused(w, http.StatusBadRequest, "redirect_uri_mismatch", "a code with another redirect_uri than it was asked for with")
	case base64.RawURLEncoding.EncodeToString(sum[:]) != c.challenge:
		s.misused(w, http.StatusBadRequest, "invalid_grant", "a code with a verifier that does not fit its challenge")
	default:
		c.used = true
		answer := s.accessTo(c.grant)
		if c.refresh {
			s.n++
			token := fmt.Sprintf("1//fake-%d", s.n)
			s.grants[token] = c.grant
			answer["refresh_token"] = token
		}
		Say(w, http.StatusOK, answer)
	}
}

func (s *Server) refresh(w http.ResponseWriter, r *http.Request) {
	g := s.grants[r.PostFormValue("refresh_token")]
	switch {
	case r.PostForm.Has("scope"):
		s.misused(w, http.StatusBadRequest, "invalid_scope", "a refresh that names scopes")
	case g == nil || g.revoked:
		refuseToken(w, http.StatusBadRequest, "invalid_grant")
	default:
		Say(w, http.StatusOK, s.accessTo(g))
	}
}

// tokenLife is how many seconds an access token is good for.
const tokenLife = 3599

func (s *Server) accessTo(g *grant) map[string]any {
	s.n++
	token := fmt.Sprintf("ya29.fake-%d", s.n)
	s.access[token] = &access{of: g, expires: s.now().Add(tokenLife * time.Second)}
	return map[string]any{"access_token": token, "expires_in": tokenLife, "token_type": "Bearer", "scope": strings.Join(g.scopes, " ")}
}

// takeBack ends all that the account of a token has granted.
func (s *Server) takeBack(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked.Revoke++
	token := r.PostFormValue("token")
	g := s.grants[token]
	if a := s.access[token]; g == nil && a != nil {
		g = a.of
	}
	switch {
	case s.tokens != 0:
		refuseToken(w, s.tokens, "invented")
	case r.URL.RawQuery != "":
		s.misused(w, http.StatusBadRequest, "invalid_request", "a token revoked in the address, where it is logged")
	case g == nil || g.revoked:
		refuseToken(w, http.StatusBadRequest, "invalid_token")
	default:
		s.revoke(g.address)
		Say(w, http.StatusOK, map[string]any{})
	}
}
