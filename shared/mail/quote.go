package mail

import (
	"regexp"
	"slices"
	"strings"
)

// said is what the sender wrote themselves, in the order in which they wrote it: lines that quote are left out wherever they stand, and so are
// the lines that introduce them and signatures. Where a client begins a quote without marking its lines, the rest is the quote. A mail that
// has nothing else is kept whole.
func said(text string) string {
	lines := strings.Split(text, "\n")
	var kept []string
	spoke := false
	for i := 0; i < len(lines); {
		if n, rest := quoteAt(lines[i:]); n > 0 {
			if i += n; rest {
				break
			}
			continue
		}
		if n := signatureAt(lines[i:], spoke); n > 0 {
			i += n
			continue
		}
		spoke = spoke || lines[i] != ""
		kept = append(kept, lines[i])
		i++
	}
	if mine := strings.TrimSpace(tidy(strings.Join(kept, "\n"))); mine != "" {
		return cut(mine, MaxText)
	}
	return cut(whole(text), MaxText)
}

// quoteAt is how many lines at the beginning quote or introduce a quote, and whether all that follows belongs to it.
func quoteAt(lines []string) (n int, rest bool) {
	switch {
	case strings.HasPrefix(lines[0], string(markQuote)):
		return 1, true
	case quoted(lines[0]):
		return 1, false
	}
	if n = introduction(lines); n == 0 {
		return 0, false
	}
	for _, next := range lines[n:] {
		if next != "" {
			return n, !quoted(next)
		}
	}
	return n, true
}

// quoted reports whether a line is marked as another's.
func quoted(line string) bool { return strings.HasPrefix(strings.TrimLeft(line, " "), ">") }

// separators are what clients write between dashes above what they quote or forward, and forwards what they write there before a colon.
var (
	separators = names("original message", "original appointment", "forwarded message", "reply message", "ursprüngliche nachricht",
		"weitergeleitete nachricht", "mensaje original", "mensaje reenviado", "message d'origine", "message original", "message transféré",
		"mensagem original", "mensagem encaminhada", "messaggio originale", "messaggio inoltrato", "oorspronkelijk bericht", "doorgestuurd bericht")
	forwards = names("begin forwarded message", "anfang der weitergeleiteten nachricht", "début du message réexpédié", "début du message transféré",
		"inicio del mensaje reenviado", "início da mensagem encaminhada")
)

// separates reports whether a line is one of them.
func separates(line string) bool {
	line = strings.TrimSpace(line)
	if len(line) > 120 {
		return false
	}
	if before, colon := strings.CutSuffix(line, ":"); colon {
		return forwards[strings.ToLower(strings.TrimSpace(before))]
	}
	if !strings.HasPrefix(line, "--") || !strings.HasSuffix(line, "--") {
		return false
	}
	inner := strings.ToLower(strings.Trim(line, "- "))
	return separators[inner] || strings.HasPrefix(inner, "forwarded by ")
}

// ruled reports whether a line is the one that Outlook draws.
func ruled(line string) bool {
	line = strings.TrimSpace(line)
	return len(line) >= 8 && strings.Trim(line, "_") == ""
}

// introduction is how many lines at the beginning say that a quote follows; 0 when they do not.
func introduction(lines []string) int {
	switch {
	case separates(lines[0]):
		return 1 + headerBlock(skipBlank(lines[1:], 2))
	case ruled(lines[0]):
		after := skipBlank(lines[1:], 2)
		if n := headerBlock(after); n > 0 {
			return len(lines) - len(after) + n
		}
		return 0
	}
	if n := headerBlock(lines); n > 0 {
		return n
	}
	return attribution(lines)
}

func skipBlank(lines []string, most int) []string {
	for most > 0 && len(lines) > 0 && lines[0] == "" {
		lines, most = lines[1:], most-1
	}
	return lines
}

var (
	// openings are the first words of a line that says who wrote what follows, and closes is how it ends, in the languages whose clients we meet.
	openings = names("on", "el", "am", "le", "em", "il", "op", "den")
	closes   = regexp.MustCompile(`(?i)(?:\bwrote|\bwrites|\bescribi[oó]|\ba [ée]crit|\bha scritto|\b(?:schrieb|schreef|skrev|escreveu)\b.{0,200})\s*:\s*$`)
	// dated is a time, a year, a date or an address, one of which each such line has; a person's "On the phone she wrote:" has none.
	dated = regexp.MustCompile(`@|\b\d{1,2}[:.h]\d{2}\b|\b20\d\d\b|\b\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b`)
)

// attribution is how many lines at the beginning are "On ... wrote:" or its like, which clients wrap; 0 when there is none.
func attribution(lines []string) int {
	if first, _, _ := strings.Cut(strings.TrimLeft(lines[0], " "), " "); len(first) > 3 || !openings[strings.ToLower(first)] {
		if strings.HasSuffix(lines[0], ":") && len(lines[0]) < 400 && strings.Contains(lines[0], "@") && closes.MatchString(lines[0]) {
			return 1 // "School <hello@school.test> escreveu:"
		}
		return 0
	}
	joined := ""
	for i, next := range lines[:min(len(lines), 4)] {
		if next == "" || len(joined)+len(next) > 600 {
			return 0
		}
		joined += " " + next
		if strings.HasSuffix(next, ":") && closes.MatchString(joined) {
			if dated.MatchString(joined) {
				return i + 1
			}
			return 0
		}
	}
	return 0
}

