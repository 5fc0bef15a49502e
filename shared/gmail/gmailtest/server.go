// Package gmailtest is the mailboxes of a fake Google: the part of Gmail that package gmail uses, in the real one's shapes. Mail that is sent from
// one of its mailboxes to another arrives there. It counts quota units, checks the scopes and what it is sent, and can fail in each way that
// matters. Accounts, tokens and faults are googletest's. Used by the local server and by tests.
package gmailtest

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
)

// The scopes that the mailboxes know.
const (
	Readonly = "https://www.googleapis.com/auth/gmail.readonly"
	Compose  = "https://www.googleapis.com/auth/gmail.compose"
	SendOnly = "https://www.googleapis.com/auth/gmail.send"
	Modify   = "https://www.googleapis.com/auth/gmail.modify"
	Metadata = "https://www.googleapis.com/auth/gmail.metadata"
)

// Call is something that a mailbox can be asked.
type Call string

// The calls.
const (
	Any     Call = "" // each of them
	Profile Call = "profile"
	Watch   Call = "watch"
	Stop    Call = "stop"
	History Call = "history"
	List    Call = "list"
	Get     Call = "get"
	Send    Call = "send"
	Draft   Call = "draft"
)

// units are what a call costs, of the 6,000 that a user has a minute.
var units = map[Call]int{Profile: 1, Watch: 100, Stop: 50, History: 2, List: 5, Get: 20, Send: 100, Draft: 10}

// scopes open a call, any of them.
var scopes = map[Call][]string{
	Profile: {Readonly, Modify, Metadata, Compose}, Watch: {Readonly, Modify, Metadata}, Stop: {Readonly, Modify, Metadata}, History: {Readonly, Modify, Metadata},
	List: {Readonly, Modify}, Get: {Readonly, Modify}, Send: {SendOnly, Compose, Modify}, Draft: {Compose, Modify},
}

// How is the way in which a call fails.
type How int

// The ways.
const (
	Truth           How = iota // it does not
	RateLimited                // 403 rateLimitExceeded, of the project
	UserRateLimited            // 403 userRateLimitExceeded
	TooMany                    // 429
	Refused                    // 400
	Forbidden                  // 403 for good
	ServerError                // 503
	Garbage                    // 200, and no JSON
	Empty                      // 200, and nothing of what was asked for
	NoAnswer                   // none until the caller gives up
	NoConnection               // the connection breaks; nothing is done
)

// Server is a fake Google with mailboxes. It is an http.Handler.
type Server struct {
	*googletest.Server

	mu       sync.Mutex
	boxes    map[string]*mailbox // by account
	outbox   map[string][][]byte // by address, what was sent to nobody of ours
	broken   map[Call]How
	lose     int
	pageSize int
	onNotice func(topic, address string, historyID uint64)
	n        int
	first    uint64 // id of a history's beginning
}

// On gives a fake Google mailboxes, for the accounts that get one by Add or Connect.
func On(google *googletest.Server) *Server {
	s := &Server{Server: google, boxes: map[string]*mailbox{}, outbox: map[string][][]byte{}, broken: map[Call]How{}, pageSize: 500, first: firstHistory}
	google.Mount("/gmail/v1/", s.serve)
	return s
}

// New makes a fake that does not listen; mount it.
func New() *Server { return On(googletest.New()) }

// Start makes a fake that listens until the test ends. Faults that nobody has asked for fail the test.
func Start(t testing.TB) *Server {
	t.Helper()
	return On(googletest.Start(t))
}

// Add makes an account with an empty mailbox, unless it has one. The address is shown as it is spelled here.
func (s *Server) Add(address string) {
	s.Server.Add(address)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.boxes[key(address)] == nil {
		s.boxes[key(address)] = &mailbox{address: address, historyID: s.first}
	}
}

// Has reports whether there is a mailbox at an address.
func (s *Server) Has(address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.boxes[key(address)] != nil
}

// Begin has the ids of messages, and the histories of mailboxes that are made from now on, begin at a time. A fake that is started again where
// what the last one said is remembered says nothing twice so.
func (s *Server) Begin(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n, s.first = int(at.Unix())<<10, uint64(at.Unix())<<10
}

// Connect makes a refresh token the grant of an account with a mailbox; without scopes, for reading, drafting and sending.
func (s *Server) Connect(address, refreshToken string, scopes ...string) {
	s.Add(address)
	if len(scopes) == 0 {
		scopes = []string{Readonly, Compose}
	}
	s.Server.Connect(address, refreshToken, scopes...)
}

func key(address string) string { return strings.ToLower(strings.TrimSpace(address)) }

// box is the mailbox at an address, which there must be. The caller holds the mutex.
func (s *Server) box(address string) *mailbox {
	b := s.boxes[key(address)]
	if b == nil {
		panic("gmailtest: there is no mailbox " + address)
	}
	return b
}

// OnNotice has f told of each notice, before whatever caused it returns: of a mailbox that is watched, when its inbox changes, and when a watch
// begins. The address is spelled as in Add.
func (s *Server) OnNotice(f func(topic, address string, historyID uint64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onNotice = f
}

// Break has a call fail from now on, and does nothing of it; Truth mends it.
func (s *Server) Break(c Call, how How) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken[c] = how
}

// LoseSends does what the next n calls to send or draft ask for, and breaks the connection instead of answering.
func (s *Server) LoseSends(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = n
}

// PageSize has lists come in pages of at most n from now on.
func (s *Server) PageSize(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pageSize = n
}

