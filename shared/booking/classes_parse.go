package booking

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseDays reads days of the week as a model sends them, in English or Spanish: "Saturday, sun", "lunes a viernes", "weekends",
// "sábado o domingo". Days come Monday first, each once; none is any day. What is not understood comes back as words, to be asked about;
// the days that were understood are good all the same. Something with a "not" in it is not understood at all.
func ParseDays(said string) (days []time.Weekday, unknown []string) {
	text := wish(said)
	if text == "" {
		return nil, nil
	}
	for phrase, word := range dayPhrases {
		text = strings.ReplaceAll(text, phrase, word)
	}
	if slices.ContainsFunc(dayWord.FindAllString(text, -1), func(w string) bool { return exceptions[w] }) {
		return nil, []string{strings.Join(strings.Fields(said), " ")}
	}
	for _, part := range dayParts.Split(text, -1) {
		d, u := parseDayPart(part)
		days, unknown = append(days, d...), append(unknown, u...)
	}
	return weekOf(days), unknown
}

var (
	// dayParts is what stands between days that are listed.
	dayParts = regexp.MustCompile(`[,;/&+|.]|\b(?:and|or|y|o|e|u)\b`)
	dayWord  = regexp.MustCompile(`[\pL\pN']+|[-–—]`)

	dayPhrases = map[string]string{
		"fin de semana": "weekend", "fines de semana": "weekend", "entre semana": "weekday", "dias de semana": "weekday", "dia de semana": "weekday",
		"dias laborables": "weekday", "week days": "weekday", "week day": "weekday", "week end": "weekend",
	}
	exceptions = wordSet("not no except but never without cannot can't don't isn't won't cant dont menos excepto salvo nunca sin")
	// dayFillers are any day, or the one that is named with them.
	dayFillers = wordSet("on the in every each any all day days only either both el los en la de por cada todos dia dias solo")
	dayRanges  = wordSet("- – — to through thru until till a al hasta")
)

// parseDayPart reads one part of a list: a day, a range of days or a word for several.
func parseDayPart(part string) (days []time.Weekday, unknown []string) {
	spans := 0
	for _, word := range dayWord.FindAllString(part, -1) {
		switch {
		case dayFillers[word]:
		case dayRanges[word] && len(days) > 0:
			spans++
		case strings.HasPrefix(word, "weekend"):
			days = append(days, time.Saturday, time.Sunday)
		case strings.HasPrefix(word, "weekday"):
			days = append(days, workingDays...)
		default:
			if d, ok := parseWeekday(word); ok {
				days = append(days, d)
			} else if !dayRanges[word] {
				unknown = append(unknown, word)
			}
		}
	}
	if spans == 1 && len(days) == 2 {
		for d := (days[0] + 1) % 7; d != days[1]; d = (d + 1) % 7 {
			days = append(days, d)
		}
	}
	return days, unknown
}

// parseWeekday reads the name of a day, in the singular or plural, or its first three letters at least.
func parseWeekday(word string) (time.Weekday, bool) {
	begins := strings.TrimSuffix(word, "s")
	for d := time.Sunday; d <= time.Saturday; d++ {
		if len(begins) >= 3 && (strings.HasPrefix(folded(d.String()), begins) || strings.HasPrefix(folded(weekdays[d]), begins)) {
			return d, true
		}
	}
	return 0, false
}

// Ages that are not numbers, and the oldest that is believed, in months.
const (
	adultAge  = 18 * 12
	oldestAge = 120 * 12
)

// ParseAge reads an age as a model sends it, in English or Spanish, in months: "4", "4 years old", "18 months", "four and a half",
// "4 años y 6 meses", "3y6m", "adult". 0 is any age. False when it is not understood, as when there are two ages in it.
func ParseAge(said string) (months int, ok bool) {
	text := wish(said)
	if text == "" {
		return 0, true
	}
	var r ageReader
	for _, word := range ageWord.FindAllString(text, -1) {
		if !r.read(word) {
			return 0, false
		}
	}
	return r.result()
}

