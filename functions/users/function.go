// Package users is the function with which people log in.
//
// Callers are people and scripts. /auth/login is open to anyone and throttled by account and by address; /auth/me takes the
// bearer token that it gave. It reads the caller's own row and no other. 2xx is done; 401 means log in again; 429 means wait;
// 503 may be tried again.
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
}

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	anyone := httpx.Access[caller]{Name: "anyone, throttled", Caller: httpx.Person, Admit: callerOf}
	person := httpx.Access[store.User]{Name: "logged-in person", Caller: httpx.Person, Admit: d.Guard.Person}
	return []httpx.Route{
		httpx.JSON("POST", "/auth/login", anyone, d.logIn),
		httpx.JSON("GET", "/auth/me", person, d.me),
	}
}
