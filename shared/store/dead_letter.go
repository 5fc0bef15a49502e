package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// LetterKind is what a dead letter was to be.
type LetterKind string

// The kinds. A task is none: it is a hint, and the sweeper makes it again from what is recorded.
const (
	LetterText      LetterKind = "text"       // a reply by text
	LetterMailReply LetterKind = "mail_reply" // a reply by mail
	LetterMail      LetterKind = "mail"       // a mail that nothing could be made of
	LetterCall      LetterKind = "call"       // a call that is kept without what was said, or without a summary
	LetterBooking   LetterKind = "booking"    // a booking that nobody could bring to its end
)

// DeadLetter is something that failed for good.
type DeadLetter struct {
	Kind           LetterKind
	ID             int64
	State, Reason  string // codes; Reason may be the provider's
	FailedAt       time.Time
	Attempts       int
	ConversationID int64  // 0 for none
	CallID         int64  // 0 for none
	WhyNot         string // why it may not be done again: a code; "" when it may
}

// LetterPlace is where a page of dead letters ends. The zero place is before the newest.
type LetterPlace struct {
	FailedAt time.Time  `json:"f"`
	Kind     LetterKind `json:"k"`
	ID       int64      `json:"i"`
}

// DeadLetters lists what failed for good within ninety days, the newest first, those after a place, of one kind or of any (""), at most limit.
// One round trip.
func (t *Tenant) DeadLetters(ctx context.Context, of LetterKind, after LetterPlace, limit int) (found []DeadLetter, err error) {
	err = t.run(ctx, "listing dead letters", func(b *pgx.Batch) {
		b.Queue(`select kind, id, state, reason, failed_at, attempts, coalesce(conversation_id, 0), coalesce(call_id, 0), coalesce(why_not, '') from dead_letters($1)
			where ($2 = '' or kind = $2) and ($5 = 0 or (failed_at, kind, id) < ($3, $4, $5)) order by failed_at desc, kind desc, id desc limit $6`,
			t.id(), string(of), after.FailedAt, string(after.Kind), after.ID, limit).Query(func(rows pgx.Rows) error {
			found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[DeadLetter])
			return err
		})
	})
	return found, err
}

// Replayed is what came of having a dead letter done again.
type Replayed struct {
	State    string // what it is now
	Done     bool   // by this call; false when it was no dead letter any more, or may not be done again
	WhyNot   string // a code; "" when nothing forbids it
	ReplayAt time.Time
}

// Replay has one dead letter done again. Whoever else presses at that moment, or later, while it has not failed again, changes nothing.
// fault.NotFound when the tenant has none of that kind and id. One round trip.
func (t *Tenant) Replay(ctx context.Context, kind LetterKind, id int64) (r Replayed, err error) {
	var state *string
	err = t.change(ctx, "having a dead letter done again", func(b *pgx.Batch) {
		b.Queue(`select state, replayed, coalesce(why_not, ''), now() from replay_dead_letter($1, $2, $3)`, t.id(), string(kind), id).
			QueryRow(func(row pgx.Row) error { return row.Scan(&state, &r.Done, &r.WhyNot, &r.ReplayAt) })
	})
	if err == nil && state == nil {
		return r, fault.New(fault.NotFound, "")
	}
	if state != nil {
		r.State = *state
	}
	return r, err
}

// LetterCount is how many dead letters a tenant has of one kind and for one reason.
type LetterCount struct {
	TenantID int64
	Kind     LetterKind
	Reason   string // a code; "other" for what is none
	Letters  int64
	Oldest   time.Time
}

// DeadLetters counts those of all tenants. One round trip.
func (r *Registry) DeadLetters(ctx context.Context) (found []LetterCount, err error) {
	err = r.run(ctx, "counting dead letters", func(b *pgx.Batch) {
		b.Queue(`select tenant_id, kind, coalesce(reason, ''), letters, oldest from count_dead_letters()`).Query(func(rows pgx.Rows) error {
			found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[LetterCount])
			return err
		})
	})
	return found, err
}
