package operations

import (
	"context"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// deadLetter is how the list tells of what failed for good: ids and codes, never a word of anybody.
type deadLetter struct {
	Kind           store.DeadLetterKind `json:"kind" doc:"booking, call, incoming_mail, mail (a reply by mail) or text (a reply by text)"`
	ID             int64                `json:"id"`
	State          string               `json:"state"`
	Reason         string               `json:"reason" doc:"a fixed code, or the provider's"`
	ConversationID *int64               `json:"conversation_id"`
	CallID         *int64               `json:"call_id"`
	FailedAt       time.Time            `json:"failed_at"`
	Attempts       int                  `json:"attempts"`
	Replayable     bool                 `json:"replayable"`
	WhyNot         *string              `json:"why_not" doc:"a fixed code; null when it can be replayed"`
}

func listDeadLetter(l store.DeadLetter) deadLetter {
	return deadLetter{
		Kind: l.Kind, ID: l.ID, State: l.State, Reason: l.Reason, ConversationID: nullIfZero(l.ConversationID), CallID: nullIfZero(l.CallID),
		FailedAt: l.FailedAt, Attempts: l.Attempts, Replayable: l.Bar == "", WhyNot: nullIfZero(l.Bar),
	}
}

// nullIfZero makes null of what is not there.
func nullIfZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

type listDeadLettersInput struct {
	httpx.PageInput
	Kind store.DeadLetterKind `query:"kind" enum:"text,mail,incoming_mail,call,booking" doc:"leave it out for all"`
}

type deadLettersOutput struct{ Body httpx.Page[deadLetter] }

// listDeadLetters lists what failed for good, the newest first.
func (d Deps) listDeadLetters(ctx context.Context, t *store.Tenant, in *listDeadLettersInput) (*deadLettersOutput, error) {
	var after store.DeadLetterPlace
	if err := in.After(&after); err != nil {
		return nil, err
	}
	found, err := t.DeadLetters(ctx, in.Kind, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	place := func(l store.DeadLetter) any { return store.DeadLetterPlace{At: l.FailedAt, Kind: l.Kind, ID: l.ID} }
	return &deadLettersOutput{httpx.NewPage(found, in.Limit, listDeadLetter, place)}, nil
}

type replayInput struct {
	Kind store.DeadLetterKind `path:"kind" enum:"text,mail,incoming_mail,call,booking"`
	ID   int64                `path:"letter_id" minimum:"1"`
}

type replayOutput struct {
	Body struct {
		Kind     store.DeadLetterKind `json:"kind"`
		ID       int64                `json:"id"`
		State    string               `json:"state" doc:"how it stands now"`
		Replayed bool                 `json:"replayed" doc:"whether this request has begun it anew; false when it was begun before, or had not failed"`
	}
}

// replayDeadLetter begins what failed for good anew, once however often it is asked to, and answers how it stands afterwards.
func (d Deps) replayDeadLetter(ctx context.Context, t *store.Tenant, in *replayInput) (*replayOutput, error) {
	r, err := t.ReplayDeadLetter(ctx, in.Kind, in.ID)
	if err != nil {
		return nil, err
	}
	if r.Bar != "" {
		return nil, fault.New(fault.Conflict, "%s: %s", r.Bar, whatToDo(r.Bar))
	}
	if !r.Due.IsZero() {
		d.queue(ctx, t, in, r.Due)
	}
	out := &replayOutput{}
	out.Body.Kind, out.Body.ID, out.Body.State, out.Body.Replayed = in.Kind, in.ID, r.State, r.Replayed
	return out, nil
}

// patience is how long the queue has to take a task. What it does not take the sweeper finds.
const patience = 5 * time.Second

// queue puts the task of what is to be done. For the same time it is one task, however often it is put.
func (d Deps) queue(ctx context.Context, t *store.Tenant, in *replayInput, at time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	put := map[store.DeadLetterKind]func() error{
		store.DeadText:         func() error { return d.Texts.PutReply(ctx, t.Scope().ID(), in.ID, at) },
		store.DeadMail:         func() error { return d.Mail.PutReply(ctx, t.Scope().ID(), in.ID, at) },
		store.DeadIncomingMail: func() error { return d.Mail.PutMail(ctx, t.Scope().ID(), in.ID, at) },
		store.DeadCall:         func() error { return d.Calls.PutAfterCall(ctx, t.Scope().ID(), in.ID, at) },
	}[in.Kind]
	if err := put(); err != nil {
		d.Log.WarnContext(ctx, "a replay was not queued; the sweeper will", "tenant_id", t.Scope().ID(), "kind", in.Kind, "id", in.ID, "error", err)
	}
}

// whatToDo says to a person how what is not replayed may be mended otherwise.
func whatToDo(bar string) string {
	switch bar {
	case "may_have_been_sent":
		return "nobody could find out whether it was sent; look in the thread or ask the customer, and write in the conversation if it was not"
	case "was_sent":
		return "the provider took it and could not deliver it; reach the customer another way, or write in the conversation"
	case "opted_out":
		return "the recipient has opted out and gets nothing until they write START"
	case "human_takeover":
		return "a person has taken the conversation over; write there, or hand it back first"
	case "answered_by_people", "answered_by_hand":
		return "a person has written to the customer since; write in the conversation if more is to be said"
	case "superseded":
		return "something newer has taken its place; see the conversation"
	case "too_late":
		return "the answer would come more than a day late; write in the conversation"
	case "outside_hours", "told_hours_already":
		return "it came outside the business hours, when no answer is given; write in the conversation"
	case "texting_disabled":
		return "texting is off; an admin can turn it on in /sms/settings"
	case "mail_disabled":
		return "mail is not answered; an admin can turn it on in /email/settings"
	case "mailbox_disconnected":
		return "the mailbox is not connected; an admin can connect it with /email/oauth/start"
	case "customer_was_told":
		return "the customer was told that there is no meeting; see whether one stands in the calendar, and call them"
	default:
		return "see the conversation"
	}
}

// mostCounts is how many counts one answer holds.
const mostCounts = 1000

type deadLetterCount struct {
	TenantID int64                `json:"tenant_id"`
	Kind     store.DeadLetterKind `json:"kind"`
	Reason   string               `json:"reason"`
	Count    int64                `json:"count"`
	Oldest   time.Time            `json:"oldest_failed_at"`
}

type countDeadLettersOutput struct {
	Body struct {
		Items []deadLetterCount `json:"items" doc:"the 1000 at most whose oldest letter is the oldest"`
	}
}

// countDeadLetters counts what failed for good of every tenant by kind and reason.
func (d Deps) countDeadLetters(ctx context.Context, of *store.Registry, _ *struct{}) (*countDeadLettersOutput, error) {
	found, err := of.DeadLetters(ctx, mostCounts)
	if err != nil {
		return nil, err
	}
	out := &countDeadLettersOutput{}
	out.Body.Items = make([]deadLetterCount, 0, len(found))
	for _, c := range found {
		out.Body.Items = append(out.Body.Items, deadLetterCount{int64(c.Tenant), c.Kind, c.Reason, c.Count, c.Oldest})
	}
	return out, nil
}
