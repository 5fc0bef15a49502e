package booking_test

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

var update = flag.Bool("update", false, "write testdata anew")

var maria = booking.Customer{
	FirstName: "Maria", LastName: "Garcia", Email: "maria at example dot test", Phone: private.MustPhone("+15555550111"),
	Students: []booking.Student{{First: "Emma", Last: "Garcia", Gender: "F", Birth: booking.Day{Year: 2020, Month: time.May, Day: 14}, ClassID: "18541238"}},
}

// everyForm has a line for each page of a franchise and for a few forms of Jackrabbit.
func everyForm(t *testing.T) string {
	var b strings.Builder
	write := func(about string, req booking.LinkRequest, f *booking.Franchise) {
		link, err := booking.Link(req, f)
		if err != nil {
			t.Errorf("%s: %v", about, err)
		}
		fmt.Fprintf(&b, "%s\n  %s\n", about, link)
	}
	full := maria
	full.Address, full.City, full.State, full.Zip = "1 Main St, #2", "San José", "TX", "77001"
	full.Students = nil
	for _, first := range []string{"Ana", "", "Bo", "Cy", "Di", "Ed", "Flo"} {
		full.Students = append(full.Students, booking.Student{First: first})
	}
	write("a class and nobody", booking.LinkRequest{Org: "545911", ClassID: "18541238"}, nil)
	write("a class and a family", booking.LinkRequest{Org: "545911", ClassID: "18541238", Customer: maria}, nil)
	write("a student's class alone", booking.LinkRequest{Org: "545911", ClassID: "null", Location: "Cypress", Customer: maria}, nil)
	write("all that is known, and a student too many", booking.LinkRequest{Org: "545911", ClassID: "7", Customer: full}, nil)
	for _, f := range booking.Franchises() {
		for _, loc := range f.Locations {
			for _, level := range f.Levels {
				write(f.Slug+", "+loc.Name+", "+level.Name, booking.LinkRequest{Location: loc.Name, Level: level.Name}, &f)
			}
		}
	}
	return b.String()
}

func TestLink_EveryOneIsTheReviewedOne(t *testing.T) {
	t.Parallel()
	got := everyForm(t)
	const golden = "testdata/links.golden"
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
		t.Errorf("links changed; review them and run go test ./shared/booking -update (-reviewed +now):\n%s", diff)
	}
}

