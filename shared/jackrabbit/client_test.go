package jackrabbit_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/jackrabbit"
	"github.com/chattercheatah/chattercheatah/shared/jackrabbit/jackrabbittest"
)

const org = "545911"

// says is a client of a fake that answers every request with body.
func says(t testing.TB, body string) *jackrabbit.Client {
	t.Helper()
	s := jackrabbittest.Start(t)
	s.Say(body)
	return jackrabbit.NewClient(s.URL())
}

// one is the class that a client reads from the only row of a list.
func one(t testing.TB, r jackrabbittest.Row) jackrabbit.Class {
	t.Helper()
	s := jackrabbittest.Start(t)
	s.Set(org, r)
	classes, err := jackrabbit.NewClient(s.URL()).Openings(t.Context(), org)
	if err != nil || len(classes) != 1 {
		t.Fatalf("%d classes, %v; want one", len(classes), err)
	}
	return classes[0]
}

func TestOpenings_ReadsAListAsJackrabbitWritesIt(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("testdata/openings.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := says(t, string(content)).Openings(t.Context(), org)
	if err != nil {
		t.Fatal(err)
	}
	want := []jackrabbit.Class{
		{
			ID: "16887507", Name: "Starfish & Friends Sat 9:00am", Categories: []string{"Starfish", "Children"},
			LocationCode: "LAFCypress", LocationName: "LA Fitness Cypress", Days: []time.Weekday{time.Saturday}, Start: 540, End: 570,
			StartDate: "2026-01-03", MinAgeMonths: 36, MaxAgeMonths: 71, Openings: 2, Fee: 14000, Billing: "Monthly", Session: "2026", Gender: "All",
			RegistrationURL: "https://app.jackrabbitclass.com/regv2.asp?id=545911&hc=&WL=0&preLoadClassID=16887507&loc=LAFCypress",
		},
		{
			ID: "16887508", Name: "Shark 2", LocationCode: "24Spring", Days: []time.Weekday{time.Monday, time.Wednesday}, Start: 990,
			EndDate: "2026-08-31", Openings: -3, Waitlist: true, Fee: 14950,
			RegistrationURL: "https://app3.jackrabbitclass.com/reg.asp?id=545911&preLoadClassID=16887508&loc=24%20Spring",
		},
		{ID: "16887509", Name: "Bare"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	stored, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var back []jackrabbit.Class
	if err := json.Unmarshal(stored, &back); err != nil || cmp.Diff(want, back) != "" {
		t.Errorf("what was kept comes back as %s, %v", stored, err)
	}
}

func TestOpenings_AFieldThatIsOddOrMissingCostsOnlyItself(t *testing.T) {
	t.Parallel()
	row := jackrabbittest.Class(7, "Minnow").Ages("P6M", "P3Y")
	for name, tt := range map[string]struct {
		row    jackrabbittest.Row
		change func(*jackrabbit.Class)
	}{
		"an id as a string":  {row.With("id", "7"), func(*jackrabbit.Class) {}},
		"openings in text":   {row.With("openings", map[string]any{"calculated_openings": "2"}), func(*jackrabbit.Class) {}},
		"a fee in text":      {row.With("tuition", map[string]any{"fee": "$140.00"}), func(*jackrabbit.Class) {}},
		"truths as numbers":  {row.With("meeting_days", map[string]any{"sat": 1, "sun": "false", "mon": nil}), func(*jackrabbit.Class) {}},
		"seconds":            {row.With("start_time", "09:00:00").With("end_time", "9:30 am"), func(*jackrabbit.Class) {}},
		"a time with a date": {row.With("start_date", "2026-01-03T00:00:00").With("end_date", nil), func(*jackrabbit.Class) {}},
		"no openings":        {row.With("openings", nil), func(c *jackrabbit.Class) { c.Openings = 0 }},
		"openings as a list": {row.With("openings", []int{1}), func(c *jackrabbit.Class) { c.Openings = 0 }},
		"people who wait":    {row.Open(-2), func(c *jackrabbit.Class) { c.Openings, c.Waitlist = -2, true }},
		"no days":            {row.With("meeting_days", "Sat"), func(c *jackrabbit.Class) { c.Days = nil }},
		"no such time":       {row.With("start_time", "TBD").With("end_time", "25:00"), func(c *jackrabbit.Class) { c.Start, c.End = 0, 0 }},
		"no such date":       {row.With("start_date", "2026-02-30"), func(c *jackrabbit.Class) { c.StartDate = "" }},
		"ages in weeks":      {row.Ages("P26W", "P2Y365D"), func(c *jackrabbit.Class) { c.MinAgeMonths, c.MaxAgeMonths = 6, 36 }},
		"ages of no kind":    {row.Ages("six", "P-1Y"), func(c *jackrabbit.Class) { c.MinAgeMonths, c.MaxAgeMonths = 0, 0 }},
		"no fee":             {row.With("tuition", map[string]any{}), func(c *jackrabbit.Class) { c.Fee = 0 }},
		"a fee below zero":   {row.Fee(-5), func(c *jackrabbit.Class) { c.Fee = 0 }},
		"a fee beyond reach": {row.Fee(1e300), func(c *jackrabbit.Class) { c.Fee = 0 }},
		"no place's code":    {row.With("location_code", nil).With("location", "LAFCypress"), func(*jackrabbit.Class) {}},
		"an endless text":    {row.With("session", strings.Repeat("x", 1001)), func(c *jackrabbit.Class) { c.Session = "" }},
	} {
		want := jackrabbit.Class{
			ID: "7", Name: "Minnow", LocationCode: "LAFCypress", LocationName: "LA Fitness Cypress", Days: []time.Weekday{time.Saturday},
			Start: 540, End: 570, StartDate: "2026-01-03", MinAgeMonths: 6, MaxAgeMonths: 36, Openings: 2, Fee: 14000, Billing: "Monthly",
			RegistrationURL: "https://app.jackrabbitclass.com/regv2.asp?id=545911&hc=&WL=0&preLoadClassID=7&loc=LAFCypress", Session: "2026", Gender: "All",
		}
		tt.change(&want)
		if diff := cmp.Diff(want, one(t, tt.row)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestOpenings_ARegistrationLinkLeadsToJackrabbitOrIsNotKept(t *testing.T) {
	t.Parallel()
	s := jackrabbittest.Start(t)
	for link, kept := range map[string]bool{
		"https://app.jackrabbitclass.com/regv2.asp?id=1&amp;loc=": true,
		"https://APP3.jackrabbitclass.com/reg.asp":                true,
		s.URL() + "/regv2.asp?id=1":                               true,
		"http://app.jackrabbitclass.com/regv2.asp":                false,
		"https://app.jackrabbitclass.com.evil.test/regv2.asp":     false,
		"https://evil-jackrabbitclass.com/regv2.asp":              false,
		"https://app.jackrabbitclass.com@evil.test/":              false,
		"https://me@app.jackrabbitclass.com/":                     false,
		`https://evil.test\@app.jackrabbitclass.com/`:             false,
		"https://app.jackrabbitclass.com:8443/":                   false,
		"javascript:alert(1)":                                     false,
		"//app.jackrabbitclass.com/regv2.asp":                     false,
		"/regv2.asp":                                              false,
		"":                                                        false,
	} {
		s.Set(org, jackrabbittest.Class(1, "x").With("online_reg_link", link))
		classes, err := jackrabbit.NewClient(s.URL()).Openings(t.Context(), org)
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if kept {
			want = strings.ReplaceAll(link, "&amp;", "&")
		}
		if got := classes[0].RegistrationURL; got != want {
			t.Errorf("link %q is kept as %q; want %q", link, got, want)
		}
	}
}

func TestOpenings_ARowThatIsNoClassAndASecondOfTheSameIDAreLeftOut(t *testing.T) {
	t.Parallel()
	rows := `{"id":1,"name":"a"},7,null,{"name":"no id"},{"id":2},{"id":"1","name":"again"},{"id":{},"name":"x"},{"id":3,"name":"b"}`
	got, err := says(t, `{"success":true,"rows":[`+rows+`]}`).Openings(t.Context(), org)
	if want := []jackrabbit.Class{{ID: "1", Name: "a"}, {ID: "3", Name: "b"}}; err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if got, err := says(t, `{"success":true,"rows":[]}`).Openings(t.Context(), org); err != nil || len(got) != 0 {
		t.Errorf("an empty list: %v, %v; want no class and no error", got, err)
	}
}

const leak = "Coach Secret"

func TestOpenings_AnAnswerThatIsNoListIsUnavailableAndNotRepeated(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a page":          "<html>" + leak,
		"nothing":         "",
		"no success":      `{"rows":[{"id":1,"name":"` + leak + `"}]}`,
		"failure":         `{"success":false,"error":"` + leak + `","rows":[]}`,
		"success in text": `{"success":"true","rows":[]}`,
		"no rows":         `{"success":true,"error":"` + leak + `"}`,
		"rows null":       `{"success":true,"rows":null}`,
		"rows an object":  `{"success":true,"rows":{"id":"` + leak + `"}}`,
		"a bare list":     `[{"id":1,"name":"` + leak + `"}]`,
		"no class":        `{"success":true,"rows":[{"ident":"` + leak + `"}]}`,
		"half of it":      `{"success":true,"rows":[{"id":1,"name":"` + leak,
		"more than 5 MB":  `{"success":true,"rows":[` + strings.Repeat(" ", 5<<20) + `]}`,
	} {
		got, err := says(t, body).Openings(t.Context(), org)
		unavailable(t, name, got, err)
	}
	for _, status := range []int{204, 302, 400, 403, 404, 429, 500, 503} {
		s := jackrabbittest.Start(t)
		s.Set(org, jackrabbittest.Class(1, leak))
		s.Fail(status)
		got, err := jackrabbit.NewClient(s.URL()).Openings(t.Context(), org)
		unavailable(t, http.StatusText(status), got, err)
	}
}

func unavailable(t *testing.T, name string, got []jackrabbit.Class, err error) {
	t.Helper()
	if got != nil || err == nil || fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), leak) || strings.Contains(err.Error(), "invented") {
		t.Errorf("%s: %v, %v; want unavailable, and nothing of the answer", name, got, err)
	}
}

func TestOpenings_GivesUpWithItsCaller(t *testing.T) {
	t.Parallel()
	s := jackrabbittest.Start(t)
	arrived, _ := s.Hang()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	got, err := jackrabbit.NewClient(s.URL()).Openings(ctx, org)
	unavailable(t, "a caller who hangs up", got, err)
	if s.Asked(org) != 1 {
		t.Errorf("asked %d times; want once", s.Asked(org))
	}
}

func TestOpenings_IsSentOnToNobodyElse(t *testing.T) {
	t.Parallel()
	reached := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(other.Close)
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/"+strings.ReplaceAll(leak, " ", ""), http.StatusFound)
	}))
	t.Cleanup(here.Close)
	got, err := jackrabbit.NewClient(here.URL).Openings(t.Context(), org)
	unavailable(t, "another host", got, err)
	if reached {
		t.Error("the other host was asked")
	}
}

