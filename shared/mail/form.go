package mail

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Form is what a website's form says, as it was mailed. Nothing in it comes from the sender of the mail, who is the website.
type Form struct {
	Name   string        // "" when there is none that may be one
	Email  string        // in lower case
	Phone  private.Phone // zero when there is none that can be read
	Fields map[string]string
}

// What is kept of a form's other fields.
const (
	maxFormFields = 40
	maxLabel      = 60  // characters
	maxFormValue  = 500 // characters
)

// Form reads the mail as a form's when its subject, without marks of answering and forwarding, begins with one of the prefixes in whatever
// case; an empty prefix matches nothing. It reports whether it does. Labels that are not the customer's name, e-mail or phone, and values that
// cannot be what their label says, are in Fields under their label, as the form spells it.
func (m *Message) Form(prefixes []string) (Form, bool) {
	subject := bareSubject(m.Subject)
	for _, prefix := range prefixes {
		prefix = bareSubject(oneLine(prefix))
		if n := foldPrefix(subject, prefix); n > 0 {
			f := readForm(m.Whole.Reveal())
			f.fromSubject(subject[n:])
			return f.Form, true
		}
	}
	return Form{}, false
}

// foldPrefix is how long prefix is at the beginning of s, without regard to case; 0 when it is not there.
func foldPrefix(s, prefix string) int {
	want, n := []rune(prefix), 0
	for i, r := range s {
		if n == len(want) {
			return i
		}
		if !strings.EqualFold(string(r), string(want[n])) {
			return 0
		}
		n++
	}
	if n < len(want) {
		return 0
	}
	return len(s)
}

// answer is a label with its value.
type answer struct{ label, value string }

// meaning is what a label asks for.
type meaning int

const (
	asField meaning = iota
	asName
	asFirst
	asLast
	asEmail
	asPhone
	asText // several lines
)

// formReader puts a form together. The name that ranks highest wins.
type formReader struct {
	Form
	names [4]parts // by rank: a student's, a plain one, a contact's
}

// parts are the names that one person was given.
type parts struct{ whole, first, last answer }

func readForm(text string) *formReader {
	f := &formReader{Form: Form{Fields: map[string]string{}}}
	for _, a := range answers(formLines(text)) {
		f.take(a)
	}
	f.chooseName()
	return f
}

// take puts an answer where it belongs; what does not fit there is a field.
func (f *formReader) take(a answer) {
	what, rank := meaningOf(a.label)
	switch what {
	case asName:
		if p := &f.names[rank].whole; p.value == "" {
			*p = a
			return
		}
	case asFirst:
		if p := &f.names[rank].first; p.value == "" {
			*p = a
			return
		}
	case asLast:
		if p := &f.names[rank].last; p.value == "" {
			*p = a
			return
		}
	case asEmail:
		if address := onlyEmail(a.value); address != "" && f.Email == "" {
			f.Email = address
			return
		}
	case asPhone:
		if number := readPhone(a.value); !number.IsZero() && f.Phone.IsZero() {
			f.Phone = number
			return
		}
	}
	f.keep(a)
}

// keep makes an answer a field. A label that is there with another value gets a number.
func (f *formReader) keep(a answer) {
	label, value := cut(a.label, maxLabel), cut(a.value, maxFormValue)
	if label == "" || value == "" {
		return
	}
	key := label
	for n := 2; f.Fields[key] != "" && f.Fields[key] != value && n <= maxFormFields+1; n++ {
		key = cut(label, maxLabel-5) + " (" + strconv.Itoa(n) + ")"
	}
	if f.Fields[key] != "" || len(f.Fields) < maxFormFields {
		f.Fields[key] = value
	}
}

