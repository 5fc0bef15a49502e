// Package telnyxsms is the function that takes texts in.
//
// Telnyx calls /telnyx/sms/inbound and /telnyx/sms/status (either takes every messaging event, and the swapped spelling
// /sms/telnyx/... answers too), proven by its Ed25519 signature under the tenant's key or the platform's. Twilio calls
// /sms/inbound for legacy numbers, proven by its signature under the tenant's auth token. The number in the signed bytes
// says whose data it is. 200 means recorded, or nothing to record; 400 and 401 mean that a repeat cannot help; 5xx means
// deliver again, which changes nothing that is here already.
//
// People of a tenant read their settings at /sms/settings, and its admins change them.
//
// Settings: DATABASE_URL, FIELD_ENCRYPTION_KEY, JWT_SECRET_KEY, API_BASE_URL, TELNYX_PUBLIC_KEY, CLOUD_TASKS_*.
package telnyxsms

import (
	"log/slog"
	"net/http"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

// Deps is what the function works with.
type Deps struct {
	Log    *slog.Logger
	Guard  *auth.Guard
	Intake *reply.Intake
	Telnyx *webhook.Telnyx
	Twilio *webhook.Twilio
}

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	telnyx := httpx.Access[webhook.TelnyxDelivery]{Name: "Telnyx, by signature", Caller: httpx.Provider, Proof: httpx.TelnyxSignature, Within: webhook.TelnyxWaits, Admit: d.Telnyx.Admit}
	twilio := httpx.Access[webhook.TwilioDelivery]{Name: "Twilio, by signature", Caller: httpx.Provider, Proof: httpx.TwilioSignature, Admit: d.Twilio.Admit}
	person := httpx.Access[*store.Tenant]{Name: "person of the tenant", Caller: httpx.Person, Admit: d.Guard.Tenant}
	admin := httpx.Access[*store.Tenant]{Name: "admin of the tenant", Caller: httpx.Person, Admit: d.Guard.TenantAdmin}
	return []httpx.Route{
		httpx.Handle("POST", "/telnyx/sms/inbound", telnyx, d.telnyxEvent),
		httpx.Handle("POST", "/telnyx/sms/status", telnyx, d.telnyxEvent),
		httpx.Handle("POST", "/sms/telnyx/inbound", telnyx, d.telnyxEvent),
		httpx.Handle("POST", "/sms/telnyx/status", telnyx, d.telnyxEvent),
		httpx.Handle("POST", "/sms/inbound", twilio, d.twilioText),
		httpx.JSON("GET", "/sms/settings", person, d.settings),
		httpx.JSON("PUT", "/sms/settings", admin, d.changeSettings),
	}
}
