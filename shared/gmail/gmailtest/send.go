package gmailtest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
)

// outgoing is a mail that goes out.
type outgoing struct {
	*message
	to     []string
	thread string // "" for one of its own
}

// wireMessage is a mail as it is given to send or draft.
type wireMessage struct{ Raw, ThreadID string }

func (s *Server) send(w http.ResponseWriter, in request) {
	var asked wireMessage
	o, ok := s.checked(w, in, &asked, &asked)
	if !ok {
		return
	}
	now := s.Now()
	s.mu.Lock()
	notices := s.deliver(in.box, now, o)
	s.mu.Unlock()
	s.tell(notices...)
	s.maybeLose()
	googletest.Say(w, http.StatusOK, map[string]any{"id": o.ID, "threadId": o.ThreadID, "labelIds": o.Labels})
}

func (s *Server) draft(w http.ResponseWriter, in request) {
	var asked struct{ Message wireMessage }
	o, ok := s.checked(w, in, &asked, &asked.Message)
	if !ok {
		return
	}
	now := s.Now()
	s.mu.Lock()
	s.put(in.box, now, o.message, o.thread, "DRAFT")
	id := fmt.Sprintf("r-%d", s.n)
	s.mu.Unlock()
	s.maybeLose()
	googletest.Say(w, http.StatusOK, map[string]any{"id": id, "message": map[string]any{"id": o.ID, "threadId": o.ThreadID, "labelIds": o.Labels}})
}

func (s *Server) maybeLose() {
	s.mu.Lock()
	lost := s.lose > 0
	if lost {
		s.lose--
	}
	s.mu.Unlock()
	if lost {
		panic(http.ErrAbortHandler)
	}
}

// checked reads a mail that is to go out; it has been answered when it was not ok.
func (s *Server) checked(w http.ResponseWriter, in request, body any, asked *wireMessage) (o outgoing, ok bool) {
	if err := json.NewDecoder(in.Body).Decode(body); err != nil {
		s.refuse(w, http.StatusBadRequest, "badRequest", "a mail in no JSON")
		return o, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(asked.Raw, "="))
	if err == nil {
		o, err = checkedMail(raw, in.box.address)
	}
	if err != nil {
		s.refuse(w, http.StatusBadRequest, "invalidArgument", "a mail that must not go out: "+err.Error())
		return o, false
	}
	s.mu.Lock()
	there := asked.ThreadID == "" || slices.ContainsFunc(in.box.messages, func(m *message) bool { return m.ThreadID == asked.ThreadID })
	o.thread = in.box.joins(o.message, asked.ThreadID)
	s.mu.Unlock()
	if !there {
		googletest.Fail(w, http.StatusNotFound, "notFound")
	}
	return o, there
}

// single are the header fields that a mail has once at most (RFC 5322, 3.6). We write no Bcc: one can only have been smuggled in.
var single = []string{"From", "To", "Cc", "Subject", "Message-Id", "In-Reply-To", "References", "Date", "Reply-To", "Sender"}

// checkedMail is a mail that is fit to be sent by an address.
func checkedMail(raw []byte, from string) (o outgoing, err error) {
	if err := checkedLines(raw); err != nil {
		return o, err
	}
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return o, errors.New("it cannot be parsed")
	}
	for name, values := range parsed.Header {
		if slices.Contains(single, textproto.CanonicalMIMEHeaderKey(name)) && len(values) > 1 || strings.EqualFold(name, "Bcc") {
			return o, fmt.Errorf("its header has %d of %s", len(values), name)
		}
	}
	senders, err := parsed.Header.AddressList("From")
	if err != nil || len(senders) != 1 || key(senders[0].Address) != key(from) {
		return o, errors.New("it is not from the mailbox's address, which Gmail would put in its place")
	}
	o.message = read(raw)
	for _, name := range []string{"To", "Cc"} {
		list, err := parsed.Header.AddressList(name)
		if err != nil && (name == "To" || !errors.Is(err, mail.ErrHeaderNotPresent)) {
			return o, fmt.Errorf("its %s cannot be read", name)
		}
		for _, a := range list {
			o.to = append(o.to, a.Address)
		}
	}
	return o, nil
}

// checkedLines wants lines that end as RFC 5322 has it, and a header in ASCII.
func checkedLines(raw []byte) error {
	plain := bytes.ReplaceAll(raw, []byte("\r\n"), nil)
	header, _, whole := bytes.Cut(raw, []byte("\r\n\r\n"))
	switch {
	case bytes.ContainsAny(plain, "\r\n"):
		return errors.New("it has a bare CR or LF")
	case !whole:
		return errors.New("its header does not end")
	case bytes.ContainsFunc(header, func(r rune) bool { return r > 126 || r < ' ' && r != '\r' && r != '\n' && r != '\t' }):
		return errors.New("its header has what is not ASCII")
	}
	for _, line := range bytes.Split(raw, []byte("\r\n")) {
		if len(line) > 998 {
			return errors.New("it has a line of more than 998 bytes")
		}
	}
	return nil
}

// joins is the thread that a mail joins: the one that was asked for if it answers a message there with the same subject, else "" for its own.
func (b *mailbox) joins(m *message, thread string) string {
	for _, other := range b.messages {
		if other.ThreadID == thread && other.messageID != "" && slices.Contains(m.references, other.messageID) && other.subject == m.subject {
			return thread
		}
	}
	return ""
}

// deliver puts a mail among those that were sent, and into the mailboxes of those that it is to. The caller holds the mutex, and tells the notices.
func (s *Server) deliver(from *mailbox, now time.Time, o outgoing) (notices []notice) {
	s.name(o.message)
	labels := []string{"SENT"}
	if slices.ContainsFunc(o.to, func(to string) bool { return key(to) == key(from.address) }) {
		labels = []string{"UNREAD", "SENT", "INBOX"}
	}
	notices = append(notices, s.put(from, now, o.message, o.thread, labels...))
	for _, to := range o.to {
		b, copied := s.boxes[key(to)], read(o.Raw)
		switch {
		case b == from:
		case b == nil:
			s.outbox[key(to)] = append(s.outbox[key(to)], o.Raw)
		default:
			notices = append(notices, s.put(b, now, copied, b.threadOf(copied), "UNREAD", "INBOX"))
		}
	}
	return notices
}

// name gives a mail without a Message-ID one, as Gmail does.
func (s *Server) name(m *message) {
	if m.messageID == "" {
		m.messageID = fmt.Sprintf("<made-by-gmail-%d@mail.gmail.test>", s.n)
		m.Raw = append([]byte("Message-ID: "+m.messageID+"\r\n"), m.Raw...)
	}
}