// The labels of the fields of a quoted mail.
var (
	fromLabels    = names("from", "von", "de", "da", "van", "från")
	subjectLabels = names("subject", "betreff", "asunto", "objet", "assunto", "oggetto", "onderwerp", "ämne")
	otherLabels   = names("sent", "date", "to", "cc", "reply-to", "importance", "attachments", "gesendet", "datum", "an", "enviado", "enviado el", "enviado em",
		"enviada", "enviada em", "fecha", "para", "envoyé", "à", "data", "inviato", "a", "verzonden", "aan")
)

// labelOf is what stands before a colon at the beginning of a line, in lower case and without emphasis; "" when that is no short word.
func labelOf(line string) string {
	line = strings.TrimLeft(line, " *")
	colon := strings.IndexByte(line[:min(len(line), 24)], ':')
	if colon < 0 || colon+1 < len(line) && line[colon+1] != ' ' && line[colon+1] != '*' {
		return ""
	}
	return strings.ToLower(strings.TrimRight(line[:colon], " *"))
}

// headerBlock is how many lines at the beginning are the fields of a quoted mail: From, and at least two of Sent, To and Subject right after it,
// in one of several languages. Without an address in From one of them is Subject: "From: Monday, To: Friday" is something else.
func headerBlock(lines []string) int {
	if len(lines) == 0 || !fromLabels[labelOf(lines[0])] {
		return 0
	}
	last, found, mail := 0, 0, strings.Contains(lines[0], "@")
	for i, next := range lines[1:min(len(lines), 12)] {
		if next == "" && found > 0 || i-last > 2 {
			break
		}
		if label := labelOf(next); otherLabels[label] || subjectLabels[label] {
			last, found = i+1, found+1
			mail = mail || subjectLabels[label]
		}
	}
	if found < 2 || !mail {
		return 0
	}
	return last + 1
}

// What telephones and programs sign with: a line that begins with one of signings, or says that it was sent from something of devices.
var (
	signings = []string{"get outlook for ", "get yahoo mail for ", "enviado desde mi ", "enviado desde outlook", "enviado desde yahoo", "enviado do meu ",
		"enviado do outlook", "enviado do yahoo", "enviado a partir do ", "obtener outlook para ", "obter o outlook para ", "outlook für ", "von meinem ",
		"gesendet von ", "gesendet mit ", "diese nachricht wurde von meinem ", "holen sie sich outlook für ", "envoyé de ", "envoyé depuis ",
		"envoyé à partir de ", "télécharger outlook pour ", "téléchargez outlook pour ", "obtenir outlook pour ", "inviato da ", "inviato dal ", "verzonden vanaf ",
		"verzonden met ", "verzonden via "}
	sent    = []string{"sent from ", "sent via ", "sent by ", "sent with ", "sent using ", "send from "}
	devices = names("iphone", "ipad", "ipod", "galaxy", "samsung", "android", "phone", "smartphone", "mobile", "tablet", "device", "blackberry", "pixel",
		"verizon", "t-mobile", "at&t", "xfinity", "huawei", "xiaomi", "motorola", "nokia", "windows", "mail", "outlook", "yahoo", "aol", "gmail", "spark",
		"superhuman", "proton")
)

const maxSigning = 110 // bytes of such a line

func signedByDevice(line string) bool {
	line = strings.TrimLeft(line, " *_([")
	if line == "" || len(line) > maxSigning || !strings.ContainsRune("sgeodhvtiSGEODHVTI", rune(line[0])) {
		return false
	}
	line = strings.ToLower(line)
	begins := func(with string) bool { return strings.HasPrefix(line, with) }
	if slices.ContainsFunc(signings, begins) {
		return true
	}
	if !slices.ContainsFunc(sent, begins) {
		return false
	}
	said := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" .,*_)]", r) })
	return slices.ContainsFunc(said[2:min(len(said), 8)], func(word string) bool { return devices[word] })
}

// signatureAt is how many lines at the beginning are a signature. One that "-- " begins goes on to the quote below it or the end, and where
// nobody has spoken yet, to the next blank line: who signs first and writes then is still read.
func signatureAt(lines []string, spoke bool) int {
	switch first := lines[0]; {
	case strings.HasPrefix(first, string(markSignature)):
		return 1
	case signedByDevice(first):
		return 1
	case strings.TrimRight(first, " ") != "--":
		return 0
	}
	for i := 1; i < len(lines); i++ {
		if n, _ := quoteAt(lines[i:]); n > 0 || lines[i] == "" && i > 1 && !spoke {
			return i
		}
	}
	return len(lines)
}
