package aicallcomplete

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

// event records what an event tells of its call. Those that are not for us to act on are acknowledged, so that Telnyx lets them rest.
func (d Deps) event(w http.ResponseWriter, r *http.Request, delivery webhook.CallDelivery) error {
	e := delivery.Event
	outcome := string(e.Kind)
	switch {
	case e.Kind == telnyx.CallOther || len(e.Names) == 0:
		outcome = "ignored"
	case delivery.Tenant == nil && e.Ours().IsZero() && e.AssistantID == "":
		return fault.New(fault.Unavailable, "the call is not known yet; deliver again") // what knows it may be on its way
	case delivery.Tenant == nil:
		outcome = "unknown_tenant"
	default:
		rec, err := delivery.Tenant.RecordCall(r.Context(), recordOf(e))
		if err != nil {
			return err
		}
		httpx.Note(r.Context(), slog.Int64("call_id", rec.ID))
		d.queue(r.Context(), delivery.Tenant, rec)
	}
	httpx.Note(r.Context(), slog.String("outcome", outcome))
	return httpx.Write(w, http.StatusOK, map[string]string{"status": "ok"})
}

// queueWait bounds the time that queueing may add to an acknowledgement.
const queueWait = time.Second

// queue has the worker called for a call that is over. One that is not queued is recorded all the same, and the sweeper finds it.
func (d Deps) queue(ctx context.Context, t *store.Tenant, rec store.RecordedCall) {
	if rec.DueAt.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, queueWait)
	defer cancel()
	if err := d.Queue.PutAfterCall(ctx, t.Scope().ID(), rec.ID, rec.DueAt); err != nil {
		d.Log.WarnContext(ctx, "call not queued; the sweeper will", "tenant_id", t.Scope().ID(), "call_id", rec.ID, "error", err)
	}
}

// over reports whether the conversation has ended. The insights of a call are made when it has, those of a chat while it goes on.
func over(e telnyx.CallEvent) bool {
	isCall := e.Channel == telnyx.PhoneCall || e.Channel == telnyx.WebCall
	return e.Kind == telnyx.CallEnded || e.Kind == telnyx.CallInsights && isCall
}

// recordOf is what is kept of an event.
func recordOf(e telnyx.CallEvent) store.CallEvent {
	record := store.CallEvent{
		Names: e.Names, Channel: string(e.Channel), Outbound: e.Outbound, Customer: e.Customer(), Ours: e.Ours(), AssistantID: e.AssistantID,
		ControlID: e.ControlID, ConversationID: e.ConversationID, Ended: over(e),
		OccurredAt: e.OccurredAt, StartedAt: e.StartedAt, EndedAt: e.EndedAt, Duration: e.Duration, Cause: e.Cause, RecordingID: e.RecordingID,
	}
	if e.Kind == telnyx.CallEnded {
		record.EndedAt = cmp.Or(e.EndedAt, e.OccurredAt)
	}
	for _, i := range e.Insights {
		record.Insights = append(record.Insights, store.CallInsight{ID: i.ID, Name: i.Name, Result: i.Result})
	}
	return record
}
