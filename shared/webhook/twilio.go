package webhook

import (
	"log/slog"
	"net/http"
	"net/url"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/twilio"
)

// TwilioDelivery is a text to a legacy Twilio number whose signature has been verified.
type TwilioDelivery struct {
	Message twilio.Inbound
	Tenant  *store.Tenant // nil when neither the number nor the account is an active tenant's
}

// Twilio admits texts that Twilio has signed with the auth token of the tenant's account. BaseURL is this service's public
// address, because the address that Twilio called is part of what it signs and cannot be taken from the request.
type Twilio struct {
	Store   *store.Store
	BaseURL string // without a trailing slash
}

// Admit reads, routes and verifies one text.
//
// Errors: Unauthenticated for a signature that does not hold or that nobody's token could check, Invalid for a form that is
// no inbound text.
func (v *Twilio) Admit(r *http.Request) (TwilioDelivery, error) {
	body, err := httpx.Body(r, maxBody)
	if err != nil {
		return TwilioDelivery{}, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return TwilioDelivery{}, fault.New(fault.Invalid, "the body is not a form")
	}
	message, parseErr := twilio.ParseInbound(form)
	route, err := v.Store.TwilioRoute(r.Context(), message.To, form.Get("AccountSid"))
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return TwilioDelivery{}, err
	}
	if err != nil { // nobody's number: there is no token to check it with, so there is nothing to believe
		return TwilioDelivery{}, fault.Wrap(fault.NotFound, err, "no tenant has this number")
	}
	if err := twilio.Verify(route.TwilioAuthToken, v.BaseURL+r.RequestURI, form, r.Header.Get("X-Twilio-Signature")); err != nil {
		return TwilioDelivery{}, err
	}
	if parseErr != nil {
		return TwilioDelivery{}, parseErr
	}
	httpx.Note(r.Context(), slog.String("event_id", message.MessageSid),
		slog.String("tenant_id", route.Scope.ID().String()), slog.String("via", route.Scope.Via()))
	return TwilioDelivery{Message: message, Tenant: v.Store.For(route.Scope)}, nil
}
