package telnyx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

const keyText = "KEY0123fake_secret"

var (
	key    = private.NewSecret(keyText)
	hello  = telnyx.Outgoing{From: ours, To: customer, Text: private.NewText("your class is at five"), WebhookURL: statusURL}
	leaks  = []string{keyText, "your class", "at five", customer.E164(), ours.E164(), "5555550142", "5555550101", "reply=7"}
	queued = `{"data":{"id":"m1","parts":1,"to":[{"status":"queued"}]}}`
)

// counter counts the requests that reach a handler.
type counter struct {
	url      string
	requests atomic.Int64
}

func count(t testing.TB, h http.Handler) *counter {
	t.Helper()
	c := &counter{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.requests.Add(1)
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	c.url = server.URL
	return c
}

// fake is a Telnyx that sends no reports; profiles is the messaging profile that the key must name.
func fake(t testing.TB, profile string) (*telnyxtest.Server, *counter) {
	t.Helper()
	s := telnyxtest.New(telnyxtest.Options{Keys: map[string]string{keyText: profile}, Silent: true})
	return s, count(t, s)
}

func says(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// expiring is a context whose deadline passes when the test says so.
type expiring struct {
	context.Context
	passed chan struct{}
}

func (e expiring) Done() <-chan struct{} { return e.passed }

func (e expiring) Err() error {
	select {
	case <-e.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// wantNoLeak fails for an error that tells anything of the message or the key.
func wantNoLeak(t testing.TB, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		printed := fmt.Sprintf("%v %+v %#v %s", e, e, e, fault.PublicText(e))
		for _, leak := range leaks {
			if strings.Contains(printed, leak) {
				t.Errorf("the error tells %q: %s", leak, printed)
			}
		}
	}
}

func wantSendError(t testing.TB, name string, err error, want telnyx.SendError) {
	t.Helper()
	var got *telnyx.SendError
	if !errors.As(err, &got) {
		t.Errorf("%s: %v, want a *SendError", name, err)
		return
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
	wantNoLeak(t, err)
}

func TestSend_TellsTheTextThatWasTaken(t *testing.T) {
	t.Parallel()
	s, c := fake(t, "profile-1")
	o := hello
	o.ProfileID, o.Text = "profile-1", private.NewText(`"<é😀> & "messaging_profile_id":"",`+strings.Repeat("a", 100))
	sent, err := telnyx.NewClient(c.url).Send(t.Context(), key, o)
	if err != nil {
		t.Fatal(err)
	}
	got := s.Sent()
	if len(got) != 1 || c.requests.Load() != 1 {
		t.Fatalf("%d texts in %d requests", len(got), c.requests.Load())
	}
	want := telnyx.Sent{ID: got[0].ID, Parts: 3, Status: "queued"}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if got[0].From != ours || got[0].To != customer || got[0].Text != o.Text || got[0].WebhookURL != statusURL {
		t.Errorf("the fake took %q from %v to %v, reports to %q", got[0].Text.Reveal(), got[0].From, got[0].To, got[0].WebhookURL)
	}
}

func TestSend_TheBaseMayEndInTheVersion(t *testing.T) {
	t.Parallel()
	s, c := fake(t, "")
	for i, base := range []string{c.url, c.url + "/", c.url + "/v2", c.url + "/v2/"} {
		if _, err := telnyx.NewClient(base).Send(t.Context(), key, hello); err != nil || len(s.Sent()) != i+1 {
			t.Errorf("base %q: %v, %d taken", base, err, len(s.Sent()))
		}
	}
}

func TestSend_EachFailureIsToldAsWhatItIsAndAskedOnce(t *testing.T) {
	t.Parallel()
	lost := telnyx.SendError{Outcome: telnyx.Unknown, Reason: telnyx.Lost}
	tests := []struct {
		failure telnyxtest.Failure
		taken   int
		want    telnyx.SendError
	}{
		{telnyxtest.Dropped, 0, lost},
		{telnyxtest.TakenLost, 1, lost},
		{telnyxtest.Taken500, 1, telnyx.SendError{Outcome: telnyx.Unknown, Reason: telnyx.Lost, Status: 500, Code: "10007"}},
		{telnyxtest.TakenGarbage, 1, telnyx.SendError{Outcome: telnyx.Unknown, Reason: telnyx.Lost, Status: 200}},
		{telnyxtest.Refused429, 0, telnyx.SendError{Outcome: telnyx.NotSent, Reason: telnyx.BackOff, Status: 429, Code: "10011", RetryAfter: time.Second}},
		{telnyxtest.Refused40001, 0, telnyx.SendError{Outcome: telnyx.NotSent, Reason: telnyx.Permanent, Status: 422, Code: "40001"}},
		{telnyxtest.Refused40300, 0, telnyx.SendError{Outcome: telnyx.NotSent, Reason: telnyx.OptedOut, Status: 403, Code: "40300"}},
		{telnyxtest.Refused40010, 0, telnyx.SendError{Outcome: telnyx.NotSent, Reason: telnyx.Config, Status: 422, Code: "40010"}},
	}
	for _, tt := range tests {
		t.Run(string(tt.failure), func(t *testing.T) {
			t.Parallel()
			s, c := fake(t, "")
			s.Fail(tt.failure)
			_, err := telnyx.NewClient(c.url).Send(t.Context(), key, hello)
			wantSendError(t, string(tt.failure), err, tt.want)
			if len(s.Sent()) != tt.taken || c.requests.Load() != 1 {
				t.Errorf("%d taken in %d requests, want %d in one", len(s.Sent()), c.requests.Load(), tt.taken)
			}
		})
	}
}

func TestSend_ADroppedConnectionInUseIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	s, c := fake(t, "")
	client := telnyx.NewClient(c.url)
	if _, err := client.Send(t.Context(), key, hello); err != nil {
		t.Fatal(err)
	}
	s.Fail(telnyxtest.Dropped)
	_, err := client.Send(t.Context(), key, hello)
	wantSendError(t, "on a connection in use", err, telnyx.SendError{Outcome: telnyx.Unknown, Reason: telnyx.Lost})
	if c.requests.Load() != 2 || len(s.Sent()) != 1 {
		t.Errorf("%d taken in %d requests, want one in two", len(s.Sent()), c.requests.Load())
	}
}

func TestSend_ADeadlineAfterTheRequestLeavesTheOutcomeUnknown(t *testing.T) {
	t.Parallel()
	s, _ := fake(t, "")
	s.Fail(telnyxtest.Hangs)
	ctx := expiring{context.WithoutCancel(t.Context()), make(chan struct{})}
	c := count(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(ctx.passed)
		s.ServeHTTP(w, r)
	}))
	_, err := telnyx.NewClient(c.url).Send(ctx, key, hello)
	wantSendError(t, "deadline", err, telnyx.SendError{Outcome: telnyx.Unknown, Reason: telnyx.Lost})
	if c.requests.Load() != 1 {
		t.Errorf("%d requests", c.requests.Load())
	}
}

func TestSend_WhatNeverReachedTelnyxIsNotSent(t *testing.T) {
	t.Parallel()
	backOff := telnyx.SendError{Outcome: telnyx.NotSent, Reason: telnyx.BackOff}
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	_, err := telnyx.NewClient(down.URL).Send(t.Context(), key, hello)
	wantSendError(t, "nobody listens", err, backOff)

	s, c := fake(t, "")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = telnyx.NewClient(c.url).Send(over, key, hello)
	wantSendError(t, "given up before", err, backOff)
	_, err = telnyx.NewClient("http://telnyx.test:bad").Send(t.Context(), key, hello)
	wantSendError(t, "no address", err, telnyx.SendError{Outcome: telnyx.NotSent, Reason: telnyx.Config})
	if c.requests.Load() != 0 || len(s.Sent()) != 0 {
		t.Errorf("%d requests", c.requests.Load())
	}
}

func TestSend_AnAnswerThatCannotBeReadIsUnknown(t *testing.T) {
	t.Parallel()
	tests := map[string]http.HandlerFunc{
		"no body":            says(200, ""),
		"no data":            says(200, "{}"),
		"null":               says(200, `{"data":null}`),
		"no id":              says(200, `{"data":{"parts":1}}`),
		"a number for an id": says(200, `{"data":{"id":7}}`),
		"cut off":            says(200, queued, "Content-Length", "1000"),
		"endless":            says(200, `{"data":{"id":"m1"},"pad":"`+strings.Repeat("x", 1<<20)+`"}`),
	}
	for name, h := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := count(t, h)
			_, err := telnyx.NewClient(c.url).Send(t.Context(), key, hello)
			wantSendError(t, name, err, telnyx.SendError{Outcome: telnyx.Unknown, Reason: telnyx.Lost, Status: 200})
			if c.requests.Load() != 1 {
				t.Errorf("%d requests", c.requests.Load())
			}
		})
	}
}

