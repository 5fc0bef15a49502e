package telnyx_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

func talkAt(t *testing.T, c telnyxtest.Conversation) (*telnyxtest.Server, *telnyx.Client, private.Secret) {
	t.Helper()
	s := telnyxtest.Start(t, telnyxtest.Options{Keys: map[string]string{"KEY": ""}})
	s.Converse(c)
	return s, telnyx.NewClient(s.URL()), private.NewSecret("KEY")
}

func TestConversation_AllPagesInOrderWithoutToolsAndErrors(t *testing.T) {
	t.Parallel()
	talk := telnyxtest.Conversation{ID: "c1", ControlID: "v3:a+b", Began: time.Date(2026, 2, 5, 19, 33, 0, 0, time.UTC)}
	var want []string
	for i := range 250 {
		talk.Lines = append(talk.Lines, telnyxtest.Line{Role: "user", Text: fmt.Sprint("line ", i)})
		want = append(want, fmt.Sprint("true line ", i))
	}
	talk.Lines = append(talk.Lines, telnyxtest.Line{Role: "assistant"}, telnyxtest.Line{Role: "tool", Text: `{"result":"x"}`},
		telnyxtest.Line{Role: "assistant", Text: `{"http_status":502,"errors":[]}`}, telnyxtest.Line{Role: "assistant", Text: " Good\x00bye "})
	want = append(want, "false Goodbye")
	_, client, key := talkAt(t, talk)
	id, err := client.FindConversation(t.Context(), key, "v3:a+b")
	if err != nil || id != "c1" {
		t.Fatalf("FindConversation = %q, %v", id, err)
	}
	said, err := client.Conversation(t.Context(), key, id)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range said {
		got = append(got, fmt.Sprint(u.FromCustomer, " ", u.Text.Reveal()))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what was said (-want +got):\n%s", diff)
	}
}

func TestConversation_WhatIsMissingIsToldFromWhatCannotBeAsked(t *testing.T) {
	t.Parallel()
	s, client, key := talkAt(t, telnyxtest.Conversation{ID: "c1", ControlID: "v3:a", Recording: "r1"})
	ctx := t.Context()
	if said, err := client.Conversation(ctx, key, "c1"); err != nil || len(said) != 0 {
		t.Errorf("nothing said yet: %v, %v; want neither", said, err)
	}
	if _, err := client.Conversation(ctx, key, "c2"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("no such conversation: %v", err)
	}
	if _, err := client.FindConversation(ctx, key, "v3:b"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("no such call: %v", err)
	}
	if id, err := client.FindRecording(ctx, key, "v3:a"); err != nil || id != "r1" {
		t.Errorf("FindRecording = %q, %v", id, err)
	}
	if id, err := client.FindRecording(ctx, key, "v3:b"); err != nil || id != "" {
		t.Errorf("FindRecording of a call without one = %q, %v", id, err)
	}
	if link, err := client.RecordingURL(ctx, key, "r1"); err != nil || link == "" {
		t.Errorf("RecordingURL = %q, %v", link, err)
	}
	if _, err := client.RecordingURL(ctx, key, "r2"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("no such recording: %v", err)
	}
	if _, err := client.Conversation(ctx, private.NewSecret("OTHER"), "c1"); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("another key: %v", err)
	}
	s.ConversationsDown(1)
	if _, err := client.Conversation(ctx, key, "c1"); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("503: %v", err)
	}
}