func TestFranchises_EveryAliasMeansOneChoice(t *testing.T) {
	t.Parallel()
	slug, code := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`), regexp.MustCompile(`^[A-Za-z0-9]+( [A-Za-z0-9]+)*$`)
	for _, f := range booking.Franchises() {
		if found, err := booking.FranchiseOf(f.Slug); err != nil || found.Slug != f.Slug || !slug.MatchString(f.Slug) || len(f.Locations) == 0 || len(f.Levels) != 17 {
			t.Errorf("%s: %v, %v; want a folder, locations and 17 levels", f.Slug, found, err)
		}
		for _, loc := range f.Locations {
			for _, said := range append([]string{loc.Code, strings.ToUpper(loc.Name), "the " + loc.Name + " pool"}, loc.Aliases...) {
				wantQuery(t, &f, said, f.Levels[0].Code, url.Values{"loc": {loc.Code}, "type": {f.Levels[0].Code}})
			}
			if !code.MatchString(loc.Code) {
				t.Errorf("%q is no code", loc.Code)
			}
		}
		for _, level := range f.Levels {
			for _, said := range append([]string{level.Code, strings.ToLower(level.Name), "level " + level.Name + "."}, level.Aliases...) {
				wantQuery(t, &f, f.Locations[0].Code, said, url.Values{"loc": {f.Locations[0].Code}, "type": {level.Code}})
			}
			if !code.MatchString(level.Code) {
				t.Errorf("%q is no code", level.Code)
			}
		}
	}
}

func wantQuery(t *testing.T, f *booking.Franchise, location, level string, want url.Values) {
	t.Helper()
	link, err := booking.Link(booking.LinkRequest{Location: location, Level: level}, f)
	if err != nil {
		t.Errorf("%q, %q: %v", location, level, err)
		return
	}
	if diff := cmp.Diff(want, query(t, link)); diff != "" {
		t.Errorf("%q, %q (-want +got):\n%s", location, level, diff)
	}
}

// query is what a reader makes of a link's query.
func query(t rapid.TB, link string) url.Values {
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func cypress(t *testing.T) *booking.Franchise {
	t.Helper()
	f, err := booking.FranchiseOf("cypress-spring")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestLink_UnderstandsHowPlacesAndLevelsAreSaid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ location, level, code, kind string }{
		{"Cypress", "Adult Level 3", "LAFCypress", "Adult Level 3"},
		{"the LA Fitness in Cypress", "adult 2", "LAFCypress", "Adult Level 2"},
		{"Langham Creek", "young adult level 2", "LALANG", "Young Adult 2"},
		{"24-Hour Fitness (Spring)", "Turtle II", "24Spring", "Turtle 2"},
		{" spring ", "tortuga dos", "24Spring", "Turtle 2"},
		{"la piscina de Spring", "la Estrella de Mar", "24Spring", "Starfish"},
		{"lafcypress", "nivel TIBURÓN uno", "LAFCypress", "Shark 1"},
		{"LAFCYP", "adultos, nivel tres", "LAFCypress", "Adult Level 3"},
		{"Langham", "the swim team", "LALANG", "Barracuda"},
	} {
		wantQuery(t, cypress(t), tt.location, tt.level, url.Values{"loc": {tt.code}, "type": {tt.kind}})
	}
}

func TestLink_AnUnknownPlaceOrLevelIsAnsweredWithAllThereAre(t *testing.T) {
	t.Parallel()
	f := cypress(t)
	for _, tt := range []struct {
		location, level string
		choices         []booking.Choice
	}{
		{"Katy", "Starfish", f.Locations}, {"", "Starfish", f.Locations}, {"unknown", "Starfish", f.Locations}, {"LA Fitness", "Starfish", f.Locations}, {"?", "", f.Locations},
		{"Cypress", "", f.Levels}, {"Cypress", "turtle", f.Levels}, {"Cypress", "adult", f.Levels}, {"Cypress", "Turtle%201", f.Levels}, {"Cypress", "Katy", f.Levels},
	} {
		link, err := booking.Link(booking.LinkRequest{Org: "545911", ClassID: "n/a", Location: tt.location, Level: tt.level}, f)
		if link != "" || fault.KindOf(err) != fault.Invalid || strings.Contains(fault.PublicText(err), "Katy") {
			t.Errorf("%q, %q: %q, %v", tt.location, tt.level, link, err)
		}
		for _, c := range tt.choices {
			if !strings.Contains(fault.PublicText(err), c.Name) {
				t.Errorf("%q, %q: %v does not name %s", tt.location, tt.level, err, c.Name)
			}
		}
	}
	if _, err := booking.FranchiseOf("katy"); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.PublicText(err), "cypress-spring, atlanta or raleigh") {
		t.Errorf("%v; want the franchises there are", err)
	}
}

func TestLink_NumbersAreDigitsAndAClassOrAFranchiseIsNeeded(t *testing.T) {
	t.Parallel()
	student := booking.Customer{Students: []booking.Student{{First: "Emma", ClassID: "Starfish Sat"}}}
	for name, req := range map[string]booking.LinkRequest{
		"a name for a class":     {Org: "545911", ClassID: "Starfish Sat"},
		"a student's":            {Org: "545911", ClassID: "7", Customer: student},
		"a negative class":       {Org: "545911", ClassID: "-7"},
		"digits of other people": {Org: "545911", ClassID: "٣"},
		"an endless one":         {Org: "545911", ClassID: strings.Repeat("7", 20)},
		"a parameter in it":      {Org: "545911&id=1", ClassID: "7"},
		"no organisation":        {Org: "null", ClassID: "7"},
		"nothing":                {Org: "545911"},
		"no franchise":           {Location: "Cypress", Level: "Starfish"},
	} {
		if link, err := booking.Link(req, nil); link != "" || fault.KindOf(err) != fault.Invalid || fault.PublicText(err) == "" {
			t.Errorf("%s: %q, %v; want Invalid and what to say", name, link, err)
		}
	}
}

// hostile are values that a model or a caller might send to get somewhere else, besides any other text.
var hostile = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
	"", " ", "null", "None", "N/A", "UNKNOWN", "%20", "a%2Bb", "a+b", "a&b=c", "#", "?", "../..", "//evil.test/", "@evil.test", "https://evil.test/#", "a\r\nb", "\x00", "ñandú 泳 🏊", "1&id=2", "7",
}))

func TestLink_IsReadBackExactlyAsItWasSaid(t *testing.T) {
	t.Parallel()
	names := strings.Fields("id classid FamName MFName MLName MEmail ConfirmMEmail MCPhone HPPhone Addr City State Zip PG1Type")
	for n := 1; n <= 5; n++ {
		for _, field := range strings.Fields("FName LName Gender BDate Class") {
			names = append(names, fmt.Sprintf("S%d%s", n, field))
		}
	}
	genders := map[string]string{"M": "M", "girl": "F", "Niño": "M", "x": "", "unknown": ""}
	rapid.Check(t, func(t *rapid.T) {
		text := func(what string) string { return hostile.Draw(t, what) }
		want := url.Values{}
		expect := func(name, value string) {
			value = strings.TrimSpace(value)
			if lower := strings.ToLower(value); value != "" && lower != "null" && lower != "none" && lower != "n/a" && lower != "unknown" {
				want.Set(name, value)
			}
		}
		c := booking.Customer{
			FirstName: text("first"), LastName: text("last"), Address: text("address"), City: text("city"), State: text("state"), Zip: text("zip"),
			Email: rapid.StringMatching(`[a-zA-Zñé泳]{1,9}(\.[a-z]{1,3})?\+?[a-z0-9]@exampleco\.test`).Draw(t, "email"), Phone: private.MustPhone("+15555550123"),
		}
		for _, field := range [][2]string{
			{"id", "545911"}, {"classid", "18541238"}, {"FamName", c.LastName}, {"MFName", c.FirstName}, {"MLName", c.LastName}, {"MEmail", c.Email}, {"ConfirmMEmail", c.Email},
			{"MCPhone", "+15555550123"}, {"HPPhone", "+15555550123"}, {"Addr", c.Address}, {"City", c.City}, {"State", c.State}, {"Zip", c.Zip}, {"PG1Type", "Other"}, {"S1Class", "18541238"},
		} {
			expect(field[0], field[1])
		}
		for n := 1; n <= rapid.IntRange(0, 7).Draw(t, "students"); n++ {
			s := booking.Student{
				First: text("student"), Last: text("student's last"), Gender: rapid.SampledFrom([]string{"M", "girl", "Niño", "x", "unknown"}).Draw(t, "gender"),
				Birth: booking.Day{Year: 2020, Month: time.May, Day: n}, ClassID: rapid.SampledFrom([]string{"", "12", "none"}).Draw(t, "class"),
			}
			c.Students = append(c.Students, s)
			if prefix := fmt.Sprintf("S%d", n); n <= 5 {
				expect(prefix+"FName", s.First)
				expect(prefix+"LName", s.Last)
				expect(prefix+"Gender", genders[s.Gender])
				expect(prefix+"BDate", fmt.Sprintf("05/0%d/2020", n))
				expect(prefix+"Class", s.ClassID)
			}
		}
		link, err := booking.Link(booking.LinkRequest{Org: "545911", ClassID: "18541238", Customer: c}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, query(t, link)); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", link, diff)
		}
		var order []string
		for _, name := range names {
			if want.Has(name) {
				order = append(order, name)
			}
		}
		_, raw, _ := strings.Cut(link, "?")
		for i, pair := range strings.Split(raw, "&") {
			if name, _, _ := strings.Cut(pair, "="); i >= len(order) || name != order[i] {
				t.Fatalf("%s: parameter %d is %s; want the order %v", link, i, name, order)
			}
		}
	})
}

var linkForm = regexp.MustCompile(`^https://(app\.jackrabbitclass\.com/regv2\.asp|britishswimschool\.com/cypress-spring/register/)\?[A-Za-z0-9=&_.~%-]+$`)

func TestLink_NothingThatIsSentChangesItsHostOrPath(t *testing.T) {
	t.Parallel()
	f := cypress(t)
	rapid.Check(t, func(t *rapid.T) {
		text := func(what string) string { return hostile.Draw(t, what) }
		location := rapid.OneOf(hostile, rapid.Just("Cypress")).Draw(t, "location")
		level := rapid.OneOf(hostile, rapid.Just("Starfish")).Draw(t, "level")
		link, err := booking.Link(booking.LinkRequest{Org: text("org"), ClassID: text("class"), Location: location, Level: level, Customer: booking.Customer{
			FirstName: text("first"), Email: text("email"), Students: []booking.Student{{First: text("student"), ClassID: text("student's class")}},
		}}, rapid.SampledFrom([]*booking.Franchise{nil, f}).Draw(t, "franchise"))
		switch {
		case err != nil && (link != "" || fault.KindOf(err) != fault.Invalid):
			t.Fatalf("%q, %v", link, err)
		case err == nil && !linkForm.MatchString(link):
			t.Fatalf("%q is another address", link)
		}
	})
}

func TestLink_LeavesTheCustomersStudentsAsTheyWere(t *testing.T) {
	t.Parallel()
	students := []booking.Student{{First: " Emma ", Gender: "girl"}}
	if _, err := booking.Link(booking.LinkRequest{Org: "1", ClassID: "2", Customer: booking.Customer{Students: students}}, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]booking.Student{{First: " Emma ", Gender: "girl"}}, students); diff != "" {
		t.Error(diff)
	}
}

