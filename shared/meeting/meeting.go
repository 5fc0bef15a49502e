// Package meeting books a customer's meeting in a tenant's own calendar, once, whatever is repeated or dies.
//
// Google takes events that overlap, so Postgres decides whose a time is: it is held there first, and a constraint lets one alone hold it. Who
// holds it asks the calendar whether it is free, marks the booking as inserting, inserts an event whose id is the booking's own, and confirms,
// which plans the text to the customer in the same transaction. A calendar that cannot be asked is never free. An insertion whose answer is
// lost leaves the booking inserting: Settle looks for its event, and the same id keeps a second attempt from making a second one.
package meeting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/gcal"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/hours"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Meetings are those of all tenants.
type Meetings struct {
	Google *gcal.Client
	Now    func() time.Time
	Log    *slog.Logger
}

// ErrNoCalendar says that the tenant has no calendar to book in: none is connected, it is off, or Google has refused its grant.
var ErrNoCalendar = errors.New("meeting: no calendar to book in")

const (
	lease     = time.Minute // in which nobody else goes on with a booking, and a confirmed one is not doubted
	most      = 3           // meetings that a customer may have ahead: a model may book in a loop
	lookEvery = 100 * time.Millisecond

	toAsk     = 1500 * time.Millisecond // for the calendar's busy times
	toWrite   = 700 * time.Millisecond  // for writing down what has happened, after the caller's time if need be
	toSayWhen = 400 * time.Millisecond  // before the end of the caller's time, in which it is told how things stand
)

// Outcome is what came of a request.
type Outcome string

// The outcomes.
const (
	Booked     Outcome = "booked"
	Taken      Outcome = "taken"       // somebody else has the time, or the calendar is busy
	NotCertain Outcome = "not_certain" // it is being found out; Settle brings it to an end and texts the customer
	NotBooked  Outcome = "not_booked"  // nothing was booked: the calendar could not be asked, or took no event
	TooMany    Outcome = "too_many"    // the customer has three ahead
)

// Request is a meeting that a customer wants.
type Request struct {
	Start       time.Time
	Customer    private.Phone
	Name, Email string // Email is "" for none
	Topic       string
	Language    booking.Language
	ControlID   string // of the call; "" for none
}

// Result is what can be told.
type Result struct {
	Outcome Outcome
	Slot    booking.Slot
	Texting bool               // the customer can be texted
	Text    store.PlannedReply // the confirmation, to be put on the queue; zero when there is none, or it was planned before
}

// Zone is where the clocks of a tenant's meetings are.
func Zone(c store.Calendar) (*time.Location, error) { return hours.Zone(c.Zone) }

func rulesOf(c store.Calendar) (booking.Rules, error) {
	zone, err := Zone(c)
	if err != nil {
		return booking.Rules{}, fault.Wrap(fault.Internal, err, "")
	}
	return booking.Rules{Zone: zone, Hours: c.Hours, Length: c.Length, Buffer: c.Buffer, Notice: c.Notice, HorizonDays: c.HorizonDays}, nil
}

// Free lists the free slots from a day on to the last that may be booked. ErrNoCalendar, or fault.Unavailable: a calendar that cannot be
// asked has none.
func (m *Meetings) Free(ctx context.Context, t *store.Tenant, c store.Calendar, from booking.Day) ([]booking.Slot, error) {
	rules, err := rulesOf(c)
	if err != nil {
		return nil, err
	}
	if c.RefreshToken.IsZero() {
		return nil, ErrNoCalendar
	}
	now := m.Now()
	today, last := booking.DayOf(now, rules.Zone), booking.DayOf(now, rules.Zone).Add(c.HorizonDays)
	if today.After(from) {
		from = today
	}
	if from.After(last) {
		return nil, nil
	}
	busy, err := m.busy(ctx, t, c, midnight(from, rules.Zone), midnight(last.Add(1), rules.Zone))
	if err != nil {
		return nil, err
	}
	return booking.Slots(rules, now, from, c.HorizonDays+1, busy), nil
}

func midnight(d booking.Day, zone *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
}

// busy asks when the calendar is taken between two times and around them.
func (m *Meetings) busy(ctx context.Context, t *store.Tenant, c store.Calendar, from, to time.Time) ([]booking.Busy, error) {
	ctx, cancel := context.WithTimeout(ctx, toAsk)
	defer cancel()
	spans, err := m.Google.FreeBusy(ctx, grantOf(t, c), c.CalendarID, from.Add(-c.Buffer), to.Add(c.Buffer+time.Second))
	if err != nil {
		return nil, m.noted(ctx, t, c, err)
	}
	var busy []booking.Busy
	for _, s := range spans {
		busy = append(busy, booking.Busy{Start: s.Start, End: s.End})
	}
	return busy, nil
}

func grantOf(t *store.Tenant, c store.Calendar) google.Grant {
	return google.Grant{TenantID: t.Scope().ID().String(), RefreshToken: c.RefreshToken}
}

