// Package webhook admits what providers deliver: it finds the tenant that a delivery names, checks the provider's signature
// under that tenant's key, and only then hands over the delivery with the handle on that tenant's data. What the handler
// returns decides whether the provider delivers again (httpx.Provider).
//
// A number is part of the signed bytes, so it may choose the key; nothing else of a delivery is believed before the check.
package webhook

import (
	"net/http"
	"sync"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// maxBody is far above any delivery; Telnyx's are a few kilobytes.
const maxBody = 256 << 10

// routeTTL is how long a number's tenant and key are remembered. A change is noticed sooner where it matters: recording
// checks the route again in its own transaction, and a signature that fails under a remembered key resolves anew.
const routeTTL = 30 * time.Second

// maxRoutes bounds the memory that texts to invented numbers can take.
const maxRoutes = 20_000

// Routes remembers which tenant a number belongs to. It is safe for concurrent use.
type Routes struct {
	store *store.Store
	now   func() time.Time

	mu    sync.RWMutex
	known map[private.Phone]knownRoute
}

type knownRoute struct {
	route store.SMSRoute
	found bool
	at    time.Time
}

// NewRoutes resolves numbers with s.
func NewRoutes(s *store.Store, now func() time.Time) *Routes {
	return &Routes{store: s, now: now, known: map[private.Phone]knownRoute{}}
}

// find resolves a number, from memory when it was resolved after notBefore. found is false for a number of no active tenant.
func (rs *Routes) find(r *http.Request, number private.Phone, notBefore time.Time) (route store.SMSRoute, found bool, err error) {
	rs.mu.RLock()
	k, ok := rs.known[number]
	rs.mu.RUnlock()
	if ok && k.at.After(notBefore) {
		return k.route, k.found, nil
	}
	at := rs.now()
	route, err = rs.store.SMSRoute(r.Context(), number)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return store.SMSRoute{}, false, err
	}
	found = err == nil
	rs.mu.Lock()
	if len(rs.known) >= maxRoutes {
		clear(rs.known)
	}
	rs.known[number] = knownRoute{route, found, at}
	rs.mu.Unlock()
	return route, found, nil
}

// Forget drops what is remembered of a number, after its route turned out to have changed.
func (rs *Routes) Forget(number private.Phone) {
	rs.mu.Lock()
	delete(rs.known, number)
	rs.mu.Unlock()
}
