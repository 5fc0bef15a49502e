package telnyxtools_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/gcal/gcaltest"
	"github.com/chattercheatah/chattercheatah/shared/hours"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

const grant = "1//grant-of-the-school"

// connect gives the school a calendar that is open at any time.
func (b *bench) connect(t *testing.T) {
	t.Helper()
	b.google.Connect(grant)
	always := hours.Week{}
	for day := time.Sunday; day <= time.Saturday; day++ {
		always[strings.ToLower(day.String())] = hours.Span{Start: "00:00", End: "24:00"}
	}
	_, err := b.SwimSchool.ConfigureCalendar(t.Context(), store.CalendarConfigChange{Enabled: new(true), RefreshToken: new(private.NewSecret(grant)), Hours: &always})
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) withPage(t *testing.T) {
	t.Helper()
	if _, err := b.SwimSchool.ConfigureCustomerService(t.Context(), store.CustomerServiceConfigChange{BookingURL: new("https://exampleco.test/book")}); err != nil {
		t.Fatal(err)
	}
}

// firstSlot is what get-available-slots offers first.
func (b *bench) firstSlot(t *testing.T) string {
	t.Helper()
	a := b.tool(t, http.MethodPost, "get-available-slots", `{"date_preference":"tomorrow"}`, onCall)
	if a.Status != "offered" || len(a.Slots) != 3 || !a.More {
		t.Fatalf("%+v; want three slots and more", a)
	}
	return a.Slots[0].Start
}

func bookingOf(start, more string) string {
	return fmt.Sprintf(`{"slot_start":%q,"customer_name":"Maria Garcia","topic":"Facility Tour"%s}`, start, more)
}

func TestGetSlots_SaysThreeOfTheDaysThatWereAskedForOrTheNextThereAre(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	b.connect(t)
	zone, _ := hours.Zone("America/Chicago")
	tomorrow := time.Now().In(zone).AddDate(0, 0, 1).Format(time.DateOnly)
	for body, want := range map[string]struct{ day, says string }{
		`{"date_preference":"tomorrow","num_days":"1"}`:   {tomorrow, "These times are free: "},
		`{"date_preference":"mañana","language":"es"}`:    {tomorrow, "¿Cuál le queda bien?"},
		`{"date_preference":"` + tomorrow + `"}`:          {tomorrow, "Which one suits you?"},
		`{"date_preference":"whenever the moon is full"}`: {"", "I didn't understand the day"},
		`{}`: {"", "These times are free: "},
	} {
		a := b.tool(t, http.MethodPost, "get-available-slots", body, onCall)
		if a.Status != "offered" || len(a.Slots) != 3 || a.Slots[2].Index != 3 || !strings.Contains(a.Result, want.says) || !strings.HasPrefix(a.Slots[0].Start, want.day) {
			t.Errorf("%s: %+v", body, a)
		}
		for _, s := range a.Slots {
			if !strings.Contains(a.Result, s.Display) || strings.Contains(a.Result, "m..") {
				t.Errorf("%s: %q does not say %q", body, a.Result, s.Display)
			}
		}
	}
	b.google.Occupy(grant, time.Now(), time.Now().AddDate(0, 0, 4))
	if a := b.tool(t, http.MethodGet, "get-available-slots?tenant_id=1042&date_preference=tomorrow&num_days=1", "", nil); a.Status != "offered" || !strings.Contains(a.Result, "The next free times are: ") {
		t.Errorf("with nothing free tomorrow: %+v", a)
	}
	b.google.Occupy(grant, time.Now(), time.Now().AddDate(0, 2, 0))
	if a := b.tool(t, http.MethodPost, "get-available-slots", `{}`, onCall); a.Status != "none" || len(a.Slots) != 0 || !strings.Contains(a.Result, "14 days ahead") {
		t.Errorf("with nothing free: %+v", a)
	}
	b.google.AnswerFreeBusy(gcaltest.ErrorInside)
	if a := b.tool(t, http.MethodPost, "get-available-slots", `{}`, onCall); a.Status != "not_known" || len(a.Slots) != 0 {
		t.Errorf("while the calendar cannot be asked: %+v; want no slot", a)
	}
}

