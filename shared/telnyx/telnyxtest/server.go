// Package telnyxtest is a fake Telnyx with fake phones: it signs and delivers webhooks as Telnyx does, takes texts over the
// real API's shape, checks what it is sent, reports deliveries, and can lose answers on command. Used by the local server and
// by tests.
package telnyxtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Options is how the fake behaves.
type Options struct {
	PrivateKey ed25519.PrivateKey // signs webhooks; a new one when nil
	Keys       map[string]string  // API key to the messaging profile it must name; "" for any profile
	InboundURL string             // where message.received goes
	Silent     bool               // sends no delivery reports
}

// Server is a fake Telnyx. It is an http.Handler for the API's paths, /v2/....
type Server struct {
	options Options
	mux     *http.ServeMux
	client  *http.Client
	url     string

	mu      sync.Mutex
	sent    []Message
	blocked map[[2]private.Phone]bool // our number and a phone that texted STOP to it
	fail    []Failure
	failing Failure // of every send, once fail is used up
	records bool    // whether detail records can be read

	talks     []Conversation
	asked     int // requests about conversations
	talksDown int // so many of them are to fail

	changed chan struct{}
	reports sync.WaitGroup

	unanswered int           // webhooks that had no answer in time
	slowest    time.Duration // of those that had one

	accounts accounts // in assistants.go
}

// Message is a text that the fake has taken.
type Message struct {
	ID         string
	From, To   private.Phone
	Text       private.Text
	At         time.Time
	WebhookURL string
	ByTelnyx   bool // Telnyx's own answer to a keyword
}

// Failure is how a send fails.
type Failure string

// The failures. Those that begin with Taken take the text and lose the answer.
const (
	Dropped      Failure = "dropped"       // the connection ends before the request is read
	TakenLost    Failure = "taken_lost"    // taken, and the connection ends instead of an answer
	Taken500     Failure = "taken_500"     // taken, and answered 500
	TakenGarbage Failure = "taken_garbage" // taken, and answered with what is no JSON
	Hangs        Failure = "hangs"         // no answer until the caller gives up; not taken
	Refused500   Failure = "refused_500"   // answered 500, and not taken
	Refused429   Failure = "refused_429"
	Refused40001 Failure = "refused_40001" // a landline
	Refused40300 Failure = "refused_40300" // opted out
	Refused40010 Failure = "refused_40010" // no 10DLC campaign
)

// New makes a fake that does not listen; mount it.
func New(o Options) *Server {
	if o.PrivateKey == nil {
		_, o.PrivateKey, _ = ed25519.GenerateKey(rand.Reader)
	}
	s := &Server{options: o, mux: http.NewServeMux(), client: &http.Client{Timeout: 10 * time.Second}, blocked: map[[2]private.Phone]bool{}, records: true, changed: make(chan struct{})}
	s.mux.HandleFunc("POST /v2/messages", s.takeMessage)
	s.mux.HandleFunc("GET /v2/detail_records", s.listRecords)
	s.serveConversations()
	s.routeAssistants()
	return s
}

// Start makes a fake that listens until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := New(o)
	server := httptest.NewServer(s)
	s.url = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		s.reports.Wait()
	})
	return s
}

// ServeHTTP serves the API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// URL is the API's address, of a fake that Start made.
func (s *Server) URL() string { return s.url }

// PublicKey is what its webhooks are verified with, as the portal shows it.
func (s *Server) PublicKey() string {
	return base64.StdEncoding.EncodeToString(s.options.PrivateKey.Public().(ed25519.PublicKey))
}

// Fail makes the next sends fail, one each.
func (s *Server) Fail(how ...Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = append(s.fail, how...)
}

// FailAll makes every send fail in one way; "" ends that.
func (s *Server) FailAll(how Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = how
}

// RecordsDown makes the detail records unreadable, or readable again.
func (s *Server) RecordsDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = !down
}

// Sent lists every text that was taken, in order.
func (s *Server) Sent() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.sent...)
}

// Inbox lists what has reached a phone, in order.
func (s *Server) Inbox(phone private.Phone) []Message {
	var inbox []Message
	for _, m := range s.Sent() {
		if m.To == phone {
			inbox = append(inbox, m)
		}
	}
	return inbox
}

// Webhooks says, of the time since it was last asked, how many deliveries had no answer within the two seconds that Telnyx waits, whatever the
// answer, and how long the slowest of the others took.
func (s *Server) Webhooks() (unanswered int, slowest time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	unanswered, slowest = s.unanswered, s.slowest
	s.unanswered, s.slowest = 0, 0
	return unanswered, slowest
}

func (s *Server) timed(took time.Duration, timedOut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if timedOut {
		s.unanswered++
	} else {
		s.slowest = max(s.slowest, took)
	}
}

// Changed is closed when the next text is taken.
func (s *Server) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *Server) take(m Message) {
	s.sent = append(s.sent, m)
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Server) nextFailure() Failure {
	if len(s.fail) == 0 {
		return s.failing
	}
	next := s.fail[0]
	s.fail = s.fail[1:]
	return next
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	h := hex.EncodeToString(b)
	return fmt.Sprintf("%s-%s-4%s-8%s-%s", h[:8], h[8:12], h[13:16], h[17:20], h[20:])
}

// profileOf is the messaging profile that a request's key must name; ok is false for a key that nobody has.
func (s *Server) profileOf(r *http.Request) (profile string, ok bool) {
	key, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	profile, ok = s.options.Keys[key]
	return profile, ok && isBearer
}
