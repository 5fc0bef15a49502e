package booking_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/jackrabbit"
	"github.com/chattercheatah/chattercheatah/shared/jackrabbit/jackrabbittest"
)

// week is a school's list: two locations of ours, one of another tenant's, some classes full.
func week() []jackrabbittest.Row {
	class := jackrabbittest.Class
	spring := func(r jackrabbittest.Row) jackrabbittest.Row {
		return r.At("24Spring", "24 Hour Fitness Spring Energy")
	}
	return []jackrabbittest.Row{
		class(1, "Starfish - Sat 9:00am").Level("Starfish").With("category2", "Children").Ages("P3Y0M", "P5Y11M"),
		spring(class(2, "Starfish").Level("Starfish").With("category2", "Children").Ages("P3Y0M", "P5Y11M").On("16:30", "17:00", time.Monday, time.Wednesday)),
		class(3, "Minnow Mon/Wed 4:30pm").Level("Minnow").Ages("P4Y6M", "P8Y").On("16:30", "17:00", time.Monday, time.Wednesday).Open(1),
		class(4, "Minnow").Level("Minnow").Ages("P4Y6M", "P8Y").Open(0),
		spring(class(5, "Turtle 1 & 2").Level("Turtle").On("12:00", "12:30", time.Sunday)),
		spring(class(6, "Adult Level 2").Ages("P18Y", "").On("19:15", "20:00", time.Tuesday)),
		class(7, "Young Adult 2").Ages("P13Y", "P17Y11M").On("18:05", "18:35", time.Tuesday),
		class(8, "Tadpole").Ages("P3M", "P2Y11M").On("10:00", "10:30", time.Saturday, time.Sunday).Open(-4),
		class(9, "Starfish").At("LALANG", "LA Fitness Langham Creek").Level("Starfish"),
		class(10, "Dolphin").At("", "").Open(5),
	}
}

var (
	ours   = []string{"LAFCypress", "24spring"}
	monday = []time.Weekday{time.Monday}
)

func TestFind_TakesWordsAsTheyAreSaid(t *testing.T) {
	t.Parallel()
	p := newPool(t, week()...)
	c := p.instance(t)
	for _, tt := range []struct {
		filter  booking.Filter
		want    string // ids
		emptied booking.Part
	}{
		{booking.Filter{}, "2 3 7 6 1 5", ""},
		{booking.Filter{Level: "null", Location: "any location"}, "2 3 7 6 1 5", ""},
		{booking.Filter{Level: "starfish"}, "2 1", ""},
		{booking.Filter{Level: "STAR FISH"}, "2 1", ""},
		{booking.Filter{Level: "estrellas de mar"}, "2 1", ""},
		{booking.Filter{Level: "the Starfish class"}, "2 1", ""},
		{booking.Filter{Level: "children"}, "2 1", ""},
		{booking.Filter{Level: "starfish children"}, "2 1", ""},
		{booking.Filter{Level: "minnows"}, "3", ""},
		{booking.Filter{Level: "turtle"}, "5", ""},
		{booking.Filter{Level: "Turtle two"}, "5", ""},
		{booking.Filter{Level: "adult 2"}, "6", ""}, // and not the young adults
		{booking.Filter{Level: "young adult level 2"}, "7", ""},
		{booking.Filter{Level: "adulto 2"}, "6", ""},
		{booking.Filter{Level: "tadpole"}, "", booking.LevelPart},     // there is one, and it is full
		{booking.Filter{Level: "dolphin"}, "", booking.LevelPart},     // not at a location of ours
		{booking.Filter{Level: "'; drop"}, "", booking.LevelPart},     //
		{booking.Filter{Level: "!!!"}, "", booking.LevelPart},         // said, and no words
		{booking.Filter{Level: "the class"}, "", booking.LevelPart},   // no word that matters
		{booking.Filter{Location: "LAFCypress"}, "3 7 1", ""},         //
		{booking.Filter{Location: "laf cypress"}, "3 7 1", ""},        //
		{booking.Filter{Location: "La Fitness Cypress"}, "3 7 1", ""}, //
		{booking.Filter{Location: "the one in Cypress"}, "3 7 1", ""},
		{booking.Filter{Location: "la de Cypress"}, "3 7 1", ""},
		{booking.Filter{Location: "barker cypress"}, "3 7 1", ""}, // a name that customers have for it
		{booking.Filter{Location: "spring"}, "2 6 5", ""},
		{booking.Filter{Location: "24 Spring"}, "2 6 5", ""},
		{booking.Filter{Location: "fitness"}, "2 3 7 6 1 5", ""},
		{booking.Filter{Location: "LA Fitness"}, "3 7 1", ""}, // and not 24 Hour Fitness
		{booking.Filter{Location: "langham"}, "", booking.LocationPart},
		{booking.Filter{Location: "Katy"}, "", booking.LocationPart},
		{booking.Filter{Days: monday}, "2 3", ""},
		{booking.Filter{Days: []time.Weekday{time.Saturday, time.Sunday}}, "1 5", ""},
		{booking.Filter{Days: []time.Weekday{time.Friday}}, "", booking.DaysPart},
		{booking.Filter{AgeMonths: 36}, "2 1 5", ""},
		{booking.Filter{AgeMonths: 48}, "2 3 1 5", ""}, // four years may be four and a half
		{booking.Filter{AgeMonths: 53}, "2 1 5", ""},
		{booking.Filter{AgeMonths: 71}, "2 3 1 5", ""},
		{booking.Filter{AgeMonths: 72}, "3 5", ""},
		{booking.Filter{AgeMonths: 40 * 12}, "6 5", ""},
		{booking.Filter{Level: "minnow", AgeMonths: 24}, "", booking.AgePart},
		{booking.Filter{Level: "minnow", Location: "spring"}, "", booking.LocationPart},
		{booking.Filter{Level: "minnow", Location: "cypress", Days: []time.Weekday{time.Saturday}}, "", booking.DaysPart},
	} {
		tt.filter.Locations = ours
		a, err := c.Find(t.Context(), org, tt.filter)
		if err != nil {
			t.Fatal(err)
		}
		if got := ids(a); got != tt.want || a.Emptied != tt.emptied {
			t.Errorf("%+v: found %q, emptied by %q; want %q, %q", tt.filter, got, a.Emptied, tt.want, tt.emptied)
		}
	}
}