func TestParseSpokenEmail_UnderstandsHowAddressesAreSaid(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"maria at example dot test":                                                  "maria@example.test",
		" Maria.Garcia+swim@Example.test ":                                           "Maria.Garcia+swim@Example.test",
		"Maria At Example Dot Test.":                                                 "maria@example.test",
		"María arroba ejemplo punto test":                                            "maria@ejemplo.test",
		"My email is maria at example dot test":                                      "maria@example.test",
		"Sure, it's maria underscore garcia, at example dot test":                    "maria_garcia@example.test",
		"mi correo electrónico es maria guion bajo garcia arroba ejemplo punto test": "maria_garcia@ejemplo.test",
		"Sí, es ana guión medio luz arroba ejemplo punto test":                       "ana-luz@ejemplo.test",
		"email: maria@example dot test":                                              "maria@example.test",
		"the e-mail address is M A R I A 7 at example dot co dot test":               "maria7@example.co.test",
		"mail at example dot test":                                                   "mail@example.test",
		"it's it at example dot test":                                                "it@example.test",
		"el guapo arroba ejemplo punto test":                                         "elguapo@ejemplo.test",
		"maria plus swim at example dash school dot test":                            "maria+swim@example-school.test",
		"matt at signal dot test":                                                    "matt@signal.test",
		"pat at sign example dot test":                                               "pat@example.test",
		"the best at example.test":                                                   "thebest@example.test",
	} {
		if got, err := booking.ParseSpokenEmail(said); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", said, got, err, want)
		}
	}
}

