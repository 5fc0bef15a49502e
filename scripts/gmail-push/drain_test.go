package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// letter has a message lie among the dead as Pub/Sub puts it there, and returns its id.
func (g *google) letter(data string) string {
	return g.pubsub.Publish(deadTopic, []byte(data), map[string]string{countAttribute: "20", timeAttribute: "2020-11-25T10:00:00.123+00:00"})
}

// drain is the command: the sum that it prints in the end, and before it the messages' lines, which are sorted, as messages come in no order.
func (g *google) drain(t *testing.T, args ...string) ([]string, error) {
	t.Helper()
	out, err := g.run(t, append([]string{"drain"}, args...)...)
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	slices.Sort(lines[:len(lines)-1])
	return lines, err
}

func (g *google) published(topic string) (data []string) {
	for _, m := range g.pubsub.Messages() {
		if m.Topic == topic {
			data = append(data, string(m.Data))
		}
	}
	slices.Sort(data)
	return data
}

func want(t *testing.T, what string, got []string, err error, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, got); diff != "" || err != nil {
		t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
	}
}

func TestTest_PublishesWhatGmailDoesAndShowsNoName(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	apply(t, g)
	out, err := g.run(t, "test", "Support@exampleco.test")
	if err != nil || out != "published message m0: S***@exampleco.test has changed up to 1\n" {
		t.Errorf("%v, %q", err, out)
	}
	if out, err := g.run(t, "test", "-history-id", "18446744073709551615", "support@exampleco.test"); err != nil {
		t.Errorf("%v, %q", err, out)
	}
	if diff := cmp.Diff([]string{
		`{"emailAddress":"Support@exampleco.test","historyId":1}`, `{"emailAddress":"support@exampleco.test","historyId":18446744073709551615}`,
	}, g.published(theTopic)); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	g.fail("Publish", status.Error(codes.PermissionDenied, "not you"))
	out, err = g.run(t, "test", "support@exampleco.test")
	if err == nil || out != "" || !strings.Contains(err.Error(), theTopic) || strings.Contains(err.Error(), "support") {
		t.Errorf("refused: %v, %q", err, out)
	}
}

func TestDrain_ShowsAndLeavesThemAsOftenAsItIsAsked(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	apply(t, g)
	a := g.letter(`{"emailAddress":"support@exampleco.test","historyId":1710}`)
	b := g.letter(`{"emailAddress":"Élan@other.test","historyId":"18446744073709551615"}`)
	c := g.pubsub.Publish(deadTopic, []byte("no JSON, and somebody@exampleco.test in it"), nil)
	for range 2 {
		got, err := g.drain(t)
		want(t, "drain", slices.Delete(slices.Clone(got), 2, 3), err,
			"2020-11-25T10:00:00Z message "+a+" attempts 20: s***@exampleco.test history 1710",
			"2020-11-25T10:00:00Z message "+b+" attempts 20: É***@other.test history 18446744073709551615",
			"3 could not be delivered: 0 published again, 0 removed, 3 left")
		if !strings.HasSuffix(got[2], " message "+c+" attempts unknown: no announcement of Gmail's, 42 bytes") {
			t.Errorf("what cannot be read is shown as %q", got[0])
		}
	}
}

func TestDrain_AckRemovesWhatWasPrinted(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	apply(t, g)
	const many = 2*mostPulled + 1
	for i := range many {
		g.letter(fmt.Sprintf(`{"emailAddress":"support@exampleco.test","historyId":%d}`, i+1))
	}
	got, err := g.drain(t, "-ack")
	if err != nil || len(got) != many+1 || got[many] != fmt.Sprintf("%d could not be delivered: 0 published again, %d removed, 0 left", many, many) {
		t.Errorf("%v, %d lines, the last is %q", err, len(got), got[len(got)-1])
	}
	got, err = g.drain(t)
	want(t, "after it", got, err, "0 could not be delivered: 0 published again, 0 removed, 0 left")
	if p := g.published(theTopic); len(p) > 0 {
		t.Errorf("published: %q", p)
	}
}

