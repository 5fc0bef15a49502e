// Package endpoint is where Cloud Tasks has replies worked on: the routes that the workers of all channels have alike.
package endpoint

import (
	"context"
	"log/slog"

	"github.com/chattercheatah/chattercheatah/shared/crash"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Routes are those of a worker: replyPath takes a task.Reply, callPath a task.NextReply.
func Routes(replyPath, callPath string, google httpx.Access[task.Call], w *reply.Worker) []httpx.Route {
	e := endpoint{w}
	return []httpx.Route{httpx.JSON("POST", replyPath, google, e.reply), httpx.JSON("POST", callPath, google, e.call)}
}

type endpoint struct{ worker *reply.Worker }

type replyInput struct{ Body task.Reply }

type replyOutput struct {
	Body struct {
		Outcome reply.Done `json:"outcome"`
	}
}

// reply works on one reply.
func (e endpoint) reply(ctx context.Context, call task.Call, in *replyInput) (*replyOutput, error) {
	t := e.worker.Store.For(tenant.ByTask(in.Body.TenantID))
	httpx.Note(ctx, call.Noted(t.Scope(), slog.Int64("reply_id", in.Body.ReplyID))...)
	done, err := e.worker.Work(ctx, t, in.Body.ReplyID)
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
func (e endpoint) call(ctx context.Context, call task.Call, in *callInput) (*callOutput, error) {
	t := e.worker.Store.For(tenant.ByTask(in.Body.TenantID))
	httpx.Note(ctx, call.Noted(t.Scope())...)
	queued, err := e.worker.Call(ctx, t)
	if err != nil {
		return nil, err
	}
	httpx.Note(ctx, slog.Bool("queued", queued))
	out := &callOutput{}
	out.Body.Queued = queued
	return out, nil
}
