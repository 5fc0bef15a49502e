package task

import (
	"context"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// BookingPath is where ai-call-complete/worker takes a LeftBooking.
const BookingPath = "/workers/calls/settle-booking"

// LeftBooking is the work of bringing a booking that was left behind to its end.
type LeftBooking struct {
	TenantID  tenant.ID `json:"tenant_id"`
	BookingID int64     `json:"booking_id"`
}

const bookingDeadline = time.Minute

// PutLeftBooking queues the work on a booking for a time. The same booking for the same time is one task, however often it is put.
func (q *Queue) PutLeftBooking(ctx context.Context, id tenant.ID, bookingID int64, at time.Time) error {
	return q.Put(ctx, Task{Name: nameOf("booking", bookingID, at), Path: BookingPath, Body: LeftBooking{id, bookingID}, At: at, Deadline: bookingDeadline})
}
