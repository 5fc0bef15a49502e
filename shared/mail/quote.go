package mail

import (
	"regexp"
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

// separator is a line that clients put above what they quote or forward.
var separator = regexp.MustCompile(`(?i)^\s*(?:-{2,}\s*(?:original message|original appointment|forwarded message|forwarded by .{0,80}|reply message|` +
	`ursprüngliche nachricht|weitergeleitete nachricht|mensaje original|mensaje reenviado|message d'origine|message original|message transféré|` +
	`mensagem original|mensagem encaminhada|messaggio originale|messaggio inoltrato|oorspronkelijk bericht|doorgestuurd bericht)\s*-{2,}|` +
	`begin forwarded message:|anfang der weitergeleiteten nachricht:|début du message (?:réexpédié|transféré)\s*:|inicio del mensaje reenviado:|` +
	`início da mensagem encaminhada:)\s*$`)

// rule is the line that Outlook draws.
var rule = regexp.MustCompile(`^\s*_{8,}\s*$`)

// introduction is how many lines at the beginning say that a quote follows; 0 when they do not.
func introduction(lines []string) int {
	switch {
	case separator.MatchString(lines[0][:min(len(lines[0]), 200)]):
		return 1 + headerBlock(skipBlank(lines[1:], 2))
	case rule.MatchString(lines[0][:min(len(lines[0]), 200)]):
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
	// opening is how a line begins that says who wrote what follows, and closes how it ends, in the languages whose clients we meet.
	opening = regexp.MustCompile(`(?i)^\s*(?:on|el|am|le|em|il|op|den)\s`)
	closes  = regexp.MustCompile(`(?i)(?:\bwrote|\bwrites|\bescribi[oó]|\ba [ée]crit|\bha scritto|\b(?:schrieb|schreef|skrev|escreveu)\b.{0,200})\s*:\s*$`)
	// dated is a time, a year, a date or an address, one of which each such line has; a person's "On the phone she wrote:" has none.
	dated = regexp.MustCompile(`@|\b\d{1,2}[:.h]\d{2}\b|\b20\d\d\b|\b\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b`)
)

// attribution is how many lines at the beginning are "On ... wrote:" or its like, which clients wrap; 0 when there is none.
func attribution(lines []string) int {
	if !opening.MatchString(lines[0][:min(len(lines[0]), 20)]) {
		if n := len(lines[0]); n < 400 && strings.HasSuffix(lines[0], ":") && strings.Contains(lines[0], "@") && closes.MatchString(lines[0]) {
			return 1 // "School <hello@school.test> escreveu:"
		}
		return 0
	}
	joined := ""
	for i, next := range lines[:min(len(lines), 4)] {
		joined += " " + next
		if next == "" || len(joined) > 600 {
			return 0
		}
		if closes.MatchString(joined) {
			if dated.MatchString(joined) {
				return i + 1
			}
			return 0
		}
	}
	return 0
}

var (
	fromLabel  = label(`from|von|de|da|van|från`)
	otherLabel = label(`sent|date|to|cc|reply-to|importance|attachments|gesendet|datum|an|enviado(?: el| em)?|enviada(?: em)?|fecha|para|envoyé|` +
		`à|data|inviato|a|verzonden|aan|` + subjects)
	subjectLabel = label(subjects)
)

const subjects = `subject|betreff|asunto|objet|assunto|oggetto|onderwerp|ämne`

func label(words string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)^\s*\*{0,2}(?:` + words + `)\s*:\*{0,2}(?:\s|$)`)
}

// headerBlock is how many lines at the beginning are the fields of a quoted mail: From, and at least two of Sent, To and Subject right after it,
// in one of several languages. Without an address in From one of them is Subject: "From: Monday, To: Friday" is something else.
func headerBlock(lines []string) int {
	if len(lines) == 0 || !fromLabel.MatchString(lines[0][:min(len(lines[0]), 40)]) {
		return 0
	}
	last, found, mail := 0, 0, strings.Contains(lines[0], "@")
	for i, next := range lines[1:min(len(lines), 12)] {
		if next == "" && found > 0 || i-last > 2 {
			break
		}
		if otherLabel.MatchString(next[:min(len(next), 40)]) {
			last, found = i+1, found+1
			mail = mail || subjectLabel.MatchString(next[:min(len(next), 40)])
		}
	}
	if found < 2 || !mail {
		return 0
	}
	return last + 1
}

// device is the line with which telephones and programs sign.
var device = regexp.MustCompile(`(?i)^\s*(?:[*_(\[]{0,2})(?:` +
	`(?:sent|send) (?:from|via|by|with|using) .{0,30}\b(?:iphone|ipad|ipod|galaxy|samsung|android|phone|smartphone|mobile|tablet|device|` +
	`blackberry|pixel|verizon|t-mobile|at&t|xfinity|huawei|xiaomi|motorola|nokia|windows|mail|outlook|yahoo|aol|gmail|spark|superhuman|proton)\b.{0,60}|` +
	`get outlook for .{0,60}|get .{0,20}\bmail for mobile.{0,40}|` +
	`enviado (?:desde|do|de|a partir do) (?:mi|meu|mon|outlook|yahoo|gmail|correo|samsung|mail|e-mail)\b.{0,60}|` +
	`obtener outlook para .{0,60}|obter o outlook para .{0,60}|outlook für .{0,60} beziehen|holen sie sich outlook für .{0,60}|` +
	`(?:von meinem|von unterwegs|gesendet von|gesendet mit|diese nachricht wurde von meinem) .{0,80}|` +
	`envoyé (?:de|depuis|à partir de) .{0,60}|télécharge[zr] outlook pour .{0,60}|obtenir outlook pour .{0,60}|` +
	`inviato da(?:l mio)? .{0,60}|verzonden (?:vanaf|met|via) .{0,60})[*_)\]]{0,2}\s*$`)

// signatureAt is how many lines at the beginning are a signature. One that "-- " begins goes on to the quote below it or the end, and where
// nobody has spoken yet, to the next blank line: who signs first and writes then is still read.
func signatureAt(lines []string, spoke bool) int {
	switch first := lines[0]; {
	case strings.HasPrefix(first, string(markSignature)):
		return 1
	case len(first) < 160 && device.MatchString(first):
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
