package booking

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/jackrabbit"
)

// saidClasses and saidChoices are how many are said of more.
const (
	saidClasses = 3
	saidChoices = 6
)

// tongue is how one language says what was found, in the formats of fmt.
type tongue struct {
	unavailable            string
	see, seeNo             string // the list is as of now
	listShows, listShowsNo string // or of a time ago
	oneClass, classes      string
	noClass, noOpening     string
	full                   string
	butSee, butListShows   string // some other ones
	firstAre               string
	oneMore, more, narrow  string
	day, level, location   string
	and, or, others        string
	forLevel, forAge, both string // what was asked for
	atLocation             string
	wantsFor, at, on       string // what there is: a level or an age; a location; days
	minutes, hour, hours   string // ago
	dayAgo                 string
	daily, weekdays, days  string // all of them; Monday to Friday; what comes before others
	dayNames               [7]string
}

var english = tongue{
	unavailable: "I cannot see the class schedule right now, so I cannot say which classes have openings.",
	see:         "I see %s", seeNo: "I see no %s", listShows: "My list from %[2]s shows %[1]s", listShowsNo: "My list from %[2]s shows no %[1]s",
	oneClass: "one class with an opening", classes: "%d classes with openings", noClass: "class with an opening", noOpening: "opening",
	full: "The classes that fit are full.", butSee: "I do see some %s.", butListShows: "It does show some %s.", firstAre: "The first are %s.",
	oneMore: "1 more fits too", more: "%d more fit too", narrow: "; %s would narrow it down", day: "a day", level: "a level", location: "a location",
	and: " and ", or: " or ", others: "others", forLevel: " for that level", forAge: " for that age", both: " for that level and age",
	atLocation: " at that location", wantsFor: "for ", at: "at ", on: "on ",
	minutes: "about %d minutes ago", hour: "about an hour ago", hours: "about %d hours ago", dayAgo: "about a day ago",
	daily: "all days of the week", weekdays: "weekdays",
	dayNames: [...]string{"Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays"},
}

var spanish = tongue{
	unavailable: "Ahora mismo no puedo ver el horario de clases, así que no sé qué clases tienen lugares.",
	see:         "Veo %s", seeNo: "No veo %s", listShows: "Mi lista de %[2]s muestra %[1]s", listShowsNo: "Mi lista de %[2]s no muestra %[1]s",
	oneClass: "una clase con lugares", classes: "%d clases con lugares", noClass: "ninguna clase con lugares", noOpening: "lugares",
	full: "Las clases que coinciden están llenas.", butSee: "Sí veo lugares %s.", butListShows: "Sí muestra lugares %s.",
	firstAre: "Las primeras son %s.", oneMore: "Otra más también coincide", more: "Otras %d también coinciden", narrow: "; %s ayudaría a elegir",
	day: "un día", level: "un nivel", location: "una sede", and: " y ", or: " o ", others: "otros",
	forLevel: " para ese nivel", forAge: " para esa edad", both: " para ese nivel y esa edad",
	atLocation: " en esa sede", wantsFor: "para ", at: "en ", on: "",
	minutes: "hace unos %d minutos", hour: "hace como una hora", hours: "hace unas %d horas", dayAgo: "hace como un día",
	daily: "todos los días", weekdays: "de lunes a viernes", days: "los ",
	dayNames: [...]string{"domingos", "lunes", "martes", "miércoles", "jueves", "viernes", "sábados"},
}

func (l Language) tongue() *tongue {
	if l == Spanish {
		return &spanish
	}
	return &english
}

// Say says what was found in one to three sentences, whatever it is, and how old the list is when it is Stale.
func (a Answer) Say(language Language) string {
	t := language.tongue()
	switch {
	case a.Unavailable:
		return t.unavailable
	case a.Total > 0:
		return a.sayFound(language, t)
	case a.Emptied != "":
		return a.sayEmptied(language, t)
	default:
		return a.begin(t.seeNo, t.listShowsNo, t, t.noClass)
	}
}

// begin is the first sentence: what is seen, or what the older list shows.
func (a Answer) begin(fresh, stale string, t *tongue, what string) string {
	if a.Stale {
		return fmt.Sprintf(stale, what, t.ago(a.age)) + "."
	}
	return fmt.Sprintf(fresh, what) + "."
}

func (a Answer) sayFound(language Language, t *tongue) string {
	what := t.oneClass
	if a.Total > 1 {
		what = fmt.Sprintf(t.classes, a.Total)
	}
	var classes []string
	for _, c := range a.Classes[:min(saidClasses, len(a.Classes))] {
		classes = append(classes, c.Words(language))
	}
	said := a.begin(t.see, t.listShows, t, what)
	if a.Total <= saidClasses {
		return said + " " + strings.Join(classes, "; ") + "."
	}
	return said + " " + fmt.Sprintf(t.firstAre, strings.Join(classes, "; ")) + " " + a.more(t) + "."
}

