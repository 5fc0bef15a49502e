package google

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// OAuth asks a person for leave to use an account, and gives it back. Deadlines come with each call's context.
type OAuth struct {
	http   *http.Client
	config oauth2.Config
	revoke string
}

// NewOAuth asks at the address of c. It dials nothing.
func NewOAuth(c Config) *OAuth {
	return &OAuth{http: NewHTTP(), config: c.oauth(), revoke: c.At("/revoke", revokeAddress)}
}

func (o *OAuth) at(redirect string, scopes ...string) *oauth2.Config {
	c := o.config
	c.RedirectURL, c.Scopes = redirect, scopes
	return &c
}

// ConsentURL is the page on which a person chooses an account and ticks what we may do with it. Google sends the person on to redirect with
// state and a code, or with state and an error, access_denied for a person who does not want to. verifier is one of oauth2.GenerateVerifier,
// which stays with us until the exchange. The page is shown even to somebody who has consented before, or there would be no refresh token.
func (o *OAuth) ConsentURL(redirect, state, verifier string, scopes ...string) string {
	return o.at(redirect, scopes...).AuthCodeURL(state, oauth2.AccessTypeOffline, oauth2.S256ChallengeOption(verifier),
		oauth2.SetAuthURLParam("prompt", "consent"), oauth2.SetAuthURLParam("include_granted_scopes", "true"))
}

// Granted is what a person's consent has given us.
type Granted struct {
	RefreshToken private.Secret // zero when Google gave none: what was stored before must then stay as it is
	AccessToken  private.Secret
	Expires      time.Time // when AccessToken does
	Scopes       []string  // all that the account has ever granted us, without those that the person has unticked
}

// Exchange takes a code, once, with the redirect and the verifier of its consent. ErrCode (fault.Invalid) when Google does not take the code,
// ErrConfig (fault.Internal) when it does not take our client, and fault.Unavailable when it did not answer: then too the code may be used up.
func (o *OAuth) Exchange(ctx context.Context, redirect, code, verifier string) (Granted, error) {
	token, err := o.at(redirect).Exchange(context.WithValue(ctx, oauth2.HTTPClient, o.http), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return Granted{}, refusedCode(err)
	}
	scopes, _ := token.Extra("scope").(string)
	return Granted{
		RefreshToken: private.NewSecret(token.RefreshToken), AccessToken: private.NewSecret(token.AccessToken),
		Expires: token.Expiry, Scopes: strings.Fields(scopes),
	}, nil
}

// ours are Google's words for what only we can mend.
var ours = []string{"invalid_client", "unauthorized_client", "redirect_uri_mismatch", "invalid_request", "unsupported_grant_type"}

func refusedCode(err error) error {
	const doing = "exchanging a code"
	answer, refused := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case refused && answer.ErrorCode == "invalid_grant":
		return fault.Wrap(fault.Invalid, fmt.Errorf("%s: %w", doing, ErrCode), "")
	case refused && slices.Contains(ours, answer.ErrorCode):
		return fault.Wrap(fault.Internal, fmt.Errorf("%s: %w: %w", doing, ErrConfig, Reason(err)), "")
	default:
		return fault.Wrap(fault.Unavailable, fmt.Errorf("%s: %w", doing, Reason(err)), "")
	}
}

// Revoke ends all that an account has granted us, its calendar too when the same account has given both. A token that is worth nothing any
// more is no error; any other is fault.Unavailable.
func (o *OAuth) Revoke(ctx context.Context, refreshToken private.Secret) error {
	form := url.Values{"token": {refreshToken.Reveal()}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.revoke, strings.NewReader(form.Encode()))
	if err != nil {
		return fault.Wrap(fault.Internal, errors.New("revoking a grant: GOOGLE_API_BASE is no address"), "")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := o.http.Do(r)
	if err != nil {
		return fault.Wrap(fault.Unavailable, fmt.Errorf("revoking a grant: %w", Reason(err)), "")
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct{ Error string }
	_ = json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&answer)
	worthless := response.StatusCode == http.StatusBadRequest && (answer.Error == "invalid_token" || answer.Error == "invalid_grant")
	if response.StatusCode == http.StatusOK || worthless {
		return nil
	}
	return fault.Wrap(fault.Unavailable, fmt.Errorf("revoking a grant: status %d, %q", response.StatusCode, Plain(answer.Error)), "")
}
