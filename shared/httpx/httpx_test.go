package httpx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
)

// anyone admits everybody.
func anyone(c httpx.Caller) httpx.Access[string] {
	return httpx.Access[string]{Name: "anyone", Caller: c, Admit: func(*http.Request) (string, error) { return "somebody", nil }}
}

type greeting struct {
	Body struct {
		Name  string `json:"name" maxLength:"5"`
		Times int    `json:"times,omitempty"`
	}
}

func greet(_ context.Context, who string, in *greeting) (*greeting, error) {
	out := &greeting{}
	out.Body.Name = in.Body.Name + who[:1]
	return out, nil
}

func serve(log io.Writer, r *http.Request, routes ...httpx.Route) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	httpx.New(slog.New(slog.NewJSONHandler(log, nil)), routes...).ServeHTTP(w, r)
	return w
}

func post(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func failing(c httpx.Caller, err error) httpx.Route {
	return httpx.Handle("POST", "/x", anyone(c), func(http.ResponseWriter, *http.Request, string) error { return err })
}

func TestErrors_EachCallerIsToldInItsOwnWay(t *testing.T) {
	t.Parallel()
	kinds := []fault.Kind{fault.Invalid, fault.Unauthenticated, fault.Forbidden, fault.NotFound, fault.Conflict, fault.TooMany, fault.Unavailable, fault.Internal}
	for caller, want := range map[httpx.Caller][]int{
		httpx.Person:   {400, 401, 403, 404, 409, 429, 503, 500},
		httpx.Provider: {400, 401, 200, 200, 200, 503, 503, 500},
		httpx.Voice:    {200, 200, 200, 200, 200, 200, 200, 200},
		httpx.Browser:  {400, 401, 403, 404, 409, 429, 503, 500},
	} {
		for i, kind := range kinds {
			var log bytes.Buffer
			w := serve(&log, post("/x", ""), failing(caller, fault.Wrap(kind, errors.New("the secret cause"), "<what to do>")))
			if w.Code != want[i] {
				t.Errorf("caller %d, %v: %d; want %d", caller, kind, w.Code, want[i])
			}
			if strings.Contains(w.Body.String(), "secret") || !strings.Contains(log.String(), "the secret cause") {
				t.Errorf("caller %d, %v: the cause belongs in the log and nowhere else: %s", caller, kind, w.Body)
			}
			if caller == httpx.Browser && strings.Contains(w.Body.String(), "<what") {
				t.Errorf("the page does not escape: %s", w.Body)
			}
		}
	}
}

func TestErrors_OnlyTheRequestIDIsToldOfOurOwnFaults(t *testing.T) {
	t.Parallel()
	r := post("/x", "")
	r.Header.Set("X-Request-Id", "request-0001")
	w := serve(io.Discard, r, failing(httpx.Person, errors.New("the secret cause")))
	var p httpx.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.RequestID != "request-0001" || p.Code != "internal" || strings.Contains(p.Detail, "secret") {
		t.Errorf("answered %s", w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type is %s", got)
	}
}

func TestJSON_WhatIsWrongWithABodyIsNamedAndNotRepeated(t *testing.T) {
	t.Parallel()
	route := httpx.JSON("POST", "/greet", anyone(httpx.Person), greet)
	for body, want := range map[string]string{
		`{"name":"x","colour":"secret"}`: "colour",
		`{"name":7}`:                     "body.name",
		`{"name":"secrets"}`:             "body.name",
		`{}`:                             "name",
		`{"name":"x"}{"name":"secret"}`:  "",
		`{"name":"x"`:                    "",
		``:                               "",
		`{"name":"` + strings.Repeat("secret", 12000) + `"}`: "65536 bytes",
	} {
		w := serve(io.Discard, post("/greet", body), route)
		if w.Code < 400 || w.Code >= 500 || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%.60s was answered %d %s; want 4xx about %q", body, w.Code, w.Body, want)
		}
	}
	if w := serve(io.Discard, post("/greet", `{"name":"x"}`), route); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"xs"`) {
		t.Errorf("a good body was answered %d %s", w.Code, w.Body)
	}
}

func TestRoutes_AnswerWithAndWithoutThePrefix(t *testing.T) {
	t.Parallel()
	route := httpx.JSON("POST", "/greet", anyone(httpx.Person), greet)
	for path, want := range map[string]int{"/greet": 200, "/api/v1/greet": 200, "/api/v1/api/v1/greet": 404, "/api/v2/greet": 404, "/": 404} {
		if w := serve(io.Discard, post(path, `{"name":"x"}`), route); w.Code != want {
			t.Errorf("%s was answered %d; want %d", path, w.Code, want)
		}
	}
	w := serve(io.Discard, httptest.NewRequest(http.MethodDelete, "/api/v1/greet", nil), route)
	if w.Code != http.StatusMethodNotAllowed || !strings.Contains(w.Header().Get("Allow"), "POST") {
		t.Errorf("DELETE was answered %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
	if w := serve(io.Discard, httptest.NewRequest(http.MethodGet, "/health", nil), route); w.Code != http.StatusOK {
		t.Errorf("/health was answered %d", w.Code)
	}
}

func TestAdmit_ComesBeforeTheBodyAndTheHandler(t *testing.T) {
	t.Parallel()
	closed := httpx.Access[string]{Name: "nobody", Caller: httpx.Person, Admit: func(*http.Request) (string, error) {
		return "", fault.New(fault.Unauthenticated, "log in first")
	}}
	called := false
	for name, route := range map[string]httpx.Route{
		"JSON": httpx.JSON("POST", "/x", closed, func(context.Context, string, *greeting) (*greeting, error) { called = true; return nil, nil }),
		"raw":  httpx.Handle("POST", "/x", closed, func(http.ResponseWriter, *http.Request, string) error { called = true; return nil }),
	} {
		w := serve(io.Discard, post("/x", "{ this is no JSON"), route)
		if w.Code != http.StatusUnauthorized || called || w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: answered %d, called %v; want 401 before anything is read", name, w.Code, called)
		}
	}
}

func TestPanic_IsAnErrorWithARequestID(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := serve(&log, post("/x", ""), httpx.Handle("POST", "/x", anyone(httpx.Person), func(http.ResponseWriter, *http.Request, string) error { panic("boom") }))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "boom") || !strings.Contains(log.String(), "panic: boom") {
		t.Errorf("answered %d %s; the log: %s", w.Code, w.Body, &log)
	}
}

func TestLog_OneLineARequestWithoutBodyOrToken(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := post("/greet", `{"name":"secrt"}`)
	r.Header.Set("Authorization", "Bearer secret-token")
	serve(&log, r, httpx.JSON("POST", "/greet", anyone(httpx.Person), greet))
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines: %s", n, &log)
	}
	var line map[string]any
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line["outcome"] != "ok" {
		t.Errorf("the outcome is %v", line["outcome"])
	}
	for _, key := range []string{"request_id", "route", "status", "outcome", "duration_ms"} {
		if line[key] == nil || line[key] == "" {
			t.Errorf("the line has no %s: %s", key, &log)
		}
	}
	if strings.Contains(log.String(), "sec") {
		t.Errorf("the line holds what it must not: %s", &log)
	}
}

func TestLog_ARefusedBodyHasAnOutcomeToo(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	serve(&log, post("/greet?token=secret", `{}`), httpx.JSON("POST", "/greet", anyone(httpx.Person), greet))
	if !strings.Contains(log.String(), `"outcome":"rejected"`) || strings.Contains(log.String(), "secret") {
		t.Errorf("the line is %s", &log)
	}
}

func TestServe_LetsRunningRequestsFinish(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entered, release := make(chan struct{}), make(chan struct{})
	handler := httpx.New(slog.New(slog.DiscardHandler), httpx.Handle("POST", "/x", anyone(httpx.Person), func(w http.ResponseWriter, _ *http.Request, _ string) error {
		close(entered)
		<-release
		return httpx.Write(w, http.StatusOK, map[string]string{})
	}))
	ctx, cancel := context.WithCancel(t.Context())
	served, answered := make(chan error, 1), make(chan int, 1)
	go func() { served <- httpx.Serve(ctx, l, handler) }()
	go func() {
		response, err := http.Post("http://"+l.Addr().String()+"/x", "application/json", nil)
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		_ = response.Body.Close()
		answered <- response.StatusCode
	}()
	<-entered
	cancel()
	gone, stop := context.WithCancel(t.Context())
	stop()
	if err := httpx.WaitIdle(gone); err == nil {
		t.Error("a request is running and the process counts as idle")
	}
	close(release)
	if status := <-answered; status != http.StatusOK {
		t.Errorf("the running request was answered %d; want 200", status)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := httpx.WaitIdle(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWithin_ACallerThatWaitsOnlySoLongIsAnsweredWhileItWaits(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]struct {
		admit  func(*http.Request) (string, error)
		handle func(http.ResponseWriter, *http.Request, string) error
	}{
		"an admission": {
			func(r *http.Request) (string, error) { return "", untilOver(r) },
			func(http.ResponseWriter, *http.Request, string) error { return nil },
		},
		"a handler": {
			func(*http.Request) (string, error) { return "somebody", nil },
			func(_ http.ResponseWriter, r *http.Request, _ string) error { return untilOver(r) },
		},
	} {
		patient := httpx.Access[string]{Name: "patient", Caller: httpx.Provider, Within: time.Millisecond, Admit: in.admit}
		if w := serve(io.Discard, post("/x", "{}"), httpx.Handle("POST", "/x", patient, in.handle)); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s that takes too long was answered %d; want 503", name, w.Code)
		}
	}
}

// untilOver waits until there is no time left, as for a server that does not answer.
func untilOver(r *http.Request) error {
	<-r.Context().Done()
	return fault.Wrap(fault.Unavailable, r.Context().Err(), "")
}