// more tells how many classes are not said, and what would make them fewer.
func (a Answer) more(t *tongue) string {
	said := t.oneMore
	if n := a.Total - saidClasses; n > 1 {
		said = fmt.Sprintf(t.more, n)
	}
	var helps []string
	if len(a.asked.Days) == 0 && len(a.Offer.Days) > 1 {
		helps = append(helps, t.day)
	}
	if wish(a.asked.Level) == "" && len(a.Offer.Levels) > 1 {
		helps = append(helps, t.level)
	}
	if wish(a.asked.Location) == "" && len(a.Offer.Locations) > 1 {
		helps = append(helps, t.location)
	}
	if len(helps) > 0 {
		said += fmt.Sprintf(t.narrow, listed(helps, t.or))
	}
	return said
}

// sayEmptied tells up to which part of the filter there was nothing, and what there is without that part.
func (a Answer) sayEmptied(language Language, t *tongue) string {
	said := a.begin(t.seeNo, t.listShowsNo, t, t.noOpening+a.wanted(language, t))
	if a.Full > 0 {
		said += " " + t.full
	}
	if there := a.instead(language, t); there != "" {
		but := t.butSee
		if a.Stale {
			but = t.butListShows
		}
		said += " " + fmt.Sprintf(but, there)
	}
	return said
}

// wanted says what was asked for, up to the part at which nothing was left: what comes after it was not looked at.
func (a Answer) wanted(language Language, t *tongue) string {
	level, age := wish(a.asked.Level) != "", a.asked.AgeMonths > 0 && a.Emptied != LevelPart
	said := ""
	switch {
	case level && age:
		said = t.both
	case level:
		said = t.forLevel
	case age:
		said = t.forAge
	}
	if wish(a.asked.Location) != "" && (a.Emptied == LocationPart || a.Emptied == DaysPart) {
		said += t.atLocation
	}
	if a.Emptied == DaysPart {
		said += " " + t.on + sayDays(language, a.asked.Days, t.or)
	}
	return said
}

// instead says what there is without the part that left nothing; "" when that cannot be named.
func (a Answer) instead(language Language, t *tongue) string {
	switch {
	case a.Emptied == LevelPart && len(a.Offer.Levels) > 0:
		return t.wantsFor + t.some(a.Offer.Levels)
	case a.Emptied == LocationPart && len(a.Offer.Locations) > 0:
		return t.at + t.some(a.Offer.Locations)
	case a.Emptied == DaysPart && len(a.Offer.Days) > 0:
		return t.on + SayDays(language, a.Offer.Days)
	case a.Emptied == AgePart && len(a.Offer.Ages) > 0:
		var ages []string
		for _, span := range a.Offer.Ages {
			ages = append(ages, span.Words(language))
		}
		return t.wantsFor + t.some(ages)
	}
	return ""
}

// some lists names, and says that there are others when they are many.
func (t *tongue) some(names []string) string {
	if len(names) > saidChoices {
		names = append(slices.Clone(names[:saidChoices]), t.others)
	}
	return listed(names, t.and)
}

// listed is "a, b and c", with and for the last.
func listed(names []string, and string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + and + names[last]
}

// ago says how long ago a list was made, roughly: an older one is five minutes old at least.
func (t *tongue) ago(age time.Duration) string {
	minutes := int(age.Round(time.Minute) / time.Minute)
	if minutes >= 10 {
		minutes = int(age.Round(5*time.Minute) / time.Minute)
	}
	switch hours := int(age.Round(time.Hour) / time.Hour); {
	case minutes < 60:
		return fmt.Sprintf(t.minutes, minutes)
	case hours < 2:
		return t.hour
	case hours < 24:
		return fmt.Sprintf(t.hours, hours)
	default:
		return t.dayAgo
	}
}

// Words says what a class is, where and when, and how many places are free: "Starfish at LA Fitness Cypress, Saturdays at 9 30 a.m.,
// 2 openings" and "Starfish en LA Fitness Cypress, los sábados a las 9 y 30 de la mañana, 2 lugares". What is not known is left out. Its
// ages are said when they are not all of the year that was asked for, its beginning when it lies ahead.
func (c Class) Words(language Language) string {
	t := language.tongue()
	said := c.Level
	if place := locationOf(c.Class); place != "" {
		said += " " + t.at + place
	}
	if when := c.when(language); when != "" {
		said += ", " + when
	}
	if c.partly {
		said += ", " + t.wantsFor + c.Ages().Words(language)
	}
	if c.begins {
		said += ", " + sayBegin(language, c.StartDate)
	}
	return said + ", " + sayPlaces(language, c.Openings)
}

func (c Class) when(language Language) string {
	days := SayDays(language, c.Days)
	if c.Start == 0 {
		return days
	}
	at := "at " + SayTime(language, c.Start)
	if language == Spanish {
		at = spanishTime(int(c.Start)/60, int(c.Start)%60)
	}
	return strings.TrimSpace(days + " " + at)
}

