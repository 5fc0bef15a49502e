package booking

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/hours"
)

// Rules say when a tenant meets its customers.
type Rules struct {
	Zone        *time.Location // the tenant's; never nil
	Hours       hours.Week     // a day whose span cannot be understood is closed
	Length      time.Duration  // of a meeting; there are none shorter than a minute
	Buffer      time.Duration  // kept free before and after a meeting; not negative
	Notice      time.Duration  // from now to the start of a meeting at least
	HorizonDays int            // the last day on which one may begin is so many days from today; 0 is today
}

// Busy is a time that is taken, from Start up to but not including End.
type Busy struct{ Start, End time.Time }

// Slot is a time for a meeting, in the tenant's zone, from Start up to but not including End.
type Slot struct{ Start, End time.Time }

// Slots are the free slots of so many days from a day on, in order. On each day they begin at the opening time and follow each other on
// the local clock by Length and Buffer, inside the hours of that day: hours past midnight are those of the next day, as in package hours.
// A local time that a change of the clocks skips is not offered, and one that comes twice is offered the first time alone; what would
// then begin before its predecessor's Buffer is over is left out. The part of the days before today or beyond the horizon has none.
func Slots(r Rules, now time.Time, from Day, days int, busy []Busy) []Slot {
	last := from.Add(days - 1)
	if horizon := r.horizon(now); last.After(horizon) {
		last = horizon
	}
	if today := DayOf(now, r.Zone); today.After(from) {
		from = today
	}
	var free []Slot
	for day := from; !day.After(last); day = day.Add(1) {
		for _, s := range r.grid(day) {
			if r.timely(s.Start, now) == nil && r.free(s, busy) == nil {
				free = append(free, s)
			}
		}
	}
	return free
}

// Allows says whether a free slot begins at exactly this time: nil, or a fault.Conflict whose text is the reason. It agrees with Slots.
func (r Rules) Allows(start, now time.Time, busy []Busy) error {
	if err := r.timely(start, now); err != nil {
		return err
	}
	s, day := Slot{start, start.Add(r.Length)}, DayOf(start, r.Zone)
	switch {
	case !r.within(day, s):
		return fault.New(fault.Conflict, "That time is outside our hours. Please choose another one.")
	case !slices.ContainsFunc(r.grid(day), func(g Slot) bool { return g.Start.Equal(start) }):
		return fault.New(fault.Conflict, "No meeting begins at that time. Please choose one of the times that are offered.")
	}
	return r.free(s, busy)
}

// horizon is the last day.
func (r Rules) horizon(now time.Time) Day { return DayOf(now, r.Zone).Add(r.HorizonDays) }

// timely is nil for a start that is neither too soon nor too far ahead.
func (r Rules) timely(start, now time.Time) error {
	switch {
	case start.Before(now):
		return fault.New(fault.Conflict, "That time has already passed. Please choose another one.")
	case start.Before(now.Add(r.Notice)):
		return fault.New(fault.Conflict, "That time is too soon. A meeting needs %s of notice.", spoken(r.Notice))
	case DayOf(start, r.Zone).After(r.horizon(now)):
		return fault.New(fault.Conflict, "That time is too far ahead. Meetings are booked up to %s ahead.", count(r.HorizonDays, "day"))
	}
	return nil
}

// free is nil when the slot overlaps nothing that is taken, nor the buffer around it.
func (r Rules) free(s Slot, busy []Busy) error {
	for _, b := range busy {
		if s.Start.Before(b.End.Add(r.Buffer)) && s.End.After(b.Start.Add(-r.Buffer)) {
			return fault.New(fault.Conflict, "That time is already taken. Please choose another one.")
		}
	}
	return nil
}

// grid is every slot of a day, as if nothing were taken.
func (r Rules) grid(day Day) []Slot {
	opens, closes := r.span(day)
	step := r.Length + r.Buffer
	if r.Length < time.Minute || r.Buffer < 0 {
		return nil
	}
	var slots []Slot
	for wall := opens; wall < closes; wall += step {
		start, ok := firstAt(day.midnight().Add(wall), r.Zone)
		s := Slot{start, start.Add(r.Length)}
		if n := len(slots); ok && r.within(day, s) && (n == 0 || start.Sub(slots[n-1].Start) >= step) {
			slots = append(slots, s)
		}
	}
	return slots
}

// within reports whether local clocks show the day, and a time inside its hours, for the whole of a slot: a change of the clocks in the
// middle of it must not lead outside.
func (r Rules) within(day Day, s Slot) bool {
	opens, closes := r.span(day)
	for at := s.Start.In(r.Zone); at.Before(s.End); {
		until := s.End.In(r.Zone)
		if _, change := at.ZoneBounds(); !change.IsZero() && change.Before(until) {
			until = change
		}
		wall := sinceMidnight(at)
		if DayOf(at, r.Zone) != day || wall < opens || wall+until.Sub(at) > closes {
			return false
		}
		at = until
	}
	return true
}

// span is when a day's hours begin and end on a clock, since midnight; the same twice when it is closed.
func (r Rules) span(day Day) (opens, closes time.Duration) {
	on := r.Hours[strings.ToLower(day.midnight().Weekday().String())]
	opens, opensOK := wallClock(on.Start)
	closes, closesOK := wallClock(on.End)
	if !opensOK || !closesOK {
		return 0, 0
	}
	return opens, closes
}

// wallClock reads a time of an hours.Span.
func wallClock(s string) (time.Duration, bool) {
	if s == "24:00" {
		return 24 * time.Hour, true
	}
	at, err := time.Parse("15:04", s)
	return sinceMidnight(at), err == nil && len(s) == len("15:04")
}

