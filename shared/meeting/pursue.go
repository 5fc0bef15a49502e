package meeting

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/gcal"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Why a booking was released.
const (
	reasonTaken      = "taken"                // the calendar is busy
	reasonNotOffered = "not_offered"          // no meeting begins at that time
	reasonUnasked    = "calendar_unavailable" // it could not be asked
	reasonRefused    = "refused"              // Google took no event
	reasonCancelled  = "cancelled"            // its event was deleted
	reasonGone       = "no_calendar"          // the tenant has none any more
	reasonGaveUp     = "gave_up"              // nobody could find out
)

// ending is where a booking was brought.
type ending struct {
	state  store.BookingState
	reason string
	text   store.PlannedReply
}

// pursuit is one attempt to bring a booking to its end.
type pursuit struct {
	*Meetings
	tenant   *store.Tenant
	calendar store.Calendar
	rules    booking.Rules
	booking  store.Booking
	sorry    bool // text the customer when it is released
}

func (m *Meetings) pursue(ctx context.Context, t *store.Tenant, c store.Calendar, rules booking.Rules, k store.Booking) (ending, error) {
	return pursuit{Meetings: m, tenant: t, calendar: c, rules: rules, booking: k}.run(ctx)
}

// run goes on from where the booking is. The error says what was in the way, and comes with where the booking is left.
func (p pursuit) run(ctx context.Context) (ending, error) {
	if p.booking.State == store.BookingInserting {
		if end, settled, err := p.look(ctx); settled || err != nil {
			return end, err
		}
	}
	if end, free, err := p.check(ctx); !free {
		return end, err
	}
	if err := p.tenant.BeginInsert(ctx, p.booking, lease); err != nil {
		return p.left(), err
	}
	p.booking.State = store.BookingInserting
	inTime, cancel := until(ctx, toWrite)
	defer cancel()
	err := p.Google.Insert(inTime, grantOf(p.tenant, p.calendar), p.calendar.CalendarID, p.event())
	switch {
	case err == nil:
		return p.confirm(ctx)
	case errors.Is(err, gcal.ErrDuplicate):
		end, _, err := p.look(ctx)
		return end, err
	case errors.Is(err, gcal.ErrNotInserted):
		return p.release(ctx, reasonRefused, p.noted(ctx, p.tenant, p.calendar, err))
	default:
		return p.left(), err
	}
}

// look finds out what became of an earlier insertion; settled is false when there is no event.
func (p pursuit) look(ctx context.Context) (end ending, settled bool, err error) {
	asking, cancel := until(ctx, toWrite)
	defer cancel()
	found, err := p.Google.Event(asking, grantOf(p.tenant, p.calendar), p.calendar.CalendarID, p.booking.EventID)
	switch {
	case err != nil:
		return p.left(), false, p.noted(ctx, p.tenant, p.calendar, err)
	case !found.There:
		return p.left(), false, nil
	case found.Cancelled:
		end, err = p.release(ctx, reasonCancelled, nil)
	default:
		end, err = p.confirm(ctx)
	}
	return end, true, err
}

// check asks whether the time is one that is offered, and free. When it is not, or that cannot be told, the booking is released, unless
// there may be an event already.
func (p pursuit) check(ctx context.Context) (end ending, free bool, err error) {
	if err := p.rules.Allows(p.booking.Start, p.Now(), nil); err != nil {
		end, err = p.release(ctx, reasonNotOffered, err)
		return end, false, err
	}
	busy, err := p.busy(ctx, p.tenant, p.calendar, p.booking.Start, p.booking.End)
	switch {
	case err != nil && p.booking.State == store.BookingInserting:
		return p.left(), false, err
	case err != nil:
		end, err = p.release(ctx, reasonUnasked, err)
		return end, false, err
	}
	err = p.rules.Allows(p.booking.Start, p.Now(), busy)
	if err == nil {
		return ending{}, true, nil
	}
	if p.booking.State == store.BookingInserting { // what is in the way may be its own event, which has come meanwhile
		if end, settled, lookErr := p.look(ctx); settled || lookErr != nil {
			return end, false, lookErr
		}
	}
	end, err = p.release(ctx, reasonTaken, err)
	return end, false, err
}

