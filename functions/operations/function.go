// Package operations is the function with which a tenant is looked after once it answers: what it uses.
//
// Callers are the admins of a tenant, and global admins who act in one, proven by their bearer token; what concerns all tenants is for global
// admins alone. 2xx is done; 400 and 422 name what is wrong with the request; 403 means not an admin; 503 may be tried again.
//
// It logs in to Postgres as a member of chattercheatah_registrar, as admin-tenants does.
//
// Settings: DATABASE_URL, JWT_SECRET_KEY.
package operations

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
	admin := httpx.Access[*store.Tenant]{Name: "admin of the tenant", Caller: httpx.Person, Admit: d.Guard.TenantAdmin}
	operator := httpx.Access[*store.Registry]{Name: "global admin", Caller: httpx.Person, Admit: d.Guard.Registry}
	return []httpx.Route{
		httpx.JSON("GET", "/usage", admin, d.usage),
		httpx.JSON("GET", "/admin/usage", operator, d.usageOfAll),
	}
}
