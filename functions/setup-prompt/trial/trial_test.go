package trial_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/functions/setup-prompt/trial"
	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral/ephemeraltest"
	"github.com/chattercheatah/chattercheatah/shared/gemini"
	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply/model"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

// bench is the function with a real database and a fake model.
type bench struct {
	*storetest.DB
	model   *geminitest.Server
	handler http.Handler
	tokens  *auth.Tokens
	admin   string
}

// limit is how many trials a tenant has here.
const limit = 8

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{DB: storetest.New(t), model: geminitest.Start(t, geminitest.Options{})}
	b.tokens = auth.NewTokens(auth.TokenConfig{Keys: private.NewSecret(strings.Repeat("k", 32))}, time.Now)
	b.handler = trial.New(trial.Deps{
		Log: slog.New(slog.DiscardHandler), Guard: auth.NewGuard(b.Store, b.tokens), Now: time.Now,
		Limit: ephemeral.New(ephemeral.Config{Project: "p", EmulatorHost: ephemeraltest.New(t).Addr()}, time.Now).Throttle("prompt_trials", limit, time.Minute),
		Model: model.Gemini(gemini.New(gemini.Config{Model: "gemini-2.5-flash", APIKey: private.NewSecret("k"), BaseURL: b.model.URL()})),
	})
	b.admin = b.person(t, "lead@exampleco.test", "tenant_admin")
	return b
}

