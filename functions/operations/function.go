// Package operations is the function with which a tenant is looked after once it answers: what failed for good and is to be done again, what is held of a
// person and how long, and what is used.
//
// Callers are the admins of a tenant, and global admins who act in one, proven by their bearer token; what concerns all tenants is for global
// admins alone. 2xx is done; 400 and 422 name what is wrong with the request; 403 means not an admin; 503 may be tried again.
//
// It logs in to Postgres as a member of chattercheatah_registrar, as admin-tenants does.
//
// Settings: DATABASE_URL, JWT_SECRET_KEY, CLOUD_TASKS_*, EMAIL_CLOUD_TASKS_*, CALL_CLOUD_TASKS_*.
package operations

import (
	"log/slog"
	"net/http"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/task"
)

// Deps is what the function works with.
type Deps struct {
	Log   *slog.Logger
	Guard *auth.Guard
	Texts *task.Queue    // of telnyx-sms/worker
	Mail  task.MailQueue // of email-pubsub/worker
	Calls *task.Queue    // of ai-call-complete/worker
}

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	admin := httpx.Access[*store.Tenant]{Name: "admin of the tenant", Caller: httpx.Person, Admit: d.Guard.TenantAdmin}
	operator := httpx.Access[*store.Registry]{Name: "global admin", Caller: httpx.Person, Admit: d.Guard.Registry}
	return []httpx.Route{
		httpx.JSON("GET", "/dead-letters", admin, d.listDeadLetters),
		httpx.JSON("POST", "/dead-letters/{kind}/{letter_id}/replay", admin, d.replayDeadLetter),
		httpx.JSON("GET", "/admin/dead-letters", operator, d.countDeadLetters),
		httpx.JSON("POST", "/people/export", admin, d.exportPerson),
		httpx.JSON("POST", "/people/erase", admin, d.erasePerson),
		httpx.JSON("GET", "/people/erasures", admin, d.erasures),
		httpx.JSON("GET", "/retention", admin, d.retention),
		httpx.JSON("PUT", "/retention", admin, d.keepFor),
		httpx.JSON("GET", "/usage", admin, d.usage),
		httpx.JSON("GET", "/admin/usage", operator, d.usageOfAll),
	}
}