// sinceMidnight is what a clock shows, which is not the time that has passed on a day when clocks change.
func sinceMidnight(at time.Time) time.Duration {
	hour, minute, second := at.Clock()
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second + time.Duration(at.Nanosecond())
}

// firstAt finds the first moment at which clocks in zone show what wall shows in UTC; false when they skip it. time.Date promises
// neither. No offset from UTC is, or ever was, as much as sixteen hours.
func firstAt(wall time.Time, zone *time.Location) (time.Time, bool) {
	const most = 16 * time.Hour
	for in := wall.Add(-most).In(zone); in.Before(wall.Add(most)); {
		_, offset := in.Zone()
		from, until := in.ZoneBounds()
		at := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if !at.Before(from) && (until.IsZero() || at.Before(until)) {
			return at, true
		}
		if until.IsZero() {
			break
		}
		in = until
	}
	return time.Time{}, false
}

// ParseDatePreference reads when somebody would like to come, in English or Spanish, as a day on the calendar of zone: today, tomorrow,
// next week (its Monday), a day of the week (the next one, never today) or a date such as 2026-02-06. No preference is today.
// False when it is not understood.
func ParseDatePreference(s string, now time.Time, zone *time.Location) (Day, bool) {
	s, today := known(s), DayOf(now, zone)
	if s == "" {
		return today, true
	}
	if day, ok := parseDay(s, time.DateOnly); ok {
		return day, true
	}
	words := essence(s)
	switch words {
	case "today", "now", "hoy", "ahora":
		return today, true
	case "tomorrow", "manana":
		return today.Add(1), true
	case "day after tomorrow", "pasado manana":
		return today.Add(2), true
	case "next week", "proxima semana", "semana proxima", "semana que viene":
		return today.next(time.Monday), true
	}
	words = strings.TrimSuffix(words, " que viene")
	for _, which := range []string{"next ", "this ", "proximo ", "este "} {
		words = strings.TrimPrefix(words, which)
	}
	for weekday := time.Sunday; weekday <= time.Saturday; weekday++ {
		if words == folded(weekday.String()) || words == folded(weekdays[weekday]) {
			return today.next(weekday), true
		}
	}
	return Day{}, false
}

// ParseStart reads when a slot begins, as a model writes it: a moment with its offset, or the date and time on a clock in zone, of which
// the first is meant where clocks show it twice. False for anything else, and for a time that clocks skip.
func ParseStart(s string, zone *time.Location) (time.Time, bool) {
	s = known(s)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.In(zone), true
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if wall, err := time.Parse(layout, s); err == nil {
			return firstAt(wall, zone)
		}
	}
	return time.Time{}, false
}

// next is the next such day of the week after d.
func (d Day) next(weekday time.Weekday) Day {
	return d.Add((int(weekday-d.midnight().Weekday())+6)%7 + 1)
}

var (
	weekdays = [...]string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"}
	months   = [...]string{"", "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"}
)

// Words says when a slot begins, on a clock in zone, as it is spoken: "Friday, February 6, at 10 30 a.m." and "el viernes 6 de febrero a
// las 10 y 30 de la mañana". There is no colon, which a voice would read out.
func (s Slot) Words(language Language, zone *time.Location) string {
	at := s.Start.In(zone)
	if language == Spanish {
		return fmt.Sprintf("el %s %d de %s %s", weekdays[at.Weekday()], at.Day(), months[at.Month()], spanishTime(at.Hour(), at.Minute()))
	}
	return at.Format("Monday, January 2") + ", at " + englishTime(at.Hour(), at.Minute())
}

// Written says when a slot begins, on a clock in zone, as it stands in a text: "Fri Feb 6, 10:30 AM" and "vie 6 feb, 10:30 AM".
func (s Slot) Written(language Language, zone *time.Location) string {
	at := s.Start.In(zone)
	if language == Spanish {
		day, month := []rune(weekdays[at.Weekday()]), months[at.Month()]
		return fmt.Sprintf("%s %d %s, %s", string(day[:3]), at.Day(), month[:3], at.Format("3:04 PM"))
	}
	return at.Format("Mon Jan 2, 3:04 PM")
}

func englishTime(hour, minute int) string {
	half := "a.m."
	if hour >= 12 {
		half = "p.m."
	}
	switch shown := onDial(hour); {
	case minute == 0 && hour == 0:
		return "midnight"
	case minute == 0 && hour == 12:
		return "noon"
	case minute == 0:
		return fmt.Sprintf("%d %s", shown, half)
	case minute < 10:
		return fmt.Sprintf("%d oh %d %s", shown, minute, half)
	default:
		return fmt.Sprintf("%d %d %s", shown, minute, half)
	}
}

func spanishTime(hour, minute int) string {
	switch {
	case minute == 0 && hour == 0:
		return "a medianoche"
	case minute == 0 && hour == 12:
		return "al mediodía"
	}
	part := "de la noche"
	switch {
	case hour < 6:
		part = "de la madrugada"
	case hour < 12:
		part = "de la mañana"
	case hour < 20:
		part = "de la tarde"
	}
	article, past := "las", ""
	if onDial(hour) == 1 {
		article = "la"
	}
	if minute > 0 {
		past = fmt.Sprintf(" y %d", minute)
	}
	return fmt.Sprintf("a %s %d%s %s", article, onDial(hour), past, part)
}

// onDial is an hour as a clock with twelve of them shows it.
func onDial(hour int) int { return (hour+11)%12 + 1 }

// spoken says a length of time in its largest whole unit.
func spoken(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return count(int(d/(24*time.Hour)), "day")
	case d%time.Hour == 0:
		return count(int(d/time.Hour), "hour")
	default:
		return count(int(d/time.Minute), "minute")
	}
}

func count(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
