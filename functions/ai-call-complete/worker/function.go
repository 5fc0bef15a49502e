// Package worker is the function that makes something of calls when they are over: the transcript, the summary, the lead, the owner's
// notice; and that brings a booking to its end which a call has left behind.
//
// Cloud Tasks calls /workers/calls/finish and /workers/calls/settle-booking with the id of a call or of a booking, and Cloud Scheduler calls /workers/calls/sweep, each proven by Google's
// token for this service's audience and account; nobody else may. The task says which tenant's data it is. 200 means done, or queued for
// later; 5xx means the same task again, which does no harm.
//
// Settings: DATABASE_URL, FIELD_ENCRYPTION_KEY, TELNYX_API_BASE, GEMINI_MODEL, GEMINI_API_KEY, AI_INTEGRATIONS_GEMINI_API_KEY,
// GOOGLE_GEMINI_BASE_URL, GOOGLE_API_BASE, GOOGLE_OAUTH_CLIENT_ID, GOOGLE_OAUTH_CLIENT_SECRET, CLOUD_TASKS_*, SMS_CLOUD_TASKS_*, OIDC_ISSUER, OIDC_KEYS_URL.
package worker

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/chattercheatah/chattercheatah/shared/aftercall"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/meeting"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Deps is what the function works with.
type Deps struct {
	Log      *slog.Logger
	Callers  *task.Verifier
	Worker   *aftercall.Worker
	Meetings *meeting.Meetings
	Bookings *task.Queue
}

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	google := httpx.Access[task.Call]{Name: "Cloud Tasks or Cloud Scheduler, by token", Caller: httpx.Provider, Proof: httpx.GoogleToken, Admit: d.Callers.Verify}
	return []httpx.Route{
		httpx.JSON("POST", task.AfterCallPath, google, d.finish),
		httpx.JSON("POST", task.BookingPath, google, d.settleBooking),
		httpx.JSON("POST", "/workers/calls/sweep", google, d.sweep),
	}
}

type finishInput struct{ Body task.AfterCall }

type finishOutput struct {
	Body struct {
		Outcome aftercall.Done `json:"outcome"`
	}
}

// finish works on one call.
func (d Deps) finish(ctx context.Context, call task.Call, in *finishInput) (*finishOutput, error) {
	t := d.Worker.Store.For(tenant.ByTask(in.Body.TenantID))
	httpx.Note(ctx, slog.String("tenant_id", t.Scope().ID().String()), slog.String("via", t.Scope().Via()), slog.String("actor", call.Email),
		slog.Int64("call_id", in.Body.CallID), slog.String("task", call.TaskName), slog.Int("retry", call.Retry))
	done, err := d.Worker.Work(ctx, t, in.Body.CallID)
	if err != nil {
		return nil, err
	}
	httpx.Note(ctx, slog.String("outcome", string(done)))
	out := &finishOutput{}
	out.Body.Outcome = done
	return out, nil
}

type sweepOutput struct {
	Body struct {
		Queued int `json:"queued"`
	}
}

// sweep queues what is overdue.
func (d Deps) sweep(ctx context.Context, call task.Call, _ *struct{}) (*sweepOutput, error) {
	calls, callsErr := d.Worker.Sweep(ctx)
	bookings, bookingsErr := d.sweepBookings(ctx)
	if err := errors.Join(callsErr, bookingsErr); err != nil {
		return nil, err
	}
	queued := calls + bookings
	httpx.Note(ctx, slog.String("actor", call.Email), slog.Int("queued", queued))
	out := &sweepOutput{}
	out.Body.Queued = queued
	return out, nil
}
