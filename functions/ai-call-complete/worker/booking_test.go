package worker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/hours"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

func TestSweep_ABookingThatWasLeftBehindIsMadeAndItsCustomerTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const grant = "1//grant-of-the-school"
	b.google.Connect(grant)
	always := hours.Week{}
	for day := time.Sunday; day <= time.Saturday; day++ {
		always[strings.ToLower(day.String())] = hours.Span{Start: "00:00", End: "24:00"}
	}
	_, err := b.SwimSchool.ConfigureCalendar(t.Context(), store.CalendarConfigChange{
		Enabled: new(true), RefreshToken: new(private.NewSecret(grant)), Hours: &always, Buffer: new(0),
	})
	if err != nil {
		t.Fatal(err)
	}
	start := b.now.AddDate(0, 0, 1).Truncate(time.Hour)
	_, _, _, err = b.SwimSchool.HoldBooking(t.Context(), store.BookingRequest{
		Start: start, End: start.Add(30 * time.Minute), Customer: customer, Name: "Maria", Topic: "Tour", Language: "en", Most: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Exec(t, `update bookings set act_at = now() - interval '1 second'`)
	for range 2 {
		if _, status := b.post(t, "/workers/calls/sweep", `{}`); status != 200 {
			t.Fatalf("the sweep was answered %d", status)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		err = b.tasks.Drain(ctx)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := b.Query(t, `select state from bookings`); len(got) != 1 || got[0] != "confirmed" {
		t.Errorf("the bookings are %v; want one, confirmed; the log: %s", got, &b.log)
	}
	if asked := b.google.Asked(); asked.Insert != 1 {
		t.Errorf("%d events were inserted; want one", asked.Insert)
	}
	texts := b.Query(t, `select r.body from replies r join conversations c on c.id = r.conversation_id where c.phone_number = $1`, customer.E164())
	if len(texts) != 1 || !strings.Contains(texts[0], "is booked") {
		t.Errorf("the customer is texted %q", texts)
	}
}
