package gmailtest

import (
	"bytes"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
)

// firstHistory is where the history of a mailbox begins.
const firstHistory = 1000

// mailbox is an account's.
type mailbox struct {
	address   string
	messages  []*message
	records   []record
	historyID uint64
	oldest    uint64 // start ids before it are too old
	topic     string
	watchEnds time.Time
	units     int
	asked     map[Call]int
}

// record is a message that was added, at a point of the history.
type record struct {
	id      uint64
	message string
	thread  string
	labels  []string
}

type message struct {
	Message
	historyID  uint64
	messageID  string // with its brackets
	references []string
	subject    string
}

// Message is a message in a mailbox.
type Message struct {
	ID, ThreadID string
	Labels       []string
	Received     time.Time
	Raw          []byte
}

// notice is one that has to be told of once the mutex is free.
type notice struct {
	topic, address string
	historyID      uint64
}

func (s *Server) tell(notices ...notice) {
	s.mu.Lock()
	f := s.onNotice
	s.mu.Unlock()
	for _, n := range notices {
		if f != nil && n.topic != "" {
			f(n.topic, n.address, n.historyID)
		}
	}
}

// Deliver puts a mail into an inbox, in the thread that it belongs to, and announces it. The mail may be as nasty as can be.
func (s *Server) Deliver(address string, raw []byte) (id string) {
	now := s.Now()
	s.mu.Lock()
	b := s.box(address)
	m := read(raw)
	n := s.put(b, now, m, b.threadOf(m), "UNREAD", "INBOX")
	s.mu.Unlock()
	s.tell(n)
	return m.ID
}

// DeliverAs puts a mail into a mailbox under other labels than the inbox's: "SPAM", for one.
func (s *Server) DeliverAs(address string, raw []byte, labels ...string) (id string) {
	now := s.Now()
	s.mu.Lock()
	b, m := s.box(address), read(raw)
	n := s.put(b, now, m, b.threadOf(m), labels...)
	s.mu.Unlock()
	s.tell(n)
	return m.ID
}

// read is a mail with what threads are told by, as far as it can be read.
func read(raw []byte) *message {
	m := &message{Message: Message{Raw: raw}}
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return m
	}
	m.messageID = strings.TrimSpace(parsed.Header.Get("Message-ID"))
	m.references = strings.Fields(parsed.Header.Get("In-Reply-To") + " " + parsed.Header.Get("References"))
	m.subject = bare(parsed.Header.Get("Subject"))
	return m
}

// bare is a subject as threads compare it.
func bare(subject string) string {
	subject = strings.ToLower(strings.TrimSpace(subject))
	for {
		rest, answered := strings.CutPrefix(subject, "re:")
		if !answered {
			return subject
		}
		subject = strings.TrimSpace(rest)
	}
}

// put adds a message to a thread, "" for one of its own. The caller holds the mutex, and tells the notice.
func (s *Server) put(b *mailbox, now time.Time, m *message, thread string, labels ...string) notice {
	s.n++
	m.ID = fmt.Sprintf("%016x", 0x18c0_0000_0000_0000+s.n)
	m.ThreadID, m.Received, m.Labels = thread, now, labels
	if thread == "" {
		m.ThreadID = m.ID
	}
	b.messages = append(b.messages, m)
	return b.announce(m, now)
}

// threadOf is where a mail goes that comes in: to what it answers, if it has the same subject; "" for a thread of its own.
func (b *mailbox) threadOf(m *message) string {
	for _, other := range slices.Backward(b.messages) {
		if other.messageID != "" && slices.Contains(m.references, other.messageID) && other.subject == m.subject {
			return other.ThreadID
		}
	}
	return ""
}

// announce makes a record of a message that was added.
func (b *mailbox) announce(m *message, now time.Time) notice {
	b.historyID += 7 // Google's do not follow on each other either
	m.historyID = b.historyID
	b.records = append(b.records, record{b.historyID, m.ID, m.ThreadID, m.Labels})
	if !slices.Contains(m.Labels, "INBOX") || !now.Before(b.watchEnds) {
		return notice{}
	}
	return notice{b.topic, b.address, b.historyID}
}

