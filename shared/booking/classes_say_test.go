package booking_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/jackrabbit"
	"github.com/chattercheatah/chattercheatah/shared/jackrabbit/jackrabbittest"
)

// everyAnswer writes out what is said in every case.
func everyAnswer(t *testing.T) string {
	var b strings.Builder
	say := func(what string, a booking.Answer) {
		fmt.Fprintf(&b, "== %s\n%s\n%s\n", what, a.Say(booking.English), a.Say(booking.Spanish))
	}
	saturday := []time.Weekday{time.Saturday}
	filters := []struct {
		what   string
		filter booking.Filter
	}{
		{"one", booking.Filter{Level: "minnow"}},
		{"three", booking.Filter{AgeMonths: 36}},
		{"many", booking.Filter{}},
		{"many on two days", booking.Filter{Days: []time.Weekday{time.Monday, time.Tuesday}}},
		{"of a part of that age", booking.Filter{Level: "minnow", AgeMonths: 48}},
		{"no such level", booking.Filter{Level: "barracuda", AgeMonths: 48, Days: saturday}},
		{"a full level", booking.Filter{Level: "tadpole"}},
		{"no such age", booking.Filter{Level: "adult 2", AgeMonths: 48, Location: "spring"}},
		{"no such age at all", booking.Filter{Level: "minnow", AgeMonths: 18}},
		{"no such location", booking.Filter{Location: "Katy"}},
		{"a level elsewhere", booking.Filter{Level: "minnow", AgeMonths: 60, Location: "spring"}},
		{"no such day", booking.Filter{Days: []time.Weekday{time.Thursday, time.Friday}}},
		{"a full day", booking.Filter{Level: "minnow", Location: "cypress", AgeMonths: 60, Days: saturday}},
	}
	p := newPool(t, week()...)
	c := p.instance(t)
	find := func(what string, f booking.Filter) {
		f.Locations = ours
		a, err := c.Find(t.Context(), org, f)
		if err != nil {
			t.Fatal(err)
		}
		say(what, a)
	}
	for _, tt := range filters {
		find(tt.what, tt.filter)
	}
	p.jackrabbit.Fail(503)
	for _, age := range []time.Duration{5 * time.Minute, 8 * time.Minute, 13 * time.Minute, 58 * time.Minute, 100 * time.Minute, 23 * time.Hour, 24 * time.Hour} {
		p.at.Store(time.Date(2026, 2, 6, 16, 0, 0, 0, time.UTC).Add(age).Unix())
		tt := filters[int(age/time.Minute)%len(filters)]
		find(fmt.Sprintf("%s, %v ago", tt.what, age), tt.filter)
	}
	p.advance(time.Second)
	a, _ := c.Find(t.Context(), org, booking.Filter{})
	say("unavailable", a)
	var levels []jackrabbittest.Row
	for i := range 8 {
		levels = append(levels, jackrabbittest.Class(i+1, fmt.Sprintf("Level %d", i+1)).At("", "").On("", ""))
	}
	c = newPool(t, levels...).instance(t)
	a, _ = c.Find(t.Context(), org, booking.Filter{Level: "barracuda"})
	say("many other levels", a)
	a, _ = c.Find(t.Context(), org, booking.Filter{Location: "Katy"})
	say("no location is known", a)
	a, _ = c.Find(t.Context(), org, booking.Filter{})
	say("nothing is known but names", a)
	full := newPool(t, starfish.Open(0), minnow.Open(-1))
	c = full.instance(t)
	a, _ = c.Find(t.Context(), org, booking.Filter{Level: "minnow"})
	say("all is full", a)
	full.jackrabbit.Fail(503)
	full.advance(time.Hour)
	a, _ = c.Find(t.Context(), org, booking.Filter{})
	say("all was full an hour ago", a)
	return b.String()
}

func TestSay_IsTrueInEveryCaseAsReviewed(t *testing.T) {
	t.Parallel()
	const golden = "testdata/classes.golden"
	got := everyAnswer(t)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("review it and run go test ./shared/booking -update (-reviewed +now):\n%s", diff)
	}
	if strings.Contains(got, ":") {
		t.Error("a voice would read out a colon")
	}
	for line := range strings.Lines(got) {
		if n := strings.Count(strings.NewReplacer("a.m.", "", "p.m.", "").Replace(line), "."); !strings.HasPrefix(line, "==") && (n < 1 || n > 3) {
			t.Errorf("%d sentences: %s", n, line)
		}
	}
}

