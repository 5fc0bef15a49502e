package booking

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// The two pages on which a family registers. Only what follows them is ever put together.
const (
	jackrabbitPage = "https://app.jackrabbitclass.com/regv2.asp"
	franchiseSite  = "https://britishswimschool.com/"
)

// maxStudents is how many the form of Jackrabbit has room for.
const maxStudents = 5

// LinkRequest is what a registration link is made of. Location and Level are as they were said.
type LinkRequest struct {
	Org      string // the tenant's own number at Jackrabbit, never one that a model sends
	ClassID  string
	Location string
	Level    string
	Customer Customer
}

// Customer is who registers, as far as it is known. A value that is empty or says that it is not known ("null", "none", "n/a",
// "unknown") is left out of the form.
type Customer struct {
	FirstName, LastName       string
	Email                     string // as typed or as said; left out when ParseSpokenEmail does not understand it
	Phone                     private.Phone
	Address, City, State, Zip string
	Students                  []Student // the form takes five
}

// Student is who will swim.
type Student struct {
	First, Last string
	Gender      string // a word for it, in English or Spanish; left out when it is another
	Birth       Day
	ClassID     string
}

// Link makes the address of a registration form. With the number of a class, the request's or else a student's, it is Jackrabbit's form,
// filled in with what is known of the customer; without, the franchise's own page for a location and a level. A franchise of nil is a
// tenant that has none. fault.Invalid, to be said aloud, when a number is not one, when there is neither a class nor a franchise, and
// for a location or level that the franchise does not have.
func Link(req LinkRequest, franchise *Franchise) (string, error) {
	students, err := inForm(req.Customer.Students)
	if err != nil {
		return "", err
	}
	class, err := digits(req.ClassID, aboutClass)
	if err != nil {
		return "", err
	}
	for _, s := range students {
		class = cmp.Or(class, s.ClassID)
	}
	switch {
	case class != "":
		return jackrabbitLink(req.Org, class, req.Customer, students)
	case franchise == nil:
		return "", fault.New(fault.Invalid, "Please choose a class first. The registration link is made for one class.")
	default:
		return franchise.link(req.Location, req.Level)
	}
}

func (f *Franchise) link(location, level string) (string, error) {
	loc, err := choose(f.Locations, location, "location")
	if err != nil {
		return "", err
	}
	kind, err := choose(f.Levels, level, "level")
	if err != nil {
		return "", err
	}
	var q query
	q.add("loc", loc.Code)
	q.add("type", kind.Code)
	return franchiseSite + f.Slug + "/register/?" + q.String(), nil
}

// jackrabbitLink fills in the form. Its fields have these names; the class of the first student is S1Class, not S1Class1.
func jackrabbitLink(org, class string, c Customer, students []Student) (string, error) {
	org, err := digits(org, aboutOrg)
	if err != nil || org == "" {
		return "", cmp.Or(err, fault.New(fault.Invalid, aboutOrg))
	}
	email, _ := ParseSpokenEmail(c.Email) // what is not understood, the family types itself
	var q query
	for _, field := range [][2]string{
		{"id", org}, {"classid", class}, {"FamName", c.LastName}, {"MFName", c.FirstName}, {"MLName", c.LastName},
		{"MEmail", email}, {"ConfirmMEmail", email}, {"MCPhone", c.Phone.E164()}, {"HPPhone", c.Phone.E164()},
		{"Addr", c.Address}, {"City", c.City}, {"State", c.State}, {"Zip", c.Zip}, {"PG1Type", "Other"},
	} {
		q.add(field[0], field[1])
	}
	if len(students) == 0 {
		students = []Student{{}}
	}
	students[0].ClassID = cmp.Or(students[0].ClassID, class)
	for i, s := range students {
		q.addStudent(i+1, s)
	}
	return jackrabbitPage + "?" + q.String(), nil
}

// inForm are the students that the form has room for, without those of whom nothing is known.
func inForm(all []Student) ([]Student, error) {
	var students []Student
	for _, s := range all {
		var err error
		if s.ClassID, err = digits(s.ClassID, aboutClass); err != nil {
			return nil, err
		}
		s.First, s.Last, s.Gender = known(s.First), known(s.Last), genders[essence(s.Gender)]
		if s != (Student{}) && len(students) < maxStudents {
			students = append(students, s)
		}
	}
	return students, nil
}

// query is what follows the question mark, in the order in which it was added. Each value is encoded once, a space as %20, which
// unlike + every reader takes for one.
type query struct{ pairs []string }

// add leaves out what is not known.
func (q *query) add(name, value string) {
	if value = known(value); value != "" {
		q.pairs = append(q.pairs, name+"="+strings.ReplaceAll(url.QueryEscape(value), "+", "%20"))
	}
}

