// Package gcaltest is the calendars of a fake Google: the part of the Calendar API that package gcal uses, in the real one's shapes. It checks
// the scopes, the ids and the times that it is sent, takes overlapping events as the real one does, burns the id of an event for ever, and can
// fail in each way that matters. Accounts and tokens are googletest's. Used by the local server and by tests.
package gcaltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
)

// The OAuth client whose requests the fake takes.
const (
	ClientID     = googletest.ClientID
	ClientSecret = googletest.ClientSecret
)

// Event is an event of a calendar.
type Event struct {
	ID          string
	Summary     string
	Start, End  time.Time
	Zone        string
	Attendee    string
	SendUpdates string
	Properties  map[string]string
	Cancelled   bool
}

// Asked is how often each thing was asked for, in well-formed requests, the failed ones too.
type Asked struct{ Token, FreeBusy, Insert, Event int }

// FreeBusy is what the fake says when it is asked when a calendar is busy.
type FreeBusy int

// The answers.
const (
	Truth        FreeBusy = iota
	ErrorInside           // 200, with an error where the calendar's times would be
	Silence               // 200, without the calendar
	RateLimited           // 403
	ServerError           // 503
	Unreadable            // 200, with a time that is none
	NoAnswer              // none at all
	NoConnection          // the connection breaks
)

// Server is a fake Google with calendars. It is an http.Handler.
type Server struct {
	*googletest.Server

	mu        sync.Mutex
	calendars map[string]*calendar // by account
	n         int
	asked     Asked
	freeBusy  FreeBusy
	insert    int // status; 0 for the truth
	lose      int
	hold      chan struct{}
}

// calendar is an account's only one, "primary".
type calendar struct{ events []*Event }

// Scope is what the calendars ask for.
const Scope = "https://www.googleapis.com/auth/calendar"

// On gives the accounts of a fake Google their calendars.
func On(google *googletest.Server) *Server {
	s := &Server{Server: google, calendars: map[string]*calendar{}}
	google.Mount("/calendar/v3/", s.serve)
	return s
}

// New makes a fake that does not listen; mount it.
func New() *Server { return On(googletest.New()) }

// Start makes a fake that listens until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	return On(googletest.Start(t))
}

// Connect makes an account with an empty calendar that this refresh token is a grant for.
func (s *Server) Connect(refreshToken string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	address := s.AccountOf(refreshToken)
	if address == "" {
		s.n++
		address = fmt.Sprintf("owner-%d@calendar.test", s.n)
	}
	s.Server.Connect(address, refreshToken, Scope)
	s.calendars[address] = &calendar{}
}

// of is the calendar that a refresh token opens. The caller holds the mutex.
func (s *Server) of(refreshToken string) *calendar { return s.calendar(s.AccountOf(refreshToken)) }

func (s *Server) calendar(address string) *calendar {
	if s.calendars[address] == nil {
		s.calendars[address] = &calendar{}
	}
	return s.calendars[address]
}

// Occupy puts an event of the owner's own into a calendar.
func (s *Server) Occupy(refreshToken string, start, end time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	of := s.of(refreshToken)
	of.events = append(of.events, &Event{ID: fmt.Sprint("own", s.n), Start: start, End: end})
}

// Delete deletes an event, as its owner would.
func (s *Server) Delete(refreshToken, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.of(refreshToken).events {
		e.Cancelled = e.Cancelled || e.ID == id
	}
}

// Events are those that stand in a calendar, without the owner's own.
func (s *Server) Events(refreshToken string) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Event
	for _, e := range s.of(refreshToken).events {
		if !e.Cancelled && !strings.HasPrefix(e.ID, "own") {
			all = append(all, *e)
		}
	}
	return all
}

// Asked tells how often the fake was asked.
func (s *Server) Asked() Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked, google := s.asked, s.Server.Asked()
	asked.Token = google.Exchange + google.Refresh
	return asked
}

// AnswerFreeBusy sets the answer to when a calendar is busy from now on.
func (s *Server) AnswerFreeBusy(f FreeBusy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.freeBusy = f
}

// RefuseInserts answers each insertion with an HTTP status from now on, and makes nothing; 0 ends it.
func (s *Server) RefuseInserts(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.insert = status
}

// LoseInserts makes the events of the next n insertions, and breaks the connection instead of answering.
func (s *Server) LoseInserts(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = n
}

// HoldInserts keeps insertions waiting, before anything is made, until release is called; one whose caller gives up is never made.
func (s *Server) HoldInserts() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(chan struct{})
	s.hold = held
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hold = nil
		close(held)
	})
}

var (
	eventsPath = regexp.MustCompile(`^/calendar/v3/calendars/([^/]+)/events$`)
	eventPath  = regexp.MustCompile(`^/calendar/v3/calendars/([^/]+)/events/([^/]+)$`)
	idForm     = regexp.MustCompile(`^[0-9a-v]{5,1000}$`)
)

// serve answers whoever has a token.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, who googletest.Caller) {
	if !who.May(Scope, Scope+".events") {
		googletest.Fail(w, http.StatusForbidden, "insufficientPermissions")
		return
	}
	s.mu.Lock()
	of := s.calendar(who.Address)
	s.mu.Unlock()
	events, event := eventsPath.FindStringSubmatch(r.URL.Path), eventPath.FindStringSubmatch(r.URL.Path)
	switch {
	case r.URL.Path == "/calendar/v3/freeBusy" && r.Method == http.MethodPost:
		s.busy(w, r, of)
	case events != nil && r.Method == http.MethodPost:
		s.add(w, r, of, events[1])
	case event != nil && r.Method == http.MethodGet:
		s.show(w, of, event[1], event[2])
	default:
		s.Fault("%s %s, which is none of the calendar's", r.Method, r.URL.Path)
		googletest.Fail(w, http.StatusNotFound, "notFound")
	}
}

