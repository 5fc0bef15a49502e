// Package mail says what a mail says, who may be answered, and how an answer is written. It is pure: bytes in, values out, no network, no
// files, no clock.
//
// What comes in was written by strangers. Whatever can be read of it is read, in time and memory that grow with its size and no faster; what
// is kept is bounded, valid UTF-8, and free of control characters and of those that nobody sees. enmime reads fields, parts, transfer
// encodings, charsets, addresses and media types, which it forgives more than the standard library does. It has few bounds, and so it is
// given no more than it can read in proportion; what it cannot read at all counts as plain text.
package mail

import (
	"bytes"
	"errors"
	"fmt"
	netmail "net/mail"
	"slices"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// What is read and kept of a mail.
const (
	MaxRaw   = 4 << 20 // bytes of a mail that Parse looks at; nothing that it keeps stands further back but by chance
	MaxText  = 10_000  // characters of Said
	MaxWhole = 50_000  // characters of Whole

	maxSubject     = 500 // characters of a subject and of a name
	maxAttachments = 100
)

// Address is a mailbox as a header names it.
type Address struct {
	Name  string // may be empty
	Email string // in lower case, one bare address; "" when there is none that can be written to
}

// Attachment is a part of a mail that is not its text. The name of its file is not kept: a stranger wrote it.
type Attachment struct {
	Type string // media type in lower case
	Size int64  // bytes, decoded, as far as they are there
}

// Message is what Parse reads. What a mail does not have is the zero value.
type Message struct {
	From       Address
	ReplyTo    Address  // zero when absent or not exactly one address
	To, Cc     []string // addresses only, at most a hundred each
	Via        []string // the mailboxes that have passed it on by themselves, as Gmail says of forwarding
	Subject    string   // one line
	MessageID  string   // with its <>, as all ids; a malformed one is left out
	InReplyTo  string
	References []string
	Date       time.Time

	Said        private.Text // what the sender wrote: without what they quote and their signature; at most MaxText characters
	Whole       private.Text // all of the text, with lines that begin with > where HTML quotes; at most MaxWhole characters
	Attachments []Attachment // at most a hundred

	Automatic       string // why it was not written by a person, one of the reasons below; "" for a person
	Unauthenticated bool   // Gmail found that the domain of From did not send it, and the domain has a policy about that (DMARC)
}

// ErrEmpty is what Parse answers when there is nothing to read.
var ErrEmpty = errors.New("the mail is empty")

// Parse reads a mail of RFC 5322 and MIME, which may be cut off anywhere and broken in any way: what can be read of its first MaxRaw bytes
// counts. It returns ErrEmpty for nothing but white space. Errors say what is wrong and never what the mail says.
func Parse(raw []byte) (*Message, error) { return parse(raw, read) }

func parse(raw []byte, read reader) (m *Message, err error) {
	defer func() {
		if broken := recover(); broken != nil { // a defect of a library: its value may quote the mail
			m, err = nil, fmt.Errorf("the mail could not be read: %T while parsing", broken)
		}
	}()
	raw = bytes.TrimPrefix(raw[:min(len(raw), MaxRaw)], []byte("\xEF\xBB\xBF"))
	raw = bytes.TrimLeft(raw, "\r\n")
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, ErrEmpty
	}
	h, w, text := read.all(raw)
	m = h.message()
	m.Attachments = w.attachments
	m.Whole = private.NewText(whole(text))
	m.Said = private.NewText(said(cut(text, MaxWhole)))
	m.Automatic = automatic(h, m, w)
	return m, nil
}

// via are the addresses that Gmail writes into what it forwards by itself: from whom, and to whom.
func via(h header) (all []string) {
	for _, field := range append(h["x-forwarded-for"], h["x-forwarded-to"]...) {
		for _, word := range strings.FieldsFunc(field, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' }) {
			if email := bare(word); email != "" && len(all) < maxAddresses {
				all = append(all, email)
			}
		}
	}
	return all
}

// message is what the fields say.
func (h header) message() *Message {
	m := &Message{
		To: emails(h["to"]), Cc: emails(h["cc"]), Via: via(h),
		Subject:   cut(decodeWords(h.first("subject")), maxSubject),
		MessageID: firstID(h.first("message-id")), InReplyTo: firstID(h.first("in-reply-to")),
		References:      ids(h.first("references")),
		Unauthenticated: unauthenticated(h.first("authentication-results")),
	}
	if from := addresses(h.first("from")); len(from) > 0 {
		m.From = from[0]
	}
	if to := addresses(h.first("reply-to")); len(to) == 1 && len(h["reply-to"]) == 1 && to[0].Email != "" {
		m.ReplyTo = to[0]
	}
	if date, err := netmail.ParseDate(h.first("date")); err == nil {
		m.Date = date.UTC()
	}
	return m
}

// ReplyAddress is where an answer goes: Reply-To if it is one address, else From.
func (m *Message) ReplyAddress() Address {
	if m.ReplyTo.Email != "" {
		return m.ReplyTo
	}
	return m.From
}

// unauthenticated reads the topmost Authentication-Results (RFC 8601), which Gmail adds above whatever the sender brought along. Any other
// server's word counts for nothing.
func unauthenticated(results string) bool {
	parts := strings.Split(strings.ToLower(uncomment(results)), ";")
	if server, _, _ := strings.Cut(strings.TrimSpace(parts[0])+" ", " "); server != "mx.google.com" {
		return false
	}
	return slices.ContainsFunc(parts[1:], func(result string) bool {
		method, rest, _ := strings.Cut(result, "=")
		verdict, _, _ := strings.Cut(strings.TrimSpace(rest)+" ", " ")
		return strings.TrimSpace(method) == "dmarc" && verdict == "fail"
	})
}

// uncomment leaves out comments in parentheses, nested ones too.
func uncomment(s string) string {
	var out strings.Builder
	depth, quoted := 0, false
	for _, r := range s {
		switch {
		case r == '"' && depth == 0:
			quoted = !quoted
			out.WriteRune(r)
		case r == '(' && !quoted:
			depth++
		case r == ')' && !quoted && depth > 0:
			depth--
		case depth == 0:
			out.WriteRune(r)
		}
	}
	return out.String()
}
