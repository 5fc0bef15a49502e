package jackrabbit

import (
	"cmp"
	"encoding/json"
	"html"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Class is a class of a school. Texts are plain, without HTML's escapes; what Jackrabbit did not tell is the zero value.
type Class struct {
	ID              string         `json:"id"`
	Name            string         `json:"name"` // as the school wrote it, often with day and time in it
	Categories      []string       `json:"categories,omitempty"`
	LocationCode    string         `json:"location_code,omitempty"`
	LocationName    string         `json:"location_name,omitempty"`
	Days            []time.Weekday `json:"days,omitempty"`       // Monday first
	Start           Clock          `json:"start,omitempty"`      // on a clock at the location
	End             Clock          `json:"end,omitempty"`        //
	StartDate       string         `json:"start_date,omitempty"` // YYYY-MM-DD
	EndDate         string         `json:"end_date,omitempty"`   // YYYY-MM-DD; "" for a class that goes on
	MinAgeMonths    int            `json:"min_age_months,omitempty"`
	MaxAgeMonths    int            `json:"max_age_months,omitempty"` // that month is still part of it
	Openings        int            `json:"openings,omitempty"`       // free places; below zero, people who wait for one
	Waitlist        bool           `json:"waitlist,omitempty"`
	Fee             int            `json:"fee,omitempty"`     // cents
	Billing         string         `json:"billing,omitempty"` // how often the fee is due, in the school's word, such as Monthly
	RegistrationURL string         `json:"registration_url,omitempty"`
	Session         string         `json:"session,omitempty"`
	Gender          string         `json:"gender,omitempty"`
}

// Clock is a time of day in minutes since midnight. No class begins at midnight: zero is a time that was not told.
type Clock int

var week = []struct {
	key string
	day time.Weekday
}{
	{"mon", time.Monday}, {"tue", time.Tuesday}, {"wed", time.Wednesday}, {"thu", time.Thursday}, {"fri", time.Friday},
	{"sat", time.Saturday}, {"sun", time.Sunday},
}

// class reads a row. One without an id and a name is not a class.
func (c *Client) class(r row) Class {
	class := Class{
		ID: r.text("id"), Name: r.text("name"),
		LocationCode: cmp.Or(r.text("location_code"), r.text("location")), LocationName: r.text("location_name"),
		Start: clock(r.text("start_time")), End: clock(r.text("end_time")),
		StartDate: date(r.text("start_date")), EndDate: date(r.text("end_date")),
		MinAgeMonths: months(r.text("min_age")), MaxAgeMonths: months(r.text("max_age")),
		Openings: int(r.row("openings").number("calculated_openings")), Waitlist: r.truth("waitlist"),
		Fee: cents(r.row("tuition").number("fee")), Billing: r.text("billingcycle"),
		RegistrationURL: c.link(r.text("online_reg_link")), Session: r.text("session"), Gender: r.text("gender"),
	}
	for _, key := range []string{"category1", "category2", "category3"} {
		if category := r.text(key); category != "" {
			class.Categories = append(class.Categories, category)
		}
	}
	meets := r.row("meeting_days")
	for _, d := range week {
		if meets.truth(d.key) {
			class.Days = append(class.Days, d.day)
		}
	}
	return class
}

// link keeps a link to Jackrabbit, and no other.
func (c *Client) link(s string) string {
	u, err := url.Parse(s)
	if err != nil || !c.trusts(u) {
		return ""
	}
	u.RawQuery = strings.ReplaceAll(u.RawQuery, " ", "%20") // a place's name may stand in it, and a text message would break the link there
	return u.String()
}

// row is an object whose fields may be missing or of another type than they were yesterday. Its keys are in lower case.
type row map[string]json.RawMessage

func newRow(content json.RawMessage) row {
	var fields map[string]json.RawMessage
	if json.Unmarshal(content, &fields) != nil {
		return nil
	}
	r := make(row, len(fields))
	for key, value := range fields {
		r[strings.ToLower(key)] = value
	}
	return r
}

func (r row) row(key string) row { return newRow(r[key]) }

// maxText is more than a name or a link has, in bytes.
const maxText = 1000

// text is a string or a number as one line without HTML's escapes; "" for anything else, and for what is far too long.
func (r row) text(key string) string {
	raw := r[key] // valid JSON, as it was part of some
	var s string
	switch {
	case len(raw) == 0:
	case raw[0] == '"':
		_ = json.Unmarshal(raw, &s)
		s = strings.Join(strings.Fields(html.UnescapeString(s)), " ")
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		s = string(raw)
	}
	if len(s) > maxText {
		return ""
	}
	return s
}

// number is a number, or a string that holds one; 0 for anything else.
func (r row) number(key string) float64 {
	n, err := strconv.ParseFloat(strings.TrimPrefix(r.text(key), "$"), 64)
	if err != nil || math.IsNaN(n) || math.Abs(n) > 1e6 {
		return 0
	}
	return n
}

// truth is true, 1 or a string that says so.
func (r row) truth(key string) bool {
	if string(r[key]) == "true" {
		return true
	}
	s := strings.ToLower(r.text(key))
	return s == "true" || s == "1"
}

func cents(dollars float64) int { return max(0, int(math.Round(dollars*100))) }

// clock reads HH:MM, and the other ways of writing a time of day that a person might set Jackrabbit to.
func clock(s string) Clock {
	for _, layout := range []string{"15:04", "15:04:05", "3:04 PM", "3:04PM"} {
		if t, err := time.Parse(layout, strings.ToUpper(s)); err == nil {
			return Clock(t.Hour()*60 + t.Minute())
		}
	}
	return 0
}

// date reads YYYY-MM-DD, with or without a time of day after it.
func date(s string) string {
	if len(s) > len(time.DateOnly) && s[len(time.DateOnly)] == 'T' {
		s = s[:len(time.DateOnly)]
	}
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return ""
	}
	return s
}

var duration = regexp.MustCompile(`^P(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T.*)?$`)

// months reads a duration of ISO 8601, such as P3Y6M, in whole months.
func months(s string) int {
	parts := duration.FindStringSubmatch(strings.ToUpper(s))
	if parts == nil {
		return 0
	}
	var n [5]int
	for i := 1; i < len(n); i++ {
		n[i], _ = strconv.Atoi(parts[i]) // few digits or nothing
	}
	return 12*n[1] + n[2] + (7*n[3]+n[4])/30
}
