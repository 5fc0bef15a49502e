// Package geminitest is a fake of the Gemini API. It checks what it is asked as strictly as the real one, and answers from
// the prompt that it is given, so that an answer shows whose prompt it was. Used by the local server and by tests.
package geminitest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Prompt is a question as the fake received it.
type Prompt struct {
	Model  string
	System string
	Turns  []Turn
	JSON   bool // the answer is to be JSON
}

// Turn is one side's words.
type Turn struct {
	FromModel bool
	Text      string
}

// Options is how the fake behaves.
type Options struct {
	Key     string        // the only one that is taken; any when empty
	Latency time.Duration // before each answer
}

// Server is a fake model. It is an http.Handler.
type Server struct {
	options Options
	url     string

	mu     sync.Mutex
	asked  []Prompt
	script []http.HandlerFunc
	answer func(Prompt) string
	closed chan struct{}
}

// New makes a fake that does not listen; mount it.
func New(o Options) *Server {
	return &Server{options: o, answer: invent, closed: make(chan struct{})}
}

// Start makes a fake that listens until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := New(o)
	server := httptest.NewServer(s)
	s.url = server.URL
	t.Cleanup(func() {
		close(s.closed)
		server.Close()
	})
	return s
}

// URL is the address, of a fake that Start made.
func (s *Server) URL() string { return s.url }

// Asked lists every well-formed question so far.
func (s *Server) Asked() []Prompt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Prompt(nil), s.asked...)
}

// Answer makes the fake answer with what f returns.
func (s *Server) Answer(f func(Prompt) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

// Next makes the next questions end as given, one each.
func (s *Server) Next(responses ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, responses...)
}

// Fails answers with an HTTP error in Google's shape; retryDelay, such as "2s", is optional.
func Fails(status int, code, retryDelay string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		details := []map[string]any{}
		if retryDelay != "" {
			details = append(details, map[string]any{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retryDelay})
		}
		writeJSON(w, status, map[string]any{"error": map[string]any{"code": status, "message": "invented by the fake", "status": code, "details": details}})
	}
}

// Says answers 200 with a body of any kind.
func Says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}
}

// Hangs answers nothing until the caller gives up.
func Hangs(_ http.ResponseWriter, r *http.Request) {
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// ServeHTTP serves models/{model}:generateContent.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	model, ok := strings.CutPrefix(r.URL.Path, "/v1beta/models/")
	model, generate := strings.CutSuffix(model, ":generateContent")
	if !ok || !generate || r.Method != http.MethodPost {
		Fails(http.StatusNotFound, "NOT_FOUND", "")(w, r)
		return
	}
	if key := r.Header.Get("X-Goog-Api-Key"); key == "" || s.options.Key != "" && key != s.options.Key {
		Fails(http.StatusBadRequest, "INVALID_ARGUMENT", "")(w, r) // the real API answers 400 to a bad key
		return
	}
	p, ok := parse(r)
	if !ok {
		Fails(http.StatusBadRequest, "INVALID_ARGUMENT", "")(w, r)
		return
	}
	p.Model = model
	s.mu.Lock()
	s.asked = append(s.asked, p)
	answer := s.answer
	var scripted http.HandlerFunc
	if len(s.script) > 0 {
		scripted, s.script = s.script[0], s.script[1:]
	}
	s.mu.Unlock()
	if scripted != nil {
		scripted(w, r)
		return
	}
	select {
	case <-time.After(s.options.Latency):
	case <-s.closed:
	}
	writeAnswer(w, model, p, answer(p))
}

type wireContent struct {
	Role  string `json:"role"`
	Parts []struct {
		Text *string `json:"text"`
	} `json:"parts"`
}

func (c wireContent) text() (string, bool) {
	var parts []string
	for _, p := range c.Parts {
		if p.Text == nil || *p.Text == "" {
			return "", false
		}
		parts = append(parts, *p.Text)
	}
	return strings.Join(parts, "\n"), len(parts) > 0
}

// parse checks a question as the API does: a system instruction, and turns that begin and end with the user's and alternate.
func parse(r *http.Request) (p Prompt, ok bool) {
	var in struct {
		Contents          []wireContent   `json:"contents"`
		SystemInstruction *wireContent    `json:"systemInstruction"`
		GenerationConfig  json.RawMessage `json:"generationConfig"`
	}
	var generation struct {
		MIMEType string         `json:"responseMimeType"`
		Schema   map[string]any `json:"responseJsonSchema"`
	}
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 4<<20))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&in) != nil || in.SystemInstruction == nil || len(in.Contents)%2 == 0 || json.Unmarshal(in.GenerationConfig, &generation) != nil {
		return p, false
	}
	p.JSON = generation.MIMEType == "application/json"
	if p.JSON != (generation.Schema["type"] == "object") {
		return p, false
	}
	if p.System, ok = in.SystemInstruction.text(); !ok {
		return p, false
	}
	for i, c := range in.Contents {
		text, ok := c.text()
		if !ok || c.Role != map[bool]string{true: "user", false: "model"}[i%2 == 0] {
			return p, false
		}
		p.Turns = append(p.Turns, Turn{c.Role == "model", text})
	}
	return p, true
}

func writeAnswer(w http.ResponseWriter, model string, p Prompt, text string) {
	words := func(s string) int { return len(strings.Fields(s)) }
	writeJSON(w, http.StatusOK, map[string]any{
		"candidates":    []map[string]any{{"content": map[string]any{"role": "model", "parts": []map[string]string{{"text": text}}}, "finishReason": "STOP", "index": 0}},
		"usageMetadata": map[string]int{"promptTokenCount": words(p.System), "candidatesTokenCount": words(text), "totalTokenCount": words(p.System) + words(text)},
		"modelVersion":  model, "responseId": "local",
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
