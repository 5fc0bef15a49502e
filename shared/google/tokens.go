package google

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// keptTokens bounds how many access tokens an instance keeps.
const keptTokens = 500

// lasting is how long an access token has to be good for, so that it does not expire on its way.
const lasting = time.Minute

// Tokens are access tokens, used until they expire. Each is kept under a digest of the grant that it was given for, so that a tenant that
// connects its account again is never served with an old one.
type Tokens struct {
	http   *http.Client
	config oauth2.Config

	mu   sync.Mutex
	kept map[[sha256.Size]byte]*kept
}

// kept is one grant's token. Whoever holds turn may fetch another; the rest is guarded by the mutex of Tokens.
type kept struct {
	turn    chan struct{}
	token   *oauth2.Token
	refused string // the last one that Google took no more: a grant may come with it again
}

// NewTokens asks for access tokens through client. It dials nothing.
func NewTokens(c Config, client *http.Client) *Tokens {
	return &Tokens{http: client, config: c.oauth(), kept: map[[sha256.Size]byte]*kept{}}
}

// digest tells a grant without a refresh token by its access token, for it has no other.
func digest(g Grant) [sha256.Size]byte {
	if g.RefreshToken.IsZero() {
		return sha256.Sum256([]byte(g.TenantID + "\x00\x00" + g.AccessToken.Reveal()))
	}
	return sha256.Sum256([]byte(g.TenantID + "\x00" + g.RefreshToken.Reveal()))
}

// Access is the header that proves a request. An access token is fetched when none is kept, neither here nor in the grant, and once however
// many ask at a time. The error is fault.Unavailable, ErrGrant among it.
func (t *Tokens) Access(ctx context.Context, g Grant) (header string, err error) {
	k := t.of(g)
	select {
	case k.turn <- struct{}{}:
	case <-ctx.Done():
		return "", fault.Wrap(fault.Unavailable, ctx.Err(), "")
	}
	defer func() { <-k.turn }()
	token := t.good(k, g)
	if token == nil {
		if token, err = t.fetch(ctx, g); err != nil {
			return "", fault.Wrap(fault.Unavailable, fmt.Errorf("fetching an access token: %w", Reason(err)), "")
		}
		t.mu.Lock()
		k.token = token
		t.mu.Unlock()
	}
	return "Bearer " + token.AccessToken, nil
}

// fetch names no scopes: Google would refuse any that the person has not granted, and gives all that are granted when it is not asked for some.
func (t *Tokens) fetch(ctx context.Context, g Grant) (*oauth2.Token, error) {
	if g.RefreshToken.IsZero() {
		return nil, ErrGrant
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, t.http)
	return t.config.TokenSource(ctx, &oauth2.Token{RefreshToken: g.RefreshToken.Reveal()}).Token()
}

// good is the token to use, the one that is kept before the grant's own; nil when neither will do.
func (t *Tokens) good(k *kept, g Grant) *oauth2.Token {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := g.AccessToken.Reveal()
	switch {
	case k.token != nil && (k.token.Expiry.IsZero() || time.Until(k.token.Expiry) > lasting):
	case own != "" && own != k.refused && time.Until(g.Expires) > lasting:
		k.token = &oauth2.Token{AccessToken: own, Expiry: g.Expires}
	default:
		k.token = nil
	}
	return k.token
}

func (t *Tokens) of(g Grant) *kept {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := digest(g)
	k := t.kept[key]
	if k != nil {
		return k
	}
	for old := range t.kept {
		if len(t.kept) < keptTokens {
			break
		}
		delete(t.kept, old)
	}
	k = &kept{turn: make(chan struct{}, 1)}
	t.kept[key] = k
	return k
}

// Forget drops the token of a header that Google takes no more. Another that is in use by now stays.
func (t *Tokens) Forget(g Grant, header string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.kept[digest(g)]
	if k == nil {
		return
	}
	k.refused = strings.TrimPrefix(header, "Bearer ")
	if k.token != nil && k.token.AccessToken == k.refused {
		k.token = nil
	}
}

// Current tells which access token is in use for a grant, for whoever wants to keep it, and when it expires; zero when there is none.
func (t *Tokens) Current(g Grant) (token private.Secret, expires time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.kept[digest(g)]
	if k == nil || k.token == nil {
		return private.Secret{}, time.Time{}
	}
	return private.NewSecret(k.token.AccessToken), k.token.Expiry
}

// Read asks what changes nothing, and once more with another access token when the first is refused. The error is ask's own, or that of Access.
func (t *Tokens) Read(ctx context.Context, g Grant, ask func(header string) error) error {
	var err error
	for range 2 {
		var header string
		if header, err = t.Access(ctx, g); err != nil {
			return err
		}
		err = ask(header)
		if statusIn(err) != http.StatusUnauthorized {
			return err
		}
		t.Forget(g, header)
	}
	return err
}

// Once asks for something that must not happen twice: one time, whatever comes back. undone tells of an error that it surely has not happened:
// Google refused, was never reached, or gave no access token. The error is ask's own, or that of Access.
func (t *Tokens) Once(ctx context.Context, g Grant, ask func(ctx context.Context, header string) error) (undone bool, err error) {
	header, err := t.Access(ctx, g)
	if err != nil {
		return true, err
	}
	var connected atomic.Bool
	err = ask(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}), header)
	status := statusIn(err)
	if status == http.StatusUnauthorized {
		t.Forget(g, header)
	}
	return err != nil && (status >= 400 && status < 500 && status != http.StatusRequestTimeout || !connected.Load()), err
}

// statusIn is the status of an answer that was an error, 0 for anything else.
func statusIn(err error) int {
	if answer, ok := errors.AsType[*googleapi.Error](err); ok {
		return answer.Code
	}
	return 0
}