func TestParseSpokenEmail_RefusesTheRestWithoutRepeatingIt(t *testing.T) {
	t.Parallel()
	for _, said := range []string{
		"", "null", "unknown", "maria", "maria at example", "maria@example", "at example dot test", "maria dot garcia", "maria at home at example dot test",
		"maria at example dot test and also sam at example dot test", "my email is", "at", "maria at dot test", "maria at example dot dot test",
	} {
		got, err := booking.ParseSpokenEmail(said)
		if got != "" || fault.KindOf(err) != fault.Invalid || !errors.Is(err, private.ErrNotEmail) || strings.Contains(err.Error(), "maria") {
			t.Errorf("%q is %q, %v; want Invalid", said, got, err)
		}
	}
}

func TestParseSpokenEmail_ReadsAnyAddressAloudAndBack(t *testing.T) {
	t.Parallel()
	isWord := func(s string) bool {
		return !strings.Contains(" at arroba dot punto underscore dash hyphen guion plus mas ", " "+s+" ")
	}
	word := rapid.StringMatching(`[a-z]{1,8}[0-9]{0,2}`).Filter(isWord)
	aloud := strings.NewReplacer("@", " at ", ".", " dot ", "_", " underscore ", "-", " dash ", "+", " plus ")
	rapid.Check(t, func(t *rapid.T) {
		address := word.Draw(t, "first") + rapid.SampledFrom([]string{".", "_", "-", "+"}).Draw(t, "sign") + word.Draw(t, "second") + "@" + word.Draw(t, "domain") + ".test"
		said := rapid.SampledFrom([]string{"", "my email is ", "it's "}).Draw(t, "lead-in") + aloud.Replace(address)
		if got, err := booking.ParseSpokenEmail(said); err != nil || got != address {
			t.Fatalf("%q is %q, %v; want %q", said, got, err, address)
		}
	})
}

func TestParseBirth_ReadsBothWaysOfWriting(t *testing.T) {
	t.Parallel()
	want := booking.Day{Year: 2020, Month: time.May, Day: 14}
	for _, s := range []string{"05/14/2020", "5/14/2020", "2020-05-14", " 05/14/2020 "} {
		if got, err := booking.ParseBirth(s); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "null", "Unknown"} {
		if got, err := booking.ParseBirth(s); err != nil || !got.IsZero() {
			t.Errorf("%q is %v, %v; want none", s, got, err)
		}
	}
	for _, s := range []string{"14/05/2020", "02/30/2020", "2020-13-01", "May 14", "5/14/20", "05/14/2020x"} {
		if got, err := booking.ParseBirth(s); !got.IsZero() || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q is %v, %v; want Invalid", s, got, err)
		}
	}
}
