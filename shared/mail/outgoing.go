package mail

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"mime/quotedprintable"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Outgoing is an answer to be sent as plain text.
type Outgoing struct {
	From, To   Address
	Subject    string
	MessageID  string   // with its <>; see MessageIDOf
	InReplyTo  string   // what is answered; "" when that has no id
	References []string // the thread so far, oldest first; InReplyTo is added when it is not the last, and a long thread loses its middle
	Text       private.Text
	Date       time.Time
	Automatic  bool // says so in the header, so that no machine answers it (RFC 3834)
}

// What Bytes refuses. None of them repeats what it refuses.
var (
	ErrLineBreak = errors.New("a field of the mail's header has a line break or another control character in it")
	ErrAddress   = errors.New("sender and recipient of the mail must each be one address")
	ErrID        = errors.New("the ids of a mail must look like <left@right>")
	ErrNoText    = errors.New("the mail has no text")
	ErrNoDate    = errors.New("the mail has no date")
)

// Bytes writes the mail as RFC 5322 and 2045 want it, in lines that end with CRLF. It is deterministic. It returns one of the errors above for
// what must not be sent.
func (o Outgoing) Bytes() ([]byte, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	put := func(name, value string) {
		if value != "" {
			out.WriteString(name + ": " + value + "\r\n")
		}
	}
	put("Date", o.Date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	put("From", mailbox(o.From))
	put("To", mailbox(o.To))
	put("Message-ID", o.MessageID)
	put("In-Reply-To", o.InReplyTo)
	put("References", strings.Join(o.thread(), "\r\n "))
	put("Subject", phrase(o.Subject))
	if o.Automatic {
		put("Auto-Submitted", "auto-replied")
		put("X-Auto-Response-Suppress", "All")
	}
	put("MIME-Version", "1.0")
	put("Content-Type", "text/plain; charset=utf-8")
	put("Content-Transfer-Encoding", "quoted-printable")
	out.WriteString("\r\n")
	body := quotedprintable.NewWriter(&out)
	_, _ = body.Write([]byte(crlf(o.Text.Reveal()) + "\r\n")) // a buffer takes everything
	_ = body.Close()
	return out.Bytes(), nil
}

func (o Outgoing) check() error {
	for _, value := range append([]string{o.From.Name, o.From.Email, o.To.Name, o.To.Email, o.Subject, o.MessageID, o.InReplyTo}, o.References...) {
		if strings.ContainsFunc(value, unicode.IsControl) || strings.ContainsAny(value, "\u2028\u2029") || !utf8.ValidString(value) {
			return ErrLineBreak
		}
	}
	for _, email := range []string{o.From.Email, o.To.Email} {
		if email == "" || bare(email) != strings.ToLower(email) {
			return ErrAddress
		}
	}
	for _, id := range append([]string{o.MessageID, cmp.Or(o.InReplyTo, o.MessageID)}, o.References...) {
		if !validID(id) {
			return ErrID
		}
	}
	switch {
	case strings.TrimSpace(o.Text.Reveal()) == "":
		return ErrNoText
	case o.Date.IsZero():
		return ErrNoDate
	}
	return nil
}

// maxThread is how many ids an answer refers to.
const maxThread = 20

// thread is References with what is answered at its end: the first id and the last ones, as RFC 5537 3.4.4 wants it for long threads.
func (o Outgoing) thread() []string {
	all := slices.Clone(o.References)
	if o.InReplyTo != "" && (len(all) == 0 || all[len(all)-1] != o.InReplyTo) {
		all = append(all, o.InReplyTo)
	}
	if len(all) > maxThread {
		all = append(all[:1], all[len(all)-maxThread+1:]...)
	}
	return all
}

func mailbox(a Address) string {
	if a.Name == "" {
		return a.Email
	}
	name := phrase(a.Name)
	if name == a.Name {
		name = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	return name + "\r\n <" + a.Email + ">"
}

// phrase is a text of a header: as it is when it is short and ASCII, else in encoded words of RFC 2047, each of whole characters and on a line
// of at most 76.
func phrase(s string) string {
	plain := len(s) <= 60 && !strings.Contains(s, "=?") && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
	if plain {
		return s
	}
	var words []string
	for rest := s; rest != ""; {
		n := 0
		for n < len(rest) {
			_, size := utf8.DecodeRuneInString(rest[n:])
			if n+size > 39 {
				break
			}
			n += size
		}
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(rest[:n]))+"?=")
		rest = rest[n:]
	}
	return strings.Join(words, "\r\n ")
}

func crlf(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(s, "\uFFFD"))
	return strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\r\n")
}

// answering is what clients of several languages put before the subject of an answer or a forwarded mail.
var answering = regexp.MustCompile(`(?i)^\s*(?:re|fwd?|fyi|aw|wg|sv|vs|antw|rv|res|tr|enc|rif|ré)\s*(?:[\[(^]\s*\d{1,4}\s*[\])]?)?\s*[:：]\s*`)

// bareSubject is a subject without the marks of answering and forwarding in front of it.
func bareSubject(subject string) string {
	for {
		at := answering.FindStringIndex(subject)
		if at == nil {
			return strings.TrimSpace(subject)
		}
		subject = subject[at[1]:]
	}
}

// ReplySubject is the subject of an answer: one "Re: " in front, and none of the marks that were there. "Re:" answers a mail without a subject.
func ReplySubject(subject string) string {
	return strings.TrimSpace("Re: " + bareSubject(cut(oneLine(subject), maxSubject)))
}

// MessageIDOf is the id of the answer that token names, in domain: the same in every attempt to send it.
func MessageIDOf(token, domain string) string {
	domain = strings.ToLower(strings.TrimSpace(domain))
	if id := "<x@" + domain + ">"; !validID(id) || strings.ContainsAny(domain, `@,;:()"[]\`) {
		domain = "mail.invalid" // RFC 2606: nobody's
	}
	return "<" + idMark + hex.EncodeToString([]byte(token)) + "@" + domain + ">"
}

// idMark begins our ids.
const idMark = "cc-"

// TokenOf is the token of an id that MessageIDOf made, "" for any other.
func TokenOf(id string) string {
	written, ours := strings.CutPrefix(id, "<"+idMark)
	written, _, _ = strings.Cut(written, "@")
	token, err := hex.DecodeString(written)
	if !ours || err != nil {
		return ""
	}
	return string(token)
}
