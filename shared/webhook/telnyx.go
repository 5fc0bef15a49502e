package webhook

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/crash"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

// TelnyxWaits is how long an answer to Telnyx may take altogether. It gives up after two seconds, and the way there and back is its own.
// What is not recorded by then is answered 503, and delivered again; what is recorded and not queued by then is the sweeper's.
const TelnyxWaits = 1500 * time.Millisecond

// TelnyxDelivery is an event whose signature has been verified.
type TelnyxDelivery struct {
	Event        telnyx.Event
	Number       private.Phone // ours: called for an inbound text, calling for an outbound one
	Tenant       *store.Tenant // nil when the number is of no active tenant
	VerifiedWith string        // the tenant's key setting; "" for the platform's keys
}

// Telnyx admits deliveries that Telnyx has signed, under the tenant's own key when it has one, else under one of the
// platform's.
type Telnyx struct {
	Routes *Routes
	Keys   telnyx.PublicKeys // the platform's
	Now    func() time.Time
}

// Admit reads, routes and verifies one delivery.
//
// Errors: Unauthenticated for a signature that does not hold, Invalid for signed bytes that are no event.
func (v *Telnyx) Admit(r *http.Request) (TelnyxDelivery, error) {
	body, err := httpx.Body(r, maxBody)
	if err != nil {
		return TelnyxDelivery{}, err
	}
	crash.Point("inbound.read")
	event, parseErr := telnyx.ParseEvent(body)
	number := ourNumber(event)
	if parseErr != nil || number.IsZero() {
		if err := telnyx.Verify(v.Keys, r.Header, body, v.Now()); err != nil {
			return TelnyxDelivery{}, err
		}
		return TelnyxDelivery{Event: event}, parseErr
	}
	d, err := v.verify(r, body, number, v.Now().Add(-routeTTL))
	if fault.KindOf(err) == fault.Unauthenticated && err != nil {
		d, err = v.verify(r, body, number, v.Now().Add(-time.Second)) // the tenant may have changed its key
	}
	if err != nil {
		return TelnyxDelivery{}, err
	}
	d.Event, d.Number = event, number
	note(r, d)
	crash.Point("inbound.verified")
	return d, nil
}

func ourNumber(e telnyx.Event) private.Phone {
	switch {
	case e.Type == "message.received":
		return e.Message.To
	case strings.HasPrefix(e.Type, "message."):
		return e.Message.From
	default:
		return private.Phone{}
	}
}

func (v *Telnyx) verify(r *http.Request, body []byte, number private.Phone, notBefore time.Time) (TelnyxDelivery, error) {
	route, found, err := v.Routes.find(r, number, notBefore)
	if err != nil {
		return TelnyxDelivery{}, err
	}
	keys, err := keysOf(route.TelnyxPublicKey, v.Keys)
	if err != nil {
		return TelnyxDelivery{}, err
	}
	if err := telnyx.Verify(keys, r.Header, body, v.Now()); err != nil {
		return TelnyxDelivery{}, err
	}
	if !found {
		return TelnyxDelivery{}, nil
	}
	return TelnyxDelivery{Tenant: v.Routes.store.For(route.Scope), VerifiedWith: route.TelnyxPublicKey}, nil
}

func note(r *http.Request, d TelnyxDelivery) {
	attrs := []slog.Attr{slog.String("event_id", d.Event.ID), slog.String("event_type", d.Event.Type)}
	if d.Tenant != nil {
		scope := d.Tenant.Scope()
		attrs = append(attrs, slog.String("tenant_id", scope.ID().String()), slog.String("via", scope.Via()))
	}
	httpx.Note(r.Context(), attrs...)
}
