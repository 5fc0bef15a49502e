package reply

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/crash"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Turn is one side's words in a conversation.
type Turn struct {
	FromCustomer bool
	Text         private.Text
}

// Model writes an answer to the last turn. It returns within the context's deadline.
type Model interface {
	Answer(ctx context.Context, system private.Text, turns []Turn) (private.Text, store.Spent, error)
}

// Worker composes and sends the replies of one channel.
type Worker struct {
	Store   *store.Store
	Channel prompt.Channel
	Queue   Queue
	Model   Model
	Carrier Carrier
	Now     func() time.Time
	Log     *slog.Logger

	prompts prompts
}

// Done says what came of working on a reply, as the log tells it.
type Done string

// What can come of working on a reply.
const (
	DoneSent      Done = "sent"
	DoneSettled   Done = "settled"       // an unknown outcome was found out: the text had been taken
	DoneUnknown   Done = "unknown"       // the outcome is to be found out; looked at again later
	DonePostponed Done = "postponed"     // it surely was not sent and is tried again later
	DoneNotDue    Done = "not_due"       // its time has moved; queued for then
	DoneBusy      Done = "busy"          // another reply of the conversation goes first; queued for later
	DoneWaits     Done = "waits"         // the tenant has its share at work; called when one of that is done
	DoneEnded     Done = "ended"         // nothing is to be sent: opted out, taken over, rejected
	DoneAlready   Done = "already_done"  // somebody else has done it
	DoneClosed    Done = "tenant_closed" // the sweeper queues it when the tenant is opened again
	DoneNone      Done = "no_such_reply"
)

// Work brings one reply as far as it can go now. Whatever is still to be done later has been queued when it returns without
// an error; with one, the same task should come again. It may be called any number of times, at the same time too, and
// sends at most once.
func (w *Worker) Work(ctx context.Context, t *store.Tenant, replyID int64) (Done, error) {
	crash.Point("worker.received")
	r, standing, err := t.ClaimReply(ctx, w.Channel, replyID, claimLease, TenantShare)
	if err != nil {
		return "", err
	}
	if r != nil {
		crash.Point("worker.claimed")
		done, err := w.answer(ctx, t, r)
		return w.finish(ctx, t, done, err)
	}
	if standing.GaveUp != "" {
		w.givenUp(ctx, t, replyID, standing.GaveUp)
	}
	switch {
	case standing.State == "":
		return DoneNone, nil
	case standing.Closed:
		return DoneClosed, nil
	case standing.State == store.Unknown && standing.Due:
		done, err := w.settle(ctx, t, replyID)
		return w.finish(ctx, t, done, err)
	case standing.State == store.Planned && !standing.Due:
		return DoneNotDue, w.Queue.PutReply(ctx, t.Scope().ID(), replyID, standing.ActAt)
	case standing.State == store.Planned && standing.Crowded:
		return DoneWaits, w.Queue.PutCall(ctx, t.Scope().ID(), notBefore(w.Now().Add(callWait), callEvery))
	case standing.State == store.Planned:
		return DoneBusy, w.later(ctx, t, replyID, busyWait)
	case standing.State == store.Claimed || standing.State == store.Sending || standing.State == store.Unknown:
		return DoneBusy, w.later(ctx, t, replyID, max(standing.ActAt.Sub(w.Now()), busyWait))
	default:
		return DoneAlready, nil
	}
}

// finish calls the tenant's next reply in the place of one that was worked on.
func (w *Worker) finish(ctx context.Context, t *store.Tenant, done Done, err error) (Done, error) {
	if err != nil {
		return "", err
	}
	if _, err := w.Call(ctx, t); err != nil {
		w.Log.WarnContext(ctx, "the next reply was not queued; the sweeper will", "tenant_id", t.Scope().ID(), "error", err)
	}
	return done, nil
}

