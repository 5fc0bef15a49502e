// Package telnyxtools is the function that a voice assistant's tools call while somebody is on the phone.
//
// Telnyx calls it for a tenant's assistant, proven by its Ed25519 signature or by the tenant's tool secret in X-Tool-Secret; a call with
// neither does nothing. Whose data it is says ?tenant_id= of the address, else the call in x-telnyx-call-control-id, else the setting
// TOOLS_FALLBACK_TENANT_ID; what is known of the call, its number and its assistant has to agree, and a wrong one of the former is never
// a reason for the latter. The answer is always 200 with a sentence in "result" that the assistant can say, true in every case: there is
// nobody who could read another status.
//
// Settings: DATABASE_URL, FIELD_ENCRYPTION_KEY, TELNYX_PUBLIC_KEY, TOOLS_FALLBACK_TENANT_ID, JACKRABBIT_BASE_URL, GOOGLE_CLOUD_PROJECT,
// FIRESTORE_EMULATOR_HOST, CLOUD_TASKS_*, GOOGLE_API_BASE, GOOGLE_OAUTH_CLIENT_ID, GOOGLE_OAUTH_CLIENT_SECRET.
package telnyxtools

import (
	"log/slog"
	"net/http"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/meeting"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

// Deps is what the function works with.
type Deps struct {
	Log      *slog.Logger
	Tools    *webhook.Tools
	Classes  *booking.Classes
	Meetings *meeting.Meetings
	Queue    *task.Queue
}

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	assistant := httpx.Access[webhook.ToolCall]{Name: "a tenant's assistant, by signature or secret", Caller: httpx.Voice, Proof: httpx.TelnyxSignature, Admit: d.Tools.Admit}
	return []httpx.Route{
		httpx.Handle("GET", "/telnyx/tools/get-classes", assistant, d.getClasses),
		httpx.Handle("POST", "/telnyx/tools/get-classes", assistant, d.getClasses),
		httpx.Handle("GET", "/telnyx/tools/send-link", assistant, d.sendLink),
		httpx.Handle("POST", "/telnyx/tools/send-link", assistant, d.sendLink),
		httpx.Handle("GET", "/telnyx/tools/send-registration-link", assistant, d.sendLink),
		httpx.Handle("POST", "/telnyx/tools/send-registration-link", assistant, d.sendLink),
		httpx.Handle("GET", "/telnyx/tools/get-available-slots", assistant, d.getSlots),
		httpx.Handle("POST", "/telnyx/tools/get-available-slots", assistant, d.getSlots),
		httpx.Handle("GET", "/telnyx/tools/book-meeting", assistant, d.bookMeeting),
		httpx.Handle("POST", "/telnyx/tools/book-meeting", assistant, d.bookMeeting),
	}
}