func sayPlaces(language Language, n int) string {
	switch {
	case language != Spanish:
		return count(n, "opening")
	case n == 1:
		return "1 lugar"
	default:
		return fmt.Sprintf("%d lugares", n)
	}
}

// sayBegin says from when on a class is. The date is one: jackrabbit sees to that.
func sayBegin(language Language, date string) string {
	day, _ := parseDay(date, time.DateOnly)
	if language == Spanish {
		return fmt.Sprintf("a partir del %d de %s", day.Day, months[day.Month])
	}
	return "starting " + day.midnight().Format("January 2")
}

// SayTime says a time of day: "9 30 a.m."; in Spanish "9 y 30 de la mañana", which a, at noon al, and la or las come before. "" for one
// that was not told.
func SayTime(language Language, at jackrabbit.Clock) string {
	if at == 0 {
		return ""
	}
	hour, minute := int(at)/60, int(at)%60
	if language != Spanish {
		return englishTime(hour, minute)
	}
	said := spanishTime(hour, minute)
	for _, article := range []string{"a las ", "a la ", "al "} {
		said = strings.TrimPrefix(said, article)
	}
	return said
}

var workingDays = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}

// SayDays says on which days of the week something is, again and again: "Mondays and Wednesdays", "los lunes y miércoles".
func SayDays(language Language, days []time.Weekday) string {
	return sayDays(language, days, language.tongue().and)
}

// sayDays puts and before the last.
func sayDays(language Language, days []time.Weekday, and string) string {
	days = weekOf(slices.Clone(days))
	t := language.tongue()
	switch {
	case len(days) == 0:
		return ""
	case len(days) == 7:
		return t.daily
	case slices.Equal(days, workingDays):
		return t.weekdays
	}
	var names []string
	for _, d := range days {
		names = append(names, t.dayNames[d])
	}
	return t.days + listed(names, and)
}

// Ages are those that a class is for, in months, the last included; 0 is no limit.
type Ages struct{ Min, Max int }

// Ages are those that the class is for.
func (c Class) Ages() Ages { return Ages{c.MinAgeMonths, c.MaxAgeMonths} }

// Words says them: "ages 3 to 5", "ages 6 months to 3 years", "ages 3 and up", "ages up to 5"; in Spanish "edades de 3 a 5 años". Up to
// 5 years and 11 months is up to 5. "" when there is no limit.
func (a Ages) Words(language Language) string {
	if a.Max >= 24 && a.Max%12 == 11 {
		a.Max -= 11
	}
	from, until := sayAge(language, a.Min), sayAge(language, a.Max)
	whole := a.Min%12 == 0 && a.Max%12 == 0
	if whole && (language != Spanish || a.Max > 0) {
		from = fmt.Sprint(a.Min / 12)
	}
	if language != Spanish && whole {
		until = fmt.Sprint(a.Max / 12)
	}
	if strings.HasSuffix(until, " years") {
		from = strings.TrimSuffix(from, " years")
	}
	forms := [...]string{"ages %s to %s", "ages %s and up", "ages up to %s"}
	if language == Spanish {
		forms = [...]string{"edades de %s a %s", "edades desde %s", "edades hasta %s"}
	}
	switch {
	case a.Min > 0 && a.Max > 0:
		return fmt.Sprintf(forms[0], from, until)
	case a.Min > 0:
		return fmt.Sprintf(forms[1], from)
	case a.Max > 0:
		return fmt.Sprintf(forms[2], until)
	}
	return ""
}

// sayAge says an age with its unit.
func sayAge(language Language, age int) string {
	month, months, year, years, half, and := "1 month", "%d months", "1 year", "%d years", "%d and a half years", " and "
	if language == Spanish {
		month, months, year, years, half, and = "1 mes", "%d meses", "1 año", "%d años", "%d años y medio", " y "
	}
	switch {
	case age == 1:
		return month
	case age == 12:
		return year
	case age < 24:
		return fmt.Sprintf(months, age)
	case age%12 == 0:
		return fmt.Sprintf(years, age/12)
	case age%12 == 6:
		return fmt.Sprintf(half, age/12)
	}
	return fmt.Sprintf(years, age/12) + and + sayAge(language, age%12)
}

// Price says the fee: "140 dollars a month", "149 dollars and 50 cents". "" when it is not known.
func (c Class) Price(language Language) string {
	if c.Fee <= 0 {
		return ""
	}
	said := fmt.Sprintf("%d dollars", c.Fee/100)
	cents, each := " and %d cents", map[string]string{"monthly": " a month", "weekly": " a week"}
	if language == Spanish {
		said = fmt.Sprintf("%d dólares", c.Fee/100)
		cents, each = " con %d centavos", map[string]string{"monthly": " al mes", "weekly": " a la semana"}
	}
	if c.Fee%100 > 0 {
		said += fmt.Sprintf(cents, c.Fee%100)
	}
	return said + each[strings.ToLower(c.Billing)]
}