// Call queues the reply of the tenant that has been due longest, unless the tenant has its share at work; then whoever
// finishes one of that calls. It reports whether it queued one.
func (w *Worker) Call(ctx context.Context, t *store.Tenant) (bool, error) {
	id, err := t.NextReply(ctx, w.Channel, TenantShare)
	if err != nil || id == 0 {
		return false, err
	}
	return true, w.Queue.PutReply(ctx, t.Scope().ID(), id, w.Now())
}

// later queues a reply for wait from now, or a little after: whoever else asks for it at about that time asks with it.
func (w *Worker) later(ctx context.Context, t *store.Tenant, replyID int64, wait time.Duration) error {
	return w.Queue.PutReply(ctx, t.Scope().ID(), replyID, notBefore(w.Now().Add(wait), busyWait))
}

func (w *Worker) answer(ctx context.Context, t *store.Tenant, r *store.Reply) (Done, error) {
	composed, err := w.compose(ctx, t, r)
	if errors.Is(err, errNothingToSay) {
		return ended(t.SuppressReply(ctx, r, "told_hours_already"))
	}
	if errors.Is(err, errSilentNow) {
		return ended(t.RejectReply(ctx, r, "outside_hours"))
	}
	if err != nil {
		return "", err
	}
	crash.Point("worker.composed")
	switch err := t.BeginSend(ctx, r, composed, flightLease); {
	case errors.Is(err, store.ErrOptedOut):
		return ended(t.SuppressReply(ctx, r, "opted_out"))
	case errors.Is(err, store.ErrLostClaim):
		return DoneAlready, nil
	case err != nil:
		return "", err
	}
	crash.Point("worker.in_flight")
	return w.send(ctx, t, r, composed.Text)
}

// send makes the one attempt that BeginSend announced. From here on nothing may return early without writing down how it
// ended; a worker that dies leaves the reply in flight, and its lease runs out into the unknown.
func (w *Worker) send(ctx context.Context, t *store.Tenant, r *store.Reply, text private.Text) (Done, error) {
	sendCtx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	sent, err := w.Carrier.Send(sendCtx, t, r, text)
	crash.Point("worker.sent")
	if err != nil {
		return w.unsent(context.WithoutCancel(ctx), t, r, err)
	}
	if err := w.accept(context.WithoutCancel(ctx), t, r, sent); err != nil {
		return "", err // the text is out: the reply is in flight, and settling finds what the provider knows
	}
	crash.Point("worker.accepted")
	return DoneSent, nil
}

// accept records what the provider has taken. A draft has been said to nobody: it waits for a person.
func (w *Worker) accept(ctx context.Context, t *store.Tenant, r *store.Reply, sent Sent) error {
	if sent.Draft {
		return t.DraftReply(ctx, r, sent.ID)
	}
	return t.AcceptReply(ctx, r.ID, sent.ID)
}

// unsent deals with a send that did not succeed: surely not sent and hopeless, surely not sent and worth another try, or
// unknown.
func (w *Worker) unsent(ctx context.Context, t *store.Tenant, r *store.Reply, err error) (Done, error) {
	var failed *Unsent
	if !errors.As(err, &failed) || failed.Kind == Lost {
		w.Log.WarnContext(ctx, "the answer to a send was lost", "tenant_id", t.Scope().ID(), "reply_id", r.ID, "error", err)
		if err := t.LoseTrack(ctx, r, firstLook); err != nil {
			return ifStillOurs(DoneUnknown, err)
		}
		return DoneUnknown, w.later(ctx, t, r.ID, firstLook)
	}
	w.Log.WarnContext(ctx, "a reply was refused", "tenant_id", t.Scope().ID(), "reply_id", r.ID, "error", err)
	switch {
	case failed.Kind == OptedOut:
		return ended(t.OptedOutAtProvider(ctx, r))
	case failed.Kind == Paused || failed.Kind == BackOff && r.Attempts < maxAttempts:
		wait := max(failed.RetryAfter, time.Duration(r.Attempts*r.Attempts)*backOffUnit)
		if err := t.PostponeReply(ctx, r, wait); err != nil {
			return ifStillOurs(DonePostponed, err)
		}
		return DonePostponed, w.later(ctx, t, r.ID, wait)
	default:
		err := t.RejectReply(ctx, r, failed.Reason)
		if err == nil {
			w.givenUp(ctx, t, r.ID, failed.Reason)
		}
		return ended(err)
	}
}