func (q *query) addStudent(n int, s Student) {
	prefix, birth := "S"+strconv.Itoa(n), ""
	if !s.Birth.IsZero() {
		birth = fmt.Sprintf("%02d/%02d/%04d", s.Birth.Month, s.Birth.Day, s.Birth.Year)
	}
	q.add(prefix+"FName", s.First)
	q.add(prefix+"LName", s.Last)
	q.add(prefix+"Gender", s.Gender)
	q.add(prefix+"BDate", birth)
	q.add(prefix+"Class", s.ClassID)
}

// String writes it out.
func (q *query) String() string { return strings.Join(q.pairs, "&") }

// What is said of a number that is not one.
const (
	aboutClass = "I do not have that class by its number. Please choose one from the list of classes."
	aboutOrg   = "I cannot make a registration link, because the school's registration number is not set up."
)

// digits accepts a number that names something, or an unknown one as empty.
func digits(s, about string) (string, error) {
	s = known(s)
	if strings.Trim(s, "0123456789") != "" || len(s) > len("9223372036854775807") {
		return "", fault.New(fault.Invalid, "%s", about)
	}
	return s, nil
}

var genders = map[string]string{
	"m": "M", "male": "M", "boy": "M", "man": "M", "son": "M", "masculino": "M", "nino": "M", "hombre": "M", "varon": "M", "chico": "M", "hijo": "M",
	"f": "F", "female": "F", "girl": "F", "woman": "F", "daughter": "F", "femenino": "F", "nina": "F", "mujer": "F", "chica": "F", "hija": "F",
}

// ParseBirth reads a date of birth written MM/DD/YYYY, as Jackrabbit has it, or YYYY-MM-DD. An unknown one is the zero Day; fault.Invalid,
// to be said aloud, for anything else.
func ParseBirth(s string) (Day, error) {
	s = known(s)
	if s == "" {
		return Day{}, nil
	}
	day, ok := parseDay(s, "1/2/2006", "2006-1-2")
	if !ok {
		return Day{}, fault.New(fault.Invalid, "I did not understand the date of birth. Please say it with the month, the day and the year.")
	}
	return day, nil
}

// ParseSpokenEmail understands an address as it is typed or as it is said: "my e-mail is maria at example dot test", "maria arroba ejemplo
// punto test", letters spelled one by one. A typed one comes back as it is, a spoken one in lower case and without accents.
// fault.Invalid over private.ErrNotEmail, to be said aloud, when no address can be made of it; it never repeats the input.
func ParseSpokenEmail(said string) (string, error) {
	said = known(said)
	if typed, err := private.ParseEmail(said); err == nil && hasDomain(typed) {
		return typed, nil
	}
	words := strings.FieldsFunc(folded(said), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;:!?¿¡", r) })
	var b strings.Builder
	for _, word := range afterLeadIn(strings.Fields(twoWordSigns.Replace(" " + strings.Join(words, " ") + " "))) {
		b.WriteString(cmp.Or(signs[word], word))
	}
	address, err := private.ParseEmail(strings.TrimSuffix(b.String(), "."))
	if err != nil || !hasDomain(address) {
		return "", fault.Wrap(fault.Invalid, private.ErrNotEmail, "I did not understand the e-mail address. Please spell it.")
	}
	return address, nil
}

// hasDomain tells an address from the beginning of one: maria@example is not complete.
func hasDomain(address string) bool {
	_, domain, _ := strings.Cut(address, "@")
	return strings.Contains(domain, ".")
}

var twoWordSigns = strings.NewReplacer(" guion bajo ", " _ ", " guion medio ", " - ", " under score ", " _ ", " at sign ", " @ ")

var signs = map[string]string{
	"at": "@", "arroba": "@", "dot": ".", "punto": ".", "underscore": "_", "dash": "-", "hyphen": "-", "guion": "-", "plus": "+", "mas": "+",
}

// leadIns are the words before an address; true for those that end what leads in. The others may belong to it: el.guapo, my.shop.
var leadIns = map[string]bool{
	"my": false, "the": false, "it": false, "mi": false, "el": false, "la": false, "de": false, "direccion": false,
	"yes": true, "yeah": true, "sure": true, "ok": true, "okay": true, "um": true, "uh": true, "si": true, "claro": true,
	"email": true, "e-mail": true, "mail": true, "address": true, "is": true, "it's": true, "its": true, "correo": true, "electronico": true, "es": true,
}

// afterLeadIn is the address itself. A word before a sign belongs to it: "mail at example dot test".
func afterLeadIn(words []string) []string {
	begins := 0
	for i, word := range words {
		ends, leads := leadIns[word]
		if !leads || i+1 == len(words) || signs[words[i+1]] != "" {
			break
		}
		if ends {
			begins = i + 1
		}
	}
	return words[begins:]
}
