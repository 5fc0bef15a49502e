package webhook

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// CallDelivery is an event of a call whose signature has been verified.
type CallDelivery struct {
	Event  telnyx.CallEvent
	Tenant *store.Tenant // nil when no active tenant is named
}

// Calls admits events of calls that Telnyx has signed, under the key of the tenant that they name when it has one, else under one of the
// platform's.
type Calls struct {
	Store *store.Store
	Keys  telnyx.PublicKeys // the platform's
	Now   func() time.Time
}

// Admit reads, routes and verifies one delivery.
//
// Errors: Unauthenticated for a signature that does not hold, Invalid for signed bytes that are no event, Forbidden for an event whose
// number, assistant and call are of different tenants.
func (v *Calls) Admit(r *http.Request) (CallDelivery, error) {
	body, err := httpx.Body(r, maxBody)
	if err != nil {
		return CallDelivery{}, err
	}
	event, parseErr := telnyx.ParseCallEvent(r.Header.Get("Content-Type"), body)
	route, err := v.Store.CallRoute(r.Context(), evidence(event))
	if err != nil {
		return CallDelivery{}, err
	}
	keys, err := keysOf(route.TelnyxPublicKey, v.Keys)
	if err != nil {
		return CallDelivery{}, err
	}
	if err := telnyx.Verify(keys, r.Header, body, v.Now()); err != nil {
		return CallDelivery{}, err
	}
	if parseErr != nil {
		return CallDelivery{}, parseErr
	}
	httpx.Note(r.Context(), slog.String("event_id", event.ID), slog.String("event_type", event.Type))
	event.Outbound = event.Outbound || route.WeCalled
	scope, err := tenant.ByCallEvent(route.Known)
	if err != nil || scope.IsZero() {
		return CallDelivery{Event: event}, err
	}
	httpx.Note(r.Context(), slog.String("tenant_id", scope.ID().String()), slog.String("via", scope.Via()))
	return CallDelivery{event, v.Store.For(scope)}, nil
}

func evidence(e telnyx.CallEvent) store.CallEvidence {
	found := store.CallEvidence{Called: e.Ours(), Assistant: e.AssistantID, Names: e.Names}
	if !e.Directed {
		found.Calling = e.From
	}
	return found
}

// keysOf are a tenant's own key, if it has one, else the platform's.
func keysOf(own string, platform telnyx.PublicKeys) (telnyx.PublicKeys, error) {
	if own == "" {
		return platform, nil
	}
	key, err := telnyx.ParsePublicKey(own)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "")
	}
	return telnyx.PublicKeys{key}, nil
}