// givenUp says in the log that a reply has failed for good, once; the dead letters list it.
func (w *Worker) givenUp(ctx context.Context, t *store.Tenant, replyID int64, reason string) {
	w.Log.ErrorContext(ctx, "a reply is given up", "tenant_id", t.Scope().ID(), "reply_id", replyID, "reason", reason)
}

// ended reports a reply that is over. One that was no longer ours is over too, by somebody else's hand.
func ended(err error) (Done, error) { return ifStillOurs(DoneEnded, err) }

func ifStillOurs(done Done, err error) (Done, error) {
	if errors.Is(err, store.ErrLostClaim) {
		return DoneAlready, nil
	}
	if err != nil {
		return "", err
	}
	return done, nil
}

// settle finds out what became of a send whose answer was lost. The provider's own record decides: it has the text, or it
// has had time to show it and does not, or it cannot be asked. Only the second sends again.
func (w *Worker) settle(ctx context.Context, t *store.Tenant, replyID int64) (Done, error) {
	r, err := t.Reply(ctx, w.Channel, replyID)
	if err != nil || r == nil {
		return DoneNone, err
	}
	age := w.Now().Sub(r.SendingAt)
	sent, found, err := w.Carrier.Find(ctx, t, r, w.Now())
	switch {
	case err == nil && found:
		return ifStillOurs(DoneSettled, w.accept(ctx, t, r, sent))
	case err == nil && age >= believeAbsence:
		if err := t.SendAgain(ctx, r); err != nil {
			return ifStillOurs(DonePostponed, err)
		}
		return DonePostponed, w.Queue.PutReply(ctx, t.Scope().ID(), r.ID, w.Now())
	case err != nil:
		w.Log.WarnContext(ctx, "the provider could not say whether a text was sent", "tenant_id", t.Scope().ID(), "reply_id", r.ID, "error", err)
		if err := t.FlagConversation(ctx, r.ConversationID, "unsure_whether_sent"); err != nil {
			return "", err
		}
	}
	if age > lookFor {
		return w.stopLooking(ctx, t, r)
	}
	wait := min(max(firstLook, age), longestLook)
	if untilBelieved := believeAbsence - age; untilBelieved > 0 {
		wait = min(wait, untilBelieved) // a customer may wait for what was never sent
	}
	if err := t.LookAgain(ctx, r, wait); err != nil {
		return ifStillOurs(DoneUnknown, err)
	}
	return DoneUnknown, w.later(ctx, t, r.ID, wait)
}

// stopLooking leaves it to the people whom the marked conversation has told whether a reply was sent.
func (w *Worker) stopLooking(ctx context.Context, t *store.Tenant, r *store.Reply) (Done, error) {
	err := t.StopLooking(ctx, r)
	if err == nil {
		w.givenUp(ctx, t, r.ID, "never_found_out")
	}
	return ifStillOurs(DoneUnknown, err)
}

// Sweep queues every reply that is overdue: recorded and never queued, or left behind by a worker that died. It returns how
// many it queued. The work itself is idempotent, so a reply that was queued after all does no harm.
func (w *Worker) Sweep(ctx context.Context) (int, error) {
	overdue, err := w.Store.OverdueReplies(ctx, w.Channel, sweepAfter, sweepAtMost, sweepOfEach)
	if err != nil {
		return 0, err
	}
	for i, o := range overdue {
		if err := w.Queue.PutReply(ctx, o.Scope.ID(), o.ReplyID, w.Now()); err != nil {
			return i, err
		}
	}
	return len(overdue), nil
}
