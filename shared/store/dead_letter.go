package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// DeadLetterKind is what it was that failed for good.
type DeadLetterKind string

// The kinds of dead letters. A task is none: it names one of these, and the sweeper makes it again.
const (
	DeadBooking      DeadLetterKind = "booking"
	DeadCall         DeadLetterKind = "call"
	DeadIncomingMail DeadLetterKind = "incoming_mail"
	DeadMail         DeadLetterKind = "mail" // a reply by mail
	DeadText         DeadLetterKind = "text" // a reply by text
)

// DeadLetter is something that failed for good, by ids and codes alone.
type DeadLetter struct {
	Kind           DeadLetterKind
	ID             int64 // of the reply, mail, call or booking
	State          string
	Reason         string // a fixed code, or the provider's
	ConversationID int64  // 0 for none
	CallID         int64  // 0 for none
	FailedAt       time.Time
	Attempts       int
	Bar            string // why it is not replayed, a fixed code; "" when it can be
}

// DeadLetterPlace is where a page of them ends; the zero place is before the first.
type DeadLetterPlace struct {
	At   time.Time
	Kind DeadLetterKind
	ID   int64
}

const deadLettersSQL = `
with d as (
    select * from dead_letters($1) l
     where ($2 = '' or l.kind = $2) and (l.failed_at, l.kind, l.id) < ($3, $4, $5)
     order by l.failed_at desc, l.kind desc, l.id desc limit $6
)
select d.kind, d.id, d.state, d.reason, coalesce(r.conversation_id, e.conversation_id, 0), coalesce(c.id, n.call_id, 0), d.failed_at,
       coalesce(r.attempts, e.attempts, c.finish_attempts, b.fence, 0), replay_bar($1, d.kind, d.id)
  from d
  left join replies r on d.kind in ('text', 'mail') and r.tenant_id = $1 and r.id = d.id
  left join emails e on d.kind = 'incoming_mail' and e.tenant_id = $1 and e.id = d.id
  left join calls c on d.kind = 'call' and c.tenant_id = $1 and c.id = d.id
  left join bookings b on d.kind = 'booking' and b.tenant_id = $1 and b.id = d.id
  left join call_names n on n.tenant_id = $1 and n.name = 'control:' || b.control_id
 order by d.failed_at desc, d.kind desc, d.id desc`

// DeadLetters lists what failed for good, the newest first, of one kind or, for "", of all. One round trip.
func (t *Tenant) DeadLetters(ctx context.Context, kind DeadLetterKind, after DeadLetterPlace, limit int) (found []DeadLetter, err error) {
	if after == (DeadLetterPlace{}) {
		after.At = endOfTime
	}
	err = t.run(ctx, "listing dead letters", func(b *pgx.Batch) {
		b.Queue(deadLettersSQL, t.id(), string(kind), after.At, string(after.Kind), after.ID, limit).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (d DeadLetter, err error) {
				return d, row.Scan(&d.Kind, &d.ID, &d.State, &d.Reason, &d.ConversationID, &d.CallID, &d.FailedAt, &d.Attempts, &d.Bar)
			})
			return err
		})
	})
	return found, err
}

// Replay is how a letter stands after it was asked to be begun anew.
type Replay struct {
	State    string
	Bar      string    // why it is not begun anew, a fixed code; "" otherwise
	Replayed bool      // this has begun it; false when it had not failed, or had been begun before
	Due      time.Time // when its turn comes, of one that waits for its turn; zero otherwise
}

// ReplayDeadLetter begins what failed for good anew, if it is failed at this moment and nothing has come that bars it: a reply is planned, a
// mail noticed, a call to be finished. However many ask, it is begun once. fault.NotFound when it is missing or another tenant's. One round trip.
func (t *Tenant) ReplayDeadLetter(ctx context.Context, kind DeadLetterKind, id int64) (r Replay, err error) {
	var there bool
	err = t.change(ctx, "replaying a dead letter", func(b *pgx.Batch) {
		b.Queue(`select is_there, coalesce(state, ''), coalesce(bar, ''), replayed,
			case when state in ('planned', 'noticed', 'to_be_finished') then due else 'epoch' end from replay_dead_letter($1, $2, $3)`, t.id(), string(kind), id).
			QueryRow(func(row pgx.Row) error { return row.Scan(&there, &r.State, &r.Bar, &r.Replayed, &r.Due) })
	})
	switch {
	case err != nil:
		return Replay{}, err
	case !there:
		return Replay{}, fault.New(fault.NotFound, "")
	case r.Due.Unix() <= 0:
		r.Due = time.Time{}
	}
	return r, nil
}

// DeadLetterCount is how many of a tenant's letters are dead for one reason.
type DeadLetterCount struct {
	Tenant tenant.ID
	Kind   DeadLetterKind
	Reason string
	Count  int64
	Oldest time.Time // when the first of them failed
}

// DeadLetters counts what failed for good of all tenants, closed ones too: those whose oldest letter is the oldest come first, atMost of them.
// One round trip.
func (r *Registry) DeadLetters(ctx context.Context, atMost int) (found []DeadLetterCount, err error) {
	err = r.run(ctx, "counting dead letters", func(b *pgx.Batch) {
		b.Queue(`select tenant_id, kind, reason, letters, oldest from route_dead_letters($1)`, atMost).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c DeadLetterCount, err error) {
				return c, row.Scan(&c.Tenant, &c.Kind, &c.Reason, &c.Count, &c.Oldest)
			})
			return err
		})
	})
	return found, err
}
