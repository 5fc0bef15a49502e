package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

const (
	settleTimeout = 45 * time.Second
	mostBookings  = 100 // that one sweep queues
)

type bookingInput struct{ Body task.LeftBooking }

type bookingOutput struct {
	Body struct {
		Outcome string `json:"outcome"`
	}
}

// settleBooking brings one booking that a call has left behind to its end, which its customer is texted. What cannot be found out now is
// tried again by a later sweep.
func (d Deps) settleBooking(ctx context.Context, call task.Call, in *bookingInput) (*bookingOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	t := d.Worker.Store.For(tenant.ByTask(in.Body.TenantID))
	out := &bookingOutput{}
	out.Body.Outcome = "settled"
	if err := d.Meetings.Settle(ctx, t, in.Body.BookingID); err != nil {
		d.Log.WarnContext(ctx, "a booking is not settled yet", "tenant_id", t.Scope().ID(), "booking_id", in.Body.BookingID, "error", err)
		out.Body.Outcome = "not_yet"
	}
	httpx.Note(ctx, slog.String("tenant_id", t.Scope().ID().String()), slog.String("via", t.Scope().Via()), slog.String("actor", call.Email),
		slog.Int64("booking_id", in.Body.BookingID), slog.String("outcome", out.Body.Outcome))
	return out, nil
}

// sweepBookings queues the bookings that were left behind.
func (d Deps) sweepBookings(ctx context.Context) (int, error) {
	left, err := d.Worker.Store.LeftBookings(ctx, 0, mostBookings)
	if err != nil {
		return 0, err
	}
	for i, l := range left {
		if err := d.Bookings.PutLeftBooking(ctx, l.Scope.ID(), l.BookingID, d.Worker.Now()); err != nil {
			return i, err
		}
	}
	return len(left), nil
}
