package operations

import (
	"context"
	"log/slog"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

type letterBody struct {
	Kind           store.LetterKind `json:"kind"`
	ID             int64            `json:"id"`
	State          string           `json:"state"`
	Reason         string           `json:"reason" doc:"a code, the provider's own where it gave one"`
	FailedAt       time.Time        `json:"failed_at"`
	Attempts       int              `json:"attempts"`
	ConversationID *int64           `json:"conversation_id"`
	CallID         *int64           `json:"call_id"`
	Replayable     bool             `json:"replayable"`
	WhyNot         string           `json:"why_not,omitempty" doc:"why it may not be done again: not_delivered, may_have_been_sent, answered_since, customer_was_told"`
}

type deadLettersInput struct {
	httpx.PageInput
	Kind string `query:"kind" enum:"text,mail_reply,mail,call,booking" doc:"one kind alone"`
}

type deadLettersOutput struct{ Body httpx.Page[letterBody] }

// deadLetters lists what failed for good, the newest first.
func (d Deps) deadLetters(ctx context.Context, t *store.Tenant, in *deadLettersInput) (*deadLettersOutput, error) {
	var after store.LetterPlace
	if err := in.After(&after); err != nil {
		return nil, err
	}
	found, err := t.DeadLetters(ctx, store.LetterKind(in.Kind), after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	show := func(l store.DeadLetter) letterBody {
		return letterBody{
			Kind: l.Kind, ID: l.ID, State: l.State, Reason: l.Reason, FailedAt: l.FailedAt, Attempts: l.Attempts,
			ConversationID: orNull(l.ConversationID), CallID: orNull(l.CallID), Replayable: l.WhyNot == "", WhyNot: l.WhyNot,
		}
	}
	page := httpx.NewPage(found, in.Limit, show, func(l store.DeadLetter) any { return store.LetterPlace{FailedAt: l.FailedAt, Kind: l.Kind, ID: l.ID} })
	return &deadLettersOutput{page}, nil
}

func orNull(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

type replayInput struct {
	Kind store.LetterKind `path:"kind" enum:"text,mail_reply,mail,call,booking" example:"text"`
	ID   int64            `path:"letter_id" minimum:"1" example:"17"`
}

type replayOutput struct {
	Body struct {
		State    string `json:"state" doc:"what it is now"`
		Replayed bool   `json:"replayed" doc:"whether this call has it done again; false when an earlier one did"`
	}
}

// whyNot says what to do about what may not be done again.
var whyNot = map[string]string{
	"not_delivered":      "the carrier took it and could not deliver it, and would not the next time; write to the customer another way",
	"may_have_been_sent": "it may have been sent; look at the conversation, and write to the customer if they have not got it",
	"answered_since":     "the customer has been written to since; write to them if something is missing",
	"not_to_be_sent":     "it is not to be sent: its recipient opted out, or people have taken the conversation over",
	"customer_was_told":  "the customer was told that it did not work; book the meeting with them anew",
}

// replay has a dead letter done again. What is recorded now is done even if its task cannot be queued: the sweeper finds it.
func (d Deps) replay(ctx context.Context, t *store.Tenant, in *replayInput) (*replayOutput, error) {
	r, err := t.Replay(ctx, in.Kind, in.ID)
	if err != nil {
		return nil, err
	}
	if r.WhyNot != "" {
		return nil, fault.New(fault.Conflict, "%s", whyNot[r.WhyNot])
	}
	httpx.Note(ctx, slog.String("letter", string(in.Kind)), slog.Int64("letter_id", in.ID), slog.Bool("replayed", r.Done))
	if r.Done {
		if err := d.queue(ctx, t, in, r.ReplayAt); err != nil {
			d.Log.WarnContext(ctx, "a replay is not queued; the sweeper will", "tenant_id", t.Scope().ID(), "letter", in.Kind, "letter_id", in.ID, "error", err)
		}
	}
	out := &replayOutput{}
	out.Body.State, out.Body.Replayed = r.State, r.Done
	return out, nil
}

// queueWait bounds how long somebody waits for Cloud Tasks.
const queueWait = 5 * time.Second

func (d Deps) queue(ctx context.Context, t *store.Tenant, in *replayInput, at time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, queueWait)
	defer cancel()
	switch of := t.Scope().ID(); in.Kind {
	case store.LetterText:
		return d.Texts.PutReply(ctx, of, in.ID, at)
	case store.LetterMailReply:
		return d.Mail.PutReply(ctx, of, in.ID, at)
	case store.LetterMail:
		return d.Mail.PutMail(ctx, of, in.ID, at)
	default:
		return d.Calls.PutAfterCall(ctx, of, in.ID, at)
	}
}

type letterCountBody struct {
	TenantID int64            `json:"tenant_id"`
	Kind     store.LetterKind `json:"kind"`
	Reason   string           `json:"reason"`
	Letters  int64            `json:"letters"`
	Oldest   time.Time        `json:"oldest"`
}

type countDeadLettersOutput struct {
	Body struct {
		Items []letterCountBody `json:"items"`
	}
}

// countDeadLetters says how many there are of each tenant.
func (d Deps) countDeadLetters(ctx context.Context, of *store.Registry, _ *struct{}) (*countDeadLettersOutput, error) {
	found, err := of.DeadLetters(ctx)
	out := &countDeadLettersOutput{}
	out.Body.Items = make([]letterCountBody, 0, len(found))
	for _, c := range found {
		out.Body.Items = append(out.Body.Items, letterCountBody(c))
	}
	return out, err
}