func TestBookMeeting_OneEventAndOneTextHoweverOftenItIsRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	b.connect(t)
	start := b.firstSlot(t)
	at, err := time.Parse(time.RFC3339, start)
	if err != nil {
		t.Fatal(err)
	}
	naive := at.Format("2006-01-02T15:04:05") // as a model writes it, on the tenant's clock
	for _, body := range []string{bookingOf(start, `,"customer_phone":"+15555550177"`), bookingOf(naive, ""), bookingOf(start, `,"customer_email":"maria at example dot test"`)} {
		if a := b.tool(t, http.MethodPost, "book-meeting", body, onCall); a.Status != "booked" || !strings.HasPrefix(a.Result, "It's booked for ") {
			t.Errorf("%s: %+v", body, a)
		}
	}
	if events := b.google.Events(grant); len(events) != 1 || events[0].Summary != "Facility Tour: Maria Garcia" || !events[0].Start.Equal(at) || events[0].SendUpdates != "none" {
		t.Errorf("the events are %+v", events)
	}
	want := "1042 +15555550101 Example Swim School: your appointment (Facility Tour) is booked for " + at.Format("Mon Jan 2, 3:04 PM") + "."
	if got := b.texts(t); len(got) != 1 || got[0] != want {
		t.Errorf("the texts are %q; want %q", got, want)
	}
}

func TestBookMeeting_NoNumberOfAStrangersStandsInTheText(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	b.connect(t)
	for topic, want := range map[string]string{
		"Level 2 tour": "Level 2 tour", "Account locked, call 800 555 0199": "Account locked, call", "Call 80 05 55 01 99 now": "Call now", "Call +1(555)555-0199 or https://evil.test": "Call or https evil test",
	} {
		b.Exec(t, `delete from bookings`)
		b.Exec(t, `delete from replies`)
		start := b.firstSlot(t)
		body := fmt.Sprintf(`{"slot_start":%q,"customer_name":"Maria Garcia","topic":%q}`, start, topic)
		if a := b.tool(t, http.MethodPost, "book-meeting", body, onCall); a.Status != "booked" {
			t.Fatalf("%s: %+v", topic, a)
		}
		if got := b.texts(t); len(got) != 1 || !strings.Contains(got[0], "your appointment ("+want+") is booked") {
			t.Errorf("of %q the text is %q; want the topic %q", topic, got, want)
		}
	}
}

func TestBookMeeting_FortyCallersAtOnceMakeOneEventAndTheOthersHearThatItIsTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	b.connect(t)
	const callers = 40 // package meeting has two hundred; here each has four seconds
	for i := range callers {
		call := store.CallEvent{Names: []string{fmt.Sprintf("control:v3:%d", i)}, Customer: private.MustPhone(fmt.Sprintf("+15555551%03d", i))}
		if _, err := b.SwimSchool.RecordCall(t.Context(), call); err != nil {
			t.Fatal(err)
		}
	}
	start := b.firstSlot(t)
	var mu sync.Mutex
	statuses := map[string]int{}
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			a := b.tool(t, http.MethodPost, "book-meeting", bookingOf(start, ""), func(h http.Header) { h.Set(webhook.CallHeader, fmt.Sprintf("v3:%d", i)) })
			mu.Lock()
			defer mu.Unlock()
			statuses[a.Status]++
		})
	}
	wg.Wait()
	if statuses["booked"] != 1 || statuses["taken"] != callers-1 || len(b.google.Events(grant)) != 1 || len(b.texts(t)) != 1 {
		t.Errorf("%v, %d events, %d texts; want one of each", statuses, len(b.google.Events(grant)), len(b.texts(t)))
	}
}

func TestBookMeeting_WhatIsMissingOrNotOfferedIsSaid(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	b.connect(t)
	start := b.firstSlot(t)
	for body, want := range map[string]struct{ status, says string }{
		`{"customer_name":"Maria"}`:                                     {"needs_details", "which of the free times"},
		`{"slot_start":"soon","customer_name":"Maria"}`:                 {"needs_details", "which of the free times"},
		`{"slot_start":"` + start + `"}`:                                {"needs_details", "name"},
		`{"slot_start":"` + start + `","language":"es"}`:                {"needs_details", "nombre"},
		bookingOf(start, `,"customer_email":"maria"`):                   {"needs_details", "e-mail"},
		bookingOf("2020-01-01T09:00:00", ""):                            {"not_booked", "already passed"},
		bookingOf("2020-01-01T09:00:00", `,"language":"es"`):            {"not_booked", "Elija otra"},
		bookingOf(strings.Replace(start, ":00-", ":07-", 1), ""):        {"not_booked", "No meeting begins at that time"},
		bookingOf(time.Now().AddDate(1, 0, 0).Format(time.RFC3339), ""): {"not_booked", "too far ahead"},
	} {
		if a := b.tool(t, http.MethodPost, "book-meeting", body, onCall); a.Status != want.status || !strings.Contains(a.Result, want.says) {
			t.Errorf("%s: %+v; want %+v", body, a, want)
		}
	}
	if a := b.tool(t, http.MethodPost, "book-meeting?tenant_id=1042", bookingOf(start, `,"customer_phone":"+15555550177"`), nil); a.Status != "needs_details" || !strings.Contains(a.Result, "number") {
		t.Errorf("a number that the model names: %+v", a)
	}
	if len(b.google.Events(grant)) != 0 || len(b.texts(t)) != 0 {
		t.Error("something was booked or texted")
	}
}

