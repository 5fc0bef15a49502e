package booking

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/chattercheatah/chattercheatah/shared/jackrabbit"
)

// Filter is what a caller looks for. A zero field, or a text that says "any", asks for nothing.
type Filter struct {
	Location  string         // a name or a code, or a part of one as it was said
	Level     string         // words of the name or of a category, as they were said
	Days      []time.Weekday // at least one of them
	AgeMonths int            // whole years from two up stand for all twelve months of that year: that is how ages are said
	Locations []string       // the codes that the tenant is limited to; all when empty
}

// Part is a part of a filter.
type Part string

// The parts, in the order in which they are applied.
const (
	LevelPart    Part = "level"
	AgePart      Part = "age"
	LocationPart Part = "location"
	DaysPart     Part = "days"
)

// maxClasses is how many classes an answer holds: a voice cannot say more.
const maxClasses = 8

// Answer is what was found.
type Answer struct {
	Classes     []Class // at most 8, from Monday on, each with a free place
	Total       int     // how many there are
	Full        int     // how many more would fit and are full
	Emptied     Part    // the part of the filter at which none was left; "" when some are, or when there was none to begin with
	Offer       Offer   // what the classes found are; when none were, those that were left before Emptied
	Stale       bool    // the list is older than it should be
	AsOf        time.Time
	Unavailable bool // there is no list

	asked Filter
	age   time.Duration // of the list
}

// Offer is what there is to choose from.
type Offer struct {
	Levels    []string       // in order of the alphabet, as Locations
	Locations []string       // names
	Days      []time.Weekday // Monday first
	Ages      []Ages         // the youngest first
}

// Class is a class that can be offered.
type Class struct {
	jackrabbit.Class
	Level string // its name without the day and the time that schools write into it

	begins bool // later than today
	partly bool // takes a part of the year that was asked for
}

func (f Filter) answer(all []jackrabbit.Class, now time.Time) Answer {
	a := Answer{asked: f}
	fit := those(all, f.ours)
	left := those(fit, hasOpening)
	for _, step := range f.steps(fit) {
		fit = those(fit, step.keeps)
		next := those(left, step.keeps)
		if len(next) == 0 && len(left) > 0 {
			a.Emptied, a.Offer = step.part, offerOf(left)
		}
		left = next
	}
	a.Total, a.Full = len(left), len(fit)-len(left)
	if a.Total > 0 {
		a.Offer = offerOf(left)
	}
	slices.SortFunc(left, byTime)
	for _, c := range left[:min(len(left), maxClasses)] {
		a.Classes = append(a.Classes, Class{c, levelOf(c), c.StartDate > now.UTC().Format(time.DateOnly), !f.coversAge(c)})
	}
	return a
}

type step struct {
	part  Part
	keeps func(jackrabbit.Class) bool
}

// steps are the parts that ask for something. What was said is matched with all classes of the tenant, the full ones too: who asks for a
// level that is full does not want one of a similar name.
func (f Filter) steps(ours []jackrabbit.Class) (steps []step) {
	if said := wish(f.Level); said != "" {
		steps = append(steps, step{LevelPart, nearest(said, ours, func(c jackrabbit.Class) []string {
			return append([]string{levelOf(c)}, c.Categories...)
		})})
	}
	if f.AgeMonths > 0 {
		steps = append(steps, step{AgePart, f.fitsAge})
	}
	if said := wish(f.Location); said != "" {
		steps = append(steps, step{LocationPart, nearest(said, ours, func(c jackrabbit.Class) []string {
			return []string{c.LocationName, c.LocationCode}
		})})
	}
	if len(f.Days) > 0 {
		steps = append(steps, step{DaysPart, func(c jackrabbit.Class) bool {
			return slices.ContainsFunc(c.Days, func(d time.Weekday) bool { return slices.Contains(f.Days, d) })
		}})
	}
	return steps
}

func (f Filter) ours(c jackrabbit.Class) bool {
	return len(f.Locations) == 0 || slices.ContainsFunc(f.Locations, func(code string) bool { return strings.EqualFold(code, c.LocationCode) })
}

// ages are the youngest and the oldest that was asked for.
func (f Filter) ages() (from, until int) {
	if f.AgeMonths >= 24 && f.AgeMonths%12 == 0 {
		return f.AgeMonths, f.AgeMonths + 11
	}
	return f.AgeMonths, f.AgeMonths
}