func (p pursuit) left() ending { return ending{state: p.booking.State} }

// confirm and release write down what has happened even when the caller waits no longer.
func (p pursuit) confirm(ctx context.Context) (ending, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), toWrite)
	defer cancel()
	text, _, err := p.tenant.ConfirmBooking(ctx, p.booking.ID, private.NewText(confirmation(p.booking, p.calendar, p.rules.Zone)))
	if err != nil {
		return p.left(), err
	}
	return ending{state: store.BookingConfirmed, text: text}, nil
}

func (p pursuit) release(ctx context.Context, reason string, why error) (ending, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), toWrite)
	defer cancel()
	var words private.Text
	if p.sorry {
		words = private.NewText(regret(p.booking, p.calendar, p.rules.Zone, reason))
	}
	if err := p.tenant.ReleaseBooking(ctx, p.booking, reason, words); err != nil {
		return p.left(), errors.Join(why, err)
	}
	if reason == reasonGaveUp || reason == reasonGone || reason == reasonUnasked || reason == reasonRefused {
		p.Log.ErrorContext(ctx, "a booking is given up", "tenant_id", p.tenant.Scope().ID(), "booking_id", p.booking.ID, "reason", reason, "error", why)
	}
	return ending{state: store.BookingReleased, reason: reason}, why
}

// giveUp releases a booking for whatever was in the way, which is no error then.
func (p pursuit) giveUp(ctx context.Context, reason string, why error) (ending, error) {
	end, err := p.release(ctx, reason, why)
	if end.state == store.BookingReleased {
		err = nil
	}
	return end, err
}

// event is what the booking is in the calendar.
func (p pursuit) event() gcal.Event {
	k := p.booking
	description := fmt.Sprintf("Name: %s\nPhone: %s", k.Name, k.Customer.E164())
	if k.Email != "" {
		description += "\nE-mail: " + k.Email
	}
	return gcal.Event{
		ID: k.EventID, Summary: k.Topic + ": " + k.Name, Description: description, Start: k.Start.In(p.rules.Zone), End: k.End.In(p.rules.Zone), Attendee: k.Email,
		Properties: map[string]string{"tenant_id": p.tenant.Scope().ID().String(), "booking_id": strconv.FormatInt(k.ID, 10)},
	}
}

// giveUpAfter is how long is spent on finding out what became of an insertion.
const giveUpAfter = time.Hour

// Settle brings a booking that was left behind to its end: it looks for its event, asks whether the time is free, and inserts. When it is
// released the customer is texted so. One that is settled already, or that another is at, is left alone. While nothing can be found out
// the error says why, and the booking is to be settled again a minute later; after an hour it is given up, and the customer is asked to call.
func (m *Meetings) Settle(ctx context.Context, t *store.Tenant, bookingID int64) error {
	k, err := t.TakeBooking(ctx, bookingID, lease)
	if err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return nil
		}
		return err
	}
	c, err := t.Calendar(ctx)
	if err != nil {
		return err
	}
	rules, err := rulesOf(c)
	if err != nil {
		return err
	}
	rules.Notice = 0 // it was asked for in time
	p := pursuit{Meetings: m, tenant: t, calendar: c, rules: rules, booking: k, sorry: true}
	end := p.left()
	if c.RefreshToken.IsZero() {
		err = ErrNoCalendar
	} else {
		end, err = p.run(ctx)
	}
	return p.end(ctx, end, err)
}

// end gives up what cannot be settled. What was found out is no error.
func (p pursuit) end(ctx context.Context, end ending, err error) error {
	p.booking.State = end.state
	switch {
	case end.state == store.BookingReleased || end.state == store.BookingConfirmed:
		if fault.KindOf(err) == fault.Conflict {
			return nil
		}
		return err
	case end.state == store.BookingHeld && errors.Is(err, ErrNoCalendar): // so there is no event
		_, err = p.giveUp(ctx, reasonGone, err)
	case p.Now().Sub(p.booking.CreatedAt) > giveUpAfter:
		_, err = p.giveUp(ctx, reasonGaveUp, err)
	}
	return err
}
