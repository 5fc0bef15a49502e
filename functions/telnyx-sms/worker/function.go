// Package worker is the function that answers texts.
//
// Cloud Tasks calls /workers/sms/reply with the ids of a reply and /workers/sms/call for a crowded tenant's next, and Cloud
// Scheduler calls /workers/sms/sweep, each proven by Google's token for this service's audience and account; nobody else may. The task says which tenant's data it is. 200
// means done, or queued for later; 5xx means the same task again, which does no harm.
//
// Settings: DATABASE_URL, FIELD_ENCRYPTION_KEY, API_BASE_URL, TELNYX_API_BASE, GEMINI_MODEL, GEMINI_API_KEY,
// AI_INTEGRATIONS_GEMINI_API_KEY, GOOGLE_GEMINI_BASE_URL, CLOUD_TASKS_*, OIDC_ISSUER, OIDC_KEYS_URL.
package worker

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/reply/endpoint"
	"github.com/chattercheatah/chattercheatah/shared/task"
)

// Deps is what the function works with.
type Deps struct {
	Log     *slog.Logger
	Callers *task.Verifier
	Worker  *reply.Worker
}

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	google := httpx.Access[task.Call]{Name: "Cloud Tasks or Cloud Scheduler, by token", Caller: httpx.Provider, Proof: httpx.GoogleToken, Admit: d.Callers.Verify}
	return append(endpoint.Routes(task.ReplyPath, task.CallPath, google, d.Worker),
		httpx.JSON("POST", "/workers/sms/sweep", google, d.sweep),
	)
}

type sweepOutput struct {
	Body struct {
		Queued int `json:"queued"`
	}
}

// sweep queues what is overdue.
func (d Deps) sweep(ctx context.Context, call task.Call, _ *struct{}) (*sweepOutput, error) {
	queued, err := d.Worker.Sweep(ctx)
	if err != nil {
		return nil, err
	}
	httpx.Note(ctx, slog.String("actor", call.Email), slog.Int("queued", queued))
	out := &sweepOutput{}
	out.Body.Queued = queued
	return out, nil
}
