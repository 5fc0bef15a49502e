// Package setupprompt is the function with which a tenant says what its assistant is told.
//
// Callers are people of the tenant, and global admins who name it in X-Tenant-Id, each with a bearer token. Everybody of the
// tenant reads; its admins change. A prompt is a bundle of sections in versions: a draft is changed at will, a published one never
// again, and any published version may be published anew. 2xx is done; 400 and 422 name what is wrong; 404 is a bundle or message
// that is not the tenant's; 409 says which state refuses the change; 503 may be tried again.
//
// Settings: DATABASE_URL, JWT_SECRET_KEY.
package setupprompt

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Deps is what the function works with.
type Deps struct {
	Log   *slog.Logger
	Guard *auth.Guard
	Now   func() time.Time
}

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	person := httpx.Access[*store.Tenant]{Name: "person of the tenant", Caller: httpx.Person, Admit: d.Guard.Tenant}
	admin := httpx.Access[*store.Tenant]{Name: "admin of the tenant", Caller: httpx.Person, Admit: d.Guard.TenantAdmin}
	return []httpx.Route{
		httpx.JSON("POST", "/tenant-setup/setup-prompt", admin, d.setUp),
		httpx.JSON("GET", "/tenant-setup/current-prompt", person, d.current),
		httpx.JSON("POST", "/prompts/bundles", admin, d.makeBundle),
		httpx.JSON("GET", "/prompts/bundles", person, d.bundles),
		httpx.JSON("GET", "/prompts/bundles/{bundle_id}", person, d.bundle),
		httpx.JSON("PUT", "/prompts/bundles/{bundle_id}", admin, d.changeBundle),
		httpx.JSON("POST", "/prompts/bundles/{bundle_id}/publish", admin, d.publish),
		httpx.JSON("GET", "/prompts/bundles/{bundle_id}/diff", person, d.diff),
		httpx.JSON("POST", "/prompts/roll-back", admin, d.rollBack),
		httpx.JSON("GET", "/prompts/compose", person, d.compose),
		httpx.JSON("GET", "/prompts/composed/{message_id}", person, d.composed),
		httpx.JSON("GET", "/tenant/profile", person, d.profile),
		httpx.JSON("PUT", "/tenant/profile", admin, d.changeProfile),
	}
}
