package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/gcal/gcaltest"
	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/mail"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
)

// demoGoogle has an account for each demo tenant, at the address that its profile shows, with its mailbox, and its calendar if it has one. What
// is booked and written there is forgotten when the system stops.
func (s *stack) demoGoogle() http.Handler {
	google := googletest.New()
	google.Register(s.base + "/api/v1/email/oauth/callback")
	gcaltest.On(google)
	s.mail = gmailtest.On(google)
	s.mail.Begin(time.Now()) // the database remembers mail of before
	s.mail.OnNotice(func(_, address string, historyID uint64) {
		if s.publish != nil {
			s.publish(address, historyID)
		}
	})
	for _, b := range demo.Businesses() {
		google.Add(b.Profile.Email)
		s.mail.Add(b.Profile.Email)
		if !b.CalendarGrant.IsZero() {
			google.Connect(b.Profile.Email, b.CalendarGrant.Reveal(), gcaltest.Scope)
		}
	}
	return google
}

// fakeMail is a mail that somebody writes to a mailbox of the fake Google.
type fakeMail struct {
	From    string `json:"from"`
	Name    string `json:"name,omitempty"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// addMailbox makes an account with a mailbox, unless there is one.
func (s *stack) addMailbox(w http.ResponseWriter, r *http.Request) {
	s.mail.Add(r.PathValue("address"))
	_ = httpx.Write(w, http.StatusOK, map[string]string{"address": r.PathValue("address")})
}

// mailTo delivers a mail into a mailbox, as the world's mail servers would; the answer names its thread.
func (s *stack) mailTo(w http.ResponseWriter, r *http.Request) {
	var in fakeMail
	address := r.PathValue("address")
	if !s.mail.Has(address) {
		_ = httpx.Write(w, http.StatusNotFound, map[string]string{"error": "there is no mailbox at this address"})
		return
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in); err != nil {
		in = fakeMail{}
	}
	raw, err := mail.Outgoing{
		From: mail.Address{Name: in.Name, Email: in.From}, To: mail.Address{Email: address}, Subject: in.Subject,
		MessageID: mail.MessageIDOf(time.Now().String(), "sender.test"), Text: private.NewText(in.Text), Date: time.Now(),
	}.Bytes()
	if err != nil {
		_ = httpx.Write(w, http.StatusBadRequest, map[string]string{"error": `send {"from":"parent@customer.test","subject":"A question","text":"..."} to ` + mailPrefix + "/support@exampleco.test: " + err.Error()})
		return
	}
	id := s.mail.Deliver(address, raw)
	for _, m := range s.mail.Inbox(address) {
		if m.ID == id {
			_ = httpx.Write(w, http.StatusOK, map[string]string{"id": id, "thread_id": m.ThreadID})
			return
		}
	}
}

// threadMail is one mail of a thread.
type threadMail struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// thread shows a thread of a mailbox.
func (s *stack) thread(w http.ResponseWriter, r *http.Request) {
	shown := []threadMail{}
	if !s.mail.Has(r.PathValue("address")) {
		_ = httpx.Write(w, http.StatusNotFound, map[string]string{"error": "there is no mailbox at this address"})
		return
	}
	for _, m := range s.mail.Thread(r.PathValue("address"), r.PathValue("thread")) {
		parsed, err := mail.Parse(m.Raw)
		if err != nil {
			continue
		}
		shown = append(shown, threadMail{parsed.From.Email, strings.Join(parsed.To, ", "), parsed.Subject, parsed.Said.Reveal()})
	}
	_ = httpx.Write(w, http.StatusOK, shown)
}
