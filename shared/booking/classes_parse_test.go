package booking_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chattercheatah/chattercheatah/shared/booking"
)

func TestParseDays_UnderstandsBothLanguagesAndNamesTheRest(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{ // days by their first three letters, then what was not understood
		"Saturday":                          "Sat",
		"saturdays, SUN":                    "Sat Sun",
		"Sun Saturday sat":                  "Sat Sun",
		"Saturday, sun / sábado / weekends": "Sat Sun",
		"sábado o domingo":                  "Sat Sun",
		"los lunes y los miércoles":         "Mon Wed",
		"martes/jueves":                     "Tue Thu",
		"Mié. e vie":                        "Wed Fri",
		"tues & thurs":                      "Tue Thu",
		"weds, thur":                        "Wed Thu",
		"Monday to Friday":                  "Mon Tue Wed Thu Fri",
		"Mon-Thu, Sat":                      "Mon Tue Wed Thu Sat",
		"Fri – Mon":                         "Mon Fri Sat Sun",
		"Mon-Wed-Fri":                       "Mon Wed Fri",
		"de lunes a viernes":                "Mon Tue Wed Thu Fri",
		"weekdays":                          "Mon Tue Wed Thu Fri",
		"entre semana":                      "Mon Tue Wed Thu Fri",
		"los fines de semana":               "Sat Sun",
		"any Saturday":                      "Sat",
		"":                                  "",
		"null":                              "",
		"any":                               "",
		"Any day.":                          "",
		"every day":                         "",
		"todos los días":                    "",
		"cualquier día":                     "",
		"no preference":                     "",
		"no importa":                        "",
		"Saturday morning":                  "Sat | morning",
		"tomorrow":                          "| tomorrow",
		"2026-02-06":                        "| 2026 02 06",
		"MWF":                               "| mwf",
		"su":                                "| su",
		"Monday through noon":               "Mon | noon",
		"not Monday":                        "| not Monday",
		"any day but Sunday":                "| any day but Sunday",
		"we can't Monday":                   "| we can't Monday",
		"todos los días menos el lunes":     "| todos los días menos el lunes",
	} {
		days, unknown := booking.ParseDays(said)
		var got []string
		for _, d := range days {
			got = append(got, d.String()[:3])
		}
		if len(unknown) > 0 {
			got = append(append(got, "|"), unknown...)
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%q: %q; want %q", said, got, want)
		}
	}
}

func TestParseAge_UnderstandsBothLanguages(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]int{
		"": 0, "null": 0, "any age": 0, "cualquier edad": 0,
		"4": 48, "4.0": 48, " 4 ": 48, "4 years": 48, "4 years old": 48, "4-year-old": 48, "4yo": 48, "4 yrs.": 48, "age 4": 48, "he is 4": 48, "she's four": 48,
		"four": 48, "Four years": 48, "cuatro": 48, "4 años": 48, "tiene cuatro años": 48, "almost 4": 48, "4+": 48,
		"18 months": 18, "18mo": 18, "18 m": 18, "eighteen months": 18, "18 meses": 18, "dieciocho meses": 18, "1 month": 1, "an 8 month old": 8,
		"4.5": 54, "4 1/2": 54, "4½": 54, "four and a half": 54, "4 and a half years": 54, "4 years and a half": 54, "cuatro y medio": 54, "4 y medio": 54,
		"cuatro años y medio": 54, "a year": 12, "a year and a half": 18, "un año y medio": 18, "un año": 12,
		"4 years 6 months": 54, "4 years and 6 months old": 54, "4 años y 6 meses": 54, "3y6m": 42, "3y": 36, "3 y 6 meses": 42,
		"26 weeks": 6, "6 semanas": 1,
		"twenty one": 252, "treinta y cinco años": 420, "thirty-five": 420, "65": 780, "120": 1440, "adult": 216, "an adult": 216, "adulto": 216, "18+": 216,
	} {
		if got, ok := booking.ParseAge(said); got != want || !ok {
			t.Errorf("%q: %d, %v; want %d months", said, got, ok, want)
		}
	}
}

func TestParseAge_DoesNotGuess(t *testing.T) {
	t.Parallel()
	for _, said := range []string{
		"3 and 5", "3 y 5", "3-4", "3 to 5", "7, 9", "4 or 5", "18 months or 2 years", "4 years and 18 months", "18 months and 4 years", "a 4 year old and a 6 month old",
		"0", "-4", "121", "9999999999999999999999", "1e9", "2020", "05/14/2020", "2020-05-14", "baby", "under 2", "years", "months old", "half", "half a year",
		"4 years 6", "twenty thirty", "inf", "NaN", "four hundred", "not 4", "!!", "4 kids",
	} {
		if got, ok := booking.ParseAge(said); ok {
			t.Errorf("%q is read as %d months; want it not understood", said, got)
		}
	}
}

// TestParse_WhateverIsSaid: no text makes the readers fail in another way than they say.
func TestParse_WhateverIsSaid(t *testing.T) {
	t.Parallel()
	word := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9./½-]{1,6}`), rapid.SampledFrom(strings.Fields(
		"four 4 y and a half years months old semanas adult twenty veinte monday sat to - a viernes weekends not any the one in / , 1/2 yo m")))
	rapid.Check(t, func(t *rapid.T) {
		said := strings.Join(rapid.SliceOfN(word, 0, 6).Draw(t, "words"), " ")
		if months, ok := booking.ParseAge(said); months < 0 || months > 1440 || !ok && months != 0 {
			t.Fatalf("%q is %d months, %v", said, months, ok)
		}
		days, _ := booking.ParseDays(said)
		if len(days) > 7 || slices.ContainsFunc(days, func(d time.Weekday) bool { return d < 0 || d > 6 }) {
			t.Fatalf("%q is %v", said, days)
		}
	})
}

func TestParse_ReadsBackWhatIsSaid(t *testing.T) {
	t.Parallel()
	for mask := 1; mask < 1<<7; mask++ {
		var days []time.Weekday
		for _, d := range []time.Weekday{1, 2, 3, 4, 5, 6, 0} {
			if mask&(1<<d) != 0 {
				days = append(days, d)
			}
		}
		for _, language := range []booking.Language{booking.English, booking.Spanish} {
			said := booking.SayDays(language, days)
			if got, unknown := booking.ParseDays(said); len(unknown) > 0 && len(days) < 7 || len(days) < 7 && !slices.Equal(got, days) {
				t.Errorf("%v is said %q and read as %v, %q", days, said, got, unknown)
			}
		}
	}
	for years := 1; years <= 120; years++ {
		if got, ok := booking.ParseAge(fmt.Sprint(years)); got != years*12 || !ok {
			t.Errorf("%d is read as %d months", years, got)
		}
	}
}