func (b *bench) person(t *testing.T, email, role string) string {
	t.Helper()
	id, err := strconv.ParseInt(b.Query(t, `insert into users (email, password_hash, role, tenant_id) values ($1, 'x', $2, 1042) returning id::text`, email, role)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := b.tokens.Issue(id, private.NewSecret("x"))
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

// try sends a trial.
func (b *bench) try(token, body string) (int, map[string]any) {
	r := httptest.NewRequest(http.MethodPost, "/api/v1/prompts/test", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	var answer map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	return w.Code, answer
}

// draft makes a bundle of a tenant's.
func (b *bench) draft(t *testing.T, of *store.Tenant, c prompt.Channel, words string) int64 {
	t.Helper()
	made, err := of.MakeBundle(t.Context(), c, "Draft", []prompt.Section{{Key: "prices", Position: 110, Content: words}})
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func TestTry_AnswersAsTheLivePromptWouldAndWithADraftInItsPlace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	draft := b.draft(t, b.SwimSchool, prompt.Any, "A weekly lesson costs 99 dollars.")
	before := b.Snapshot(t, 1042)
	for body, want := range map[string]string{
		`{"message":"What does a weekly lesson cost?"}`:                                    "Example Swim School here. A weekly lesson costs 35 dollars.",
		fmt.Sprintf(`{"message":"What does a weekly lesson cost?","bundle_id":%d}`, draft): "Example Swim School here. A weekly lesson costs 99 dollars.",
	} {
		status, answer := b.try(b.admin, body)
		if status != http.StatusOK || answer["answer"] != want {
			t.Errorf("%s was answered %d %v; want %q", body, status, answer, want)
		}
		asked := b.model.Asked()
		if last := asked[len(asked)-1].System; last != answer["prompt"] {
			t.Errorf("the model was told otherwise:\n%s", cmp.Diff(last, answer["prompt"]))
		}
	}
	after := b.Snapshot(t, 1042)
	stored := slices.DeleteFunc(slices.Clone(after), func(row string) bool { return strings.HasPrefix(row, "model_calls ") })
	if diff := cmp.Diff(before, stored); diff != "" || len(after) != len(before)+2 {
		t.Errorf("a trial stored more than what it took, or that twice:\n%s", diff)
	}
}

func TestTry_AChannelsDraftLiesOverTheOneForAnyAndTheHistoryIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	draft := b.draft(t, b.SwimSchool, prompt.Voice, "Thirty-five dollars, spoken.")
	status, answer := b.try(b.admin, fmt.Sprintf(`{"message":"And on Sunday?","channel":"voice","bundle_id":%d,
		"history":[{"role":"user","content":"Are you open on Saturday?"},{"role":"assistant","content":"Yes."}]}`, draft))
	said, _ := answer["prompt"].(string)
	if status != http.StatusOK || !strings.Contains(said, "spoken") || !strings.Contains(said, "from 8 am to 1 pm") || !strings.Contains(said, "You speak on the telephone.") || strings.Contains(said, "trial lesson is free") {
		t.Errorf("answered %d with the prompt\n%s", status, said)
	}
	want := []geminitest.Turn{{Text: "Are you open on Saturday?"}, {FromModel: true, Text: "Yes."}, {Text: "And on Sunday?"}}
	if diff := cmp.Diff(want, b.model.Asked()[0].Turns); diff != "" {
		t.Errorf("the conversation (-want +told):\n%s", diff)
	}
}

func TestTry_WhatMayNotBeSentIsNotShown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.model.Answer(func(geminitest.Prompt) string {
		return "**We are open.** See https://elsewhere.test/x now. Register at https://swim.exampleco.test/register today."
	})
	if status, answer := b.try(b.admin, `{"message":"Are you open?"}`); status != http.StatusOK || answer["answer"] != "We are open. Register at https://swim.exampleco.test/register today." {
		t.Errorf("answered %d %v", status, answer["answer"])
	}
	b.model.Answer(func(geminitest.Prompt) string { return "See https://elsewhere.test/x now." })
	if status, answer := b.try(b.admin, `{"message":"Are you open?"}`); status != http.StatusServiceUnavailable || !strings.Contains(answer["detail"].(string), "that the prompt does not") {
		t.Errorf("answered %d %v", status, answer)
	}
}

func TestTry_AModelThatFailsIs503(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, failure := range map[string]http.HandlerFunc{
		"refused": geminitest.Fails(http.StatusBadRequest, "INVALID_ARGUMENT", ""),
		"blocked": geminitest.Says(`{"promptFeedback":{"blockReason":"SAFETY"}}`),
		"empty":   geminitest.Says(`{"candidates":[{"content":{"role":"model","parts":[{"text":"  "}]},"finishReason":"STOP"}]}`),
	} {
		b.model.Next(failure)
		status, answer := b.try(b.admin, `{"message":"Are you open?"}`)
		if detail, _ := answer["detail"].(string); status != http.StatusServiceUnavailable || !strings.Contains(detail, "the model gave no answer; try again") {
			t.Errorf("%s: answered %d %v", name, status, answer)
		}
	}
}

func TestTry_RefusesWhatIsNotTheTenantsOrMakesNoSense(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	theirs, voice := b.draft(t, b.Dentist, prompt.Any, "x"), b.draft(t, b.SwimSchool, prompt.Voice, "x")
	member := b.person(t, "desk@exampleco.test", "user")
	for _, c := range []struct {
		token, body string
		status      int
		words       string
	}{
		{member, `{"message":"x"}`, 403, "admin of this tenant"},
		{"x.y.z", `{"message":"x"}`, 401, "log in"},
		{b.admin, `{"message":" "}`, 400, "message"},
		{b.admin, `{}`, 422, "message"},
		{b.admin, `{"message":"x","channel":"any"}`, 422, "channel"},
		{b.admin, `{"message":"x","history":[{"role":"system","content":"x"}]}`, 422, "role"},
		{b.admin, `{"message":"x","bundle_id":0}`, 404, "no such thing"},
		{b.admin, fmt.Sprintf(`{"message":"x","bundle_id":%d}`, int64(1<<40)), 404, "no such thing"},
		{b.admin, fmt.Sprintf(`{"message":"x","bundle_id":%d}`, theirs), 404, "no such thing"},
		{b.admin, fmt.Sprintf(`{"message":"x","bundle_id":%d}`, voice), 400, `channel \"voice\"`},
	} {
		status, answer := b.try(c.token, c.body)
		said, _ := json.Marshal(answer)
		if status != c.status || !strings.Contains(string(said), c.words) {
			t.Errorf("%s was answered %d %s; want %d about %q", c.body, status, said, c.status, c.words)
		}
	}
	if n := len(b.model.Asked()); n != 0 {
		t.Errorf("the model was asked %d times", n)
	}
}

func TestTry_ATenantHasSoManyAndAnotherHasItsOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range limit {
		if status, answer := b.try(b.admin, `{"message":"What does a lesson cost?"}`); status != http.StatusOK {
			t.Fatalf("trial %d is %d %v", i+1, status, answer)
		}
	}
	colleague := b.person(t, "second@exampleco.test", "tenant_admin")
	if status, _ := b.try(colleague, `{"message":"What does a lesson cost?"}`); status != http.StatusTooManyRequests {
		t.Errorf("one trial too many is %d; want 429", status)
	}
	if asked := len(b.model.Asked()); asked != limit {
		t.Errorf("the model was asked %d times; want %d", asked, limit)
	}
	b.Exec(t, `update users set tenant_id = 2048 where email = 'second@exampleco.test'`)
	if status, answer := b.try(colleague, `{"message":"What does a filling cost?"}`); status != http.StatusOK {
		t.Errorf("another tenant's trial is %d %v; want 200", status, answer)
	}
}
