// Package emailpubsub is the function that Gmail's announcements come to.
//
// Pub/Sub pushes to /email/pubsub what Gmail publishes, proven by Google's token for this address and the subscription's service account. The
// mailbox that it names says whose data it is. 200 means recorded, or nothing to record: a mailbox that nobody has connected, bytes that cannot be
// read, which a repeat cannot mend; 5xx means deliver again, which changes nothing that is here already.
//
// A global admin calls /email/pubsub/test, outside of production, to have a mailbox read as if Gmail had announced something.
//
// Settings: DATABASE_URL, JWT_SECRET_KEY, ENVIRONMENT, API_BASE_URL, PUBSUB_SERVICE_ACCOUNT, CLOUD_TASKS_*, OIDC_ISSUER,
// OIDC_KEYS_URL.
package emailpubsub

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/task"
)

// Deps is what the function works with.
type Deps struct {
	Log        *slog.Logger
	Guard      *auth.Guard
	Pusher     *task.Verifier
	Store      *store.Store
	Queue      task.MailQueue
	Production bool
	Now        func() time.Time
}

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	pubsub := httpx.Access[task.Call]{Name: "Pub/Sub, by token", Caller: httpx.Provider, Proof: httpx.GoogleToken, Admit: d.Pusher.Verify}
	operator := httpx.Access[store.User]{Name: "global admin, outside of production", Caller: httpx.Person, Admit: d.Guard.GlobalAdmin}
	return []httpx.Route{
		httpx.Handle("POST", "/email/pubsub", pubsub, d.push),
		httpx.JSON("POST", "/email/pubsub/test", operator, d.test),
	}
}
