package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Customer is whom a tenant's data is about: by their number, their address, or both.
type Customer struct {
	Phone private.Phone // zero for none
	Email string        // lower case; "" for none
}

func (p Customer) args() (phone *string, email string) {
	if !p.Phone.IsZero() {
		number := p.Phone.E164()
		phone = &number
	}
	return phone, p.Email
}

// mostRows is how many rows of one person are shown at once, far above what a customer leaves in years.
const mostRows = 20_000

// ExportPerson is everything that the tenant holds of a person, as one JSON object: an array of rows for each table. fault.Invalid when that
// is more than 20,000 rows, ErrSharedAddress when the address leads to others too. One round trip.
func (t *Tenant) ExportPerson(ctx context.Context, p Customer) (document json.RawMessage, err error) {
	phone, email := p.args()
	var tooMuch *int64
	err = t.run(ctx, "exporting a person", func(b *pgx.Batch) {
		b.Queue(`select too_much, document from export_person($1, $2, $3, $4)`, t.id(), phone, email, mostRows).
			QueryRow(func(row pgx.Row) error { return row.Scan(&tooMuch, &document) })
	})
	if err == nil && tooMuch == nil && document == nil {
		return nil, ErrSharedAddress
	}
	if err == nil && tooMuch != nil {
		err = fault.New(fault.Invalid, "%d rows are held of this person, and %d can be answered at once; ask your operator for them", *tooMuch, mostRows)
	}
	return document, err
}

// Erasure is the receipt of an erasure: how many rows of each table went, and how many of each stay. It never says whose.
type Erasure struct {
	ID       int64
	ErasedAt time.Time
	Actor    string
	Erased   map[string]int64
	Kept     map[string]int64
}

// errErased is that of a text that comes again after it was erased.
var errErased = errors.New("this text was erased")

// Why a person cannot be erased now.
var (
	ErrSharedAddress     = errors.New("several people have this address")
	ErrCallInProgress    = errors.New("a call of theirs is going on")
	ErrBookingInProgress = errors.New("a meeting of theirs is being booked")
)

// ErasePerson erases everything that the tenant holds of a person, but for their opt-outs, and keeps a receipt. Where nothing is held the
// receipt says so. Errors: ErrSharedAddress, ErrCallInProgress, ErrBookingInProgress, and fault.Unavailable when something of theirs comes in at
// that moment. One round trip.
func (t *Tenant) ErasePerson(ctx context.Context, p Customer) (e Erasure, err error) {
	phone, email := p.args()
	var refused *string
	err = t.change(ctx, "erasing a person", func(b *pgx.Batch) {
		b.Queue(`select refused, coalesce((receipt).id, 0), coalesce((receipt).erased_at, now()), coalesce((receipt).actor, ''), coalesce((receipt).erased, '{}'), coalesce((receipt).kept, '{}')
			from erase_person($1, $2, $3)`, t.id(), phone, email).
			QueryRow(func(row pgx.Row) error { return row.Scan(&refused, &e.ID, &e.ErasedAt, &e.Actor, &e.Erased, &e.Kept) })
	})
	switch {
	case err != nil || refused == nil:
		return e, err
	case *refused == "shared_address":
		return e, ErrSharedAddress
	case *refused == "call_in_progress":
		return e, ErrCallInProgress
	default:
		return e, ErrBookingInProgress
	}
}

// Erasures lists receipts, the newest first, those before an id (0 for the first), at most limit. One round trip.
func (t *Tenant) Erasures(ctx context.Context, before int64, limit int) (found []Erasure, err error) {
	err = t.run(ctx, "listing erasures", func(b *pgx.Batch) {
		b.Queue(`select id, erased_at, actor, erased, kept from erasures where tenant_id = $1 and ($2 = 0 or id < $2) order by id desc limit $3`, t.id(), before, limit).Query(func(rows pgx.Rows) error {
			found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Erasure])
			return err
		})
	})
	return found, err
}

// Retention is after how many days without anything new a tenant's data is erased; nil for never.
type Retention struct {
	ConversationsDays *int // with their messages, mails and contacts
	CallsDays         *int // what was said in them, and by whom
	LeadsDays         *int
}

// Retention reads how long the tenant keeps its data: for ever, unless it has said otherwise. One round trip.
func (t *Tenant) Retention(ctx context.Context) (r Retention, err error) {
	err = t.run(ctx, "reading how long data is kept", func(b *pgx.Batch) {
		b.Queue(`select conversations_days, calls_days, leads_days from tenant_retention where tenant_id = $1`, t.id()).Query(func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Retention])
			if len(found) == 1 {
				r = found[0]
			}
			return err
		})
	})
	return r, err
}

// KeepFor says how long the tenant keeps its data from now on. fault.Invalid for less than thirty days. One round trip.
func (t *Tenant) KeepFor(ctx context.Context, r Retention) error {
	return t.change(ctx, "changing how long data is kept", func(b *pgx.Batch) {
		b.Queue(`insert into tenant_retention (tenant_id, conversations_days, calls_days, leads_days) values ($1, $2, $3, $4)
			on conflict (tenant_id) do update set conversations_days = excluded.conversations_days, calls_days = excluded.calls_days, leads_days = excluded.leads_days, updated_at = now()`,
			t.id(), r.ConversationsDays, r.CallsDays, r.LeadsDays)
	})
}

// EraseOld erases what is older than the tenant keeps, at most so many rows of each kind, and never what is still in work. more says whether to
// go on. One round trip.
func (t *Tenant) EraseOld(ctx context.Context, atMost int) (erased map[string]int64, more bool, err error) {
	err = t.run(ctx, "erasing what is old", func(b *pgx.Batch) {
		b.Queue(`select erased, left_over from erase_old($1, $2)`, t.id(), atMost).QueryRow(func(row pgx.Row) error { return row.Scan(&erased, &more) })
	})
	return erased, more, err
}
