package gemini

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/genai"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

const secretKey = "the-secret-key"

// impatient is a client whose tries follow each other at once.
func impatient(s *geminitest.Server) *Client {
	c := New(Config{Model: "gemini-2.5-flash", APIKey: private.NewSecret(secretKey), BaseURL: s.URL()})
	c.pause = time.Millisecond
	return c
}

func question(words string) Request {
	return Request{System: private.NewText("You are a test."), Turns: []Turn{{Text: private.NewText(words)}}, MaxTokens: 100}
}

func candidate(text, finish string) string {
	return fmt.Sprintf(`{"candidates":[{"content":{"role":"model","parts":[{"text":%q}]},"finishReason":%q}]}`, text, finish)
}

func TestGenerate_EndsAsTheModelDoes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		next   []http.HandlerFunc
		want   string
		err    error
		asked  int
		status fault.Kind
	}{
		{name: "an answer", next: []http.HandlerFunc{geminitest.Says(candidate(" Yes. ", "STOP"))}, want: "Yes.", asked: 1},
		{name: "busy twice, then an answer", next: []http.HandlerFunc{geminitest.Fails(503, "UNAVAILABLE", ""), geminitest.Fails(429, "RESOURCE_EXHAUSTED", ""), geminitest.Says(candidate("Yes.", "STOP"))}, want: "Yes.", asked: 3},
		{name: "busy three times", next: []http.HandlerFunc{geminitest.Fails(500, "INTERNAL", ""), geminitest.Fails(503, "UNAVAILABLE", ""), geminitest.Fails(504, "DEADLINE_EXCEEDED", "")}, asked: 3, status: fault.Unavailable},
		{name: "refused", next: []http.HandlerFunc{geminitest.Fails(400, "INVALID_ARGUMENT", "")}, err: ErrRefused, asked: 1},
		{name: "no such model", next: []http.HandlerFunc{geminitest.Fails(404, "NOT_FOUND", "")}, err: ErrRefused, asked: 1},
		{name: "a blocked question", next: []http.HandlerFunc{geminitest.Says(`{"promptFeedback":{"blockReason":"SAFETY"}}`)}, err: ErrBlocked, asked: 1},
		{name: "a blocked answer", next: []http.HandlerFunc{geminitest.Says(candidate("half of", "SAFETY"))}, err: ErrBlocked, asked: 1},
		{name: "a recitation", next: []http.HandlerFunc{geminitest.Says(candidate("a poem", "RECITATION"))}, err: ErrBlocked, asked: 1},
		{name: "nothing", next: []http.HandlerFunc{geminitest.Says(candidate("  ", "STOP"))}, err: ErrEmpty, asked: 1},
		{name: "no candidate", next: []http.HandlerFunc{geminitest.Says(`{}`)}, err: ErrEmpty, asked: 1},
		{name: "cut off within a sentence", next: []http.HandlerFunc{geminitest.Says(candidate("We are open. On Satur", "MAX_TOKENS"))}, want: "We are open.", asked: 1},
		{name: "cut off within the first sentence", next: []http.HandlerFunc{geminitest.Says(candidate("On Satur", "MAX_TOKENS"))}, err: ErrEmpty, asked: 1},
		{name: "thoughts are not told", next: []http.HandlerFunc{geminitest.Says(`{"candidates":[{"content":{"role":"model","parts":[{"text":"hmm","thought":true},{"text":"Yes."}]},"finishReason":"STOP"}]}`)}, want: "Yes.", asked: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := geminitest.Start(t, geminitest.Options{Key: secretKey})
			s.Next(tt.next...)
			answer, err := impatient(s).Generate(t.Context(), question("my unmistakable words"))
			if answer.Text.Reveal() != tt.want || tt.err != nil && !errors.Is(err, tt.err) || tt.want == "" && err == nil {
				t.Errorf("Generate = %q, %v; want %q, %v", answer.Text.Reveal(), err, tt.want, tt.err)
			}
			if tt.status != 0 && fault.KindOf(err) != tt.status {
				t.Errorf("the kind is %v; want %v", fault.KindOf(err), tt.status)
			}
			if n := len(s.Asked()); n != tt.asked {
				t.Errorf("the model was asked %d times; want %d", n, tt.asked)
			}
			if said := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(said, secretKey) || strings.Contains(said, "unmistakable") {
				t.Errorf("the error holds the key or the question: %s", said)
			}
		})
	}
}

