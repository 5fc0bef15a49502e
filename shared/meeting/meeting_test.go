package meeting_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/gcal"
	"github.com/chattercheatah/chattercheatah/shared/gcal/gcaltest"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/hours"
	"github.com/chattercheatah/chattercheatah/shared/meeting"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

// The grants of the two tenants' calendars.
const (
	schoolGrant  = "1//grant-of-the-school"
	dentistGrant = "1//grant-of-the-dentist"
)

var caller = private.MustPhone("+15555550101")

// bench is both demo tenants with a calendar of their own each, open at any time.
type bench struct {
	*storetest.DB
	*meeting.Meetings
	google *gcaltest.Server
	log    bytes.Buffer
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{DB: storetest.New(t), google: gcaltest.Start(t)}
	client, err := gcal.NewClient(google.Config{Base: b.google.URL(), ClientID: gcaltest.ClientID, ClientSecret: private.NewSecret(gcaltest.ClientSecret)})
	if err != nil {
		t.Fatal(err)
	}
	b.Meetings = &meeting.Meetings{Google: client, Now: time.Now, Log: slog.New(slog.NewJSONHandler(&b.log, nil))}
	always := hours.Week{}
	for day := time.Sunday; day <= time.Saturday; day++ {
		always[strings.ToLower(day.String())] = hours.Span{Start: "00:00", End: "24:00"}
	}
	for of, grant := range map[*store.Tenant]string{b.SwimSchool: schoolGrant, b.Dentist: dentistGrant} {
		b.google.Connect(grant)
		_, err := of.ConfigureCalendar(t.Context(), store.CalendarConfigChange{Enabled: new(true), RefreshToken: new(private.NewSecret(grant)), Hours: &always})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *bench) calendar(t *testing.T, of *store.Tenant) store.Calendar {
	t.Helper()
	c, err := of.Calendar(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// slots are free ones of the school.
func (b *bench) slots(t *testing.T) []booking.Slot {
	t.Helper()
	free, err := b.Free(t.Context(), b.SwimSchool, b.calendar(t, b.SwimSchool), booking.DayOf(time.Now(), time.UTC))
	if err != nil || len(free) == 0 {
		t.Fatalf("%d slots, %v", len(free), err)
	}
	return free
}

func request(from private.Phone, start time.Time) meeting.Request {
	return meeting.Request{Start: start, Customer: from, Name: "Maria Garcia", Topic: "Facility Tour", Language: booking.English, ControlID: "v3:x"}
}

// book asks within the time that a voice tool has.
func (b *bench) book(t *testing.T, of *store.Tenant, r meeting.Request) (meeting.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	return b.Book(ctx, of, b.calendar(t, of), r)
}

func (b *bench) must(t *testing.T, r meeting.Request, want meeting.Outcome) meeting.Result {
	t.Helper()
	got, err := b.book(t, b.SwimSchool, r)
	if err != nil || got.Outcome != want {
		t.Errorf("%s, %v; want %s", got.Outcome, err, want)
	}
	return got
}

// texts are those that are planned, with whom they go to.
func (b *bench) texts(t *testing.T) []string {
	t.Helper()
	return b.Query(t, `select r.tenant_id || ' ' || c.phone_number || ' ' || r.body from replies r join conversations c on c.id = r.conversation_id order by r.id`)
}

func (b *bench) states(t *testing.T) string {
	t.Helper()
	return strings.Join(b.Query(t, `select state || coalesce(':' || reason, '') from bookings order by id`), " ")
}

// leave has what is not settled look left behind.
func (b *bench) leave(t *testing.T) {
	t.Helper()
	b.Exec(t, `update bookings set act_at = now() - interval '1 second' where state in ('held', 'inserting')`)
}

// settle does what a worker does for all that is left behind.
func (b *bench) settle(t *testing.T) (errs []error) {
	t.Helper()
	left, err := b.Store.LeftBookings(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range left {
		errs = append(errs, b.Settle(t.Context(), b.Store.For(l.Scope), l.BookingID))
	}
	return errs
}

func (b *bench) expect(t *testing.T, events, texts int, states string) {
	t.Helper()
	if got := b.google.Events(schoolGrant); len(got) != events {
		t.Errorf("%d events; want %d: %+v", len(got), events, got)
	}
	if got := b.texts(t); len(got) != texts {
		t.Errorf("%d texts; want %d: %v", len(got), texts, got)
	}
	if got := b.states(t); got != states {
		t.Errorf("the bookings are %q; want %q", got, states)
	}
}

func TestBook_TwoHundredAtOnceMakeOneEventAndOneText(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	slots, c := b.slots(t), b.calendar(t, b.SwimSchool)
	const rounds, callers = 20, 200
	for round, slot := range slots[:rounds] {
		var mu sync.Mutex
		outcomes := map[meeting.Outcome]int{}
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				r := request(private.MustPhone(fmt.Sprintf("+1555%02d%05d", round, i)), slot.Start)
				got, err := b.Book(t.Context(), b.SwimSchool, c, r)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				outcomes[got.Outcome]++
			})
		}
		wg.Wait()
		if outcomes[meeting.Booked] != 1 || outcomes[meeting.Taken] != callers-1 {
			t.Fatalf("round %d: %v; want one booked and the others taken", round, outcomes)
		}
	}
	if events, texts, asked := len(b.google.Events(schoolGrant)), len(b.texts(t)), b.google.Asked(); events != rounds || texts != rounds || asked.Insert != rounds {
		t.Errorf("%d events, %d texts, %+v; want %d", events, texts, asked, rounds)
	}
}

func TestBook_TwoHundredRepeatsOfOneCallerMakeOneEventAndAreAllToldSo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	slot, c := b.slots(t)[0], b.calendar(t, b.SwimSchool)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if got, err := b.Book(t.Context(), b.SwimSchool, c, request(caller, slot.Start)); err != nil || got.Outcome != meeting.Booked || !got.Slot.Start.Equal(slot.Start) {
				t.Errorf("%+v, %v; want booked", got, err)
			}
		})
	}
	wg.Wait()
	b.expect(t, 1, 1, "confirmed")
}

