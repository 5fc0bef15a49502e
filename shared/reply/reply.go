// Package reply is the product: an inbound message in, at most one reply out.
//
// Intake records a text together with the reply that it calls for; telnyx-sms calls it before it acknowledges. Worker
// composes the reply from the tenant's prompt and the conversation, checks what the model wrote, and sends it once;
// telnyx-sms/worker calls it for each task. Neither knows HTTP or SQL.
package reply

import (
	"context"
	"log/slog"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/crash"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Queue has work done at a time, at least once. The same work for the same time is one task, however often it is put.
type Queue interface {
	PutReply(ctx context.Context, id tenant.ID, replyID int64, at time.Time) error
	PutCall(ctx context.Context, id tenant.ID, at time.Time) error
}

// Inbound is a text as a provider delivered it.
type Inbound struct {
	From, To          private.Phone
	Text              private.Text
	Media             int // attachments
	ProviderMessageID string
	OccurredAt        time.Time
	Answered          bool    // the provider has answered it already (a keyword of its own)
	Requests          Keyword // what the provider says the sender asked for; NoKeyword when it leaves that to us
	VerifiedWith      *string // see store.Inbound
}

// Taken says what came of an inbound text.
type Taken string

// What can come of an inbound text, as the log tells it.
const (
	TakenDuplicate Taken = "duplicate"
	TakenQueued    Taken = "queued"
	TakenUnqueued  Taken = "recorded_not_queued" // the sweeper will find it
	TakenWaits     Taken = "recorded_waits"      // the tenant has many before it; the worker that finishes one calls it
	TakenSilent    Taken = "recorded"            // no reply is owed
)

// Receipt is for the log line of the request that brought a text.
type Receipt struct {
	Outcome Taken
	ReplyID int64 // of the reply that is owed; 0 for none
}

// LogAttrs are what the log line says of it.
func (r Receipt) LogAttrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("outcome", string(r.Outcome))}
	if r.ReplyID != 0 {
		attrs = append(attrs, slog.Int64("reply_id", r.ReplyID))
	}
	return attrs
}

// Intake takes texts in.
type Intake struct {
	Queue Queue
	Now   func() time.Time
	Log   *slog.Logger
}

// queueWait bounds the time that queueing may add to an acknowledgement. A reply that was recorded and not queued is not
// lost: the sweeper finds it.
const queueWait = time.Second

// trustedClock is how far a message's own time may lie from ours: the tolerance of its signature. Beyond that it is taken
// to have come now, so that a provider's odd clock can neither undo an opt-out nor reorder a conversation.
const trustedClock = 5 * time.Minute

// Take records a text and queues the reply. Once it returns without an error the text is safe, queued or not.
func (in *Intake) Take(ctx context.Context, t *store.Tenant, m Inbound) (Receipt, error) {
	crash.Point("inbound.before_commit")
	rec, err := t.RecordInbound(ctx, store.Inbound{
		From: m.From, To: m.To, Text: m.Text, Media: m.Media,
		ProviderMessageID:  m.ProviderMessageID,
		OccurredAt:         in.when(m.OccurredAt),
		Keyword:            asked(m),
		AnsweredByProvider: m.Answered,
		VerifiedWith:       m.VerifiedWith,
		Crowd:              crowd,
	})
	if err != nil {
		return Receipt{}, err
	}
	crash.Point("inbound.recorded")
	if rec.ReplyID == 0 {
		return receipt(rec, TakenSilent), nil
	}
	ctx, cancel := context.WithTimeout(ctx, queueWait)
	defer cancel()
	taken, err := in.queue(ctx, t.Scope().ID(), rec)
	if err != nil {
		in.Log.WarnContext(ctx, "reply not queued; the sweeper will", "tenant_id", t.Scope().ID(), "reply_id", rec.ReplyID, "error", err)
		return receipt(rec, TakenUnqueued), nil
	}
	crash.Point("inbound.queued")
	return receipt(rec, taken), nil
}

func (in *Intake) queue(ctx context.Context, id tenant.ID, rec store.Recorded) (Taken, error) {
	if rec.Crowded {
		return TakenWaits, in.Queue.PutCall(ctx, id, notBefore(rec.ActAt, callEvery))
	}
	return TakenQueued, in.Queue.PutReply(ctx, id, rec.ReplyID, rec.ActAt)
}

func receipt(rec store.Recorded, taken Taken) Receipt {
	if rec.Duplicate {
		taken = TakenDuplicate
	}
	return Receipt{taken, rec.ReplyID}
}

func (in *Intake) when(occurred time.Time) time.Time {
	now := in.Now()
	if d := now.Sub(occurred); d > trustedClock || d < -trustedClock {
		return now
	}
	return occurred
}

// asked is what the provider says the sender asked for, else what the wording does.
func asked(m Inbound) store.Keyword {
	k := m.Requests
	if k == NoKeyword {
		k = KeywordOf(m.Text)
	}
	switch k {
	case Stop:
		return store.Stop
	case Start:
		return store.Start
	case Yes:
		return store.Yes
	case Help:
		return store.Help
	default:
		return store.NoKeyword
	}
}