// chooseName takes the best name, a contact's before a plain one before a student's, and keeps the others as fields.
func (f *formReader) chooseName() {
	for rank := len(f.names) - 1; rank >= 0; rank-- {
		p := f.names[rank]
		joined := strings.TrimSpace(p.first.value + " " + p.last.value)
		switch {
		case f.Name == "" && validName(p.whole.value):
			f.Name, p.whole = p.whole.value, answer{}
			if strings.EqualFold(f.Name, joined) {
				p.first, p.last = answer{}, answer{}
			}
		case f.Name == "" && validName(joined):
			f.Name, p.first, p.last = joined, answer{}, answer{}
		}
		f.keep(p.whole)
		f.keep(p.first)
		f.keep(p.last)
	}
}

// fromSubject reads "<prefix> - email - class - ten digits", with which booking pages sum a form up, for what the form itself did not say.
func (f *formReader) fromSubject(rest string) {
	for _, part := range strings.Split(rest, " - ") {
		part = strings.Trim(part, " -")
		address, number := onlyEmail(part), readPhone(part)
		switch {
		case address != "" && address == part, address != "" && strings.EqualFold(address, part):
			if f.Email == "" {
				f.Email = address
			}
		case !number.IsZero():
			if f.Phone.IsZero() {
				f.Phone = number
			}
		case part != "" && f.Fields["Class"] == "" && f.Fields["Class Name"] == "" && strings.Count(rest, " - ") >= 2:
			f.keep(answer{"Class", part})
		}
	}
}

var address = regexp.MustCompile(`[^\s<>()\[\],;:"|]{1,64}@[^\s<>()\[\],;:"|]{1,253}`)

// onlyEmail is the one address in a value, however it is wrapped; "" when there is none, or more than one.
func onlyEmail(value string) string {
	found := ""
	for _, candidate := range address.FindAllString(cut(value, maxFormValue), -1) {
		candidate = bare(strings.TrimRight(candidate, ".*_"))
		if candidate == "" || found != "" && candidate != found {
			return ""
		}
		found = candidate
	}
	return found
}

var (
	extension = regexp.MustCompile(`(?i)[\s,;]*(?:ext\.?|extension|x|#)\s*\d{1,6}\s*$`)
	phoneKind = regexp.MustCompile(`(?i)\b(?:cell|mobile|phone|home|work|tel)\b`) // "(cell)" and its like say nothing of the number
)

// readPhone reads a number as people of North America write it, or in international form; zero when it is none, or two.
func readPhone(value string) private.Phone {
	value = phoneKind.ReplaceAllString(extension.ReplaceAllString(cut(oneLine(value), 60), ""), "")
	var digits strings.Builder
	for _, r := range value {
		switch {
		case '0' <= r && r <= '9':
			digits.WriteRune(r)
		case !strings.ContainsRune(" .-()/+\u2010\u2011\u2012\u2013\u2212[]*:", r):
			return private.Phone{}
		}
	}
	number := digits.String()
	switch plus := strings.Contains(value, "+"); {
	case plus:
	case len(number) == 10 && number[0] >= '2' && number[3] >= '2':
		number = "1" + number
	case len(number) == 11 && number[0] == '1' && number[1] >= '2' && number[4] >= '2':
	default:
		return private.Phone{}
	}
	parsed, err := private.ParsePhone("+" + number)
	if err != nil {
		return private.Phone{}
	}
	return parsed
}

// validName reports whether a value may be a person's name, in any script.
func validName(s string) bool {
	runes, letters, digits := 0, 0, 0
	for _, r := range s {
		runes++
		switch {
		case unicode.IsLetter(r):
			letters++
		case unicode.IsDigit(r):
			digits++
		case unicode.Is(unicode.So, r), unicode.Is(unicode.Sk, r) && r > 0x7F, strings.ContainsRune("@/\\<>{}|=\uFFFD\uFE0F", r):
			return false
		}
	}
	lower := strings.ToLower(s)
	return runes >= 2 && runes <= 60 && letters > digits && digits < 7 && !strings.Contains(lower, "http") && !strings.Contains(lower, "www.")
}

var apostrophes = strings.NewReplacer("'", "", "’", "")