func TestBook_TheEventAndTheTextSayWhatWasBooked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	slot := b.slots(t)[0]
	r := request(caller, slot.Start)
	r.Email = "maria@example.test"
	if got := b.must(t, r, meeting.Booked); got.Text.ReplyID == 0 || !got.Texting {
		t.Errorf("%+v; want a text to queue", got)
	}
	e := b.google.Events(schoolGrant)[0]
	if e.Summary != "Facility Tour: Maria Garcia" || !e.Start.Equal(slot.Start) || e.End.Sub(e.Start) != 30*time.Minute || e.Zone != "America/Chicago" ||
		e.Attendee != "maria@example.test" || e.SendUpdates != "all" || e.Properties["tenant_id"] != "1042" || e.Properties["booking_id"] == "" {
		t.Errorf("the event is %+v", e)
	}
	zone, _ := hours.Zone("America/Chicago")
	want := "1042 +15555550101 Example Swim School: your appointment (Facility Tour) is booked for " + slot.Start.In(zone).Format("Mon Jan 2, 3:04 PM") + "."
	if got := b.texts(t); !slices.Equal(got, []string{want}) {
		t.Errorf("the texts are %q; want %q", got, want)
	}
}

func TestBook_ACalendarThatCannotBeAskedIsNeverFree(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	slot, want := b.slots(t)[0], []string{}
	for _, how := range []gcaltest.FreeBusy{gcaltest.ErrorInside, gcaltest.Silence, gcaltest.RateLimited, gcaltest.ServerError, gcaltest.Unreadable, gcaltest.NoAnswer, gcaltest.NoConnection} {
		b.google.AnswerFreeBusy(how)
		b.must(t, request(caller, slot.Start), meeting.NotBooked)
		if free, err := b.Free(t.Context(), b.SwimSchool, b.calendar(t, b.SwimSchool), booking.DayOf(time.Now(), time.UTC)); err == nil || len(free) > 0 {
			t.Errorf("answer %d: %d slots, %v; want an error", how, len(free), err)
		}
		want = append(want, "released:calendar_unavailable")
	}
	b.expect(t, 0, 0, strings.Join(want, " "))
	b.google.AnswerFreeBusy(gcaltest.Truth)
	b.must(t, request(caller, slot.Start), meeting.Booked)
}

func TestBook_WhatTheOwnerHasInTheCalendarIsTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	slot := b.slots(t)[1]
	b.google.Occupy(schoolGrant, slot.End.Add(5*time.Minute), slot.End.Add(time.Hour)) // inside the buffer
	b.must(t, request(caller, slot.Start), meeting.Taken)
	b.expect(t, 0, 0, "released:taken")
	if free := b.slots(t); slices.ContainsFunc(free, func(s booking.Slot) bool { return s.Start.Equal(slot.Start) }) {
		t.Error("the slot is offered still")
	}
}

func TestBook_TimesThatAreNotOfferedAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	slot := b.slots(t)[0]
	for _, start := range []time.Time{time.Now(), slot.Start.Add(time.Minute), time.Now().AddDate(0, 2, 0)} {
		if got, err := b.book(t, b.SwimSchool, request(caller, start)); got.Outcome != meeting.NotBooked || fault.KindOf(err) != fault.Conflict {
			t.Errorf("%v: %+v, %v", start, got, err)
		}
	}
	b.expect(t, 0, 0, "released:not_offered released:not_offered released:not_offered")
}

func TestBook_ALostAnswerIsNotCertainAndARepeatOrSettlingFindsTheOneEvent(t *testing.T) {
	t.Parallel()
	for name, mend := range map[string]func(b *bench, r meeting.Request){
		"repeat": func(b *bench, r meeting.Request) { b.leave(t); b.must(t, r, meeting.Booked) },
		"settle": func(b *bench, _ meeting.Request) { b.leave(t); b.settle(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			r := request(caller, b.slots(t)[0].Start)
			b.google.LoseInserts(1)
			b.must(t, r, meeting.NotCertain)
			b.expect(t, 1, 0, "inserting")
			mend(b, r)
			b.expect(t, 1, 1, "confirmed")
			b.must(t, r, meeting.Booked)
			b.expect(t, 1, 1, "confirmed")
		})
	}
}

func TestBook_ARepeatWhileItIsUncertainIsToldSo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := request(caller, b.slots(t)[0].Start)
	b.google.LoseInserts(1)
	b.must(t, r, meeting.NotCertain)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if got, err := b.Book(ctx, b.SwimSchool, b.calendar(t, b.SwimSchool), r); err != nil || got.Outcome != meeting.NotCertain {
		t.Errorf("%+v, %v", got, err)
	}
	other := r
	other.Customer = private.MustPhone("+15555550102")
	b.must(t, other, meeting.Taken)
	b.expect(t, 1, 0, "inserting")
}

func TestBook_AnInsertionThatHangsIsSaidNotToBeCertainInTime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := request(caller, b.slots(t)[0].Start)
	release := b.google.HoldInserts()
	began := time.Now()
	b.must(t, r, meeting.NotCertain)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
	release()
	b.leave(t)
	b.settle(t)
	b.expect(t, 1, 1, "confirmed")
}

func TestBook_WhatGoogleRefusesIsNotBooked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := request(caller, b.slots(t)[0].Start)
	for _, status := range []int{400, 403, 429} {
		b.google.RefuseInserts(status)
		b.must(t, r, meeting.NotBooked)
	}
	b.google.RefuseInserts(503) // it may have been made
	b.must(t, r, meeting.NotCertain)
	b.google.RefuseInserts(0)
	b.leave(t)
	b.settle(t)
	b.expect(t, 1, 1, "released:refused released:refused released:refused confirmed")
}