var ageWord = regexp.MustCompile(`-?\d+(?:\.\d+)?(?:/\d+)?|½|\pL+|[^\s\pL\d]`)

// ageReader reads an age word by word.
type ageReader struct {
	months      float64 // of what has its unit
	year, month bool    // whether something has that unit
	number      float64 // what waits for its unit
	waiting     bool    // whether something does
	tens        bool    // and is a word such as twenty, or treinta before y cinco
	article     bool    // the last word was "a"
	old, adult  bool    // was said; what comes after "old" is another age
}

// read takes a word; false when it makes no sense there.
func (r *ageReader) read(word string) bool {
	article := r.article
	r.article = word == "a" || word == "an" || word == "un"
	n, isNumber := ageNumber(word)
	switch {
	case word == "y" && r.waiting && !r.tens:
		return r.unit(12, &r.year, false) // "4y"; and "4 y medio" is 4 years and a half all the same
	case ageFillers[word]:
		r.old = r.old || word == "old"
	case halves[word]:
		return r.half()
	case isNumber:
		return r.take(n, word)
	case yearWords[word]:
		return !r.month && r.unit(12, &r.year, article)
	case monthWords[word]:
		return r.unit(1, &r.month, article)
	case weekWords[word]:
		return r.unit(12.0/52, &r.month, article)
	case adultWords[word]:
		r.adult = true
	default:
		return false
	}
	return true
}

// take keeps a number until its unit comes.
func (r *ageReader) take(n float64, word string) bool {
	_, asWord := ageNumbers[word]
	switch {
	case r.old:
		return false
	case r.waiting && r.tens && asWord && n < 10:
		r.number, r.tens = r.number+n, false
	case r.waiting:
		return false
	default:
		r.number, r.waiting, r.tens = n, true, asWord && n >= 20
	}
	return true
}

// unit gives the number that waits its unit; without one it is "a year". A year has no more than eleven months beside it: "4 years and 18
// months" are two ages.
func (r *ageReader) unit(months float64, seen *bool, article bool) bool {
	if !r.waiting && article {
		r.number, r.waiting = 1, true
	}
	if *seen || !r.waiting || r.year && r.number*months >= 12 {
		return false
	}
	r.months += r.number * months
	*seen, r.waiting, r.tens = true, false, false
	return true
}

// half is of the number that waits, or of the year that was just said.
func (r *ageReader) half() bool {
	switch {
	case r.waiting:
		r.number += 0.5
	case r.year && !r.month:
		r.months += 6
	default:
		return false
	}
	return true
}

func (r *ageReader) result() (months int, ok bool) {
	switch {
	case r.waiting && (r.year || r.month):
		return 0, false
	case r.waiting:
		r.months = r.number * 12
	case r.adult && r.months == 0:
		r.months = adultAge
	}
	if r.months > oldestAge {
		return 0, false
	}
	months = int(math.Round(r.months))
	return months, months > 0
}

func ageNumber(word string) (float64, bool) {
	if n, ok := ageNumbers[word]; ok {
		return n, true
	}
	n, err := strconv.ParseFloat(word, 64)
	return n, err == nil && '0' <= word[0] && word[0] <= '9'
}

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

var (
	ageFillers = wordSet(`a an un and y old of age aged is s he she they my about almost around nearly casi como de edad tiene mi con , . ' " + -`)
	halves     = wordSet("half medio media 1/2 ½")
	yearWords  = wordSet("year years yr yrs yo y ano anos anito anitos")
	monthWords = wordSet("month months mo mos mth mths m mes meses")
	weekWords  = wordSet("week weeks wk wks semana semanas")
	adultWords = wordSet("adult adults adulto adultos adulta adultas grownup")

	ageNumbers = map[string]float64{
		"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
		"thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30,
		"forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
		"uno": 1, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9, "diez": 10, "once": 11, "doce": 12,
		"trece": 13, "catorce": 14, "quince": 15, "dieciseis": 16, "diecisiete": 17, "dieciocho": 18, "diecinueve": 19, "veinte": 20, "treinta": 30,
		"cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90,
	}
)
