package booking_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/hours"
)

func zoneOf(t rapid.TB, name string) *time.Location {
	zone, err := hours.Zone(name)
	if err != nil {
		t.Fatal(name, err)
	}
	return zone
}

func date(year int, month time.Month, day int) booking.Day {
	return booking.Day{Year: year, Month: month, Day: day}
}

// everyDay has the same hours on all days of the week.
func everyDay(start, end string) hours.Week {
	week := hours.Week{}
	for day := time.Sunday; day <= time.Saturday; day++ {
		week[strings.ToLower(day.String())] = hours.Span{Start: start, End: end}
	}
	return week
}

func starts(slots []booking.Slot) string {
	var all []string
	for _, s := range slots {
		all = append(all, s.Start.Format("2T15:04Z07:00"))
	}
	return strings.Join(all, " ")
}

func TestSlots_FollowTheLocalClockOverItsChanges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, zone   string
		day          booking.Day
		open, close  string
		length, free int // minutes
		want         string
	}{
		{"an ordinary day", "America/Chicago", date(2026, time.February, 6), "09:00", "12:00", 30, 15, "6T09:00-06:00 6T09:45-06:00 6T10:30-06:00 6T11:15-06:00"},
		{"the last one ends at closing time", "America/Chicago", date(2026, time.February, 6), "09:00", "10:15", 30, 15, "6T09:00-06:00 6T09:45-06:00"},
		{"a minute too short for another", "America/Chicago", date(2026, time.February, 6), "09:00", "10:14", 30, 15, "6T09:00-06:00"},
		{"the hour that is skipped", "America/New_York", date(2026, time.March, 8), "00:00", "06:00", 60, 0, "8T00:00-05:00 8T01:00-05:00 8T03:00-04:00 8T04:00-04:00 8T05:00-04:00"},
		{"one over the skipped hour takes its successor's place", "America/New_York", date(2026, time.March, 8), "00:00", "06:00", 90, 0, "8T00:00-05:00 8T01:30-05:00 8T04:30-04:00"},
		{"one over the skipped hour ends too late", "America/New_York", date(2026, time.March, 8), "01:30", "03:00", 60, 0, ""},
		{"the hour that comes twice", "America/New_York", date(2026, time.November, 1), "00:00", "04:00", 60, 0, "1T00:00-04:00 1T01:00-04:00 1T02:00-05:00 1T03:00-05:00"},
		{"hours that end within it", "America/New_York", date(2026, time.November, 1), "00:30", "01:30", 30, 0, "1T00:30-04:00 1T01:00-04:00"},
		{"one that leads back before the hours", "America/New_York", date(2026, time.November, 1), "01:30", "03:00", 60, 0, ""},
		{"one that fills the same half hour twice", "America/New_York", date(2026, time.November, 1), "01:00", "02:00", 120, 0, "1T01:00-04:00"},
		{"midnight that is skipped", "America/Havana", date(2026, time.March, 8), "00:00", "03:00", 60, 0, "8T01:00-04:00 8T02:00-04:00"},
		{"half an hour that is skipped", "Australia/Lord_Howe", date(2026, time.October, 4), "01:00", "04:00", 30, 0,
			"4T01:00+10:30 4T01:30+10:30 4T02:30+11:00 4T03:00+11:00 4T03:30+11:00"},
		{"a day that is skipped", "Pacific/Apia", date(2011, time.December, 30), "00:00", "24:00", 60, 0, ""},
		{"summer time on the other side of UTC", "Europe/London", date(2026, time.October, 25), "00:00", "03:00", 60, 0, "25T00:00+01:00 25T01:00+01:00 25T02:00Z"},
	} {
		r := booking.Rules{
			Zone: zoneOf(t, tt.zone), Hours: everyDay(tt.open, tt.close), HorizonDays: 1,
			Length: time.Duration(tt.length) * time.Minute, Buffer: time.Duration(tt.free) * time.Minute,
		}
		now := time.Date(tt.day.Year, tt.day.Month, tt.day.Day-1, 12, 0, 0, 0, r.Zone)
		if diff := cmp.Diff(tt.want, starts(booking.Slots(r, now, tt.day, 1, nil))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// office meets for half an hour with a quarter between, on Friday morning and around the following midnight.
func office(t rapid.TB) booking.Rules {
	return booking.Rules{
		Zone: zoneOf(t, "America/Chicago"), Length: 30 * time.Minute, Buffer: 15 * time.Minute, Notice: 2 * time.Hour, HorizonDays: 14,
		Hours: hours.Week{"friday": {Start: "23:00", End: "24:00"}, "saturday": {Start: "00:00", End: "01:30"}, "monday": {Start: "09:00", End: "12:00"}},
	}
}

// at is a time in Chicago in February 2026, when the first is a Sunday.
func at(t rapid.TB, day, hour, minute int) time.Time {
	return time.Date(2026, time.February, day, hour, minute, 0, 0, zoneOf(t, "America/Chicago"))
}

func february(day int) booking.Day { return date(2026, time.February, day) }

func TestSlots_HoursPastMidnightAreThoseOfTheNextDay(t *testing.T) {
	t.Parallel()
	got := starts(booking.Slots(office(t), at(t, 6, 8, 0), february(5), 3, nil))
	if want := "6T23:00-06:00 7T00:00-06:00 7T00:45-06:00"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
}

func TestSlots_KeepTheNoticeTheHorizonAndTheBuffer(t *testing.T) {
	t.Parallel()
	busy := func(from, to time.Time) []booking.Busy { return []booking.Busy{{Start: from, End: to}} }
	for _, tt := range []struct {
		name string
		now  time.Time
		from booking.Day
		days int
		busy []booking.Busy
		want string
	}{
		{"notice to the minute", at(t, 2, 7, 45), february(2), 1, nil, "2T09:45-06:00 2T10:30-06:00 2T11:15-06:00"},
		{"notice by a second", at(t, 2, 7, 45).Add(time.Second), february(2), 1, nil, "2T10:30-06:00 2T11:15-06:00"},
		{"days that are over", at(t, 2, 9, 0), february(1), 2, nil, "2T11:15-06:00"},
		{"the last day of the horizon", at(t, 2, 23, 59), february(10), 60, nil, "13T23:00-06:00 14T00:00-06:00 14T00:45-06:00 16T09:00-06:00 16T09:45-06:00 16T10:30-06:00 16T11:15-06:00"},
		{"beyond it", at(t, 1, 23, 59), february(16), 60, nil, ""},
		{"no days", at(t, 1, 8, 0), february(2), 0, nil, ""},
		{"closed days", at(t, 1, 8, 0), february(3), 3, nil, ""},
		{"a meeting in a slot", at(t, 1, 8, 0), february(2), 1, busy(at(t, 2, 9, 45), at(t, 2, 10, 15)), "2T09:00-06:00 2T10:30-06:00 2T11:15-06:00"},
		{"one a minute longer", at(t, 1, 8, 0), february(2), 1, busy(at(t, 2, 9, 45), at(t, 2, 10, 16)), "2T09:00-06:00 2T11:15-06:00"},
		{"one a minute sooner", at(t, 1, 8, 0), february(2), 1, busy(at(t, 2, 9, 44), at(t, 2, 10, 15)), "2T10:30-06:00 2T11:15-06:00"},
		{"one between two slots", at(t, 1, 8, 0), february(2), 1, busy(at(t, 2, 9, 35), at(t, 2, 9, 40)), "2T10:30-06:00 2T11:15-06:00"},
		{"a whole day", at(t, 1, 8, 0), february(2), 1, busy(at(t, 1, 0, 0), at(t, 3, 0, 0)), ""},
		{"another zone's", at(t, 1, 8, 0), february(2), 1, busy(at(t, 2, 9, 0).UTC(), at(t, 2, 11, 0).UTC()), "2T11:15-06:00"},
	} {
		if diff := cmp.Diff(tt.want, starts(booking.Slots(office(t), tt.now, tt.from, tt.days, tt.busy))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestSlots_RulesThatMakeNoSenseOfferNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*booking.Rules){
		"no length":         func(r *booking.Rules) { r.Length = 0 },
		"a negative length": func(r *booking.Rules) { r.Length = -time.Hour },
		"a negative buffer": func(r *booking.Rules) { r.Buffer = -time.Hour },
		"no hours":          func(r *booking.Rules) { r.Hours = nil },
		"hours not written so": func(r *booking.Rules) {
			r.Hours = hours.Week{"monday": {Start: "9:00", End: "12:00"}, "friday": {Start: "09:00"}, "saturday": {Start: "12:00", End: "09:00"}}
		},
	} {
		r := office(t)
		change(&r)
		if got := booking.Slots(r, at(t, 1, 8, 0), february(1), 14, nil); got != nil {
			t.Errorf("%s: %v", name, got)
		}
		if err := r.Allows(at(t, 2, 9, 0), at(t, 1, 8, 0), nil); fault.KindOf(err) != fault.Conflict {
			t.Errorf("%s: %v; want a Conflict", name, err)
		}
	}
}

func TestAllows_SaysWhyNot(t *testing.T) {
	t.Parallel()
	r, now := office(t), at(t, 2, 8, 0)
	busy := []booking.Busy{{Start: at(t, 9, 9, 45), End: at(t, 9, 10, 15)}}
	for _, tt := range []struct {
		start time.Time
		want  string
	}{
		{at(t, 2, 7, 59), "already passed"},
		{at(t, 2, 9, 45), "too soon. A meeting needs 2 hours of notice"},
		{at(t, 20, 23, 0), "too far ahead. Meetings are booked up to 14 days ahead"},
		{at(t, 3, 9, 0), "outside our hours"},
		{at(t, 2, 11, 45), "outside our hours"},
		{at(t, 2, 11, 0), "No meeting begins at that time"},
		{at(t, 2, 10, 30).Add(time.Second), "No meeting begins at that time"},
		{at(t, 9, 9, 45), "already taken"},
	} {
		if err := r.Allows(tt.start, now, busy); fault.KindOf(err) != fault.Conflict || !strings.Contains(fault.PublicText(err), tt.want) {
			t.Errorf("%v: %v; want %s", tt.start, err, tt.want)
		}
	}
	for _, start := range []time.Time{at(t, 2, 10, 30), at(t, 9, 9, 0).UTC(), at(t, 9, 10, 30)} {
		if err := r.Allows(start, now, busy); err != nil {
			t.Errorf("%v: %v", start, err)
		}
	}
	for notice, want := range map[time.Duration]string{time.Hour: "1 hour of", 24 * time.Hour: "1 day of", 48 * time.Hour: "2 days of", 90 * time.Minute: "90 minutes of"} {
		r.Notice = notice
		if err := r.Allows(now, now, nil); !strings.Contains(fault.PublicText(err), want) {
			t.Errorf("%v: %v; want %s", notice, err, want)
		}
	}
}

// scenario is what slots are asked for. All its times are multiples of five minutes.
type scenario struct {
	rules booking.Rules
	now   time.Time
	from  booking.Day
	days  int
	busy  []booking.Busy
}

const tick = 5 * time.Minute

// scenarios are such around a moment.
func scenarios(zone *time.Location, around time.Time) *rapid.Generator[scenario] {
	around = around.Truncate(24 * time.Hour)
	return rapid.Custom(func(t *rapid.T) scenario {
		ticks := func(from, to int, what string) time.Duration {
			return time.Duration(rapid.IntRange(from, to).Draw(t, what)) * tick
		}
		s := scenario{
			rules: booking.Rules{
				Zone: zone, Length: ticks(1, 36, "length"), Buffer: ticks(0, 12, "buffer"), Notice: ticks(0, 576, "notice"), HorizonDays: rapid.IntRange(0, 5).Draw(t, "horizon"),
				Hours: hours.Week{},
			},
			now:  around.Add(ticks(-576, 288, "now")),
			from: booking.DayOf(around, zone).Add(rapid.IntRange(-1, 1).Draw(t, "from")),
			days: rapid.IntRange(1, 2).Draw(t, "days"),
		}
		for day := time.Sunday; day <= time.Saturday; day++ {
			if span, open := spans.Draw(t, day.String()), rapid.IntRange(0, 7).Draw(t, "open") > 0; open {
				s.rules.Hours[strings.ToLower(day.String())] = span
			}
		}
		for range rapid.IntRange(0, 4).Draw(t, "meetings") {
			start := around.Add(ticks(-288, 576, "meeting"))
			s.busy = append(s.busy, booking.Busy{Start: start, End: start.Add(ticks(1, 60, "meets for"))})
		}
		return s
	})
}

var spans = rapid.Custom(func(t *rapid.T) hours.Span {
	clock := func(ticks int) string { return fmt.Sprintf("%02d:%02d", ticks/12, ticks%12*5) }
	opens := rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 60), rapid.IntRange(0, 287)).Draw(t, "opens")
	return hours.Span{Start: clock(opens), End: clock(rapid.OneOf(rapid.Just(288), rapid.IntRange(opens+1, 288)).Draw(t, "closes"))}
})

// check holds every promise that Slots and Allows make. It returns how many slots there are.
func (s scenario) check(t rapid.TB) int {
	slots := booking.Slots(s.rules, s.now, s.from, s.days, s.busy)
	offered := map[int64]bool{}
	for i, slot := range slots {
		offered[slot.Start.Unix()] = true
		s.checkSlot(t, slot)
		if i > 0 && slot.Start.Before(slots[i-1].End) {
			t.Fatalf("%v overlaps or precedes %v", slot, slots[i-1])
		}
	}
	first := time.Date(s.from.Year, s.from.Month, s.from.Day, 0, 0, 0, 0, time.UTC)
	for start := first.Add(-15 * time.Hour); start.Before(first.Add(time.Duration(s.days)*24*time.Hour + 15*time.Hour)); start = start.Add(tick) {
		day := booking.DayOf(start, s.rules.Zone)
		if day.After(s.from.Add(s.days-1)) || s.from.After(day) {
			continue
		}
		if err := s.rules.Allows(start, s.now, s.busy); (err == nil) != offered[start.Unix()] {
			t.Fatalf("%v: offered is %v and Allows says %v\n%+v", start.In(s.rules.Zone), err != nil, err, s)
		}
	}
	return len(slots)
}

func (s scenario) checkSlot(t rapid.TB, slot booking.Slot) {
	r, day := s.rules, booking.DayOf(slot.Start, s.rules.Zone)
	if slot.Start.Location() != r.Zone || slot.End.Sub(slot.Start) != r.Length || slot.Start.Before(s.now.Add(r.Notice)) {
		t.Fatalf("%v: want %v in %v, from %v after %v", slot, r.Length, r.Zone, r.Notice, s.now)
	}
	if s.from.After(day) || day.After(s.from.Add(s.days-1)) || day.After(booking.DayOf(s.now, r.Zone).Add(r.HorizonDays)) {
		t.Fatalf("%v is on a day that was not asked for or is beyond the horizon: %+v", slot, s)
	}
	for at := slot.Start; at.Before(slot.End); at = at.Add(time.Minute) {
		if !r.Hours.Open(at, r.Zone) {
			t.Fatalf("%v: it is closed at %v; %v", slot, at, r.Hours)
		}
	}
	for _, b := range s.busy {
		if slot.Start.Before(b.End.Add(r.Buffer)) && b.Start.Add(-r.Buffer).Before(slot.End) {
			t.Fatalf("%v overlaps %v and %v around it", slot, b, r.Buffer)
		}
	}
	if err := r.Allows(slot.Start.UTC(), s.now, s.busy); err != nil {
		t.Fatalf("%v is offered and %v", slot, err)
	}
	if err := r.Allows(slot.Start.Add(time.Minute), s.now, s.busy); fault.KindOf(err) != fault.Conflict {
		t.Fatalf("a minute after %v: %v; want a Conflict", slot, err)
	}
}

// zoneNames are those of Go's time zone database (lib/time/zoneinfo.zip).
func zoneNames(t rapid.TB) []string {
	file, err := os.ReadFile("testdata/zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(file))
}

func TestSlots_KeepEveryPromiseAtAnyTimeInAnyZone(t *testing.T) {
	t.Parallel()
	names := zoneNames(t)
	rapid.Check(t, func(t *rapid.T) {
		zone := zoneOf(t, rapid.SampledFrom(names).Draw(t, "zone"))
		around := time.Unix(rapid.Int64Range(631152000, 2051222400).Draw(t, "at"), 0).In(zone) // 1990 to 2034
		if _, change := around.ZoneBounds(); !change.IsZero() && rapid.Bool().Draw(t, "at the next change of the clocks") {
			around = change
		}
		scenarios(zone, around).Draw(t, "asked").check(t)
	})
}

// changes are the moments from 2026 to 2027 at which clocks in a zone change, at least one moment, and what tells its clocks from others'.
func changes(zone *time.Location) (all []time.Time, clocks string) {
	at := time.Date(2026, time.January, 1, 0, 0, 0, 0, zone)
	for at.Year() < 2028 {
		_, offset := at.Zone()
		clocks += fmt.Sprint(at.Unix(), offset, " ")
		_, change := at.ZoneBounds()
		if change.IsZero() || change.Year() > 2027 {
			break
		}
		all = append(all, change)
		at = change
	}
	if all == nil {
		all = append(all, at)
	}
	return all, clocks
}

func TestSlots_KeepEveryPromiseAtEveryChangeOfTheClocks(t *testing.T) {
	t.Parallel()
	tried, offered := map[string]bool{}, 0
	for i, name := range zoneNames(t) {
		zone := zoneOf(t, name)
		around, clocks := changes(zone)
		if tried[clocks] {
			continue
		}
		tried[clocks] = true
		for n, change := range around {
			for seed := range 4 {
				offered += scenarios(zone, change).Example(i*100 + n*10 + seed).check(t)
			}
		}
	}
	if len(tried) < 50 || offered < 1000 {
		t.Errorf("%d kinds of clocks were tried and %d slots seen; want many", len(tried), offered)
	}
}

func TestParseDatePreference_UnderstandsBothLanguages(t *testing.T) {
	t.Parallel()
	zone := zoneOf(t, "America/Chicago")
	now := time.Date(2026, time.February, 7, 3, 0, 0, 0, time.UTC) // Friday the sixth, 9 in the evening there
	for s, want := range map[string]int{
		"": 6, "null": 6, "today": 6, "Now": 6, "hoy": 6, "ahora": 6, "tomorrow": 7, "mañana": 7, "MANANA": 7, "Tomorrow.": 7, "the day after tomorrow": 8, "pasado mañana": 8,
		"next week": 9, "la próxima semana": 9, "la semana que viene": 9,
		"Saturday": 7, "sunday": 8, "monday": 9, "on Tuesday": 10, "wednesday": 11, "thursday": 12, "Friday": 13, "next Friday": 13, "this saturday": 7,
		"sábado": 7, "el domingo": 8, "lunes": 9, "martes": 10, "miercoles": 11, "el próximo jueves": 12, "viernes": 13, "el lunes que viene": 9, "este sábado": 7,
		"2026-02-20": 20, " 2026-02-01 ": 1,
	} {
		if got, ok := booking.ParseDatePreference(s, now, zone); !ok || got != february(want) {
			t.Errorf("%q is %v, %v; want the %d", s, got, ok, want)
		}
	}
	for _, s := range []string{"soon", "2026-02-30", "02/20/2026", "the 20th", "monday or tuesday", "next", "semana", "weekend", "!", "the"} {
		if got, ok := booking.ParseDatePreference(s, now, zone); ok {
			t.Errorf("%q is %v; want that it is not understood", s, got)
		}
	}
}

func TestSlotWords_AreSpokenWithoutAColon(t *testing.T) {
	t.Parallel()
	zone := zoneOf(t, "America/Chicago")
	for _, tt := range []struct {
		month        time.Month
		day          int
		hour, minute int
		en, es       string
	}{
		{time.February, 6, 10, 0, "Friday, February 6, at 10 a.m.", "el viernes 6 de febrero a las 10 de la mañana"},
		{time.February, 6, 10, 30, "Friday, February 6, at 10 30 a.m.", "el viernes 6 de febrero a las 10 y 30 de la mañana"},
		{time.August, 1, 13, 0, "Saturday, August 1, at 1 p.m.", "el sábado 1 de agosto a la 1 de la tarde"},
		{time.December, 30, 13, 5, "Wednesday, December 30, at 1 oh 5 p.m.", "el miércoles 30 de diciembre a la 1 y 5 de la tarde"},
		{time.January, 4, 12, 0, "Sunday, January 4, at noon", "el domingo 4 de enero al mediodía"},
		{time.January, 5, 12, 45, "Monday, January 5, at 12 45 p.m.", "el lunes 5 de enero a las 12 y 45 de la tarde"},
		{time.September, 8, 0, 0, "Tuesday, September 8, at midnight", "el martes 8 de septiembre a medianoche"},
		{time.September, 10, 0, 15, "Thursday, September 10, at 12 15 a.m.", "el jueves 10 de septiembre a las 12 y 15 de la madrugada"},
		{time.May, 7, 20, 0, "Thursday, May 7, at 8 p.m.", "el jueves 7 de mayo a las 8 de la noche"},
	} {
		s := booking.Slot{Start: time.Date(2026, tt.month, tt.day, tt.hour, tt.minute, 0, 0, zone).UTC()}
		if got := s.Words(booking.English, zone); got != tt.en {
			t.Errorf("%q; want %q", got, tt.en)
		}
		if got := s.Words(booking.Spanish, zone); got != tt.es {
			t.Errorf("%q; want %q", got, tt.es)
		}
	}
}

func TestSlotWritten_IsShortAndHasAColon(t *testing.T) {
	t.Parallel()
	chicago := zoneOf(t, "America/Chicago")
	s := booking.Slot{Start: time.Date(2026, time.February, 7, 16, 30, 0, 0, time.UTC)}
	for language, want := range map[booking.Language]string{booking.English: "Sat Feb 7, 10:30 AM", booking.Spanish: "sáb 7 feb, 10:30 AM"} {
		if got := s.Written(language, chicago); got != want {
			t.Errorf("%s: %q; want %q", language, got, want)
		}
	}
}

func TestParseStart_ReadsAMomentOrAClockInTheZone(t *testing.T) {
	t.Parallel()
	zone := zoneOf(t, "America/Chicago")
	for s, want := range map[string]string{
		"2026-02-06T10:30:00-06:00": "2026-02-06T16:30:00Z",
		"2026-02-06T10:30-06:00":    "2026-02-06T16:30:00Z",
		"2026-02-06T16:30:00Z":      "2026-02-06T16:30:00Z",
		"2026-02-06T10:30:00":       "2026-02-06T16:30:00Z",
		" 2026-02-06 10:30 ":        "2026-02-06T16:30:00Z",
		"2026-07-06T10:30":          "2026-07-06T15:30:00Z",
		"2026-11-01T01:30:00":       "2026-11-01T06:30:00Z", // comes twice: the first
		"2026-03-08T02:30:00":       "",                     // is skipped
		"2026-02-30T10:30:00":       "",
		"tomorrow at ten":           "",
		"null":                      "",
		"":                          "",
	} {
		at, ok := booking.ParseStart(s, zone)
		if got := at.UTC().Format(time.RFC3339); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %s, %v; want %q", s, got, ok, want)
		}
	}
}

func TestDay_CountsOverMonthsAndLeapYears(t *testing.T) {
	t.Parallel()
	day := booking.Day{Year: 2028, Month: time.February, Day: 28}
	if got := fmt.Sprint(day, day.Add(1), day.Add(2), day.Add(-28)); got != "2028-02-28 2028-02-29 2028-03-01 2028-01-31" {
		t.Error(got)
	}
	if !day.Add(1).After(day) || day.After(day) || day.IsZero() || !(booking.Day{}).IsZero() {
		t.Error("the order of days is wrong")
	}
}