func TestGenerate_GarbageAndSilenceAreUnavailable(t *testing.T) {
	t.Parallel()
	s := geminitest.Start(t, geminitest.Options{})
	s.Next(geminitest.Says("<html>"), geminitest.Says("<html>"), geminitest.Says("<html>"))
	if _, err := impatient(s).Generate(t.Context(), question("x")); fault.KindOf(err) != fault.Unavailable || err == nil {
		t.Errorf("garbage: %v; want unavailable", err)
	}
	s.Next(geminitest.Hangs, geminitest.Hangs, geminitest.Hangs)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := impatient(s).Generate(ctx, question("x")); err == nil {
		t.Error("a model that hangs has answered")
	}
}

func TestGenerate_TellsTheWholeConversationUserFirstAndInTurn(t *testing.T) {
	t.Parallel()
	s := geminitest.Start(t, geminitest.Options{})
	in := question("")
	in.Turns = nil
	for _, turn := range []string{"<greeting", ">one", ">two", "<answer", "<more", ">three"} {
		in.Turns = append(in.Turns, Turn{FromModel: turn[0] == '<', Text: private.NewText(turn[1:])})
	}
	if _, err := impatient(s).Generate(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	asked := s.Asked()[0]
	if got := fmt.Sprint(asked.Turns); got != "[{false one\ntwo} {true answer\nmore} {false three}]" || asked.System != "You are a test." {
		t.Errorf("the model was told %q under %q", got, asked.System)
	}
}

func TestGenerate_WithoutAQuestionAsksNothing(t *testing.T) {
	t.Parallel()
	s := geminitest.Start(t, geminitest.Options{})
	if _, err := impatient(s).Generate(t.Context(), Request{System: private.NewText("x"), Turns: []Turn{{FromModel: true, Text: private.NewText("hi")}}}); !errors.Is(err, ErrEmpty) || len(s.Asked()) != 0 {
		t.Errorf("Generate = %v", err)
	}
}

func TestConfig_TheIntegrationsKeyWins(t *testing.T) {
	t.Parallel()
	s := geminitest.Start(t, geminitest.Options{Key: "wins"})
	c := New(Config{Model: "m", APIKey: private.NewSecret("loses"), IntegrationsKey: private.NewSecret("wins"), BaseURL: s.URL()})
	if _, err := c.Generate(t.Context(), question("hello")); err != nil {
		t.Error(err)
	}
}

func TestConfig_WhatIsMissingOrMalformedIsNamed(t *testing.T) {
	t.Parallel()
	err := Config{BaseURL: "elsewhere"}.Validate()
	if err == nil || !strings.Contains(err.Error(), "GEMINI_API_KEY") || !strings.Contains(err.Error(), "GOOGLE_GEMINI_BASE_URL") {
		t.Errorf("Validate = %v", err)
	}
	if err := (Config{APIKey: private.NewSecret("k")}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestRetryDelay_IsTheAPIsUnlessACustomerCannotWaitThatLong(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]time.Duration{"2s": 2 * time.Second, "1.2s": 2 * time.Second, "0s": 0, "-3s": 0, "90s": 0, "soon": 0, "": 0} {
		if got := retryDelay(genai.APIError{Details: []map[string]any{{"retryDelay": said}}}); got != want {
			t.Errorf("retryDelay(%q) = %v; want %v", said, got, want)
		}
	}
}
