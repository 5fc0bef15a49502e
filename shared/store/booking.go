package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// BookingState is where a booking stands:
//
//	held -> inserting -> confirmed
//	  '---------'-> released: for a reason that the row tells
//
// While it is held there is no event yet; while it is inserting there may be one.
type BookingState string

// The states of a booking.
const (
	BookingHeld      BookingState = "held"
	BookingInserting BookingState = "inserting"
	BookingConfirmed BookingState = "confirmed"
	BookingReleased  BookingState = "released"
)

// Booking is a meeting that a customer asked for.
type Booking struct {
	ID         int64
	EventID    string // of its event in the calendar; never another's
	Start, End time.Time
	State      BookingState
	Reason     string // why it was released; "" otherwise
	ActAt      time.Time
	CreatedAt  time.Time
	Fence      int // which turn this is; a later one makes writes under this one fail
	Customer   private.Phone
	Name       string
	Email      string // "" when the customer gave none
	Topic      string
	Language   string // en or es
}

const bookingColumns = `b.id, b.event_id, b.starts_at, b.ends_at, b.state, coalesce(b.reason, ''), b.act_at, b.created_at, b.fence, b.customer_number, b.customer_name,
	coalesce(b.customer_email, ''), b.topic, b.language`

func (b *Booking) scan(row pgx.Row, more ...any) error {
	var customer string
	err := row.Scan(append(more, &b.ID, &b.EventID, &b.Start, &b.End, &b.State, &b.Reason, &b.ActAt, &b.CreatedAt, &b.Fence, &customer, &b.Name, &b.Email, &b.Topic, &b.Language)...)
	if err != nil {
		return err
	}
	return b.Customer.UnmarshalText([]byte(customer))
}

// BookingRequest is a time that a customer wants.
type BookingRequest struct {
	Start, End  time.Time
	Buffer      time.Duration
	Customer    private.Phone
	Name, Email string // Email is "" for none
	Topic       string
	Language    string
	ControlID   string        // of the call; "" for none
	Lease       time.Duration // how long nobody else goes on with it
	Most        int           // future bookings that one customer may have
}

// Hold is what came of asking for a time.
type Hold string

// The outcomes.
const (
	HoldMade      Hold = "held"       // the booking is this caller's to insert
	HoldTakenOver Hold = "taken_over" // another left it behind; it is this caller's to find out about
	HoldKnown     Hold = "known"      // the customer has asked for it before; it stands as it says
	HoldInTheWay  Hold = "in_the_way" // the booking is another customer's, or another of this one's
	HoldTooMany   Hold = "too_many"   // the customer has Most already; there is no booking
)

// HoldBooking takes a time for a customer. Of any number who ask at one moment for times that overlap one alone gets HoldMade. texting is
// whether the customer can be texted what becomes of it. One round trip.
func (t *Tenant) HoldBooking(ctx context.Context, r BookingRequest) (k Booking, hold Hold, texting bool, err error) {
	err = t.run(ctx, "holding a time", func(b *pgx.Batch) {
		b.Queue(`with h as materialized (select * from hold_booking($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12))
			select h.outcome, h.texting, coalesce((h.b).id, 0), coalesce((h.b).event_id, ''), coalesce((h.b).starts_at, 'epoch'), coalesce((h.b).ends_at, 'epoch'),
			coalesce((h.b).state, ''), coalesce((h.b).reason, ''), coalesce((h.b).act_at, 'epoch'), coalesce((h.b).created_at, 'epoch'), coalesce((h.b).fence, 0),
			coalesce((h.b).customer_number, ''), coalesce((h.b).customer_name, ''), coalesce((h.b).customer_email, ''), coalesce((h.b).topic, ''), coalesce((h.b).language, '') from h`,
			t.id(), r.Start, r.End, r.Buffer, r.Lease, r.Most, r.Customer.E164(), r.Name, r.Email, r.Topic, r.Language, r.ControlID).
			QueryRow(func(row pgx.Row) error { return k.scan(row, &hold, &texting) })
	})
	return k, hold, texting, err
}

// Booking reads one. fault.NotFound when it is missing or another tenant's. One round trip.
func (t *Tenant) Booking(ctx context.Context, id int64) (k Booking, err error) {
	err = t.run(ctx, "reading a booking", func(b *pgx.Batch) {
		b.Queue(`select `+bookingColumns+` from bookings b where b.tenant_id = $1 and b.id = $2`, t.id(), id).QueryRow(func(row pgx.Row) error { return k.scan(row) })
	})
	return k, err
}

