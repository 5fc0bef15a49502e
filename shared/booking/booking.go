// Package booking is what a receptionist offers and arranges: a swim school's classes, the link on which a family registers for
// one, the free slots of a calendar and the words in which all of this is said. Links and slots are pure: the same input gives the
// same answer. What it refuses is an Invalid or a Conflict whose text the assistant can say aloud as it stands.
package booking

import (
	"strings"
	"time"
)

// Language is the language in which something is said to a customer. Anything but Spanish is said in English.
type Language string

// The languages.
const (
	English Language = "en"
	Spanish Language = "es"
)

// Day is a date of the calendar, the same in every time zone. The zero Day is none.
type Day struct {
	Year  int
	Month time.Month
	Day   int
}

// DayOf is the date on a calendar in zone.
func DayOf(at time.Time, zone *time.Location) Day {
	year, month, day := at.In(zone).Date()
	return Day{year, month, day}
}

// Add is the date so many days later.
func (d Day) Add(days int) Day { return DayOf(d.midnight().AddDate(0, 0, days), time.UTC) }

// After reports whether d is later than other.
func (d Day) After(other Day) bool { return d.midnight().After(other.midnight()) }

// IsZero reports whether there is no date.
func (d Day) IsZero() bool { return d == Day{} }

// String writes the date as in 2026-02-06.
func (d Day) String() string { return d.midnight().Format(time.DateOnly) }

// midnight is where the date begins if clocks never change; arithmetic on it is that of wall clocks.
func (d Day) midnight() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// parseDay reads a date in the first of the layouts that fits.
func parseDay(s string, layouts ...string) (Day, bool) {
	for _, layout := range layouts {
		if at, err := time.Parse(layout, s); err == nil {
			return DayOf(at, time.UTC), true
		}
	}
	return Day{}, false
}

// known is a value that a model sent, without the white space around it; empty when the model wrote that it does not know.
func known(s string) string {
	s = strings.TrimSpace(s)
	switch strings.ToLower(s) {
	case "null", "none", "n/a", "unknown":
		return ""
	}
	return s
}

var accents = strings.NewReplacer("á", "a", "é", "e", "í", "i", "ó", "o", "ú", "u", "ü", "u", "ñ", "n", "’", "'")

// folded is s in lower case and without the accents of Spanish, which are written at one time and left out at another.
func folded(s string) string { return accents.Replace(strings.ToLower(s)) }