func TestDrain_ReplayPublishesAnnouncementsAndLeavesWhatIsNone(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	apply(t, g)
	notices := []string{`{"emailAddress":"a@exampleco.test","historyId":"17"}`, `{"emailAddress":"b@exampleco.test","historyId":18}`}
	none := []string{
		"", "no JSON", `{"emailAddress":"a@exampleco.test"}`, `{"emailAddress":"not one","historyId":1}`, `{"emailAddress":"a@exampleco.test","historyId":-1}`,
	}
	for _, data := range slices.Concat(notices, none) {
		g.letter(data)
	}
	got, err := g.drain(t, "-replay")
	if err != nil || got[len(got)-1] != "7 could not be delivered: 2 published again, 0 removed, 5 left" {
		t.Errorf("%v, %q", err, got)
	}
	want(t, "published", g.published(theTopic), nil, notices...)
	for _, m := range g.pubsub.Messages() {
		if m.Topic == theTopic && len(m.Attributes) > 0 {
			t.Errorf("a message goes out with what Pub/Sub noted of its death: %v", m.Attributes)
		}
	}
	if got, err = g.drain(t, "-replay"); err != nil || got[len(got)-1] != "5 could not be delivered: 0 published again, 0 removed, 5 left" {
		t.Errorf("again: %v, %q", err, got)
	}
	want(t, "published", g.published(theTopic), nil, notices...)
}

func TestDrain_NothingIsLostWhereAStepFails(t *testing.T) {
	t.Parallel()
	for call, args := range map[string]string{"Publish": "-replay", "Acknowledge": "-ack", "Pull": "-ack"} {
		g := newGoogle(t)
		apply(t, g)
		id := g.letter(`{"emailAddress":"support@exampleco.test","historyId":1710}`)
		g.fail(call, status.Error(codes.PermissionDenied, "not you"))
		if got, err := g.drain(t, args); err == nil || !strings.Contains(err.Error(), "not you") || strings.Contains(err.Error(), "support") {
			t.Errorf("%s fails: %v, %q", call, err, got)
		}
		g.fail(call, nil)
		got, err := g.drain(t)
		want(t, "after "+call+" failed", got, err, "2020-11-25T10:00:00Z message "+id+" attempts 20: s***@exampleco.test history 1710",
			"1 could not be delivered: 0 published again, 0 removed, 1 left")
	}
}

// full is where nothing can be written.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestDrain_WhatCannotBePrintedStays(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"-ack", "-replay"} {
		g := newGoogle(t)
		apply(t, g)
		g.letter(`{"emailAddress":"support@exampleco.test","historyId":1710}`)
		if err := run(t.Context(), g.env, []string{"drain", args}, full{}); err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("%s: %v", args, err)
		}
		if got, err := g.drain(t); err != nil || len(got) != 2 || len(g.published(theTopic)) > 0 {
			t.Errorf("%s: %v, %q", args, err, got)
		}
	}
}

func TestDrain_WhatStaysAfterAnEndThatFailsIsSaid(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	apply(t, g)
	g.letter("x")
	g.fail("ModifyAckDeadline", status.Error(codes.PermissionDenied, "not you"))
	if _, err := g.drain(t); err == nil || !strings.Contains(err.Error(), "ten minutes") {
		t.Errorf("the error is %v", err)
	}
}

func TestDrain_BeforeSetupSaysWhatToDo(t *testing.T) {
	t.Parallel()
	if _, err := newGoogle(t).drain(t); err == nil || !strings.Contains(err.Error(), "gmail-push setup -apply") {
		t.Errorf("the error is %v", err)
	}
}

func TestSetup_WhatPubSubGivesUpOnIsDrained(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	apply(t, g)
	if _, err := g.run(t, "test", "-history-id", "1710", "support@exampleco.test"); err != nil {
		t.Fatal(err)
	}
	for range mostAttempts + 1 {
		got, err := g.pubsub.GServer.Pull(t.Context(), &pubsubpb.PullRequest{Subscription: push, ReturnImmediately: true}) //nolint:staticcheck // the fake's own
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got.GetReceivedMessages() {
			nack := &pubsubpb.ModifyAckDeadlineRequest{Subscription: push, AckIds: []string{m.GetAckId()}}
			if _, err := g.pubsub.GServer.ModifyAckDeadline(t.Context(), nack); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := g.drain(t, "-replay")
	if err != nil || len(got) != 2 || !strings.HasSuffix(got[0], "s***@exampleco.test history 1710") {
		t.Errorf("%v, %q", err, got)
	}
	if p := g.published(theTopic); len(p) != 2 || p[0] != p[1] || !json.Valid([]byte(p[0])) {
		t.Errorf("published: %q", p)
	}
}
