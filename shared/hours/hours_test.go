package hours_test

import (
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/hours"
)

var week = hours.Week{
	"sunday": {Start: "01:00", End: "04:00"}, "monday": {Start: "09:00", End: "17:30"}, "friday": {Start: "18:00", End: "24:00"}, "saturday": {Start: "00:00", End: "02:00"},
}

func TestOpen_IsReadOnTheBusinesssOwnClock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		zone, at string // at in UTC
		want     bool
	}{
		{"America/Chicago", "2026-11-23T15:00:00Z", true},  // Monday 09:00
		{"America/Chicago", "2026-11-23T14:59:59Z", false}, // a second before
		{"America/Chicago", "2026-11-23T23:29:59Z", true},
		{"America/Chicago", "2026-11-23T23:30:00Z", false}, // the end is not part of it
		{"Asia/Kolkata", "2026-11-23T03:30:00Z", true},     // Monday 09:00
		{"Asia/Kolkata", "2026-11-23T15:00:00Z", false},
		{"America/Chicago", "2026-11-24T16:00:00Z", false}, // a day that is left out
		{"America/Chicago", "2026-11-28T05:59:59Z", true},  // Friday 23:59:59
		{"America/Chicago", "2026-11-28T06:00:00Z", true},  // Saturday 00:00
		{"America/Chicago", "2026-11-28T08:00:00Z", false},
		{"America/Chicago", "2026-03-08T07:30:00Z", true},  // Sunday 01:30, before the hour that is skipped
		{"America/Chicago", "2026-03-08T08:30:00Z", true},  // 03:30, after it
		{"America/Chicago", "2026-03-08T09:00:00Z", false}, // 04:00
		{"America/Chicago", "2026-11-01T06:30:00Z", true},  // Sunday 01:30, for the first time
		{"America/Chicago", "2026-11-01T07:30:00Z", true},  // 01:30, for the second
		{"America/Chicago", "2026-11-01T10:00:00Z", false}, // 04:00
	} {
		zone, err := hours.Zone(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := week.Open(at, zone); got != tt.want {
			t.Errorf("%s, %v there: open is %v; want %v", tt.zone, at.In(zone), got, tt.want)
		}
	}
}

func TestValidate_SaysHowToWriteIt(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]hours.Week{
		"another day":     {"montag": {Start: "09:00", End: "17:00"}},
		"a capital":       {"Monday": {Start: "09:00", End: "17:00"}},
		"one digit":       {"monday": {Start: "9:00", End: "17:00"}},
		"no time":         {"monday": {Start: "", End: "17:00"}},
		"past the day":    {"monday": {Start: "09:00", End: "25:00"}},
		"past the hour":   {"monday": {Start: "09:60", End: "17:00"}},
		"end first":       {"monday": {Start: "17:00", End: "09:00"}},
		"nothing between": {"monday": {Start: "09:00", End: "09:00"}},
		"begins at 24":    {"monday": {Start: "24:00", End: "24:00"}},
	} {
		if err := bad.Validate(); err == nil || fault.KindOf(err) != fault.Invalid || fault.PublicText(err) == "" {
			t.Errorf("%s: %v; want an error that says how to write it", name, err)
		}
	}
	if err := week.Validate(); err != nil {
		t.Error(err)
	}
}

func TestZone_KnowsIANANamesAlone(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{"America/Chicago": true, "UTC": true, "": false, "Local": false, "CST6": false, "../etc/passwd": false, "Mars/Olympus": false} {
		if _, err := hours.Zone(name); (err == nil) != ok {
			t.Errorf("Zone(%q) = %v; want ok %v", name, err, ok)
		}
	}
}

func FuzzWeek(f *testing.F) {
	f.Add("monday", "09:00", "17:00")
	f.Add("sunday", "00:00", "24:00")
	f.Add("x", "9", "-1")
	f.Fuzz(func(t *testing.T, day, start, end string) {
		w := hours.Week{day: {Start: start, End: end}}
		open := false
		for minute := range 7 * 24 * 60 {
			open = open || w.Open(time.Unix(int64(minute)*60, 0), time.UTC)
		}
		if valid := w.Validate() == nil; valid != open {
			t.Errorf("%q %q-%q: valid is %v and ever open is %v", day, start, end, valid, open)
		}
	})
}

func TestIn_ANameThatThereIsNoneOfChangesNothing(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for name, want := range map[string]string{"Asia/Kolkata": "17:30 IST", "America/Chicago": "06:00 CST", "Mars/Olympus": "12:00 UTC", "": "12:00 UTC"} {
		if got := hours.In(noon, name).Format("15:04 MST"); got != want {
			t.Errorf("noon in %q is %s; want %s", name, got, want)
		}
	}
}
