// Package gcaltest is a fake Google: the token endpoint and the part of the Calendar API that package gcal uses, in the real one's shapes. It
// checks the client, the refresh and access tokens, the ids and the times that it is sent, takes overlapping events as the real one does,
// burns the id of an event for ever, and can fail in each way that matters. Used by the local server and by tests.
package gcaltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The OAuth client whose requests the fake takes.
const (
	ClientID     = "client-of-the-fake"
	ClientSecret = "secret-of-the-fake"
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

// Server is a fake Google. It is an http.Handler.
type Server struct {
	url string

	mu       sync.Mutex
	accounts map[string]*account // by refresh token
	access   map[string]string   // refresh tokens by access token
	n        int
	asked    Asked
	freeBusy FreeBusy
	insert   int // status; 0 for the truth
	lose     int
	hold     chan struct{}
}

// account is somebody's only calendar, "primary".
type account struct {
	revoked bool
	events  []*Event
}

// New makes a fake that does not listen; mount it.
func New() *Server { return &Server{accounts: map[string]*account{}, access: map[string]string{}} }

// Start makes a fake that listens until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	s := New()
	server := httptest.NewServer(s)
	s.url = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return s
}

// URL is the address, of a fake that Start made.
func (s *Server) URL() string { return s.url }

// Connect makes an account with a calendar that this refresh token is a grant for.
func (s *Server) Connect(refreshToken string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[refreshToken] = &account{}
}

// Revoke ends a grant: its refresh token and its access tokens are worth nothing from now on.
func (s *Server) Revoke(refreshToken string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[refreshToken].revoked = true
}

// Expire has no access token that was given so far be taken any more.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.access)
}

// Occupy puts an event of the owner's own into a calendar.
func (s *Server) Occupy(refreshToken string, start, end time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	s.accounts[refreshToken].events = append(s.accounts[refreshToken].events, &Event{ID: fmt.Sprint("own", s.n), Start: start, End: end})
}

// Delete deletes an event, as its owner would.
func (s *Server) Delete(refreshToken, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.accounts[refreshToken].events {
		e.Cancelled = e.Cancelled || e.ID == id
	}
}

// Events are those that stand in a calendar, without the owner's own.
func (s *Server) Events(refreshToken string) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Event
	for _, e := range s.accounts[refreshToken].events {
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
	return s.asked
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

// ServeHTTP answers.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	if r.URL.Path == "/token" && r.Method == http.MethodPost {
		s.token(w, r)
		return
	}
	of := s.owner(w, r)
	if of == nil {
		return
	}
	events, event := eventsPath.FindStringSubmatch(r.URL.Path), eventPath.FindStringSubmatch(r.URL.Path)
	switch {
	case r.URL.Path == "/calendar/v3/freeBusy" && r.Method == http.MethodPost:
		s.busy(w, r, of)
	case events != nil && r.Method == http.MethodPost:
		s.add(w, r, of, events[1])
	case event != nil && r.Method == http.MethodGet:
		s.show(w, of, event[1], event[2])
	default:
		fail(w, http.StatusNotFound, "notFound")
	}
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked.Token++
	refresh := r.PostFormValue("refresh_token")
	of := s.accounts[refresh]
	switch {
	case r.PostFormValue("client_id") != ClientID || r.PostFormValue("client_secret") != ClientSecret:
		refuseToken(w, http.StatusUnauthorized, "invalid_client")
	case r.PostFormValue("grant_type") != "refresh_token":
		refuseToken(w, http.StatusBadRequest, "unsupported_grant_type")
	case of == nil || of.revoked:
		refuseToken(w, http.StatusBadRequest, "invalid_grant")
	default:
		s.n++
		token := fmt.Sprintf("ya29.fake-%d", s.n)
		s.access[token] = refresh
		say(w, http.StatusOK, map[string]any{"access_token": token, "expires_in": 3599, "token_type": "Bearer", "scope": "https://www.googleapis.com/auth/calendar"})
	}
}

func refuseToken(w http.ResponseWriter, status int, code string) {
	say(w, status, map[string]string{"error": code, "error_description": "Invented by the fake."})
}

// owner is whose access token a request carries; nil when it was refused.
func (s *Server) owner(w http.ResponseWriter, r *http.Request) *account {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	of := s.accounts[s.access[token]]
	if !bearer || of == nil || of.revoked {
		fail(w, http.StatusUnauthorized, "authError")
		return nil
	}
	return of
}

func (s *Server) busy(w http.ResponseWriter, r *http.Request, of *account) {
	var in struct {
		TimeMin, TimeMax time.Time
		Items            []struct{ ID string }
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || len(in.Items) != 1 || !in.TimeMin.Before(in.TimeMax) {
		fail(w, http.StatusBadRequest, "badRequest")
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
		fail(w, http.StatusForbidden, "rateLimitExceeded")
		return
	case how == ServerError:
		fail(w, http.StatusServiceUnavailable, "backendError")
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
	say(w, http.StatusOK, map[string]any{"kind": "calendar#freeBusy", "timeMin": in.TimeMin, "timeMax": in.TimeMax, "calendars": calendars})
}

// moment is a time of an event on the wire.
type moment struct{ DateTime, TimeZone string }

func (m moment) read() (at time.Time, ok bool) {
	at, err := time.Parse(time.RFC3339, m.DateTime)
	_, zoneErr := time.LoadLocation(m.TimeZone)
	return at, err == nil && zoneErr == nil && m.TimeZone != "" && m.TimeZone != "Local"
}

func (s *Server) add(w http.ResponseWriter, r *http.Request, of *account, calendar string) {
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
		fail(w, http.StatusBadRequest, "invalid")
		return
	case calendar != "primary":
		fail(w, http.StatusNotFound, "notFound")
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

func (s *Server) keep(w http.ResponseWriter, of *account, e *Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	burnt := slices.ContainsFunc(of.events, func(other *Event) bool { return other.ID == e.ID })
	switch {
	case s.insert != 0:
		fail(w, s.insert, "invented")
	case burnt:
		fail(w, http.StatusConflict, "duplicate")
	default:
		of.events = append(of.events, e)
		if s.lose > 0 {
			s.lose--
			panic(http.ErrAbortHandler)
		}
		say(w, http.StatusOK, e.wire())
	}
}

func (s *Server) show(w http.ResponseWriter, of *account, calendar, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked.Event++
	at := slices.IndexFunc(of.events, func(e *Event) bool { return e.ID == id })
	if at < 0 || calendar != "primary" {
		fail(w, http.StatusNotFound, "notFound")
		return
	}
	say(w, http.StatusOK, of.events[at].wire())
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

func fail(w http.ResponseWriter, status int, reason string) {
	say(w, status, map[string]any{"error": map[string]any{
		"code": status, "message": "Invented by the fake.", "errors": []map[string]string{{"domain": "global", "reason": reason, "message": "Invented by the fake."}},
	}})
}

func say(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