// canon is a label in lower case with single blanks in place of punctuation.
func canon(label string) string {
	label = apostrophes.Replace(strings.ToLower(label))
	return strings.Join(strings.FieldsFunc(label, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }), " ")
}

// known are the labels that forms use, by canon. Whatever asks about places and classes is here so that its label is told from a value.
var known = meanings(map[meaning]string{
	asName: `
		name, full name, your name, your full name, nombre, nombre completo, nombre y apellido, nom, nom complet, nome, nome completo
		contact name, contact, customer name, client name, lead name
		parent name, parent full name, parents name, parent, parent guardian, parent guardian name, parent or guardian name, guardian, guardian name, guardians name
		student name, students name, student full name, student, child name, childs name, childrens name, swimmer name, swimmers name, participant name`,
	asFirst: `
		first name, firstname, first, given name, your first name, contact first name, parent first name, parent guardian first name, guardian first name
		student first name, child first name, childs first name, swimmer first name, vorname, prénom`,
	asLast: `
		last name, lastname, last, surname, family name, your last name, contact last name, parent last name, parent guardian last name, guardian last name
		student last name, child last name, childs last name, swimmer last name, nachname, apellido, apellidos`,
	asEmail: `
		email, e mail, email address, e mail address, mail, your email, your e mail, your email address, contact email, customer email, client email, work email
		parent email, parent email address, guardian email, parent guardian email, correo, correo electrónico, correo electronico`,
	asPhone: `
		phone, phone number, phone no, telephone, telephone number, tel, mobile, mobile number, mobile phone, mobile phone number, number
		cell, cell phone, cellphone, cell number, cell phone number, contact number, contact phone, your phone, your phone number
		daytime phone, home phone, work phone, primary phone, preferred phone, parent phone, parent phone number, parent cell phone, guardian phone
		teléfono, telefono, número de teléfono, celular, móvil`,
	asText: `
		message, your message, comment, comments, question, questions, questions or comments, notes, additional notes, additional information
		how can we help, how can we help you, inquiry, enquiry, details, mensaje, comentarios`,
	asField: `
		address, street, street address, address line 1, address line 2, city, state, country, zip, zip code, zipcode, postal code, postcode
		type of lessons, type of lesson, lesson type, lessons, marketing opt in, opt in, sms opt in, consent, sms consent
		location, location name, location email, location phone, location code, franchise, franchise code, franchise email, franchise phone
		class, class id, class name, class code, class time, utm source, utm medium, utm campaign, utm term, utm content
		hubspot cookie, hubspot utk, gclid, fbclid, how did you hear about us, how did you hear, referral source, referred by
		platform, ad, ad name, ad id, adset, ad set, ad set name, adset id, ad campaign, ad campaighn, campaign, campaign name, campaign id, created time
		form, form id, form name, lead id, raw data, page, page url, source, date, time, age, child age, childs age, student age, date of birth, dob, birthday
		level, skill level, experience, preferred day, preferred days, preferred time, preferred times, preferred location, best time to call
		best time to contact, company, website, subject`,
})

func meanings(lists map[meaning]string) map[string]meaning {
	all := map[string]meaning{}
	for what, list := range lists {
		for _, label := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == '\n' }) {
			if label = strings.TrimSpace(label); label != "" {
				all[label] = what
			}
		}
	}
	return all
}

var (
	students = names("student", "students", "child", "childs", "childrens", "swimmer", "swimmers", "participant")
	contacts = names("contact", "parent", "parents", "guardian", "guardians", "customer", "client", "lead")
)

// meaningOf says what a label asks for, and for a name how much it is the customer's: 2 a contact's or a parent's, 1 one's own, 0 a student's.
func meaningOf(label string) (what meaning, rank int) {
	key := canon(cut(label, maxLabel))
	rank = 1
	for word := range strings.SplitSeq(key, " ") {
		if students[word] {
			return known[key], 0
		}
		if contacts[word] {
			rank = 2
		}
	}
	return known[key], rank
}