func TestSend_TakesAnySuccessWithAnID(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{200: queued, 201: `{"data":{"id":"m1","parts":1,"to":[{"status":"queued"}],"cost":{"amount":0.0051}}}`, 202: queued} {
		c := count(t, says(status, body))
		sent, err := telnyx.NewClient(c.url).Send(t.Context(), key, hello)
		if diff := cmp.Diff(telnyx.Sent{ID: "m1", Parts: 1, Status: "queued"}, sent); err != nil || diff != "" {
			t.Errorf("%d: %v (-want +got):\n%s", status, err, diff)
		}
	}
	c := count(t, says(200, `{"data":{"id":"m1"}}`))
	if sent, err := telnyx.NewClient(c.url).Send(t.Context(), key, hello); err != nil || sent != (telnyx.Sent{ID: "m1"}) {
		t.Errorf("the id alone: %+v, %v", sent, err)
	}
}

func refused(code, title, detail string) string {
	return fmt.Sprintf(`{"errors":[{"code":%q,"title":%q,"detail":%q,"meta":{}},{"code":"99999","title":"another"}]}`, code, title, detail)
}

func TestSend_RefusalsAreSortedByCodeAndWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		reason        telnyx.Reason
		code          string
		title, detail string
	}{
		{telnyx.OptedOut, "40300", "Blocked due to STOP message", ""},
		{telnyx.OptedOut, "40300", "Forbidden", "Messages cannot be sent due to an existing block rule."},
		{telnyx.Config, "40300", "Forbidden", "The number is not assigned to a messaging profile"},
		{telnyx.Config, "40300", "Destination number unreachable", ""},
		{telnyx.Config, "40010", "Not 10DLC registered", "STOP"},
	}
	for reason, codes := range map[telnyx.Reason]string{
		telnyx.BackOff:   "10011 40318 40011 40016 40018 10007 10008 10037",
		telnyx.Permanent: "40001 40003 40012 40310 40301 40319 40322 40314",
		telnyx.Content:   "40302 40304 40316 40317 40328",
		telnyx.Config:    "40010 47000 40305 40306 40307 40309 40331 40311 40313 40312 40315 40329 40330 40333 40100 10009 10010 20002 12345",
	} {
		for code := range strings.FieldsSeq(codes) {
			tests = append(tests, struct {
				reason        telnyx.Reason
				code          string
				title, detail string
			}{reason, code, "A title", "A detail"})
		}
	}
	for _, tt := range tests {
		for _, status := range []int{400, 401, 403, 422} { // Telnyx does not document which status comes with which code
			c := count(t, says(status, refused(tt.code, tt.title, tt.detail)))
			_, err := telnyx.NewClient(c.url).Send(t.Context(), key, hello)
			wantSendError(t, tt.code+" "+tt.title, err, telnyx.SendError{Outcome: telnyx.NotSent, Reason: tt.reason, Status: status, Code: tt.code})
		}
	}
}

