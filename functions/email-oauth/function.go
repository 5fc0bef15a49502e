// Package emailoauth is the function with which a tenant connects its Gmail mailbox and says how its mail is to be answered.
//
// An admin of the tenant asks /email/oauth/start for the address of Google's consent page, and opens it in a browser. Google sends the
// browser back to /email/oauth/callback with a code and the state of the start, which proves who began it and for whom: it is 32 random
// bytes, good for one visit within ten minutes, and of no use without the verifier that stays here (PKCE). The browser is shown a page that
// says what happened, or what to do next. A mailbox belongs to one tenant.
//
// People of a tenant read /email/settings, its admins change them and disconnect the mailbox. 2xx is done; 4xx says what to mend, 404 that no
// mailbox is connected; 503 may be tried again, and says so where no OAuth client is configured.
//
// Settings: DATABASE_URL, FIELD_ENCRYPTION_KEY, JWT_SECRET_KEY, API_BASE_URL, GOOGLE_CLOUD_PROJECT, GOOGLE_OAUTH_CLIENT_ID,
// GOOGLE_OAUTH_CLIENT_SECRET, GMAIL_TOPIC.
package emailoauth

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Deps is what the function works with.
type Deps struct {
	Log      *slog.Logger
	Guard    *auth.Guard
	States   *ephemeral.Once     // what waits for a browser to come back, by state; it lives for StateLife
	Starts   *ephemeral.Throttle // connections that one tenant begins
	OAuth    *google.OAuth       // nil when no OAuth client is configured
	Gmail    *gmail.Client
	Redirect string // where Google sends browsers back to
	Topic    string // where Gmail announces mail: projects/P/topics/T
	Now      func() time.Time
}

// StateLife is how long a person has for Google's pages.
const StateLife = 10 * time.Minute

// CallbackPath follows the public address in Redirect, which has to be among the OAuth client's authorized redirect URIs.
const CallbackPath = "/api/v1/email/oauth/callback"

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	person := httpx.Access[*store.Tenant]{Name: "person of the tenant", Caller: httpx.Person, Admit: d.Guard.Tenant}
	admin := httpx.Access[*store.Tenant]{Name: "admin of the tenant", Caller: httpx.Person, Admit: d.Guard.TenantAdmin}
	back := httpx.Access[visit]{Name: "browser back from Google, by state", Caller: httpx.Browser, Proof: httpx.Nothing, Admit: d.comeBack}
	return []httpx.Route{
		httpx.JSON("POST", "/email/oauth/start", admin, d.start),
		httpx.Handle("GET", "/email/oauth/callback", back, d.connect),
		httpx.JSON("DELETE", "/email/disconnect", admin, d.disconnect),
		httpx.JSON("GET", "/email/settings", person, d.settings),
		httpx.JSON("PUT", "/email/settings", admin, d.changeSettings),
	}
}