func TestBookMeeting_WhatIsSaidIsTrueInEachCase(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	b.connect(t)
	start := b.firstSlot(t)
	ask := func(more string) answer {
		return b.tool(t, http.MethodPost, "book-meeting", bookingOf(start, more), onCall)
	}
	b.google.AnswerFreeBusy(gcaltest.RateLimited)
	if a := ask(""); a.Status != "not_booked" || !strings.Contains(a.Result, "nothing is booked") {
		t.Errorf("calendar away: %+v", a)
	}
	b.google.AnswerFreeBusy(gcaltest.Truth)
	b.google.LoseInserts(1)
	if a := ask(""); a.Status != "not_certain" || !strings.Contains(a.Result, "We'll text you when we know.") {
		t.Errorf("answer lost: %+v", a)
	}
	b.Exec(t, `update bookings set act_at = now() - interval '1 second'`)
	b.Exec(t, `insert into opt_outs (tenant_id, phone_number, source, opted_out_at) values (1042, $1, 'provider', now())`, caller.E164())
	if a := ask(`,"language":"es"`); a.Status != "booked" || !strings.Contains(a.Result, "No podemos enviarle un mensaje") {
		t.Errorf("opted out: %+v", a)
	}
	if len(b.google.Events(grant)) != 1 || len(b.texts(t)) != 0 {
		t.Errorf("%d events, texts %v; want one and none", len(b.google.Events(grant)), b.texts(t))
	}
	for _, name := range []string{"Maria", "5555550101"} {
		if strings.Contains(b.log.String(), name) {
			t.Errorf("%q stands in the log", name)
		}
	}
}

func TestBookMeeting_AFailureAfterWhichNothingIsKnownIsNotSaidToHaveBookedNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	b.connect(t)
	start := b.firstSlot(t)
	b.Exec(t, `drop function hold_booking`)
	if a := b.tool(t, http.MethodPost, "book-meeting", bookingOf(start, ""), onCall); a.Status != "not_certain" || !strings.Contains(a.Result, "can't say whether") {
		t.Errorf("%+v", a)
	}
}

func TestBookMeeting_WithoutACalendarTheBookingPageIsTextedOnce(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(t *testing.T, b *bench){
		"none is connected": func(*testing.T, *bench) {},
		"it is off": func(t *testing.T, b *bench) {
			b.connect(t)
			b.Exec(t, `update tenant_calendar_configs set is_enabled = false`)
		},
		"its grant is revoked": func(t *testing.T, b *bench) { b.connect(t); b.google.Revoke(grant) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 1042)
			b.withPage(t)
			b.atWork(t)
			lose(t, b)
			tomorrow := time.Now().AddDate(0, 0, 1).Format("2006-01-02") + "T09:00:00"
			for _, call := range []struct{ tool, body string }{{"get-available-slots", "{}"}, {"book-meeting", bookingOf(tomorrow, "")}, {"book-meeting", bookingOf(tomorrow, "")}} {
				if a := b.tool(t, http.MethodPost, call.tool, call.body, onCall); a.Status != "link_sent" || !strings.Contains(a.Result, "texted you the link") {
					t.Errorf("%s: %+v; want that the link was sent", call.tool, a)
				}
			}
			if got := b.texts(t); len(got) != 1 || got[0] != "1042 +15555550101 Here is our booking page: https://exampleco.test/book" {
				t.Errorf("the texts are %q", got)
			}
		})
	}
}

func TestBookMeeting_WithNeitherCalendarNorPageItIsSaid(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	for _, tool := range []string{"get-available-slots", "book-meeting"} {
		if a := b.tool(t, http.MethodPost, tool, `{}`, onCall); a.Status != "not_booked" || !strings.Contains(a.Result, "can't book") {
			t.Errorf("%s: %+v", tool, a)
		}
	}
}
