package jackrabbittest

import (
	"fmt"
	"html"
	"maps"
	"strings"
	"time"
)

// Row is a class as Jackrabbit lists it. Each method returns a changed copy.
type Row map[string]any

// Class is a class of the shape that Jackrabbit gives: on Saturdays from 9 to 9.30 at LA Fitness Cypress, for any age, with two
// free places. Texts come escaped, as Jackrabbit's do.
func Class(id int, name string) Row {
	r := Row{
		"id": id, "name": html.EscapeString(name), "description": "", "category1": "", "category2": "", "category3": "", "gender": "All",
		"instructors": []string{"Coach One"}, "location_addr1": "1 Example Road", "location_addr2": "", "location_city": "Cypress",
		"location_state": "TX", "location_postalcode": "77429", "location_phone": "(555) 555-0100", "room": "Pool A", "session": "2026",
		"master_class": false, "start_date": "2026-01-03", "end_date": "", "reg_start_date": "2025-12-01", "min_age": "", "max_age": "",
		"BillingCycle": "Monthly",
	}
	return r.At("LAFCypress", "LA Fitness Cypress").On("09:00", "09:30", time.Saturday).Open(2).Fee(140)
}

// With sets a field as it is on the wire.
func (r Row) With(key string, value any) Row {
	changed := maps.Clone(r)
	changed[key] = value
	return changed
}

// At is where it takes place.
func (r Row) At(code, name string) Row {
	link := fmt.Sprintf("https://app.jackrabbitclass.com/regv2.asp?id=545911&amp;hc=&amp;WL=0&amp;preLoadClassID=%v&amp;loc=%s", r["id"], code)
	return r.With("location", code).With("location_code", code).With("location_name", html.EscapeString(name)).With("online_reg_link", link)
}

// On is when: from and until as HH:MM.
func (r Row) On(from, until string, days ...time.Weekday) Row {
	meets := map[string]bool{}
	for d := time.Sunday; d <= time.Saturday; d++ {
		meets[strings.ToLower(d.String()[:3])] = false
	}
	for _, d := range days {
		meets[strings.ToLower(d.String()[:3])] = true
	}
	return r.With("start_time", from).With("end_time", until).With("meeting_days", meets)
}

// Open is how many free places there are; below zero, how many wait for one.
func (r Row) Open(n int) Row {
	return r.With("openings", map[string]any{"calculated_openings": n, "days": map[string]int{}}).With("waitlist", n <= 0)
}

// Fee is in dollars.
func (r Row) Fee(dollars float64) Row {
	return r.With("tuition", map[string]any{"fee": dollars, "days": map[string]int{}})
}

// Ages are ISO 8601 durations, such as P3Y0M.
func (r Row) Ages(from, until string) Row { return r.With("min_age", from).With("max_age", until) }

// Level is the first category.
func (r Row) Level(name string) Row { return r.With("category1", html.EscapeString(name)) }