func TestSettle_BringsWhatADeadHolderLeftToItsEnd(t *testing.T) {
	t.Parallel()
	type state struct {
		b *bench
		k store.Booking
		c store.Calendar
	}
	insert := func(t *testing.T, s state) {
		t.Helper()
		grant := google.Grant{TenantID: "1042", RefreshToken: s.c.RefreshToken}
		if err := s.b.Google.Insert(t.Context(), grant, "primary", gcal.Event{ID: s.k.EventID, Start: s.k.Start.UTC(), End: s.k.End.UTC()}); err != nil {
			t.Fatal(err)
		}
	}
	begin := func(t *testing.T, s state) {
		t.Helper()
		if err := s.b.SwimSchool.BeginInsert(t.Context(), s.k, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		died           func(t *testing.T, s state)
		events, asked  int
		states, saying string
	}{
		"after holding":               {func(*testing.T, state) {}, 1, 1, "confirmed", "is booked"},
		"after beginning":             {begin, 1, 1, "confirmed", "is booked"},
		"after inserting":             {func(t *testing.T, s state) { begin(t, s); insert(t, s) }, 1, 1, "confirmed", "is booked"},
		"and the time is taken since": {func(t *testing.T, s state) { s.b.google.Occupy(schoolGrant, s.k.Start, s.k.End) }, 0, 0, "released:taken", "is not booked"},
		"begun, and taken since":      {func(t *testing.T, s state) { begin(t, s); s.b.google.Occupy(schoolGrant, s.k.Start, s.k.End) }, 0, 0, "released:taken", "is not booked"},
		"inserted, and deleted since": {func(t *testing.T, s state) { begin(t, s); insert(t, s); s.b.google.Delete(schoolGrant, s.k.EventID) }, 0, 1, "released:cancelled", "is not booked"},
		"and the grant is revoked":    {func(t *testing.T, s state) { s.b.google.Expire(); s.b.google.Revoke(schoolGrant) }, 0, 0, "released:calendar_unavailable", "is not booked"},
		"and the calendar is off":     {func(t *testing.T, s state) { s.b.Exec(t, `update tenant_calendar_configs set is_enabled = false`) }, 0, 0, "released:no_calendar", "is not booked"},
		"and an hour nobody could ask": {func(t *testing.T, s state) {
			begin(t, s)
			s.b.Exec(t, `update bookings set created_at = now() - interval '2 hours'`)
			s.b.google.AnswerFreeBusy(gcaltest.ServerError)
		}, 0, 0, "released:gave_up", "could not confirm"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			start := b.slots(t)[0].Start
			k, _, _, err := b.SwimSchool.HoldBooking(t.Context(), store.BookingRequest{
				Start: start, End: start.Add(30 * time.Minute), Buffer: 15 * time.Minute, Customer: caller, Name: "Maria", Topic: "Tour", Language: "en", Lease: time.Minute, Most: 3,
			})
			if err != nil {
				t.Fatal(err)
			}
			c.died(t, state{b, k, b.calendar(t, b.SwimSchool)})
			if err := b.Settle(t.Context(), b.SwimSchool, k.ID); err != nil || len(b.texts(t)) > 0 {
				t.Errorf("before its time: %v, %v", err, b.texts(t))
			}
			b.leave(t)
			b.settle(t)
			b.settle(t)
			b.expect(t, c.events, 1, c.states)
			if texts := b.texts(t); len(texts) == 1 && !strings.Contains(texts[0], c.saying) {
				t.Errorf("the customer is told %q", texts[0])
			}
			if asked := b.google.Asked(); asked.Insert != c.asked {
				t.Errorf("%d insertions; want %d", asked.Insert, c.asked)
			}
		})
	}
}

func TestSettle_AHolderThatIsSlowAndNotDeadWritesNothingAfterwards(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	start := b.slots(t)[0].Start
	k, _, _, err := b.SwimSchool.HoldBooking(t.Context(), store.BookingRequest{
		Start: start, End: start.Add(30 * time.Minute), Customer: caller, Name: "Maria", Topic: "Tour", Language: "en", Lease: 0, Most: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.SwimSchool.TakeBooking(t.Context(), k.ID, time.Minute); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"inserting": b.SwimSchool.BeginInsert(t.Context(), k, time.Minute),
		"releasing": b.SwimSchool.ReleaseBooking(t.Context(), k, "x", private.NewText("x")),
	} {
		if !errors.Is(err, store.ErrLostClaim) {
			t.Errorf("%s: %v; want ErrLostClaim", name, err)
		}
	}
	b.expect(t, 0, 0, "held")
}

func TestSettle_WhileNothingCanBeFoundOutItIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.google.LoseInserts(1)
	b.must(t, request(caller, b.slots(t)[0].Start), meeting.NotCertain)
	b.Exec(t, `update tenant_calendar_configs set is_enabled = false where tenant_id = 1042`)
	b.leave(t)
	if errs := b.settle(t); len(errs) != 1 || errs[0] == nil {
		t.Errorf("%v; want an error", errs)
	}
	b.expect(t, 1, 0, "inserting")
	b.Exec(t, `update tenant_calendar_configs set is_enabled = true where tenant_id = 1042`)
	b.leave(t)
	b.settle(t)
	b.expect(t, 1, 1, "confirmed")
}

func TestBook_ARevokedGrantIsMarkedAndSaidOnceUntilThereIsAnother(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	slot, c := b.slots(t)[0], b.calendar(t, b.SwimSchool)
	b.google.Revoke(schoolGrant)
	for range 3 {
		if _, err := b.Book(t.Context(), b.SwimSchool, c, request(caller, slot.Start)); !errors.Is(err, meeting.ErrNoCalendar) {
			t.Errorf("%v; want ErrNoCalendar", err)
		}
	}
	if said := strings.Count(b.log.String(), "the tenant's calendar has to be connected again"); said != 1 {
		t.Errorf("it was said %d times", said)
	}
	if !b.calendar(t, b.SwimSchool).RefreshToken.IsZero() || b.calendar(t, b.Dentist).RefreshToken.IsZero() {
		t.Error("the school's grant is still used, or the dentist's is not")
	}
	b.google.Connect("1//another")
	if _, err := b.SwimSchool.ConfigureCalendar(t.Context(), store.CalendarConfigChange{RefreshToken: new(private.NewSecret("1//another"))}); err != nil {
		t.Fatal(err)
	}
	if first, err := b.SwimSchool.CalendarGrantFailed(t.Context(), c); first || err != nil {
		t.Errorf("the old grant's failure marks the other one: %v, %v", first, err)
	}
	b.must(t, request(caller, slot.Start), meeting.Booked)
	if len(b.google.Events("1//another")) != 1 {
		t.Error("the meeting is not in the other calendar")
	}
}