// Units are what the calls for a mailbox have cost until now.
func (s *Server) Units(address string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.box(address).units
}

// Asked is how often a call was made for a mailbox, the failed ones too.
func (s *Server) Asked(address string, c Call) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.box(address).asked[c]
}

// Watched tells until when the changes of a mailbox are announced, and where; zero for one that is not watched.
func (s *Server) Watched(address string) (topic string, expires time.Time) {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.box(address)
	if !now.Before(b.watchEnds) {
		return "", time.Time{}
	}
	return b.topic, b.watchEnds
}

// Outbox is what was sent to an address that has no mailbox here.
func (s *Server) Outbox(address string) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.outbox[key(address)])
}

// routes tell which call a request is, and of which user.
var routes = []struct {
	method string
	path   *regexp.Regexp
	call   Call
}{
	{http.MethodGet, regexp.MustCompile(`^/gmail/v1/users/([^/]+)/profile$`), Profile},
	{http.MethodPost, regexp.MustCompile(`^/gmail/v1/users/([^/]+)/watch$`), Watch},
	{http.MethodPost, regexp.MustCompile(`^/gmail/v1/users/([^/]+)/stop$`), Stop},
	{http.MethodGet, regexp.MustCompile(`^/gmail/v1/users/([^/]+)/history$`), History},
	{http.MethodGet, regexp.MustCompile(`^/gmail/v1/users/([^/]+)/messages$`), List},
	{http.MethodGet, regexp.MustCompile(`^/gmail/v1/users/([^/]+)/messages/([^/]+)$`), Get},
	{http.MethodPost, regexp.MustCompile(`^/gmail/v1/users/([^/]+)/messages/send$`), Send},
	{http.MethodPost, regexp.MustCompile(`^/gmail/v1/users/([^/]+)/drafts$`), Draft},
}

// request is a call for a mailbox.
type request struct {
	*http.Request
	call Call
	user string
	id   string // of the message, for Get
	box  *mailbox
}

func parse(r *http.Request) request {
	for _, route := range routes {
		if m := route.path.FindStringSubmatch(r.URL.Path); m != nil && route.method == r.Method {
			return request{Request: r, call: route.call, user: m[1], id: m[len(m)-1]}
		}
	}
	return request{Request: r}
}

// serve answers whoever has a token.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, who googletest.Caller) {
	in := parse(r)
	s.mu.Lock()
	in.box = s.boxes[who.Address]
	s.mu.Unlock()
	switch {
	case in.call == Any:
		s.refuse(w, http.StatusNotFound, "notFound", r.Method+" "+r.URL.Path+", which is none of Gmail's")
	case in.user != "me":
		s.refuse(w, http.StatusForbidden, "forbidden", "a user other than me")
	case in.box == nil:
		googletest.Fail(w, http.StatusBadRequest, "failedPrecondition") // "Mail service not enabled"
	case !who.May(scopes[in.call]...):
		s.count(in)
		googletest.Fail(w, http.StatusForbidden, "insufficientPermissions")
	default:
		s.count(in)
		s.do(w, in)
	}
}

func (s *Server) count(in request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.box.asked == nil {
		in.box.asked = map[Call]int{}
	}
	in.box.asked[in.call]++
	in.box.units += units[in.call]
}

// refuse answers what is a fault.
func (s *Server) refuse(w http.ResponseWriter, status int, reason, what string) {
	s.Fault("Gmail: %s", what)
	googletest.Fail(w, status, reason)
}

func (s *Server) do(w http.ResponseWriter, in request) {
	s.mu.Lock()
	how := max(s.broken[in.call], s.broken[Any])
	s.mu.Unlock()
	if how != Truth {
		failHow(w, in, how)
		return
	}
	map[Call]func(http.ResponseWriter, request){
		Profile: s.profile, Watch: s.watch, Stop: s.stop, History: s.history, List: s.list, Get: s.get, Send: s.send, Draft: s.draft,
	}[in.call](w, in)
}

// failures are the ways that are an answer with a status.
var failures = map[How]struct {
	status int
	reason string
}{
	RateLimited: {http.StatusForbidden, "rateLimitExceeded"}, UserRateLimited: {http.StatusForbidden, "userRateLimitExceeded"},
	TooMany: {http.StatusTooManyRequests, "rateLimitExceeded"}, Refused: {http.StatusBadRequest, "invalidArgument"},
	Forbidden: {http.StatusForbidden, "forbidden"}, ServerError: {http.StatusServiceUnavailable, "backendError"},
}

func failHow(w http.ResponseWriter, in request, how How) {
	switch how {
	case Garbage:
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"id": "words of a mail`)
	case Empty:
		googletest.Say(w, http.StatusOK, map[string]any{})
	case NoAnswer:
		_, _ = io.Copy(io.Discard, in.Body) // or the server does not see that the caller has gone
		<-in.Context().Done()
		panic(http.ErrAbortHandler)
	case NoConnection:
		panic(http.ErrAbortHandler)
	default:
		googletest.Fail(w, failures[how].status, failures[how].reason)
	}
}

// known refuses a request with a parameter that the fake does not know, or has no meaning here.
func (s *Server) known(w http.ResponseWriter, in request, names ...string) bool {
	for name := range maps.Keys(in.URL.Query()) {
		if name != "alt" && name != "prettyPrint" && !slices.Contains(names, name) {
			s.refuse(w, http.StatusBadRequest, "badRequest", fmt.Sprintf("%s with the unknown parameter %s", in.call, name))
			return false
		}
	}
	return true
}
