package google_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"google.golang.org/api/googleapi"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

var grant = google.Grant{TenantID: "1042", RefreshToken: private.NewSecret("1//a-grant")}

func newTokens(t *testing.T) (*google.Tokens, *googletest.Server) {
	t.Helper()
	fake := googletest.Start(t)
	fake.Connect(owner, "1//a-grant", reading)
	return google.NewTokens(config(fake), google.NewHTTP()), fake
}

func access(t *testing.T, tokens *google.Tokens, g google.Grant) string {
	t.Helper()
	header, err := tokens.Access(t.Context(), g)
	if err != nil {
		t.Error(err)
	}
	return header
}

func TestAccess_FiftyAtOnceFetchOne(t *testing.T) {
	t.Parallel()
	tokens, fake := newTokens(t)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { access(t, tokens, grant) })
	}
	wg.Wait()
	token, expires := tokens.Current(grant)
	if n := fake.Asked().Refresh; n != 1 || access(t, tokens, grant) != "Bearer "+token.Reveal() || time.Until(expires) < 50*time.Minute {
		t.Errorf("%d were fetched, the current one expires %v; want one", n, expires)
	}
}

func TestAccess_AKeptTokenSparesARefreshUntilItsLastMinute(t *testing.T) {
	t.Parallel()
	tokens, fake := newTokens(t)
	kept := grant
	kept.AccessToken, kept.Expires = private.NewSecret("ya29.kept"), time.Now().Add(time.Hour)
	if token, _ := tokens.Current(kept); !token.IsZero() {
		t.Error("a token is in use before one was asked for")
	}
	if got := access(t, tokens, kept); got != "Bearer ya29.kept" || fake.Asked().Refresh != 0 {
		t.Errorf("%s, %d fetched; want the kept one", got, fake.Asked().Refresh)
	}
	if token, expires := tokens.Current(kept); token.Reveal() != "ya29.kept" || !expires.Equal(kept.Expires) {
		t.Errorf("current: %v until %v; want the kept one", token, expires)
	}
	tokens.Forget(kept, "Bearer ya29.of-another-moment")
	if token, _ := tokens.Current(kept); token.Reveal() != "ya29.kept" {
		t.Error("the token in use is forgotten with one of before")
	}
	tokens.Forget(kept, "Bearer ya29.kept")
	if token, _ := tokens.Current(kept); !token.IsZero() {
		t.Error("a forgotten token is still in use")
	}
	if got := access(t, tokens, kept); got == "Bearer ya29.kept" || fake.Asked().Refresh != 1 {
		t.Errorf("%s, %d fetched; want another than the forgotten one", got, fake.Asked().Refresh)
	}
	for _, late := range []time.Time{{}, time.Now().Add(50 * time.Second), time.Now().Add(-time.Hour)} {
		other, fake := newTokens(t)
		kept.Expires = late
		if got := access(t, other, kept); got == "Bearer ya29.kept" || fake.Asked().Refresh != 1 {
			t.Errorf("expires %v: %s; want a fresh one", late, got)
		}
	}
}

func TestAccess_NoGrantIsServedWithAnothers(t *testing.T) {
	t.Parallel()
	tokens, fake := newTokens(t)
	fake.Connect("other@exampleco.test", "1//another", reading)
	soon := time.Now().Add(time.Hour)
	seen := map[string]bool{}
	for _, g := range []google.Grant{
		grant, {TenantID: "2048", RefreshToken: grant.RefreshToken}, {TenantID: "1042", RefreshToken: private.NewSecret("1//another")},
		{TenantID: "1042", AccessToken: private.NewSecret("ya29.one"), Expires: soon}, {TenantID: "1042", AccessToken: private.NewSecret("ya29.two"), Expires: soon},
	} {
		seen[access(t, tokens, g)] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d tokens for 5 grants", len(seen))
	}
	none := google.Grant{TenantID: "1042", AccessToken: private.NewSecret("ya29.old"), Expires: time.Now()}
	if _, err := tokens.Access(t.Context(), none); !errors.Is(err, google.ErrGrant) {
		t.Errorf("nothing that is good for anything: %v; want ErrGrant", err)
	}
}

func TestAccess_TellsARevokedGrantFromAGoogleThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	tokens, fake := newTokens(t)
	fake.RefuseTokens(http.StatusServiceUnavailable)
	if _, err := tokens.Access(t.Context(), grant); fault.KindOf(err) != fault.Unavailable || errors.Is(err, google.ErrGrant) {
		t.Errorf("status 503: %v; want fault.Unavailable alone", err)
	}
	fake.RefuseTokens(0)
	fake.Revoke("1//a-grant")
	if _, err := tokens.Access(t.Context(), grant); fault.KindOf(err) != fault.Unavailable || !errors.Is(err, google.ErrGrant) {
		t.Errorf("revoked: %v; want ErrGrant", err)
	}
}

func TestRead_AsksOnceMoreWithAnotherTokenAndNoFurther(t *testing.T) {
	t.Parallel()
	tokens, fake := newTokens(t)
	for _, tt := range []struct{ status, asked int }{{http.StatusUnauthorized, 2}, {http.StatusForbidden, 1}, {http.StatusServiceUnavailable, 1}} {
		headers := map[string]bool{}
		err := tokens.Read(t.Context(), grant, func(header string) error {
			headers[header] = true
			return &googleapi.Error{Code: tt.status, Message: "words"}
		})
		if len(headers) != tt.asked || google.Reason(err).Error() == err.Error() {
			t.Errorf("status %d: asked with %d tokens, %v; want %d", tt.status, len(headers), err, tt.asked)
		}
	}
	if n := fake.Asked().Refresh; n != 3 {
		t.Errorf("%d tokens were fetched; want one, another, and one for what is asked later", n)
	}
}