func TestSend_OnlyAClientErrorSurelyTookNothing(t *testing.T) {
	t.Parallel()
	unknown := func(status int, code string) telnyx.SendError {
		return telnyx.SendError{Outcome: telnyx.Unknown, Reason: telnyx.Lost, Status: status, Code: code}
	}
	not := func(reason telnyx.Reason, status int, code string, after time.Duration) telnyx.SendError {
		return telnyx.SendError{Outcome: telnyx.NotSent, Reason: reason, Status: status, Code: code, RetryAfter: after}
	}
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   telnyx.SendError
	}{
		{"a redirect is not followed", says(307, "", "Location", "/v2/messages"), unknown(307, "")},
		{"nor is one that asks for a GET", says(302, "", "Location", "/elsewhere"), unknown(302, "")},
		{"500", says(500, ""), unknown(500, "")},
		{"502 of a proxy", says(502, "<html>"), unknown(502, "")},
		{"503 that asks to wait", says(503, "", "Retry-After", "9"), unknown(503, "")},
		{"500 that names a refusal", says(500, refused("40001", "x", "")), unknown(500, "40001")},
		{"408", says(408, ""), not(telnyx.BackOff, 408, "", 0)},
		{"429 without a body", says(429, "", "Retry-After", "30"), not(telnyx.BackOff, 429, "", 30*time.Second)},
		{"429 for a day", says(429, "", "Retry-After", "86400"), not(telnyx.BackOff, 429, "", time.Hour)},
		{"429 for less than no time", says(429, "", "Retry-After", "-5"), not(telnyx.BackOff, 429, "", 0)},
		{"429 until a date", says(429, "", "Retry-After", "Fri, 15 May 2026 18:00:00 GMT"), not(telnyx.BackOff, 429, "", 0)},
		{"404 of a proxy", says(404, "<html>"), not(telnyx.Config, 404, "", 0)},
		{"no errors in it", says(422, `{"errors":[]}`), not(telnyx.Config, 422, "", 0)},
		{"a number for a code", says(422, `{"errors":[{"code":40001,"title":"x"}]}`), not(telnyx.Permanent, 422, "40001", 0)},
		{"an object for a code", says(422, `{"errors":[{"code":{},"title":"x"}]}`), not(telnyx.Config, 422, "", 0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := count(t, tt.answer)
			_, err := telnyx.NewClient(c.url).Send(t.Context(), key, hello)
			wantSendError(t, tt.name, err, tt.want)
			if c.requests.Load() != 1 {
				t.Errorf("%d requests", c.requests.Load())
			}
		})
	}
}