func isKnown(label string) bool {
	if len(label) > 4*maxLabel {
		return false
	}
	_, ok := known[canon(label)]
	return ok
}

// formLines are the lines of a mail without marks of quoting, of emphasis and of tables' frames, and without the fields of a forwarded mail.
func formLines(text string) []string {
	var lines []string
	raw := strings.Split(text, "\n")
	for i, s := range raw {
		raw[i] = strings.TrimSpace(strings.TrimLeft(s, "> "))
	}
	for i := 0; i < len(raw); {
		if n := headerBlock(raw[i:]); n > 0 {
			i += n
			continue
		}
		s := strings.ReplaceAll(strings.ReplaceAll(raw[i], "**", ""), "__", "")
		if framed := s; notFrame(s) {
			s = strings.Trim(strings.TrimLeft(framed, "•·▪- "), "|* ")
			lines = append(lines, unglue(s)...)
		} else if !strings.Contains(s, "|") { // below the first row of a table
			lines = append(lines, "")
		}
		i++
	}
	return lines
}

// notFrame reports whether a line has more than the dashes, bars and colons of a table or a rule.
func notFrame(s string) bool { return strings.Trim(s, "-|+=_:* ") != "" }

// unglue cuts a line where a known label with its colon begins inside it: right after a letter or a digit ("...comPhone:"), or after a blank when
// the line begins with such a label too and what it asks for is short.
func unglue(s string) []string {
	var lines []string
	start := 0
	short := false
	for i := strings.IndexByte(s, ':'); i >= 0; {
		if at, glued := labelBefore(s[start:i]); at >= 0 {
			at += start
			if at > start && (glued || short) {
				lines = append(lines, strings.TrimSpace(s[start:at]))
				start = at
			}
			if at == start {
				what, _ := meaningOf(s[start:i])
				short = what != asText && what != asField
			}
		}
		next := strings.IndexByte(s[i+1:], ':')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return append(lines, strings.TrimSpace(s[start:]))
}

// labelBefore is where the longest known label at the end of s begins, and whether it is glued to what stands before it; -1 when there is none.
func labelBefore(s string) (at int, glued bool) {
	s = strings.TrimRight(s, " *")
	at = -1
	for i := len(s) - 1; i >= 0 && len(s)-i <= maxLabel && s[i] != ':'; i-- {
		before := byte(' ')
		if i > 0 {
			before = s[i-1]
		}
		edge := before == ' ' || '0' <= before && before <= '9' || 'a' <= before && before <= 'z' && 'A' <= s[i] && s[i] <= 'Z'
		if edge && isKnown(s[i:]) {
			at, glued = i, i > 0 && s[i-1] != ' '
		}
	}
	return at, glued
}

// answers reads the labels and their values from lines: on one line with a colon, a dash or a bar between, or the value below its label. Lines
// after the first answer that belong to none are one answer more, so that what stands below a label that nobody knows is not lost.
func answers(lines []string) []answer {
	var all []answer
	var rest []string
	open := false // the last answer may go on
	for i := 0; i < len(lines); i++ {
		s := lines[i]
		if s == "" {
			open = open && (all[len(all)-1].value == "" || text(all[len(all)-1].label))
			continue
		}
		if rows, n := table(lines[i:]); n > 0 {
			all, open = append(all, rows...), false
			i += n - 1
			continue
		}
		inText := open && text(all[len(all)-1].label)
		if label, value, ok := labelled(s); ok && !(inText && partOfText(label)) {
			all, open = append(all, answer{label, value}), value == "" || opens(label)
			continue
		}
		if !open && len(all) > 0 {
			rest = append(rest, s)
		}
		if open {
			last := &all[len(all)-1]
			last.value = cut(strings.TrimSpace(last.value+" "+s), maxFormValue)
			open = opens(last.label)
		}
	}
	all = append(all, answer{"Other", cut(strings.Join(rest, " "), maxFormValue)})
	return slices.DeleteFunc(all, func(a answer) bool {
		return a.value == "" || strings.EqualFold(a.label, "field") && strings.EqualFold(a.value, "value") // the first row of a table
	})
}

// opens reports whether a label asks for more than one line.
func opens(label string) bool {
	what, _ := meaningOf(label)
	return what == asText || what == asField
}

// text reports whether a label asks for a text, which has blank lines in it.
func text(label string) bool {
	what, _ := meaningOf(label)
	return what == asText
}

// partOfText reports whether what stands before a colon in a text is a part of it and no label: nobody knows it, and it is long or begins small.
func partOfText(label string) bool {
	first, _ := utf8.DecodeRuneInString(label)
	return !isKnown(label) && (unicode.IsLower(first) || len(strings.Fields(label)) > 4)
}

// labelled takes a line apart. A label that nobody knows counts with a colon or in the first of two cells alone.
func labelled(s string) (label, value string, ok bool) {
	if before, after, found := strings.Cut(s, " | "); found {
		before, after = strings.Trim(before, " :*|"), strings.Trim(after, " |")
		if isKnown(before) || likeLabel(before) {
			return before, after, true
		}
	}
	if before, after, found := strings.Cut(s, ":"); found {
		before, after = strings.Trim(before, " *"), strings.Trim(after, " *")
		if isKnown(before) || likeLabel(before) && !strings.HasPrefix(after, "//") && !between(s, len(before)) {
			return before, after, true
		}
	}
	for _, dash := range []string{" - ", " – ", " — "} {
		if before, after, found := strings.Cut(s, dash); found && isKnown(before) {
			return strings.TrimSpace(before), strings.TrimSpace(after), true
		}
	}
	if isKnown(s) && len(s) <= maxLabel {
		return strings.Trim(s, " :*"), "", true
	}
	return "", "", false
}

// between reports a colon between two digits, as a time of day has it.
func between(s string, colon int) bool {
	return colon > 0 && colon+1 < len(s) && s[colon] == ':' && unicode.IsDigit(rune(s[colon-1])) && unicode.IsDigit(rune(s[colon+1]))
}

// likeLabel reports whether s may be a label: a few words that begin with a letter, and no sentence, address or number.
func likeLabel(s string) bool {
	if s == "" || len([]rune(s)) > maxLabel || len(strings.Fields(s)) > 8 || strings.ContainsAny(s, "@.,;!\"<>") || strings.Contains(s, "//") {
		return false
	}
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, "¿#"))
	return unicode.IsLetter(first)
}