// TakeBooking takes one over that was left behind, for as long as lease. fault.NotFound when there is none to take over: it is settled,
// another is at it, or it is another tenant's. One round trip.
func (t *Tenant) TakeBooking(ctx context.Context, id int64, lease time.Duration) (k Booking, err error) {
	err = t.run(ctx, "taking a booking over", func(b *pgx.Batch) {
		b.Queue(`update bookings b set fence = b.fence + 1, act_at = now() + $3::interval where b.tenant_id = $1 and b.id = $2
			and b.state in ('held', 'inserting') and b.act_at <= now() returning `+bookingColumns, t.id(), id, lease).QueryRow(func(row pgx.Row) error { return k.scan(row) })
	})
	return k, err
}

// BeginInsert writes down that the event is about to be made: from here on, whoever dies leaves a booking whose event has to be looked for.
// ErrLostClaim when another goes on with it, or it is settled. One round trip.
func (t *Tenant) BeginInsert(ctx context.Context, k Booking, lease time.Duration) error {
	return t.transition(ctx, "beginning to insert", func(b *pgx.Batch) *pgx.QueuedQuery {
		return b.Queue(`update bookings set state = 'inserting', act_at = now() + $4::interval
			where tenant_id = $1 and id = $2 and fence = $3 and state in ('held', 'inserting')`, t.id(), k.ID, k.Fence, lease)
	})
}

// ConfirmBooking records that the event is in the calendar and plans the text to the customer, once, in one transaction. It depends on
// no turn, for it is a fact. refused is why there is no text; the reply is zero when the text was planned before. ErrLostClaim when the
// booking was released. One round trip.
func (t *Tenant) ConfirmBooking(ctx context.Context, id int64, words private.Text) (p PlannedReply, refused Refusal, err error) {
	var confirmed bool
	err = t.run(ctx, "confirming a booking", func(b *pgx.Batch) {
		b.Queue(`select confirmed, coalesce(refusal, ''), coalesce(reply, 0), coalesce(reply_state, ''), coalesce(due, 'epoch') from confirm_booking($1, $2, $3)`,
			t.id(), id, words.Reveal()).
			QueryRow(func(row pgx.Row) error { return row.Scan(&confirmed, &refused, &p.ReplyID, &p.State, &p.ActAt) })
	})
	if err == nil && !confirmed {
		err = ErrLostClaim
	}
	return p, refused, err
}

// ReleaseBooking gives the time of a booking that is not confirmed up, and plans a text with words unless they are zero; an opt-out holds.
// ErrLostClaim when another goes on with it, or it is settled. One round trip.
func (t *Tenant) ReleaseBooking(ctx context.Context, k Booking, reason string, words private.Text) error {
	var released bool
	err := t.run(ctx, "releasing a booking", func(b *pgx.Batch) {
		b.Queue(`select release_booking($1, $2, $3, $4, $5)`, t.id(), k.ID, k.Fence, reason, words.Reveal()).
			QueryRow(func(row pgx.Row) error { return row.Scan(&released) })
	})
	if err == nil && !released {
		return ErrLostClaim
	}
	return err
}

// ForgetBooking gives the time of a confirmed booking up whose event its owner has moved or deleted; one that is not confirmed stays. One
// round trip.
func (t *Tenant) ForgetBooking(ctx context.Context, id int64) error {
	return t.run(ctx, "forgetting a booking", func(b *pgx.Batch) {
		b.Queue(`update bookings set state = 'released', reason = 'changed_in_calendar' where tenant_id = $1 and id = $2 and state = 'confirmed'`, t.id(), id)
	})
}

// LeftBooking is a booking that nobody has gone on with in time.
type LeftBooking struct {
	Scope     tenant.Scope
	BookingID int64
}

// LeftBookings lists, oldest first, the bookings of all active tenants that were left behind for at least late, by whoever died or could
// not find out what became of them. It tells ids and nothing else.
func (s *Store) LeftBookings(ctx context.Context, late time.Duration, atMost int) ([]LeftBooking, error) {
	var found []LeftBooking
	err := s.run(ctx, "finding bookings to settle", session{role: appRole, tenant: nobody}, func(b *pgx.Batch) {
		b.Queue(`select tenant_id, booking_id from route_left_bookings(now() - $1::interval, $2)`, late, atMost).Query(func(rows pgx.Rows) error {
			var id, booking int64
			_, err := pgx.ForEachRow(rows, []any{&id, &booking}, func() error {
				found = append(found, LeftBooking{tenant.ByTask(tenant.ID(id)), booking})
				return nil
			})
			return err
		})
	})
	return found, err
}
