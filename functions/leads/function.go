// Package leads is the function with which the people of a tenant work: its leads and contacts, its calls, and its conversations with
// customers.
//
// Callers are the people of a tenant, and global admins who act in one, proven by their bearer token; all of them may do all of it.
// What they reach is their tenant's, and another's row answers 404 as a missing one does. 2xx is done; 400 and 422
// name what is wrong with the request; 401 means log in again; 409 says why it cannot be now; 503 may be tried again.
//
// Settings: DATABASE_URL, FIELD_ENCRYPTION_KEY, JWT_SECRET_KEY, TELNYX_API_BASE, CLOUD_TASKS_*, EMAIL_CLOUD_TASKS_*.
package leads

import (
	"log/slog"
	"net/http"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

// Deps is what the function works with.
type Deps struct {
	Log    *slog.Logger
	Guard  *auth.Guard
	Queue  *task.Queue
	Mail   task.MailQueue
	Telnyx *telnyx.Client
}

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	person := httpx.Access[*store.Tenant]{Name: "person of the tenant", Caller: httpx.Person, Admit: d.Guard.Tenant}
	return []httpx.Route{
		httpx.JSON("POST", "/leads", person, d.createLead),
		httpx.JSON("GET", "/leads", person, d.listLeads),
		httpx.JSON("GET", "/leads/{lead_id}", person, d.getLead),
		httpx.JSON("PATCH", "/leads/{lead_id}", person, d.changeLead),
		httpx.JSON("DELETE", "/leads/{lead_id}", person, d.deleteLead),
		httpx.JSON("GET", "/contacts", person, d.listContacts),
		httpx.JSON("GET", "/contacts/{contact_id}", person, d.getContact),
		httpx.JSON("GET", "/calls", person, d.listCalls),
		httpx.JSON("GET", "/calls/{call_id}", person, d.getCall),
		httpx.JSON("GET", "/calls/{call_id}/recording", person, d.getRecording),
		httpx.JSON("GET", "/conversations", person, d.listConversations),
		httpx.JSON("GET", "/conversations/{conversation_id}", person, d.getConversation),
		httpx.JSON("GET", "/conversations/{conversation_id}/messages", person, d.listMessages),
		httpx.JSON("POST", "/conversations/{conversation_id}/messages", person, d.sendText),
		httpx.JSON("POST", "/conversations/{conversation_id}/take-over", person, d.takeOver),
		httpx.JSON("POST", "/conversations/{conversation_id}/hand-back", person, d.handBack),
	}
}