// table reads a row of known labels with as many values in the row below, or a row in which known labels and values take turns. It returns how many
// lines it has read.
func table(lines []string) ([]answer, int) {
	labels := cells(lines[0])
	if len(labels) < 2 {
		return nil, 0
	}
	if rows := pairs(labels); rows != nil {
		return rows, 1
	}
	if len(lines) < 2 || slices.ContainsFunc(labels, func(s string) bool { return !isKnown(s) }) {
		return nil, 0
	}
	values := cells(lines[1])
	if len(labels) != len(values) || len(labels) == 2 && isKnown(values[0]) { // which is a table with its labels in the first column
		return nil, 0
	}
	rows := make([]answer, len(labels))
	for i := range labels {
		rows[i] = answer{labels[i], values[i]}
	}
	return rows, 2
}

// pairs reads cells in which known labels and values take turns, two pairs at least; nil when they do not.
func pairs(cells []string) []answer {
	if len(cells) < 4 || len(cells)%2 != 0 {
		return nil
	}
	var rows []answer
	for i := 0; i < len(cells); i += 2 {
		if !isKnown(cells[i]) || isKnown(cells[i+1]) {
			return nil
		}
		rows = append(rows, answer{strings.Trim(cells[i], " :*"), cells[i+1]})
	}
	return rows
}

func cells(s string) []string {
	all := strings.Split(s, "|")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}