// TestOpenings_WhateverIsInARow: no answer makes the client fail in another way than it says, and no link leads elsewhere.
func TestOpenings_WhateverIsInARow(t *testing.T) {
	t.Parallel()
	s := jackrabbittest.Start(t)
	client := jackrabbit.NewClient(s.URL())
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`https://[a-z.@:/]{0,8}(app\.)?jackrabbitclass\.com[a-z.@:/]{0,8}`),
		rapid.StringMatching(`P?[0-9]{0,5}[YMWDT]{0,2}[0-9:]{0,6}`))
	inner := rapid.MapOf(rapid.SampledFrom([]string{"calculated_openings", "fee", "sat", "x"}), rapid.Float64Range(-1e9, 1e9))
	value := rapid.OneOf(rapid.Just[any](nil), text.AsAny(), rapid.Float64Range(-1e12, 1e12).AsAny(), rapid.Bool().AsAny(), inner.AsAny())
	keys := rapid.SampledFrom([]string{
		"id", "name", "openings", "tuition", "meeting_days", "start_time", "end_date", "min_age", "max_age", "online_reg_link", "category1", "location_code",
	})
	rapid.Check(t, func(t *rapid.T) {
		row := jackrabbittest.Class(1, "x")
		for key, v := range rapid.MapOf(keys, value).Draw(t, "changes") {
			row = row.With(key, v)
		}
		s.Set(org, row, jackrabbittest.Class(2, "good"))
		classes, err := client.Openings(context.Background(), org)
		if err != nil || len(classes) == 0 || classes[len(classes)-1].ID != "2" {
			t.Fatalf("%v, %v; want the good class at least", classes, err)
		}
		for _, c := range classes {
			if c.Fee < 0 || c.MinAgeMonths < 0 || c.Start < 0 || c.Start >= 24*60 ||
				c.RegistrationURL != "" && !strings.HasPrefix(strings.ToLower(c.RegistrationURL), "https://") {
				t.Fatalf("%+v", c)
			}
		}
	})
}
