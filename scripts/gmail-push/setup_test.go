package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/chattercheatah/chattercheatah/shared/boot"
)

const address = "https://api.example.test/api/v1/email/pubsub"

func apply(t *testing.T, g *google) string {
	t.Helper()
	out, err := g.run(t, "setup", "-project-number", number, "-apply")
	if err != nil {
		t.Fatalf("setup -apply: %v\n%s", err, out)
	}
	return out
}

func (g *google) subscription(t *testing.T, name string) *pubsubpb.Subscription {
	t.Helper()
	s, err := g.pubsub.GServer.GetSubscription(t.Context(), &pubsubpb.GetSubscriptionRequest{Subscription: name})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (g *google) have(t *testing.T, topics []string, subscriptions ...*pubsubpb.Subscription) {
	t.Helper()
	for _, name := range topics {
		if _, err := g.pubsub.GServer.CreateTopic(t.Context(), &pubsubpb.Topic{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range subscriptions {
		if _, err := g.pubsub.GServer.CreateSubscription(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	g.changed()
}

func TestSetup_MakesAllOfItOnceAndShowsItBefore(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	shown, err := g.run(t, "setup", "-project-number", number)
	if err != nil || len(g.changed()) > 0 {
		t.Fatalf("showing what differs changes something, or fails: %v", err)
	}
	if out, err := g.run(t, "setup", "-check", "-project-number", number); err == nil || len(g.changed()) > 0 || !strings.HasPrefix(shown, out) {
		t.Errorf("-check of nothing: %v, and prints\n%s", err, out)
	}
	if done := apply(t, g); shown != done+"nothing was changed; -apply does it\n" {
		t.Errorf("other things were shown than done:\n%s", cmp.Diff(shown, done))
	}
	if diff := cmp.Diff([]string{
		"CreateTopic " + theTopic, "CreateTopic " + deadTopic, "CreateSubscription " + dead, "CreateSubscription " + push,
		"SetIamPolicy " + theTopic, "SetIamPolicy " + deadTopic, "SetIamPolicy " + push,
	}, g.changed()); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	for _, args := range [][]string{{"-apply"}, {"-check"}, nil} {
		out, err := g.run(t, append([]string{"setup", "-project-number", number}, args...)...)
		if err != nil || out != "everything is as it should be\n" || len(g.changed()) > 0 {
			t.Errorf("again %v: %v, %q", args, err, out)
		}
	}
}

func TestSetup_ThePushCarriesATokenIsRetriedForHoursAndEndsAmongTheDead(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	apply(t, g)
	week := durationpb.New(7 * 24 * time.Hour)
	want := &pubsubpb.Subscription{
		Name: push, Topic: theTopic, AckDeadlineSeconds: 20, MessageRetentionDuration: week, ExpirationPolicy: &pubsubpb.ExpirationPolicy{},
		State: pubsubpb.Subscription_ACTIVE,
		PushConfig: &pubsubpb.PushConfig{
			PushEndpoint: address,
			AuthenticationMethod: &pubsubpb.PushConfig_OidcToken_{OidcToken: &pubsubpb.PushConfig_OidcToken{
				ServiceAccountEmail: "push@example.iam.gserviceaccount.com", Audience: address,
			}},
			Wrapper: &pubsubpb.PushConfig_PubsubWrapper_{PubsubWrapper: &pubsubpb.PushConfig_PubsubWrapper{}},
		},
		RetryPolicy:      &pubsubpb.RetryPolicy{MinimumBackoff: durationpb.New(10 * time.Second), MaximumBackoff: durationpb.New(600 * time.Second)},
		DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{DeadLetterTopic: deadTopic, MaxDeliveryAttempts: 20},
	}
	if diff := cmp.Diff(want, g.subscription(t, push), protocmp.Transform()); diff != "" {
		t.Errorf("the push (-want +got):\n%s", diff)
	}
	want = &pubsubpb.Subscription{
		Name: dead, Topic: deadTopic, AckDeadlineSeconds: 600, MessageRetentionDuration: week, ExpirationPolicy: &pubsubpb.ExpirationPolicy{},
		State: pubsubpb.Subscription_ACTIVE, PushConfig: &pubsubpb.PushConfig{},
	}
	if diff := cmp.Diff(want, g.subscription(t, dead), protocmp.Transform()); diff != "" {
		t.Errorf("the dead (-want +got):\n%s", diff)
	}
	for resource, want := range map[string]string{
		theTopic: "roles/pubsub.publisher : " + gmails, deadTopic: "roles/pubsub.publisher : " + pubsubs, push: "roles/pubsub.subscriber : " + pubsubs,
	} {
		if got := g.bindings(resource); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is granted as %q; want %q", resource, got, want)
		}
	}
}

func TestSetup_WhatSomebodyBeganIsChangedInPlaceAndKeepsWhatIsTheirs(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	g.have(t, []string{theTopic, deadTopic},
		&pubsubpb.Subscription{
			Name: push, Topic: theTopic, AckDeadlineSeconds: 10, Labels: map[string]string{"team": "front"},
			PushConfig: &pubsubpb.PushConfig{
				PushEndpoint: "https://old.example.test/push", Attributes: map[string]string{"x-goog-version": "v1"},
				Wrapper: &pubsubpb.PushConfig_NoWrapper_{NoWrapper: &pubsubpb.PushConfig_NoWrapper{}},
			},
			RetryPolicy: &pubsubpb.RetryPolicy{MinimumBackoff: durationpb.New(10 * time.Second), MaximumBackoff: durationpb.New(600 * time.Second)},
		},
		&pubsubpb.Subscription{
			Name: dead, Topic: deadTopic, AckDeadlineSeconds: 600, ExpirationPolicy: &pubsubpb.ExpirationPolicy{Ttl: durationpb.New(24 * time.Hour)},
			PushConfig: &pubsubpb.PushConfig{PushEndpoint: "https://old.example.test/dead"},
		})
	g.pubsub.Publish(theTopic, []byte("waits"), nil)
	g.changed()
	out := apply(t, g)
	if diff := cmp.Diff([]string{
		"UpdateSubscription " + dead + " push_config,expiration_policy",
		"UpdateSubscription " + push + " push_config,ack_deadline_seconds,expiration_policy,dead_letter_policy",
		"SetIamPolicy " + theTopic, "SetIamPolicy " + deadTopic, "SetIamPolicy " + push,
	}, g.changed()); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	for _, line := range []string{
		push + ": push_config.push_endpoint: https://old.example.test/push -> " + address,
		push + ": push_config.oidc_token.service_account_email: none -> push@example.iam.gserviceaccount.com",
		push + ": push_config.wrapper: no wrapper -> Pub/Sub's",
		push + ": ack_deadline_seconds: 10 -> 20",
		push + ": expiration_policy: after 31 idle days -> never",
		push + ": dead_letter_policy: none -> " + deadTopic + " after 20 attempts",
		dead + ": push_config.push_endpoint: https://old.example.test/dead -> none",
		dead + ": expiration_policy: after 24h0m0s idle -> never",
	} {
		if strings.Count(out, line+"\n") != 1 {
			t.Errorf("%q is not told once in\n%s", line, out)
		}
	}
	got := g.subscription(t, push)
	if got.GetLabels()["team"] != "front" || got.GetPushConfig().GetAttributes()["x-goog-version"] != "v1" || got.GetPushConfig().GetNoWrapper() != nil {
		t.Errorf("the subscription is %v", got)
	}
	waits, err := g.pubsub.GServer.Pull(t.Context(), &pubsubpb.PullRequest{Subscription: push})
	if err != nil || len(waits.GetReceivedMessages()) != 1 {
		t.Errorf("what was waiting is gone: %v, %v", waits, err)
	}
	if again := apply(t, g); again != "everything is as it should be\n" {
		t.Errorf("again: %s", again)
	}
}

func TestSetup_WhatCannotBeChangedIsLeftAloneAndSaid(t *testing.T) {
	t.Parallel()
	const other = "projects/example/topics/other"
	for want, s := range map[string]*pubsubpb.Subscription{
		"is one of " + other: {Name: push, Topic: other},
		"filter":             {Name: push, Topic: theTopic, Filter: `attributes:a`},
		"detached":           {Name: push, Topic: theTopic, Detached: true},
		"BigQuery":           {Name: push, Topic: theTopic, BigqueryConfig: &pubsubpb.BigQueryConfig{Table: "example.data.table"}},
	} {
		g := newGoogle(t)
		s.AckDeadlineSeconds = 10
		g.have(t, []string{theTopic, other}, s)
		out, err := g.run(t, "setup", "-project-number", number, "-apply")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), push) || out != "" || len(g.changed()) > 0 {
			t.Errorf("%q is not in %v, or something was changed:\n%s", want, err, out)
		}
	}
}

func TestSetup_AFailureIsToldAndTheNextRunGoesOnFromThere(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	g.fail("CreateSubscription", status.Error(codes.PermissionDenied, "not you"))
	_, err := g.run(t, "setup", "-project-number", number, "-apply")
	if err == nil || !strings.Contains(err.Error(), "making "+dead) || !strings.Contains(err.Error(), "not you") {
		t.Errorf("the error is %v", err)
	}
	g.fail("CreateSubscription", nil)
	g.fail("SetIamPolicy", status.Error(codes.InvalidArgument, "that account does not exist"))
	if _, err := g.run(t, "setup", "-project-number", number, "-apply"); err == nil || !strings.Contains(err.Error(), gmails) {
		t.Errorf("the error is %v", err)
	}
	g.fail("SetIamPolicy", nil)
	g.changed()
	apply(t, g)
	if diff := cmp.Diff([]string{"SetIamPolicy " + theTopic, "SetIamPolicy " + deadTopic, "SetIamPolicy " + push}, g.changed()); diff != "" {
		t.Errorf("the rest (-want +got):\n%s", diff)
	}
}

func policyOf(t *testing.T, text string) *iampb.Policy {
	t.Helper()
	p := &iampb.Policy{}
	if err := protojson.Unmarshal([]byte(text), p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestGrant_KeepsWhatOthersHaveAndWhatTheyAreGivenMeanwhile(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	apply(t, g)
	g.mu.Lock()
	g.put(theTopic, policyOf(t, `{"version": 3, "bindings": [
		{"role": "roles/pubsub.publisher", "members": ["`+gmails+`"], "condition": {"title": "until-2020", "expression": "false"}},
		{"role": "roles/pubsub.publisher", "members": ["user:a@example.test"]},
		{"role": "roles/pubsub.viewer", "members": ["group:b@example.test"]}]}`))
	times := 0
	g.meanwhile = func(resource string) {
		if times++; times < mostTries {
			p := g.policies[resource]
			p.Bindings[2].Members = append(p.Bindings[2].Members, fmt.Sprintf("user:%d@example.test", times))
			g.put(resource, p)
		}
	}
	g.mu.Unlock()
	g.changed()
	if out := apply(t, g); out != theTopic+": roles/pubsub.publisher for "+gmails+": none -> granted\n" {
		t.Errorf("a grant with a condition is taken for one: %s", out)
	}
	if diff := cmp.Diff([]string{
		"roles/pubsub.publisher until-2020: " + gmails,
		"roles/pubsub.publisher : user:a@example.test " + gmails,
		"roles/pubsub.viewer : group:b@example.test user:1@example.test user:2@example.test user:3@example.test user:4@example.test",
	}, g.bindings(theTopic)); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
	if tries := len(g.changed()); tries != mostTries || g.policies[theTopic].GetVersion() != 3 {
		t.Errorf("%d tries, and a policy of version %d", tries, g.policies[theTopic].GetVersion())
	}
}

func TestGrant_OneThatSomebodyElseMakesMeanwhileIsNotMadeTwice(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	apply(t, g)
	g.mu.Lock()
	g.put(push, &iampb.Policy{})
	g.meanwhile = func(resource string) {
		g.put(resource, &iampb.Policy{Bindings: []*iampb.Binding{{Role: subscriberRole, Members: []string{pubsubs}}}})
	}
	g.mu.Unlock()
	apply(t, g)
	if got := g.bindings(push); !slices.Equal(got, []string{"roles/pubsub.subscriber : " + pubsubs}) {
		t.Errorf("grants: %q", got)
	}
}

func TestGrant_GivesUpWhereSomebodyElseIsAlwaysFaster(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	g.meanwhile = func(resource string) { g.put(resource, g.policies[resource]) }
	_, err := g.run(t, "setup", "-project-number", number, "-apply")
	if status.Code(err) != codes.Aborted || !strings.Contains(err.Error(), "granting roles/pubsub.publisher on "+theTopic) {
		t.Errorf("the error is %v", err)
	}
}

func TestSetup_AStandInWithoutGrantsIsSetUpAllTheSame(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	g.fail("GetIamPolicy", status.Error(codes.Unimplemented, "no such service"))
	apply(t, g)
	out, err := g.run(t, "setup", "-project-number", number, "-check")
	if err != nil || out != "this stand-in of Pub/Sub keeps no grants; they are not looked at\neverything is as it should be\n" {
		t.Errorf("%v, %q", err, out)
	}
}

func TestRun_WhatIsMissingOrMalformedIsNamedAndNothingOfItRepeated(t *testing.T) {
	t.Parallel()
	const wrong = "wrong-value"
	env := boot.Environment{"GMAIL_TOPIC": wrong, "PUBSUB_SERVICE_ACCOUNT": wrong, "API_BASE_URL": wrong, "PUBSUB_EMULATOR_HOST": "127.0.0.1:1"}
	for _, tt := range []struct {
		args  []string
		env   boot.Environment
		names []string
	}{
		{[]string{"setup"}, env, []string{"GMAIL_TOPIC", "PUBSUB_SERVICE_ACCOUNT", "API_BASE_URL", "-project-number"}},
		{[]string{"setup", "-project-number", wrong}, boot.Environment{}, []string{"GMAIL_TOPIC", "PUBSUB_SERVICE_ACCOUNT", "API_BASE_URL", "-project-number"}},
		{[]string{"setup", "-project-number", number, "-apply", "-check"}, env, []string{"-apply"}},
		{[]string{"setup", "-project-number", number, wrong}, env, []string{"-project-number"}},
		{[]string{"setup", "-wrong"}, env, []string{"-h explains"}},
		{[]string{"test", wrong}, env, []string{"GMAIL_TOPIC", "name@example.com"}},
		{[]string{"test"}, env, []string{"one mailbox"}},
		{[]string{"test", "-history-id", "0", "support@example.test"}, env, []string{"-history-id"}},
		{[]string{"drain"}, env, []string{"GMAIL_TOPIC"}},
		{[]string{"drain", "-ack", "-replay"}, env, []string{"-ack, -replay"}},
		{[]string{wrong}, env, []string{"setup, test or drain"}},
		{nil, env, []string{"setup, test or drain"}},
	} {
		var out strings.Builder
		err := run(t.Context(), tt.env, tt.args, &out)
		if err == nil || out.Len() > 0 || strings.Contains(err.Error(), wrong) {
			t.Errorf("%q: %v, and prints %q", tt.args, err, out.String())
			continue
		}
		for _, name := range tt.names {
			if strings.Count(err.Error(), name) == 0 {
				t.Errorf("%q does not name %s: %v", tt.args, name, err)
			}
		}
	}
	for _, part := range []string{"setup", "test", "drain"} {
		var out strings.Builder
		if err := run(t.Context(), boot.Environment{}, []string{part, "-h"}, &out); err != nil || !strings.HasPrefix(out.String(), "Command gmail-push ") {
			t.Errorf("%s -h: %v, %q", part, err, out.String())
		}
	}
}
