package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

// caller is the fake phone that the demonstration calls from.
const caller = "+15555550102"

// demoCall is a call as an assistant leads it: it calls each tool twice, as assistants do.
func demoCall(to string) placedCall {
	return placedCall{From: caller, To: to, Repeat: 2, Turns: []telnyxtest.Turn{
		{Customer: "Hi, my name is Maria Garcia. Do you have a class for my four year old?"},
		{Tool: "get-classes", Args: map[string]any{"age": "4"}},
		{Assistant: "There is one on Saturday at nine. Shall I text you the link?"},
		{Customer: "Yes please. My mail is maria@example.test, and I would like to see the pool."},
		{Tool: "send-link", Args: map[string]any{"class_id": "1", "first_name": "Maria", "last_name": "Garcia", "email": "maria at example dot test"}},
		{Tool: "get-available-slots", Args: map[string]any{"date_preference": "tomorrow"}},
		{Tool: "book-meeting", Args: map[string]any{"slot_start": "{{first_slot}}", "customer_name": "Maria Garcia", "topic": "Pool tour"}},
		{Assistant: "You are welcome to come by."},
	}}
}

// keptCall is what the API tells of a call.
type keptCall struct {
	ID      int64 `json:"id"`
	Summary *struct {
		Text    string `json:"text"`
		Intent  string `json:"intent"`
		Outcome string `json:"outcome"`
		LeadID  int64  `json:"lead_id"`
	} `json:"summary"`
	Transcript []struct{ Role, Text string } `json:"transcript"`
}

// demonstrateCall calls the demo swim school and shows the call from its first ring to what is kept of it.
func demonstrateCall(ctx context.Context) error {
	school := demo.SwimSchool()
	operator, err := boot.Settings[api.Operator](boot.OSEnvironment())
	if err != nil {
		return err
	}
	admin, err := operator.LogIn(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	var steps []telnyxtest.Step
	if err := call(ctx, http.MethodPost, callsPath, demoCall(school.Phone.E164()), &steps); err != nil {
		return err
	}
	fmt.Printf("%s calls %s (%s)\n\n", caller, school.Name, school.Phone.E164())
	for _, s := range steps {
		fmt.Printf("  %-38s %d  %s\n", s.What, s.Status, inShort(s))
	}
	kept, err := keptOf(ctx, admin.In(int64(school.ID)), began)
	if err != nil {
		return err
	}
	fmt.Printf("\nKept as call %d, with %d lines of transcript: %s, %s, lead %d\n  %s\n", kept.ID, len(kept.Transcript), kept.Summary.Intent, kept.Summary.Outcome, kept.Summary.LeadID, kept.Summary.Text)
	texts, err := inboxOf(ctx, caller)
	if err != nil {
		return err
	}
	for _, t := range texts {
		if t.At.After(began) {
			fmt.Printf("\nTexted to the caller:\n  %s\n", t.Text)
		}
	}
	return nil
}

// inShort is what of an answer a person wants to see.
func inShort(s telnyxtest.Step) string {
	if result, ok := s.Answer["result"].(string); ok {
		return result
	}
	told, _ := s.Answer["dynamic_variables"].(map[string]any)
	if words, ok := told["business_prompt"].(string); ok {
		return fmt.Sprintf("told %d characters for %v", len(words), told["business_name"])
	}
	return strings.TrimSpace(fmt.Sprint(s.Answer["status"]))
}

// keptOf waits until something is made of the caller's call.
func keptOf(ctx context.Context, tenant *api.Client, since time.Time) (kept keptCall, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	for {
		var newest struct {
			Items []struct {
				keptCall
				StartedAt time.Time `json:"started_at"`
			} `json:"items"`
		}
		query := url.Values{"phone_number": {caller}, "limit": {"1"}}
		if err := tenant.Call(ctx, http.MethodGet, "/calls?"+query.Encode(), nil, &newest); err != nil {
			return kept, err
		}
		if n := newest.Items; len(n) == 1 && n[0].Summary != nil && n[0].StartedAt.After(since.Add(-time.Second)) {
			return kept, tenant.Call(ctx, http.MethodGet, fmt.Sprintf("/calls/%d", n[0].ID), nil, &kept)
		}
		select {
		case <-ctx.Done():
			return kept, errors.New("nothing was made of the call in time; the log of make run says why")
		case <-time.After(100 * time.Millisecond):
		}
	}
}
