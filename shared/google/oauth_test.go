package google_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

const (
	owner    = "Owner@exampleco.test"
	redirect = "https://api.exampleco.test/email/oauth/callback"
	reading  = "https://www.googleapis.com/auth/gmail.readonly"
	sending  = "https://www.googleapis.com/auth/gmail.send"
	calendar = "https://www.googleapis.com/auth/calendar"
)

func config(fake *googletest.Server) google.Config {
	return google.Config{Base: fake.URL() + "/", ClientID: googletest.ClientID, ClientSecret: private.NewSecret(googletest.ClientSecret)}
}

// consenting is a person in front of the fake.
type consenting struct {
	*googletest.Server
	*google.OAuth
	verifier string
}

func newConsent(t *testing.T) consenting {
	t.Helper()
	fake := googletest.Start(t)
	fake.Register(redirect)
	fake.Consent(owner)
	return consenting{fake, google.NewOAuth(config(fake)), oauth2.GenerateVerifier()}
}

// sentBack opens a page, and is what the person comes back with.
func sentBack(t *testing.T, page string) url.Values {
	t.Helper()
	response := open(t, page)
	to, err := response.Location()
	if err != nil || response.StatusCode != http.StatusFound || !strings.HasPrefix(to.String(), redirect+"?") {
		t.Fatalf("status %d to %v, %v; want back to us", response.StatusCode, to, err)
	}
	return to.Query()
}

