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

	"github.com/chattercheatah/chattercheatah/shared/crash"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
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
	return []httpx.Route{
		httpx.JSON("POST", task.ReplyPath, google, d.reply),
		httpx.JSON("POST", task.CallPath, google, d.call),
		httpx.JSON("POST", "/workers/sms/sweep", google, d.sweep),
	}
}

type replyInput struct{ Body task.Reply }

type replyOutput struct {
	Body struct {
		Outcome reply.Done `json:"outcome"`
	}
}

// reply works on one reply.
func (d Deps) reply(ctx context.Context, call task.Call, in *replyInput) (*replyOutput, error) {
	t := d.Worker.Store.For(tenant.ByTask(in.Body.TenantID))
	httpx.Note(ctx, slog.String("tenant_id", t.Scope().ID().String()), slog.String("via", t.Scope().Via()), slog.String("actor", call.Email),
		slog.Int64("reply_id", in.Body.ReplyID), slog.String("task", call.TaskName), slog.Int("retry", call.Retry))
	done, err := d.Worker.Work(ctx, t, in.Body.ReplyID)
	if err != nil {
		return nil, err
	}
	httpx.Note(ctx, slog.String("outcome", string(done)))
	crash.Point("worker.done")
	out := &replyOutput{}
	out.Body.Outcome = done
	return out, nil
}

type callInput struct{ Body task.NextReply }

type callOutput struct {
	Body struct {
		Queued bool `json:"queued"`
	}
}

// call queues a tenant's next reply.
func (d Deps) call(ctx context.Context, call task.Call, in *callInput) (*callOutput, error) {
	t := d.Worker.Store.For(tenant.ByTask(in.Body.TenantID))
	httpx.Note(ctx, slog.String("tenant_id", t.Scope().ID().String()), slog.String("via", t.Scope().Via()), slog.String("actor", call.Email))
	queued, err := d.Worker.Call(ctx, t)
	if err != nil {
		return nil, err
	}
	httpx.Note(ctx, slog.Bool("queued", queued))
	out := &callOutput{}
	out.Body.Queued = queued
	return out, nil
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