func (f Filter) fitsAge(c jackrabbit.Class) bool {
	from, until := f.ages()
	return c.MinAgeMonths <= until && (c.MaxAgeMonths == 0 || c.MaxAgeMonths >= from)
}

// coversAge reports whether everybody of that age may come.
func (f Filter) coversAge(c jackrabbit.Class) bool {
	from, until := f.ages()
	return f.AgeMonths == 0 || c.MinAgeMonths <= from && (c.MaxAgeMonths == 0 || c.MaxAgeMonths >= until)
}

func hasOpening(c jackrabbit.Class) bool { return c.Openings > 0 }

func those(classes []jackrabbit.Class, keeps func(jackrabbit.Class) bool) (kept []jackrabbit.Class) {
	for _, c := range classes {
		if keeps(c) {
			kept = append(kept, c)
		}
	}
	return kept
}

func byTime(a, b jackrabbit.Class) int {
	return cmp.Or(cmp.Compare(firstDay(a), firstDay(b)), cmp.Compare(a.Start, b.Start), strings.Compare(a.LocationName, b.LocationName),
		strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
}

// fromMonday counts the days of the week from Monday.
func fromMonday(d time.Weekday) int { return (int(d) + 6) % 7 }

func firstDay(c jackrabbit.Class) int {
	if len(c.Days) == 0 {
		return 7
	}
	return fromMonday(c.Days[0])
}

func offerOf(classes []jackrabbit.Class) (o Offer) {
	for _, c := range classes {
		o.Levels = append(o.Levels, levelOf(c))
		o.Locations = append(o.Locations, locationOf(c))
		o.Days = append(o.Days, c.Days...)
		o.Ages = append(o.Ages, Ages{c.MinAgeMonths, c.MaxAgeMonths})
	}
	distinct := func(names []string) []string {
		slices.Sort(names)
		return slices.DeleteFunc(slices.Compact(names), func(s string) bool { return s == "" })
	}
	o.Levels, o.Locations, o.Days = distinct(o.Levels), distinct(o.Locations), weekOf(o.Days)
	slices.SortFunc(o.Ages, func(a, b Ages) int { return cmp.Or(cmp.Compare(a.Min, b.Min), cmp.Compare(a.Max, b.Max)) })
	o.Ages = slices.DeleteFunc(slices.Compact(o.Ages), func(a Ages) bool { return a == Ages{} })
	return o
}

// weekOf is each of the days once, Monday first.
func weekOf(days []time.Weekday) []time.Weekday {
	slices.SortFunc(days, func(a, b time.Weekday) int { return cmp.Compare(fromMonday(a), fromMonday(b)) })
	return slices.Compact(days)
}

func locationOf(c jackrabbit.Class) string { return speakable(cmp.Or(c.LocationName, c.LocationCode)) }

var (
	clockTime = regexp.MustCompile(`(?i)\b\d{1,2}:\d{2}(?:\s*[ap]\.?m\b\.?|[ap]\b)?|\b\d{1,2}[ap]m\b`)
	dayName   = regexp.MustCompile(`(?i)^(?:mon(?:day)?|tue(?:s|sday)?|wed(?:s|nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)s?$`)
)

// aTime stands for a time of day in a name that is being read.
const aTime = ":"

// levelOf is a class's name without the days and times at its end, or before it; its first category when that is all of the name.
func levelOf(c jackrabbit.Class) string {
	words := strings.FieldsFunc(clockTime.ReplaceAllString(c.Name, " "+aTime+" "), func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune("-–—/|,@()", r)
	})
	when := func(word string) bool {
		return word == aTime || word == "at" || word == "and" || word == "&" || dayName.MatchString(word)
	}
	for len(words) > 0 && when(words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	name := slices.IndexFunc(words, func(word string) bool { return !when(word) })
	if name > 0 && slices.Contains(words[:name], aTime) {
		words = words[name:]
	}
	first := ""
	if len(c.Categories) > 0 {
		first = c.Categories[0]
	}
	return speakable(cmp.Or(strings.Join(words, " "), first, c.Name))
}

// speakable leaves out the colons, which a voice reads aloud.
func speakable(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, ":", " ")), " ")
}
