// Package worker is the function with which the system looks after itself: it proves every hour that no tenant sees another, adds up what
// each has used, and erases what is older than a tenant keeps.
//
// Cloud Scheduler calls it, proven by Google's token for this service's audience and account; nobody else may. 200 means that all is
// well, and 500 that it is not, or could not be seen: Cloud Scheduler counts the failure, and an alert tells the operator.
//
// Settings: DATABASE_URL, API_BASE, ADMIN_EMAIL, ADMIN_PASSWORD, CLOUD_TASKS_WORKER_URL, CLOUD_TASKS_SERVICE_ACCOUNT, OIDC_ISSUER, OIDC_KEYS_URL.
package worker

import (
	"log/slog"
	"net/http"

	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/task"
)

// Deps is what the function works with.
type Deps struct {
	Log      *slog.Logger
	Callers  *task.Verifier
	Store    *store.Store
	Operator api.Operator // as whom the smoke test logs in, and where
}

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	google := httpx.Access[task.Call]{Name: "Cloud Tasks or Cloud Scheduler, by token", Caller: httpx.Provider, Proof: httpx.GoogleToken, Admit: d.Callers.Verify}
	return []httpx.Route{
		httpx.Handle("POST", "/workers/operations/smoke", google, d.smoke),
		httpx.JSON("POST", "/workers/operations/count", google, d.count),
		httpx.JSON("POST", "/workers/operations/keep", google, d.keep),
	}
}