// Again makes another record of a message, and announces it, as Gmail does at times.
func (s *Server) Again(address, id string) {
	now := s.Now()
	s.mu.Lock()
	b := s.box(address)
	n := b.announce(b.find(id), now)
	s.mu.Unlock()
	s.tell(n)
}

// Touch changes a mailbox in a way that adds no message (a label, say): its history goes on, with nothing in it to read.
func (s *Server) Touch(address string) {
	now := s.Now()
	s.mu.Lock()
	b := s.box(address)
	b.historyID += 7
	n := notice{address: b.address, historyID: b.historyID}
	if now.Before(b.watchEnds) {
		n.topic = b.topic
	}
	s.mu.Unlock()
	s.tell(n)
}

func (b *mailbox) find(id string) *message {
	at := slices.IndexFunc(b.messages, func(m *message) bool { return m.ID == id })
	if at < 0 {
		return nil
	}
	return b.messages[at]
}

// Remove deletes a message for good. The history still names it.
func (s *Server) Remove(address, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.box(address)
	b.messages = slices.DeleteFunc(b.messages, func(m *message) bool { return m.ID == id })
}

// Trash has the owner delete a message, which stays for a while.
func (s *Server) Trash(address, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.box(address).find(id).Labels = []string{"TRASH"}
}

// ForgetHistory has every history id that was given so far be too old.
func (s *Server) ForgetHistory(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.box(address)
	b.historyID += 7
	b.oldest, b.records = b.historyID, nil
}

// HistoryID is where the history of a mailbox has got to.
func (s *Server) HistoryID(address string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.box(address).historyID
}

// WriteAsOwner has the owner of a mailbox answer the last message of a thread by hand. The answer is delivered as any other.
func (s *Server) WriteAsOwner(address, threadID, text string) (id string) {
	now := s.Now()
	s.mu.Lock()
	b := s.box(address)
	last := -1
	for i, m := range b.messages {
		if m.ThreadID == threadID {
			last = i
		}
	}
	s.n++
	o := byHand(b, b.messages[last], fmt.Sprintf("<by-hand-%d@mail.test>", s.n), text)
	o.thread = threadID
	notices := s.deliver(b, now, o)
	s.mu.Unlock()
	s.tell(notices...)
	return o.ID
}

func byHand(b *mailbox, last *message, messageID, text string) outgoing {
	to, subject := b.address, ""
	if parsed, err := mail.ReadMessage(bytes.NewReader(last.Raw)); err == nil {
		subject = parsed.Header.Get("Subject")
		for _, name := range []string{"From", "To"} { // to whom our own answer was, if it is the last
			if a, err := mail.ParseAddress(parsed.Header.Get(name)); err == nil && key(to) == key(b.address) {
				to = a.Address
			}
		}
	}
	return outgoing{to: []string{to}, message: read(fmt.Appendf(nil,
		"From: %s\r\nTo: %s\r\nSubject: Re: %s\r\nMessage-ID: %s\r\nIn-Reply-To: %s\r\nReferences: %s\r\n\r\n%s\r\n",
		b.address, to, strings.TrimPrefix(subject, "Re: "), messageID, last.messageID, last.messageID, text))}
}

// Thread are the messages of a thread, in the order in which they came.
func (s *Server) Thread(address, threadID string) []Message {
	return s.messages(address, func(m Message) bool { return m.ThreadID == threadID })
}

// Sent are the messages that were sent from a mailbox.
func (s *Server) Sent(address string) []Message {
	return s.messages(address, func(m Message) bool { return slices.Contains(m.Labels, "SENT") })
}

// Drafts are those of a mailbox.
func (s *Server) Drafts(address string) []Message {
	return s.messages(address, func(m Message) bool { return slices.Contains(m.Labels, "DRAFT") })
}

// Inbox are the messages that came into a mailbox.
func (s *Server) Inbox(address string) []Message {
	return s.messages(address, func(m Message) bool { return slices.Contains(m.Labels, "INBOX") })
}

func (s *Server) messages(address string, wanted func(Message) bool) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Message
	for _, m := range s.box(address).messages {
		if wanted(m.Message) {
			all = append(all, m.Message)
		}
	}
	return all
}
