// Package users is the function with which people log in, and with which a tenant's admins look after its people.
//
// Callers are people and scripts. /auth/login is open to anyone and throttled by account and by address; everything else takes the
// bearer token that it gave. /auth/me and /auth/change-password reach the caller's own row and no other. /users and /audit-log are the
// tenant's that the caller acts in: all of its people may read who they are, its admins change them and read the log. 2xx is done; 401
// means log in again; 403 not yours to do; 409 not as things are, and why; 429 wait; 503 may be tried again.
//
// Settings: DATABASE_URL, JWT_SECRET_KEY, GOOGLE_CLOUD_PROJECT, FIRESTORE_EMULATOR_HOST.
package users

import (
	"log/slog"
	"net/http"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Deps is what the function works with.
type Deps struct {
	Log       *slog.Logger
	Guard     *auth.Guard
	ByAccount *ephemeral.Throttle // log-in attempts on one account
	ByAddress *ephemeral.Throttle // log-in attempts from one address
	BySetter  *ephemeral.Throttle // passwords that one admin sets for others
}

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	anyone := httpx.Access[caller]{Name: "anyone, throttled", Caller: httpx.Person, Proof: httpx.Nothing, Admit: callerOf}
	person := httpx.Access[store.User]{Name: "logged-in person", Caller: httpx.Person, Admit: d.Guard.Person}
	self := httpx.Access[self]{Name: "logged-in person", Caller: httpx.Person, Admit: d.self}
	member := httpx.Access[*store.Tenant]{Name: "person of the tenant", Caller: httpx.Person, Admit: d.Guard.Tenant}
	admin := httpx.Access[*store.Tenant]{Name: "admin of the tenant", Caller: httpx.Person, Admit: d.Guard.TenantAdmin}
	return []httpx.Route{
		httpx.JSON("POST", "/auth/login", anyone, d.logIn),
		httpx.JSON("GET", "/auth/me", person, d.me),
		httpx.JSON("POST", "/auth/change-password", self, d.changePassword),
		httpx.JSON("POST", "/users", admin, d.createUser),
		httpx.JSON("GET", "/users", member, d.listUsers),
		httpx.JSON("GET", "/users/{user_id}", member, d.getUser),
		httpx.JSON("PATCH", "/users/{user_id}", admin, d.changeUser),
		httpx.JSON("GET", "/audit-log", admin, d.auditLog),
	}
}