func TestBook_TheBufferIsKeptBetweenCustomersAndTenantsAreApart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	slot, other := b.slots(t)[0], private.MustPhone("+15555550102")
	b.must(t, request(caller, slot.Start), meeting.Booked)
	b.must(t, request(other, slot.Start.Add(30*time.Minute)), meeting.Taken) // inside the buffer
	b.must(t, request(other, slot.Start.Add(45*time.Minute)), meeting.Booked)
	if got, err := b.book(t, b.Dentist, request(caller, slot.Start)); err != nil || got.Outcome != meeting.Booked {
		t.Errorf("at the dentist's: %+v, %v", got, err)
	}
	if len(b.google.Events(schoolGrant)) != 2 || len(b.google.Events(dentistGrant)) != 1 {
		t.Error("the events are in other calendars")
	}
}

func TestBook_ACustomerHasThreeMeetingsAheadAtMost(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	slots := b.slots(t)
	for _, s := range slots[:3] {
		b.must(t, request(caller, s.Start), meeting.Booked)
	}
	b.must(t, request(caller, slots[3].Start), meeting.TooMany)
	b.must(t, request(caller, slots[0].Start), meeting.Booked) // the one there is
	b.must(t, request(private.MustPhone("+15555550102"), slots[3].Start), meeting.Booked)
	b.expect(t, 4, 4, "confirmed confirmed confirmed confirmed")
}

func TestBook_WhoHasOptedOutIsBookedAndNotTexted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec(t, `insert into opt_outs (tenant_id, phone_number, source, opted_out_at) values (1042, $1, 'provider', now())`, caller.E164())
	if got := b.must(t, request(caller, b.slots(t)[0].Start), meeting.Booked); got.Texting || got.Text.ReplyID != 0 {
		t.Errorf("%+v; want no text", got)
	}
	b.expect(t, 1, 0, "confirmed")
}

func TestBook_WhatTheOwnerDeletesOrMovesIsFreeAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	slot := b.slots(t)[0]
	b.must(t, request(caller, slot.Start), meeting.Booked)
	b.Exec(t, `update bookings set act_at = now() - interval '2 minutes'`)
	b.must(t, request(private.MustPhone("+15555550102"), slot.Start), meeting.Taken)
	b.google.Delete(schoolGrant, b.google.Events(schoolGrant)[0].ID)
	b.must(t, request(private.MustPhone("+15555550102"), slot.Start), meeting.Booked)
	b.expect(t, 1, 2, "released:changed_in_calendar confirmed")
}

func TestBook_OnDaysOfTheClocksChangeEachOfferedSlotCanBeBooked(t *testing.T) {
	t.Parallel()
	for _, day := range []string{"2026-03-08", "2026-11-01"} {
		t.Run(day, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			midnight, _ := time.Parse(time.RFC3339, day+"T00:00:00-06:00")
			b.Now = func() time.Time { return midnight.Add(-12 * time.Hour) }
			c := b.calendar(t, b.SwimSchool)
			zone, _ := hours.Zone(c.Zone)
			on, _ := booking.ParseDatePreference(day, b.Now(), zone)
			free, err := b.Free(t.Context(), b.SwimSchool, c, on)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, s := range free {
				if booking.DayOf(s.Start, zone) != on {
					continue
				}
				n++
				start, ok := booking.ParseStart(s.Start.In(zone).Format("2006-01-02T15:04:05"), zone)
				if !ok || !start.Equal(s.Start) {
					t.Errorf("the local time of %v is read as %v", s.Start, start)
				}
				got, err := b.Book(t.Context(), b.SwimSchool, c, request(private.MustPhone(fmt.Sprintf("+15555551%03d", n)), start))
				if err != nil || got.Outcome != meeting.Booked {
					t.Errorf("%v: %+v, %v", s.Start, got, err)
				}
			}
			if got := len(b.google.Events(schoolGrant)); got != n || n < 28 {
				t.Errorf("%d events for %d slots", got, n)
			}
		})
	}
}
