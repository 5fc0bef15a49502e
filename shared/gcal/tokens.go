package gcal

import (
	"context"
	"crypto/sha256"
	"net/http"
	"sync"

	"golang.org/x/oauth2"
)

// keptTokens bounds how many access tokens an instance keeps.
const keptTokens = 500

// tokens are access tokens, used until they expire. Each is kept under a digest of the grant that it was given for, so that a tenant that
// connects its calendar again is never served with an old one.
type tokens struct {
	http   *http.Client
	config oauth2.Config

	mu   sync.Mutex
	kept map[[sha256.Size]byte]*kept
}

// kept is one grant's token. Whoever holds turn may fetch another.
type kept struct {
	turn  chan struct{}
	token *oauth2.Token
}

func newTokens(client *http.Client, config oauth2.Config) *tokens {
	return &tokens{http: client, config: config, kept: map[[sha256.Size]byte]*kept{}}
}

func digest(g Grant) [sha256.Size]byte {
	return sha256.Sum256([]byte(g.TenantID + "\x00" + g.RefreshToken.Reveal()))
}

// access is the header that proves a request, of a token that is fetched once however many ask at a time.
func (t *tokens) access(ctx context.Context, g Grant) (header string, err error) {
	k := t.of(g)
	select {
	case k.turn <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-k.turn }()
	if !k.token.Valid() {
		ctx = context.WithValue(ctx, oauth2.HTTPClient, t.http)
		if k.token, err = t.config.TokenSource(ctx, &oauth2.Token{RefreshToken: g.RefreshToken.Reveal()}).Token(); err != nil {
			return "", err
		}
	}
	return "Bearer " + k.token.AccessToken, nil
}

func (t *tokens) of(g Grant) *kept {
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

// forget drops a token that Google takes no more.
func (t *tokens) forget(g Grant) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.kept, digest(g))
}
