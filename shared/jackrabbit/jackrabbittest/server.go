// Package jackrabbittest is a fake Jackrabbit: it serves the published lists of classes in the real one's shape, checks how it is
// asked, and can fail, say anything or keep its callers waiting. Used by the local server and by tests.
package jackrabbittest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// path is the list's. The real one takes it in any case; the fake does not.
const path = "/jr3.0/Openings/OpeningsJson"

// Server is a fake Jackrabbit. It is an http.Handler.
type Server struct {
	url string

	mu     sync.Mutex
	rows   map[string][]Row
	asked  map[string]int
	status int
	body   *string
	hold   *hold
}

// hold keeps requests waiting.
type hold struct {
	arrived, released chan struct{}
	first, last       sync.Once
}

// New makes a fake that does not listen; mount it.
func New() *Server { return &Server{rows: map[string][]Row{}, asked: map[string]int{}} }

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

// Set is an organisation's list from now on. One that was never set does not exist.
func (s *Server) Set(org string, rows ...Row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[org] = append([]Row{}, rows...)
}

// Fail answers every request with an HTTP status from now on; 0 ends it.
func (s *Server) Fail(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// Say answers 200 with body from now on, whatever is asked.
func (s *Server) Say(body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.body = &body
}

// Hang keeps requests waiting until release is called, which has them answered, or their caller gives up. arrived is closed when the
// first of them is there.
func (s *Server) Hang() (arrived <-chan struct{}, release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &hold{arrived: make(chan struct{}), released: make(chan struct{})}
	s.hold = h
	return h.arrived, func() { h.last.Do(func() { close(h.released) }) }
}

// Asked is how often an organisation's list was asked for, in well-formed requests, the failed ones too.
func (s *Server) Asked(org string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[org]
}

// Orgs lists whose lists were asked for, in order; "" stands for requests that are not well-formed.
func (s *Server) Orgs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.asked))
}

// ServeHTTP serves the list.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	org, refusal, status := read(r)
	s.mu.Lock()
	s.asked[org]++
	h := s.hold
	s.mu.Unlock()
	if refusal != "" {
		http.Error(w, refusal, status)
		return
	}
	if h != nil {
		h.first.Do(func() { close(h.arrived) })
		select {
		case <-h.released:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	s.answer(w, org)
}

// read checks how the list is asked for. org is "" when it is refused.
func read(r *http.Request) (org, refusal string, status int) {
	orgs := r.URL.Query()["OrgID"]
	switch {
	case r.URL.Path != path:
		return "", "404 page not found", http.StatusNotFound
	case r.Method != http.MethodGet:
		return "", "the fake is only asked with GET", http.StatusMethodNotAllowed
	case len(r.URL.Query()) != 1 || len(orgs) != 1 || orgs[0] == "" || strings.Trim(orgs[0], "0123456789") != "":
		return "", "OrgID is the only parameter, and a number", http.StatusBadRequest
	}
	return orgs[0], "", 0
}

func (s *Server) answer(w http.ResponseWriter, org string) {
	s.mu.Lock()
	rows, known := s.rows[org]
	status, body := s.status, s.body
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	switch {
	case status != 0:
		w.WriteHeader(status)
		_, _ = w.Write([]byte("invented by the fake"))
	case body != nil:
		_, _ = w.Write([]byte(*body))
	case !known:
		_, _ = w.Write([]byte(`{"success":false}`))
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "rows": rows})
	}
}