func (s *Server) busy(w http.ResponseWriter, r *http.Request, of *calendar) {
	var in struct {
		TimeMin, TimeMax time.Time
		Items            []struct{ ID string }
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || len(in.Items) != 1 || !in.TimeMin.Before(in.TimeMax) {
		s.Fault("a question when a calendar is busy that cannot be read")
		googletest.Fail(w, http.StatusBadRequest, "badRequest")
		return
	}
	s.mu.Lock()
	s.asked.FreeBusy++
	how, taken := s.freeBusy, []map[string]string{}
	for _, e := range of.events {
		if !e.Cancelled && e.Start.Before(in.TimeMax) && e.End.After(in.TimeMin) {
			taken = append(taken, map[string]string{"start": e.Start.UTC().Format(time.RFC3339), "end": e.End.UTC().Format(time.RFC3339)})
		}
	}
	s.mu.Unlock()
	about := map[string]any{"busy": taken}
	switch {
	case how == RateLimited:
		googletest.Fail(w, http.StatusForbidden, "rateLimitExceeded")
		return
	case how == ServerError:
		googletest.Fail(w, http.StatusServiceUnavailable, "backendError")
		return
	case how == NoAnswer:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case how == NoConnection:
		panic(http.ErrAbortHandler)
	case how == ErrorInside || in.Items[0].ID != "primary":
		about = map[string]any{"errors": []map[string]string{{"domain": "global", "reason": "notFound"}}, "busy": []any{}}
	case how == Unreadable:
		about = map[string]any{"busy": []map[string]string{{"start": "soon", "end": "later"}}}
	}
	calendars := map[string]any{in.Items[0].ID: about}
	if how == Silence {
		calendars = map[string]any{}
	}
	googletest.Say(w, http.StatusOK, map[string]any{"kind": "calendar#freeBusy", "timeMin": in.TimeMin, "timeMax": in.TimeMax, "calendars": calendars})
}

// moment is a time of an event on the wire.
type moment struct{ DateTime, TimeZone string }

func (m moment) read() (at time.Time, ok bool) {
	at, err := time.Parse(time.RFC3339, m.DateTime)
	_, zoneErr := time.LoadLocation(m.TimeZone)
	return at, err == nil && zoneErr == nil && m.TimeZone != "" && m.TimeZone != "Local"
}

func (s *Server) add(w http.ResponseWriter, r *http.Request, of *calendar, id string) {
	var in struct {
		ID, Summary        string
		Start, End         moment
		Attendees          []struct{ Email string }
		ExtendedProperties struct{ Private map[string]string }
	}
	err := json.NewDecoder(r.Body).Decode(&in)
	start, startOK := in.Start.read()
	end, endOK := in.End.read()
	updates := r.URL.Query().Get("sendUpdates")
	switch {
	case err != nil || !startOK || !endOK || !start.Before(end) || !idForm.MatchString(in.ID) || !slices.Contains([]string{"all", "none"}, updates):
		s.Fault("an event that cannot be made")
		googletest.Fail(w, http.StatusBadRequest, "invalid")
		return
	case id != "primary":
		googletest.Fail(w, http.StatusNotFound, "notFound")
		return
	}
	e := &Event{ID: in.ID, Summary: in.Summary, Start: start, End: end, Zone: in.Start.TimeZone, SendUpdates: updates, Properties: in.ExtendedProperties.Private}
	for _, a := range in.Attendees {
		e.Attendee = a.Email
	}
	s.await(r)
	s.keep(w, of, e)
}

// await is where an insertion is held.
func (s *Server) await(r *http.Request) {
	s.mu.Lock()
	s.asked.Insert++
	hold := s.hold
	s.mu.Unlock()
	if hold == nil {
		return
	}
	select {
	case <-hold:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) keep(w http.ResponseWriter, of *calendar, e *Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	burnt := slices.ContainsFunc(of.events, func(other *Event) bool { return other.ID == e.ID })
	switch {
	case s.insert != 0:
		googletest.Fail(w, s.insert, "invented")
	case burnt:
		googletest.Fail(w, http.StatusConflict, "duplicate")
	default:
		of.events = append(of.events, e)
		if s.lose > 0 {
			s.lose--
			panic(http.ErrAbortHandler)
		}
		googletest.Say(w, http.StatusOK, e.wire())
	}
}

func (s *Server) show(w http.ResponseWriter, of *calendar, name, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked.Event++
	at := slices.IndexFunc(of.events, func(e *Event) bool { return e.ID == id })
	if at < 0 || name != "primary" {
		googletest.Fail(w, http.StatusNotFound, "notFound")
		return
	}
	googletest.Say(w, http.StatusOK, of.events[at].wire())
}

func (e *Event) wire() map[string]any {
	status := "confirmed"
	if e.Cancelled {
		status = "cancelled"
	}
	return map[string]any{
		"kind": "calendar#event", "id": e.ID, "status": status, "summary": e.Summary,
		"start": map[string]string{"dateTime": e.Start.Format(time.RFC3339), "timeZone": e.Zone}, "end": map[string]string{"dateTime": e.End.Format(time.RFC3339), "timeZone": e.Zone},
	}
}