func TestWords_AreSpokenWithoutAColonAndLeaveOutWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		row              jackrabbittest.Row
		english, spanish string
	}{
		{starfish, "Starfish at LA Fitness Cypress, Saturdays at 9 a.m., 2 openings", "Starfish en LA Fitness Cypress, los sábados a las 9 de la mañana, 2 lugares"},
		{
			minnow.On("12:00", "12:30", time.Wednesday, time.Monday).Open(1).With("start_date", "2026-03-02"),
			"Minnow at 24 Hour Fitness Spring Energy, Mondays and Wednesdays at noon, starting March 2, 1 opening",
			"Minnow en 24 Hour Fitness Spring Energy, los lunes y miércoles al mediodía, a partir del 2 de marzo, 1 lugar",
		},
		{
			minnow.On("13:05", "", time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday).At("24Spring", ""),
			"Minnow at 24Spring, weekdays at 1 oh 5 p.m., 2 openings", "Minnow en 24Spring, de lunes a viernes a la 1 y 5 de la tarde, 2 lugares",
		},
		{
			minnow.On("19:30", "", 0, 1, 2, 3, 4, 5, 6).At("x", "Pool: north"),
			"Minnow at Pool north, all days of the week at 7 30 p.m., 2 openings", "Minnow en Pool north, todos los días a las 7 y 30 de la tarde, 2 lugares",
		},
		{minnow.On("", "").At("", ""), "Minnow, 2 openings", "Minnow, 2 lugares"},
		{minnow.On("", "", time.Monday).At("", ""), "Minnow, Mondays, 2 openings", "Minnow, los lunes, 2 lugares"},
		{minnow.On("09:45", "").At("", ""), "Minnow, at 9 45 a.m., 2 openings", "Minnow, a las 9 y 45 de la mañana, 2 lugares"},
	} {
		a, err := newPool(t, tt.row).instance(t).Find(t.Context(), org, booking.Filter{})
		if err != nil || len(a.Classes) != 1 {
			t.Fatalf("%d classes, %v", len(a.Classes), err)
		}
		if got := a.Classes[0].Words("en"); got != tt.english {
			t.Errorf("%q; want %q", got, tt.english)
		}
		if got := a.Classes[0].Words("es"); got != tt.spanish {
			t.Errorf("%q; want %q", got, tt.spanish)
		}
	}
}

func TestSayTime_IsAsOnAClock(t *testing.T) {
	t.Parallel()
	for at, want := range map[jackrabbit.Clock][2]string{
		0: {"", ""}, 570: {"9 30 a.m.", "9 y 30 de la mañana"}, 540: {"9 a.m.", "9 de la mañana"}, 720: {"noon", "mediodía"}, 780: {"1 p.m.", "1 de la tarde"},
	} {
		if got := [2]string{booking.SayTime("en", at), booking.SayTime("es", at)}; got != want {
			t.Errorf("%d: %q; want %q", at, got, want)
		}
	}
}

func TestAges_AreSaidInTheUnitThatPeopleUse(t *testing.T) {
	t.Parallel()
	for ages, want := range map[booking.Ages][2]string{
		{}:                 {"", ""},
		{Min: 36, Max: 71}: {"ages 3 to 5", "edades de 3 a 5 años"},
		{Min: 36, Max: 60}: {"ages 3 to 5", "edades de 3 a 5 años"},
		{Min: 6, Max: 36}:  {"ages 6 months to 3 years", "edades de 6 meses a 3 años"},
		{Min: 3, Max: 11}:  {"ages 3 months to 11 months", "edades de 3 meses a 11 meses"},
		{Min: 1, Max: 12}:  {"ages 1 month to 1 year", "edades de 1 mes a 1 año"},
		{Min: 54, Max: 96}: {"ages 4 and a half to 8 years", "edades de 4 años y medio a 8 años"},
		{Min: 40}:          {"ages 3 years and 4 months and up", "edades desde 3 años y 4 meses"},
		{Min: 216}:         {"ages 18 and up", "edades desde 18 años"},
		{Max: 71}:          {"ages up to 5", "edades hasta 5 años"},
		{Max: 23}:          {"ages up to 23 months", "edades hasta 23 meses"},
	} {
		if got := [2]string{ages.Words("en"), ages.Words("es")}; got != want {
			t.Errorf("%+v: %q; want %q", ages, got, want)
		}
	}
}

func TestPrice_IsSaidWithHowOftenItIsDueWhenThatIsKnown(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fee              int
		billing          string
		english, spanish string
	}{
		{14000, "Monthly", "140 dollars a month", "140 dólares al mes"},
		{3550, "weekly", "35 dollars and 50 cents a week", "35 dólares con 50 centavos a la semana"},
		{14000, "Per session", "140 dollars", "140 dólares"},
		{0, "Monthly", "", ""},
	} {
		c := booking.Class{Class: jackrabbit.Class{Fee: tt.fee, Billing: tt.billing}}
		if en, es := c.Price("en"), c.Price("es"); en != tt.english || es != tt.spanish {
			t.Errorf("%d %s: %q, %q; want %q, %q", tt.fee, tt.billing, en, es, tt.english, tt.spanish)
		}
	}
}