func ids(a booking.Answer) string {
	var all []string
	for _, c := range a.Classes {
		all = append(all, c.ID)
	}
	return strings.Join(all, " ")
}

func TestFind_WhatLeftNothingIsNamedWithWhatThereIsInstead(t *testing.T) {
	t.Parallel()
	p := newPool(t, week()...)
	c := p.instance(t)
	want := booking.Offer{
		Levels: []string{"Minnow"}, Locations: []string{"LA Fitness Cypress"}, Days: []time.Weekday{time.Monday, time.Wednesday}, Ages: []booking.Ages{{Min: 54, Max: 96}},
	}
	got, err := c.Find(t.Context(), org, booking.Filter{Level: "Minnow", Days: []time.Weekday{time.Saturday}, Locations: ours})
	if diff := cmp.Diff(want, got.Offer); diff != "" || err != nil || got.Emptied != booking.DaysPart || got.Total != 0 || got.Full != 1 {
		t.Errorf("emptied by %q, %d found, %d full, %v (-want +got):\n%s", got.Emptied, got.Total, got.Full, err, diff)
	}
	got, err = c.Find(t.Context(), org, booking.Filter{Level: "Barracuda", Days: monday, Locations: ours})
	levels := []string{"Adult Level 2", "Minnow", "Starfish", "Turtle 1 & 2", "Young Adult 2"}
	if err != nil || got.Emptied != booking.LevelPart || !slices.Equal(got.Offer.Levels, levels) {
		t.Errorf("emptied by %q, there are %q, %v; want the level, and %q", got.Emptied, got.Offer.Levels, err, levels)
	}
}

func TestFind_HoldsEightClassesAndTellsHowManyThereAre(t *testing.T) {
	t.Parallel()
	var rows []jackrabbittest.Row
	for i := range 20 {
		rows = append(rows, jackrabbittest.Class(100-i, "Shark 1").On(fmt.Sprintf("%02d:15", 20-i%10), "", time.Weekday(i%7)))
	}
	p := newPool(t, rows...)
	a, err := p.instance(t).Find(t.Context(), org, booking.Filter{})
	if err != nil || len(a.Classes) != 8 || a.Total != 20 {
		t.Errorf("%d of %d classes, %v; want 8 of 20", len(a.Classes), a.Total, err)
	}
	if got, want := ids(a), "92 85 99 91 84 98 83 97"; got != want {
		t.Errorf("found %s; want %s, Monday first and by the clock", got, want)
	}
}

