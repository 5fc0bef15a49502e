// Package hours knows when a business is open: a span for each day of the week, in the business's own time zone. It does no
// I/O and carries the time zone database with it.
package hours

import (
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a function's image has none

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// Week maps the English day in lower case to the span that the business is open, as in
// {"monday":{"start":"09:00","end":"17:00"}}. A day that is left out is closed.
type Week map[string]Span

// Span is a part of one day, from Start up to but not including End, both HH:MM in 24 hours; End may be "24:00".
type Span struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

// Validate reports the first day, in order of the alphabet, that cannot be understood, and how to write it.
func (w Week) Validate() error { return w.ValidateAs("business_hours") }

// ValidateAs is Validate for a field of another name.
func (w Week) ValidateAs(field string) error {
	days := make([]string, 0, len(w))
	for day := range w {
		days = append(days, day)
	}
	slices.Sort(days)
	for _, day := range days {
		if !isDay(day) {
			return fault.New(fault.Invalid, "%s: a day is one of monday to sunday, in lower case", field)
		}
		start, startOK := minute(w[day].Start)
		end, endOK := minute(w[day].End)
		switch {
		case !startOK || !endOK:
			return fault.New(fault.Invalid, `%s.%s: start and end are written HH:MM, such as "09:00" and "17:30"`, field, day)
		case end <= start:
			return fault.New(fault.Invalid, `%s.%s: end must come after start; for hours past midnight end the day at "24:00" and begin the next at "00:00"`, field, day)
		}
	}
	return nil
}

// Open reports whether at lies within the hours, read on a clock in zone.
func (w Week) Open(at time.Time, zone *time.Location) bool {
	local := at.In(zone)
	span, ok := w[strings.ToLower(local.Weekday().String())]
	if !ok {
		return false
	}
	start, startOK := minute(span.Start)
	end, endOK := minute(span.End)
	now := local.Hour()*60 + local.Minute()
	return startOK && endOK && start <= now && now < end
}

func isDay(s string) bool {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if s == strings.ToLower(d.String()) {
			return true
		}
	}
	return false
}

// minute reads HH:MM as the minute of the day.
func minute(s string) (int, bool) {
	if s == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil && len(s) == len("15:04")
}

// Zone finds a time zone by its IANA name. fault.Invalid when there is none of that name.
func Zone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fault.New(fault.Invalid, "timezone: use an IANA name such as America/Chicago")
	}
	return zone, nil
}

// In reads at on a clock in the zone of an IANA name. A name that there is none of leaves it as it is.
func In(at time.Time, name string) time.Time {
	if zone, err := Zone(name); err == nil {
		return at.In(zone)
	}
	return at
}
