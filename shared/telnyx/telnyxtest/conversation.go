package telnyxtest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Line is what one side of a conversation said, or what a tool was called with.
type Line struct {
	Role string // user, assistant or tool
	Text string // "" for a tool's call, which has no text
}

// Conversation is what the fake keeps of a conversation with an assistant.
type Conversation struct {
	ID        string
	ControlID string // of the call; "" for a chat
	Began     time.Time
	Lines     []Line
	Recording string // the id of a recording that there is; "" for none
}

// Converse has the fake keep a conversation, in the place of what it kept under the id.
func (s *Server) Converse(c Conversation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.talks = append(slices.DeleteFunc(s.talks, func(o Conversation) bool { return o.ID == c.ID }), c)
}

// Asked counts the requests for what was said in conversations.
func (s *Server) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// ConversationsDown has the next so many requests about conversations answered 503.
func (s *Server) ConversationsDown(times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.talksDown = times
}

func (s *Server) serveConversations() {
	s.mux.HandleFunc("GET /v2/ai/conversations", s.admitted(s.findConversation))
	s.mux.HandleFunc("GET /v2/ai/conversations/{id}/{part}", s.admitted(s.listLines)) // so general because of /v2/ai/conversations/insight-groups/{id}
	s.mux.HandleFunc("GET /v2/recordings", s.admitted(s.findRecording))
	s.mux.HandleFunc("GET /v2/recordings/{id}", s.admitted(s.showRecording))
}

// admitted checks the key, and fails on command.
func (s *Server) admitted(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, ok := s.profileOf(r); !ok {
			refuse(w, http.StatusUnauthorized, "10009", "Authentication failed")
			return
		}
		s.mu.Lock()
		s.asked++
		down := s.talksDown > 0
		s.talksDown = max(s.talksDown-1, 0)
		s.mu.Unlock()
		if down {
			refuse(w, http.StatusServiceUnavailable, "10007", "Unexpected error")
			return
		}
		next(w, r)
	}
}

func (s *Server) talk(is func(Conversation) bool) (Conversation, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.talks, is)
	if i < 0 {
		return Conversation{}, false
	}
	return s.talks[i], true
}

func (s *Server) findConversation(w http.ResponseWriter, r *http.Request) {
	control, ok := strings.CutPrefix(r.URL.Query().Get("metadata->call_control_id"), "eq.")
	if !ok || strings.ContainsAny(r.URL.RawQuery, "> ") {
		refuse(w, http.StatusBadRequest, "10015", "Bad Request")
		return
	}
	rows := []map[string]any{}
	if c, found := s.talk(func(c Conversation) bool { return c.ControlID == control }); found {
		rows = append(rows, map[string]any{"id": c.ID, "created_at": c.Began.UTC(), "metadata": map[string]string{"call_control_id": control}})
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": rows})
}

// listLines serves the messages newest first, in pages of at most a hundred, twenty when nothing is asked for, as Telnyx does.
func (s *Server) listLines(w http.ResponseWriter, r *http.Request) {
	c, found := s.talk(func(c Conversation) bool { return c.ID == r.PathValue("id") })
	if !found || r.PathValue("part") != "messages" {
		refuse(w, http.StatusNotFound, "10005", "Resource not found")
		return
	}
	size, number := pageOf(r.URL.Query())
	var rows []map[string]any
	for i, line := range c.Lines {
		at := c.Began.Add(time.Duration(i) * time.Second).UTC()
		row := map[string]any{"role": line.Role, "text": line.Text, "created_at": at, "sent_at": at}
		if line.Text == "" {
			row["text"] = nil
			row["tool_calls"] = []map[string]any{{"id": "call_1", "type": "function", "function": map[string]string{"name": "get_classes", "arguments": "{}"}}}
		}
		rows = append([]map[string]any{row}, rows...)
	}
	page := rows[min((number-1)*size, len(rows)):min(number*size, len(rows))]
	writeJSON(w, http.StatusOK, map[string]any{
		"data": append([]map[string]any{}, page...),
		"meta": map[string]int{"page_number": number, "page_size": size, "total_pages": (len(rows) + size - 1) / size, "total_results": len(rows)},
	})
}

func pageOf(q url.Values) (size, number int) {
	size, number = 20, 1
	if n, err := strconv.Atoi(q.Get("page[size]")); err == nil && n > 0 && n <= 100 {
		size = n
	}
	if n, err := strconv.Atoi(q.Get("page[number]")); err == nil && n > 0 {
		number = n
	}
	return size, number
}

func (s *Server) findRecording(w http.ResponseWriter, r *http.Request) {
	control := r.URL.Query().Get("filter[call_control_id]")
	if control == "" {
		refuse(w, http.StatusBadRequest, "10015", "Bad Request")
		return
	}
	rows := []map[string]any{}
	if c, found := s.talk(func(c Conversation) bool { return c.ControlID == control && c.Recording != "" }); found {
		rows = append(rows, recording(c))
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": rows})
}

func (s *Server) showRecording(w http.ResponseWriter, r *http.Request) {
	c, found := s.talk(func(c Conversation) bool { return c.Recording == r.PathValue("id") })
	if !found {
		refuse(w, http.StatusNotFound, "10005", "Resource not found")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": recording(c)})
}

func recording(c Conversation) map[string]any {
	return map[string]any{
		"record_type": "recording", "id": c.Recording, "call_control_id": c.ControlID,
		"download_urls": map[string]string{"mp3": "https://recordings.example.test/" + c.Recording + ".mp3?signature=" + newID()},
	}
}
