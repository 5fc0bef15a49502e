// Package aftercall makes of a call that is over what a tenant keeps of it: what was said, a summary, the lead and the contact, a notice to
// the owner; and of a chat with the assistant the conversation with its customer. ai-call-complete/worker calls it for each task. It
// knows neither HTTP nor SQL.
package aftercall

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Queue has a call looked at, at a time, at least once. The same call for the same time is one task, however often it is put.
type Queue interface {
	PutAfterCall(ctx context.Context, id tenant.ID, callID int64, at time.Time) error
}

// Texts has a planned text sent at a time.
type Texts interface {
	PutReply(ctx context.Context, id tenant.ID, replyID int64, at time.Time) error
}

// Model reads a conversation as instructions say and writes JSON of the schema. It returns within the context's deadline.
type Model interface {
	Read(ctx context.Context, instructions, conversation private.Text, schema map[string]any) (private.Text, store.Spent, error)
}

// Worker makes something of calls.
type Worker struct {
	Store  *store.Store
	Queue  Queue
	Texts  Texts
	Telnyx *telnyx.Client
	Model  Model
	Now    func() time.Time
	Log    *slog.Logger
}

// Done says what came of working on a call, as the log tells it.
type Done string

// What can come of working on a call.
const (
	DoneFinished  Done = "finished"
	DonePostponed Done = "postponed" // what was said is not there yet, or somebody could not be asked; queued for later
	DoneNotDue    Done = "not_due"   // its time has moved; queued for then
	DoneAlready   Done = "already_done"
)

const (
	claimLease   = 3 * time.Minute
	askTelnyx    = 20 * time.Second // for all that one attempt asks
	askModel     = 60 * time.Second
	sweepLate    = 30 * time.Second
	sweepAtMost  = 500
	sweepOfEach  = 50
	queueNotice  = 5 * time.Second
	firstRetry   = 30 * time.Second // after somebody could not be asked; doubles
	longestRetry = time.Hour
	mostRetries  = 12 // some five hours; then the call is finished with what there is
	mostAttempts = 40 // then nobody is asked any more: whatever happens to whoever works on this call would happen again
)

// patience is how long is waited, time after time, for what was said to appear: Telnyx writes it down after the call has ended.
var patience = []time.Duration{10 * time.Second, 30 * time.Second, 90 * time.Second, 5 * time.Minute, 15 * time.Minute}

// Work brings one call as far as it can go now. Whatever is still to be done has been queued when it returns without an error; with one, the
// same task should come again. It may be called any number of times, at the same time too, and each effect happens once.
func (w *Worker) Work(ctx context.Context, t *store.Tenant, callID int64) (Done, error) {
	work, due, err := t.ClaimCall(ctx, callID, claimLease)
	switch {
	case err != nil:
		return "", err
	case work == nil && due.IsZero():
		return DoneAlready, nil
	case work == nil:
		return DoneNotDue, w.Queue.PutAfterCall(ctx, t.Scope().ID(), callID, due)
	}
	if work.Attempts > mostAttempts {
		made := w.made(work, heard{}, reading{Intent: generalInquiry})
		made.Missing = missingAll
		return w.finish(ctx, t, work, made, nil)
	}
	heard, unheard := w.hear(ctx, work)
	if unheard == nil && !heard.fromCustomer() && work.Attempts <= len(patience) {
		return w.postpone(ctx, t, work, patience[work.Attempts-1])
	}
	if unheard != nil && work.Attempts < mostRetries {
		w.Log.WarnContext(ctx, "Telnyx could not be asked what was said", "tenant_id", t.Scope().ID(), "call_id", callID, "error", unheard)
		return w.postpone(ctx, t, work, retryAfter(work.Attempts))
	}
	read, unread := w.read(ctx, work, heard)
	if unread != nil && work.Attempts < mostRetries && fault.KindOf(unread) == fault.Unavailable {
		w.Log.WarnContext(ctx, "the model could not be asked about a call", "tenant_id", t.Scope().ID(), "call_id", callID, "error", unread)
		return w.postpone(ctx, t, work, retryAfter(work.Attempts))
	}
	made := w.made(work, heard, read)
	made.Missing = missing(unheard, unread)
	return w.finish(ctx, t, work, made, errors.Join(unheard, unread))
}

// What of a call can be missing for good, as calls.failed_reason has it.
const (
	missingAll        = "gave_up"
	missingTranscript = "no_transcript" // Telnyx could not be asked
	missingSummary    = "no_summary"    // the model could not be asked, refused, or wrote nonsense
)

func missing(unheard, unread error) string {
	switch {
	case unheard != nil:
		return missingTranscript
	case unread != nil:
		return missingSummary
	default:
		return ""
	}
}

func retryAfter(attempts int) time.Duration {
	return min(firstRetry<<min(attempts-1, 10), longestRetry)
}

func (w *Worker) postpone(ctx context.Context, t *store.Tenant, work *store.CallWork, wait time.Duration) (Done, error) {
	if err := t.PostponeCall(ctx, work, wait); err != nil {
		return ifStillOurs(DonePostponed, err)
	}
	return DonePostponed, w.Queue.PutAfterCall(ctx, t.Scope().ID(), work.Call.ID, w.Now().Add(wait))
}

// finish keeps what was made; cause is why a part of it is missing.
func (w *Worker) finish(ctx context.Context, t *store.Tenant, work *store.CallWork, made store.CallMade, cause error) (Done, error) {
	finished, err := t.FinishCall(ctx, work, made)
	if err != nil {
		return ifStillOurs(DoneFinished, err)
	}
	if finished.Failed {
		w.Log.ErrorContext(ctx, "a call is given up", "tenant_id", t.Scope().ID(), "call_id", work.Call.ID, "reason", made.Missing, "error", cause)
	}
	if finished.Notice.ReplyID != 0 {
		ctx, cancel := context.WithTimeout(ctx, queueNotice)
		defer cancel()
		if err := w.Texts.PutReply(ctx, t.Scope().ID(), finished.Notice.ReplyID, finished.Notice.ActAt); err != nil {
			w.Log.WarnContext(ctx, "notice not queued; the sweeper will", "tenant_id", t.Scope().ID(), "reply_id", finished.Notice.ReplyID, "error", err)
		}
	}
	return DoneFinished, nil
}

func ifStillOurs(done Done, err error) (Done, error) {
	if errors.Is(err, store.ErrLostClaim) {
		return DoneAlready, nil
	}
	return done, err
}

// Sweep queues every call that is overdue, and those of whose end nobody has heard. It returns how many it queued. The work itself is
// idempotent, so that a call that was queued after all does no harm.
func (w *Worker) Sweep(ctx context.Context) (int, error) {
	overdue, err := w.Store.UnfinishedCalls(ctx, sweepLate, sweepAtMost, sweepOfEach)
	if err != nil {
		return 0, err
	}
	for i, o := range overdue {
		if err := w.Queue.PutAfterCall(ctx, o.Scope.ID(), o.CallID, w.Now()); err != nil {
			return i, err
		}
	}
	return len(overdue), nil
}