func TestFind_ALevelIsANameWithoutItsDayAndTime(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Starfish - Sat 9:30am":         "Starfish",
		"Starfish Sat 9:00am":           "Starfish",
		"Shark 2 Mon/Wed 4:30pm - 5:00": "Shark 2",
		"Turtle 1 (Tues & Thurs)":       "Turtle 1",
		"Level 2A":                      "Level 2A",
		"Sat 9:00am Minnow":             "Minnow",
		"Saturdays at 9:00 a.m. Minnow": "Minnow",
		"Learn to Swim":                 "Learn to Swim",
		"Sun Dancers":                   "Sun Dancers",
		"Sunfish":                       "Sunfish",
		"Minnow, Friday, 9am":           "Minnow",
		"Parent-Tot: Babysat 10:00":     "Parent Tot Babysat",
		"Sat 9:00am":                    "First",
		"Swim Team 6:00 Coach One":      "Swim Team Coach One",
		"Level 3 AM":                    "Level 3 AM",
		"Niños | miércoles":             "Niños miércoles",
	} {
		p := newPool(t, jackrabbittest.Class(1, name).Level("First"))
		a, err := p.instance(t).Find(t.Context(), org, booking.Filter{})
		if err != nil || names(a) != want {
			t.Errorf("%q is the level %q, %v; want %q", name, names(a), err, want)
		}
		if strings.Contains(names(a), ":") {
			t.Errorf("%q has a colon", names(a))
		}
	}
}

// TestFind_OnlyFreePlacesAtTheTenantsLocations: whatever is asked of whatever list, no class is full, elsewhere, or of another day or age
// than was asked for, and what is said is true.
func TestFind_OnlyFreePlacesAtTheTenantsLocations(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	codes := []string{"LAFCypress", "24Spring", "LALANG", ""}
	words := rapid.OneOf(rapid.SampledFrom([]string{"", "starfish", "Minnow", "shark 2", "any", "cypress", "la fitness", "spring", "x", "!"}),
		rapid.String().Filter(func(s string) bool { return !strings.Contains(s, "%") })) // what checkSaid would take for a slip of ours
	day := rapid.Custom(func(t *rapid.T) time.Weekday { return time.Weekday(rapid.IntRange(0, 6).Draw(t, "day")) })
	row := rapid.Custom(func(t *rapid.T) jackrabbittest.Row {
		code := rapid.SampledFrom(codes).Draw(t, "code")
		return jackrabbittest.Class(rapid.IntRange(1, 1e6).Draw(t, "id"), "x"+words.Draw(t, "name")).Level(words.Draw(t, "category")).
			At(code, words.Draw(t, "location")).On("09:05", "", rapid.SliceOfN(day, 0, 3).Draw(t, "days")...).
			Open(rapid.IntRange(-3, 3).Draw(t, "openings")).
			Ages(fmt.Sprintf("P%dM", rapid.IntRange(0, 90).Draw(t, "min")), fmt.Sprintf("P%dM", rapid.IntRange(0, 90).Draw(t, "max")))
	})
	filter := rapid.Custom(func(t *rapid.T) booking.Filter {
		return booking.Filter{
			Location: words.Draw(t, "location"), Level: words.Draw(t, "level"), Days: rapid.SliceOfN(day, 0, 3).Draw(t, "days"),
			AgeMonths: rapid.IntRange(0, 90).Draw(t, "age"), Locations: rapid.SliceOfN(rapid.SampledFrom(codes), 0, 2).Draw(t, "locations"),
		}
	})
	client := jackrabbit.NewClient(p.jackrabbit.URL())
	rapid.Check(t, func(t *rapid.T) {
		p.jackrabbit.Set(org, rapid.SliceOfN(row, 0, 15).Draw(t, "rows")...)
		c := &booking.Classes{Client: client, Now: p.now}
		f := filter.Draw(t, "filter")
		a, err := c.Find(context.Background(), org, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range a.Classes {
			if c.Openings <= 0 || len(f.Locations) > 0 && !slices.Contains(f.Locations, c.LocationCode) ||
				len(f.Days) > 0 && !slices.ContainsFunc(f.Days, func(d time.Weekday) bool { return slices.Contains(c.Days, d) }) ||
				f.AgeMonths > 0 && (c.MinAgeMonths > f.AgeMonths+11 || c.MaxAgeMonths > 0 && c.MaxAgeMonths < f.AgeMonths) {
				t.Fatalf("%+v was found", c)
			}
		}
		checkSaid(t, a)
	})
}

// checkSaid checks an answer's sums, and that what is said of it is short and has nothing to read out but words.
func checkSaid(t *rapid.T, a booking.Answer) {
	if len(a.Classes) != min(a.Total, 8) || a.Full < 0 || a.Emptied != "" && a.Total > 0 {
		t.Fatalf("%d classes of %d, %d full, emptied by %q", len(a.Classes), a.Total, a.Full, a.Emptied)
	}
	for _, language := range []booking.Language{booking.English, booking.Spanish, ""} {
		said := a.Say(language)
		none := strings.HasPrefix(said, "I see no ") || strings.HasPrefix(said, "No veo ")
		if said == "" || !strings.HasSuffix(said, ".") || none != (a.Total == 0) || strings.Contains(said, "%!") {
			t.Fatalf("of %d classes: %s", a.Total, said)
		}
	}
}