func open(t *testing.T, page string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// code is one of a consent to some scopes.
func (c consenting) code(t *testing.T, scopes ...string) string {
	t.Helper()
	return sentBack(t, c.ConsentURL(redirect, "the-state", c.verifier, scopes...)).Get("code")
}

func TestConsentURL_IsGooglesOwnAndHoldsTheChallengeAlone(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(google.NewOAuth(google.Config{ClientID: "c"}).ConsentURL(redirect, "s", "a-verifier", reading, sending))
	if err != nil || u.Host != "accounts.google.com" || u.Path != "/o/oauth2/auth" {
		t.Errorf("%v, %v", u, err)
	}
	want := url.Values{
		"client_id": {"c"}, "redirect_uri": {redirect}, "state": {"s"}, "scope": {reading + " " + sending}, "response_type": {"code"}, "access_type": {"offline"},
		"prompt": {"consent"}, "include_granted_scopes": {"true"}, "code_challenge": {oauth2.S256ChallengeFromVerifier("a-verifier")}, "code_challenge_method": {"S256"},
	}
	if got := u.Query(); got.Encode() != want.Encode() {
		t.Errorf("%v; want %v", got, want)
	}
}

func TestExchange_GivesWhatThePersonTicked(t *testing.T) {
	t.Parallel()
	c := newConsent(t)
	c.Consent(owner, sending)
	back := sentBack(t, c.ConsentURL(redirect, "the-state", c.verifier, reading, sending))
	if back.Get("state") != "the-state" {
		t.Errorf("came back with %v", back)
	}
	got, err := c.Exchange(t.Context(), redirect, back.Get("code"), c.verifier)
	if err != nil || got.RefreshToken.IsZero() || got.AccessToken.IsZero() || !slices.Equal(got.Scopes, []string{reading}) {
		t.Errorf("%+v, %v; want both tokens and one scope", got, err)
	}
	if d := time.Until(got.Expires); d < 50*time.Minute || d > time.Hour {
		t.Errorf("it expires in %v", d)
	}
	c.Consent(owner)
	again, err := c.Exchange(t.Context(), redirect, c.code(t, calendar), c.verifier)
	if err != nil || !slices.Equal(again.Scopes, []string{reading, calendar}) {
		t.Errorf("%v, %v; want what was granted before too", again.Scopes, err)
	}
}

func TestExchange_WithoutARefreshTokenIsNoError(t *testing.T) {
	t.Parallel()
	c := newConsent(t)
	c.code(t, reading)
	unasked := strings.Replace(c.ConsentURL(redirect, "s", c.verifier, reading), "prompt=consent", "prompt=", 1)
	got, err := c.Exchange(t.Context(), redirect, sentBack(t, unasked).Get("code"), c.verifier)
	if err != nil || !got.RefreshToken.IsZero() || got.AccessToken.IsZero() {
		t.Errorf("%+v, %v; want an access token alone", got, err)
	}
}

func TestExchange_ACodeIsGoodOnceForItsOwnConsent(t *testing.T) {
	t.Parallel()
	c := newConsent(t)
	now := time.Now()
	c.SetClock(func() time.Time { return now })
	refused := func(what, code, verifier string) {
		t.Helper()
		got, err := c.Exchange(t.Context(), redirect, code, verifier)
		if !errors.Is(err, google.ErrCode) || fault.KindOf(err) != fault.Invalid || got.Scopes != nil || strings.Contains(err.Error(), "4/0") {
			t.Errorf("%s: %v, %v; want ErrCode", what, got, err)
		}
	}
	used := c.code(t, reading)
	granted, err := c.Exchange(t.Context(), redirect, used, c.verifier)
	if err != nil {
		t.Fatal(err)
	}
	refused("used", used, c.verifier)
	if !c.Revoked(granted.RefreshToken.Reveal()) {
		t.Error("the replay has not ended what the code gave")
	}
	refused("invented", "4/0invented", c.verifier)
	refused("another verifier", c.code(t, reading), oauth2.GenerateVerifier())
	if f := c.Faults(); len(f) != 1 || !strings.Contains(f[0], "verifier") {
		t.Errorf("faults %v; want the verifier's", f)
	}
	late := c.code(t, reading)
	now = now.Add(10 * time.Minute)
	refused("expired", late, c.verifier)
	if n := c.Asked().Exchange; n != 5 {
		t.Errorf("%d exchanges were asked for; want 5", n)
	}
}

func TestExchange_TellsOurMistakeFromAGoogleThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	c := newConsent(t)
	wrong := config(c.Server)
	wrong.ClientSecret = private.NewSecret("another")
	for what, err := range map[string]error{
		"secret":   exchange(t.Context(), google.NewOAuth(wrong), redirect, "4/0x", c.verifier),
		"redirect": exchange(t.Context(), c.OAuth, "https://other.test/", c.code(t, reading), c.verifier),
	} {
		if !errors.Is(err, google.ErrConfig) || errors.Is(err, google.ErrCode) || fault.KindOf(err) != fault.Internal || strings.Contains(err.Error(), "Invented") {
			t.Errorf("%s: %v; want ErrConfig", what, err)
		}
	}
	if n := len(c.Faults()); n != 2 {
		t.Errorf("%d faults; want both", n)
	}
	c.RefuseTokens(http.StatusServiceUnavailable)
	before := c.Asked().Exchange
	if err := exchange(t.Context(), c.OAuth, redirect, "4/0x", c.verifier); !isUnavailable(err) {
		t.Errorf("status 503: %v; want fault.Unavailable", err)
	}
	if n := c.Asked().Exchange - before; n != 1 {
		t.Errorf("it was asked %d times; want once", n)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	if err := exchange(t.Context(), google.NewOAuth(google.Config{Base: gone.URL}), redirect, "4/0x", c.verifier); !isUnavailable(err) || strings.Contains(err.Error(), "4/0x") {
		t.Errorf("nobody there: %v; want fault.Unavailable", err)
	}
	garbage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token": 7, "refresh_token": "words"}`)
	}))
	t.Cleanup(garbage.Close)
	if err := exchange(t.Context(), google.NewOAuth(google.Config{Base: garbage.URL}), redirect, "4/0x", c.verifier); !isUnavailable(err) || strings.Contains(err.Error(), "words") {
		t.Errorf("garbage: %v; want fault.Unavailable", err)
	}
}

func exchange(ctx context.Context, o *google.OAuth, redirect, code, verifier string) error {
	_, err := o.Exchange(ctx, redirect, code, verifier)
	return err
}

func isUnavailable(err error) bool {
	return fault.KindOf(err) == fault.Unavailable && !errors.Is(err, google.ErrCode) && !errors.Is(err, google.ErrConfig)
}