func TestSend_TheFakesRefusalsOfBadRequests(t *testing.T) {
	t.Parallel()
	s, c := fake(t, "profile-1")
	change := func(f func(*telnyx.Outgoing)) telnyx.Outgoing {
		o := hello
		o.ProfileID = "profile-1"
		f(&o)
		return o
	}
	for code, o := range map[string]telnyx.Outgoing{
		"40316": change(func(o *telnyx.Outgoing) { o.Text = private.Text{} }),
		"40302": change(func(o *telnyx.Outgoing) { o.Text = private.NewText(strings.Repeat("á", 671)) }),
		"40310": change(func(o *telnyx.Outgoing) { o.To = private.Phone{} }),
		"40305": change(func(o *telnyx.Outgoing) { o.From = private.Phone{} }),
		"40313": change(func(o *telnyx.Outgoing) { o.ProfileID = "" }),
	} {
		_, err := telnyx.NewClient(c.url).Send(t.Context(), key, o)
		var e *telnyx.SendError
		if !errors.As(err, &e) || e.Code != code || e.Outcome != telnyx.NotSent {
			t.Errorf("%v, want not sent with %s", err, code)
		}
	}
	_, err := telnyx.NewClient(c.url).Send(t.Context(), private.NewSecret("KEYwrong"), hello)
	wantSendError(t, "a wrong key", err, telnyx.SendError{Outcome: telnyx.NotSent, Reason: telnyx.Config, Status: 401, Code: "10009"})
	if len(s.Sent()) != 0 {
		t.Errorf("%d taken", len(s.Sent()))
	}
}

// mirror answers with all that it was asked, as a provider's error texts do with parts of it.
func mirror(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		all := fmt.Sprintf("%s %s %s", r.URL, r.Header.Get("Authorization"), body)
		says(status, refused(all, all, all))(w, r)
	}
}

func TestClient_NoErrorTellsTheMessageOrTheKey(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 302, 400, 403, 422, 429, 500} {
		c := count(t, mirror(status))
		_, err := telnyx.NewClient(c.url).Send(t.Context(), key, hello)
		if err == nil {
			t.Errorf("%d: sent", status)
		}
		wantNoLeak(t, err)
		_, _, err = telnyx.NewClient(c.url).FindSent(t.Context(), key, query)
		if err == nil {
			t.Errorf("%d: asked", status)
		}
		wantNoLeak(t, err)
	}
	_, err := telnyx.NewClient("http://telnyx.test:bad").Send(t.Context(), private.NewSecret(keyText+"\n"), hello)
	wantNoLeak(t, err)
}