// noted makes ErrNoCalendar of a grant that Google refuses, and marks it: the log says so once.
func (m *Meetings) noted(ctx context.Context, t *store.Tenant, c store.Calendar, err error) error {
	if !errors.Is(err, google.ErrGrant) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), toWrite)
	defer cancel()
	first, markErr := t.CalendarGrantFailed(ctx, c)
	if first || markErr != nil {
		m.Log.ErrorContext(ctx, "the tenant's calendar has to be connected again", "tenant_id", t.Scope().ID(), "error", errors.Join(err, markErr))
	}
	return fmt.Errorf("%w: %w", ErrNoCalendar, err)
}

// Book books a slot for a customer, or finds what an earlier request of the same customer for the same time has come to. It returns some
// time before ctx ends, and then says how things stand. Errors: ErrNoCalendar; fault.Conflict, whose text says in English why no meeting
// begins then; others of the store, after which nothing is known.
func (m *Meetings) Book(ctx context.Context, t *store.Tenant, c store.Calendar, r Request) (Result, error) {
	rules, err := rulesOf(c)
	if err != nil {
		return Result{}, err
	}
	if c.RefreshToken.IsZero() {
		return Result{}, ErrNoCalendar
	}
	request := store.BookingRequest{
		Start: r.Start, End: r.Start.Add(c.Length), Buffer: c.Buffer, Customer: r.Customer, Name: r.Name, Email: r.Email, Topic: r.Topic,
		Language: string(r.Language), ControlID: r.ControlID, Lease: lease, Most: most,
	}
	for first := true; ; first = false {
		k, hold, texting, err := t.HoldBooking(ctx, request)
		if err != nil {
			return Result{}, err
		}
		result := Result{Slot: booking.Slot{Start: request.Start, End: request.End}, Texting: texting}
		if first && k.State == store.BookingConfirmed && !m.stands(ctx, t, c, k) {
			continue
		}
		switch hold {
		case store.HoldTooMany:
			result.Outcome = TooMany
		case store.HoldInTheWay:
			result.Outcome = Taken
		case store.HoldKnown:
			result.Slot = booking.Slot{Start: k.Start, End: k.End}
			result.Outcome, err = m.await(ctx, t, k)
		default:
			result.Outcome, result.Text, err = m.own(ctx, t, c, rules, k)
		}
		return result, err
	}
}

// stands reports whether a confirmed booking still is what the calendar shows; one that its owner has moved or deleted is forgotten.
func (m *Meetings) stands(ctx context.Context, t *store.Tenant, c store.Calendar, k store.Booking) bool {
	if m.Now().Sub(k.ActAt) < lease {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, toAsk)
	defer cancel()
	found, err := m.Google.Event(ctx, grantOf(t, c), c.CalendarID, k.EventID)
	if err != nil || found.There && !found.Cancelled && found.Start.Before(k.End) && found.End.After(k.Start) {
		return true // what cannot be asked is believed
	}
	return t.ForgetBooking(ctx, k.ID) != nil
}

// await waits for what becomes of a booking that another is at.
func (m *Meetings) await(ctx context.Context, t *store.Tenant, k store.Booking) (Outcome, error) {
	ctx, cancel := until(ctx, toSayWhen)
	defer cancel()
	for k.State == store.BookingHeld || k.State == store.BookingInserting {
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return NotCertain, nil
		}
		now, err := t.Booking(ctx, k.ID)
		if err != nil {
			return NotCertain, nil
		}
		k = now
	}
	return outcomeOf(k.State, k.Reason), nil
}

// until ends so much before ctx does.
func until(ctx context.Context, margin time.Duration) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, end.Add(-margin))
	}
	return context.WithCancel(ctx)
}

func outcomeOf(s store.BookingState, reason string) Outcome {
	switch {
	case s == store.BookingConfirmed:
		return Booked
	case s != store.BookingReleased:
		return NotCertain
	case reason == reasonTaken:
		return Taken
	default:
		return NotBooked
	}
}

// own pursues a booking that is this caller's and tells what came of it.
func (m *Meetings) own(ctx context.Context, t *store.Tenant, c store.Calendar, rules booking.Rules, k store.Booking) (Outcome, store.PlannedReply, error) {
	end, err := m.pursue(ctx, t, c, rules, k)
	switch {
	case errors.Is(err, ErrNoCalendar) && end.state == store.BookingReleased:
		return NotBooked, end.text, err
	case fault.KindOf(err) == fault.Conflict && end.state == store.BookingReleased:
		if end.reason == reasonTaken {
			return Taken, end.text, nil
		}
		return NotBooked, end.text, err
	case err != nil && end.state != store.BookingReleased:
		m.Log.WarnContext(ctx, "a booking did not come to its end yet", "tenant_id", t.Scope().ID(), "booking_id", k.ID, "state", string(end.state), "error", err)
	}
	return outcomeOf(end.state, end.reason), end.text, nil
}