func TestRevoke_EndsAllOfTheAccountAndTwiceIsNoError(t *testing.T) {
	t.Parallel()
	c := newConsent(t)
	c.Connect(owner, "1//calendar", calendar)
	c.Connect("other@exampleco.test", "1//other", calendar)
	got, err := c.Exchange(t.Context(), redirect, c.code(t, reading), c.verifier)
	if err != nil {
		t.Fatal(err)
	}
	c.RefuseTokens(http.StatusInternalServerError)
	if err := c.OAuth.Revoke(t.Context(), got.RefreshToken); fault.KindOf(err) != fault.Unavailable || c.Revoked("1//calendar") {
		t.Errorf("status 500: %v; want fault.Unavailable", err)
	}
	c.RefuseTokens(0)
	for _, token := range []private.Secret{got.RefreshToken, got.RefreshToken, private.NewSecret("1//invented")} {
		if err := c.OAuth.Revoke(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
	if !c.Revoked("1//calendar") || c.Revoked("1//other") {
		t.Error("want the account's calendar revoked too, and nobody else's")
	}
	if _, err := google.NewTokens(config(c.Server), google.NewHTTP()).Access(t.Context(), google.Grant{RefreshToken: got.RefreshToken}); !errors.Is(err, google.ErrGrant) {
		t.Errorf("a refresh after it: %v; want ErrGrant", err)
	}
}

func TestConsentPage_LetsAPersonChooseOrRefuse(t *testing.T) {
	t.Parallel()
	fake := googletest.Start(t)
	fake.Register(redirect)
	fake.Add(owner)
	fake.Add("other@exampleco.test")
	page := google.NewOAuth(config(fake)).ConsentURL(redirect, "s", oauth2.GenerateVerifier(), reading, sending)
	content, err := io.ReadAll(open(t, page).Body)
	if err != nil || strings.Count(string(content), "<a href") != 3 || !strings.Contains(string(content), "login_hint=other%40exampleco.test") {
		t.Errorf("%s, %v; want two accounts and a way out", content, err)
	}
	if back := sentBack(t, page+"&login_hint=other%40exampleco.test&untick="+url.QueryEscape(sending)); back.Get("code") == "" || back.Get("scope") != reading {
		t.Errorf("chosen: %v", back)
	}
	if back := sentBack(t, page+"&refuse=1"); back.Get("error") != "access_denied" || back.Get("state") != "s" || back.Has("code") {
		t.Errorf("refused: %v", back)
	}
	fake.Refuse()
	if back := sentBack(t, page); back.Get("error") != "access_denied" {
		t.Errorf("refused by the test: %v", back)
	}
}

func TestConsentPage_TakesNothingSloppy(t *testing.T) {
	t.Parallel()
	c := newConsent(t)
	good := c.ConsentURL(redirect, "s", c.verifier, reading)
	for name, value := range map[string]string{
		"client_id": "x", "redirect_uri": "https://evil.test/", "response_type": "token", "access_type": "online", "state": "", "code_challenge_method": "plain",
		"code_challenge": "short", "scope": "https://www.googleapis.com/auth/everything",
	} {
		u, err := url.Parse(good)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		if response := open(t, u.String()); response.StatusCode != http.StatusBadRequest || len(c.Faults()) != 1 {
			t.Errorf("%s %q: status %d; want 400 and a fault", name, value, response.StatusCode)
		}
	}
}

func TestToken_TakesNothingSloppy(t *testing.T) {
	t.Parallel()
	c := newConsent(t)
	c.Connect(owner, "1//good", reading)
	for what, form := range map[string]url.Values{
		"scopes":          {"grant_type": {"refresh_token"}, "refresh_token": {"1//good"}, "scope": {reading}},
		"another kind":    {"grant_type": {"password"}},
		"another client":  {"grant_type": {"refresh_token"}, "refresh_token": {"1//good"}, "client_id": {"x"}},
		"without a proof": {"grant_type": {"authorization_code"}, "code": {c.code(t, reading)}, "redirect_uri": {redirect}},
	} {
		if !form.Has("client_id") {
			form.Set("client_id", googletest.ClientID)
		}
		form.Set("client_secret", googletest.ClientSecret)
		response, err := http.PostForm(c.URL()+"/token", form)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode < 400 || len(c.Faults()) != 1 {
			t.Errorf("%s: status %d; want it refused, and a fault", what, response.StatusCode)
		}
	}
}
