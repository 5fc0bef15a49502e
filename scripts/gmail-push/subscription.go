package main

import (
	"fmt"
	"slices"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

const (
	// pushWait is how long Pub/Sub waits for an answer to a push: the ten seconds that the function may take, and as long again for an instance
	// to start. Less would have a push repeated while its first is still at work.
	pushWait = 20

	// drainWait is how long a drain may hold a message; it is the longest that Pub/Sub has.
	drainWait = 600

	// An announcement that is not taken comes again after 10 s, then ever later, up to ten minutes: the least and the most that Pub/Sub has.
	// Twenty attempts are about two and a half hours, and by then the mailbox has been read twice without it: mailboxes are read hourly.
	firstRetry   = 10 * time.Second
	lastRetry    = 600 * time.Second
	mostAttempts = 20

	// kept is how long Pub/Sub keeps what nobody has taken: its own default, set so that a shorter one is lengthened.
	kept = 7 * 24 * time.Hour
)

// pushSubscription is what carries announcements to us.
func pushSubscription(n names, address, account, audience string) *pubsubpb.Subscription {
	return &pubsubpb.Subscription{
		Name: n.push, Topic: n.topic,
		PushConfig: &pubsubpb.PushConfig{
			PushEndpoint:         address,
			AuthenticationMethod: &pubsubpb.PushConfig_OidcToken_{OidcToken: &pubsubpb.PushConfig_OidcToken{ServiceAccountEmail: account, Audience: audience}},
			Wrapper:              &pubsubpb.PushConfig_PubsubWrapper_{PubsubWrapper: &pubsubpb.PushConfig_PubsubWrapper{}},
		},
		AckDeadlineSeconds:       pushWait,
		MessageRetentionDuration: durationpb.New(kept),
		ExpirationPolicy:         &pubsubpb.ExpirationPolicy{}, // without a time: never
		RetryPolicy:              &pubsubpb.RetryPolicy{MinimumBackoff: durationpb.New(firstRetry), MaximumBackoff: durationpb.New(lastRetry)},
		DeadLetterPolicy:         &pubsubpb.DeadLetterPolicy{DeadLetterTopic: n.deadTopic, MaxDeliveryAttempts: mostAttempts},
	}
}

// deadSubscription keeps what could not be delivered until somebody drains it: a topic without a subscription loses what is published to it.
func deadSubscription(n names) *pubsubpb.Subscription {
	return &pubsubpb.Subscription{
		Name: n.dead, Topic: n.deadTopic,
		AckDeadlineSeconds:       drainWait,
		MessageRetentionDuration: durationpb.New(kept),
		ExpirationPolicy:         &pubsubpb.ExpirationPolicy{},
	}
}

// usable tells why a subscription that is there cannot become what is wanted: these fields cannot be changed.
func usable(live, want *pubsubpb.Subscription) error {
	why := ""
	switch {
	case live.GetTopic() != want.GetTopic():
		why = "is one of " + live.GetTopic() + ", not of " + want.GetTopic()
	case live.GetDetached():
		why = "has been detached from its topic"
	case live.GetFilter() != "":
		why = "has a filter, which keeps messages back"
	case live.GetBigqueryConfig() != nil || live.GetCloudStorageConfig() != nil:
		why = "writes to BigQuery or to Cloud Storage"
	default:
		return nil
	}
	return fmt.Errorf("%s %s, and that cannot be changed: delete it yourself when nobody needs it, or let GMAIL_TOPIC name another topic", live.GetName(), why)
}

// fields are what is ours of a subscription: the mask that changes each, what it says in words, and how it is laid over another.
var fields = []struct {
	name, mask string
	says       func(*pubsubpb.Subscription) string
	lay        func(to, from *pubsubpb.Subscription)
}{
	{"push_config.push_endpoint", "push_config", func(s *pubsubpb.Subscription) string { return s.GetPushConfig().GetPushEndpoint() }, layPush},
	{
		"push_config.oidc_token.service_account_email", "push_config",
		func(s *pubsubpb.Subscription) string {
			return s.GetPushConfig().GetOidcToken().GetServiceAccountEmail()
		}, layPush,
	},
	{"push_config.oidc_token.audience", "push_config", audienceOf, layPush},
	{"push_config.wrapper", "push_config", wrapperOf, layPush},
	{
		"ack_deadline_seconds", "ack_deadline_seconds", func(s *pubsubpb.Subscription) string { return numberOf(s.GetAckDeadlineSeconds()) },
		func(to, from *pubsubpb.Subscription) { to.AckDeadlineSeconds = from.GetAckDeadlineSeconds() },
	},
	{
		"message_retention_duration", "message_retention_duration", func(s *pubsubpb.Subscription) string { return durationOf(s.GetMessageRetentionDuration()) },
		func(to, from *pubsubpb.Subscription) {
			to.MessageRetentionDuration = from.GetMessageRetentionDuration()
		},
	},
	{
		"expiration_policy", "expiration_policy", expiryOf,
		func(to, from *pubsubpb.Subscription) { to.ExpirationPolicy = from.GetExpirationPolicy() },
	},
	{
		"retry_policy", "retry_policy", retryOf,
		func(to, from *pubsubpb.Subscription) { to.RetryPolicy = from.GetRetryPolicy() },
	},
	{
		"dead_letter_policy", "dead_letter_policy", deadLetterOf,
		func(to, from *pubsubpb.Subscription) { to.DeadLetterPolicy = from.GetDeadLetterPolicy() },
	},
}

// lay lays what is wanted over a subscription as it is. It returns the update that does so, of the fields that differ and no others, and a line
// for each of them.
func lay(live, want *pubsubpb.Subscription) (*pubsubpb.UpdateSubscriptionRequest, []string) {
	result := proto.CloneOf(live)
	mask := &fieldmaskpb.FieldMask{}
	var differ []string
	for _, f := range fields {
		was, becomes := f.says(live), f.says(want)
		if was == becomes {
			continue
		}
		differ = append(differ, fmt.Sprintf("%s: %s: %s -> %s", want.GetName(), f.name, orNone(was), orNone(becomes)))
		f.lay(result, want)
		if !slices.Contains(mask.GetPaths(), f.mask) {
			mask.Paths = append(mask.Paths, f.mask)
		}
	}
	return &pubsubpb.UpdateSubscriptionRequest{Subscription: result, UpdateMask: mask}, differ
}

// layPush keeps what the push configuration says besides.
func layPush(to, from *pubsubpb.Subscription) {
	if from.GetPushConfig() == nil {
		to.PushConfig = &pubsubpb.PushConfig{} // pulled
		return
	}
	if to.GetPushConfig() == nil {
		to.PushConfig = &pubsubpb.PushConfig{}
	}
	to.PushConfig.PushEndpoint = from.GetPushConfig().GetPushEndpoint()
	to.PushConfig.AuthenticationMethod = from.GetPushConfig().GetAuthenticationMethod()
	to.PushConfig.Wrapper = from.GetPushConfig().GetWrapper()
}

// audienceOf is the audience of a push's token, which is the address when nothing else is said.
func audienceOf(s *pubsubpb.Subscription) string {
	if token := s.GetPushConfig().GetOidcToken(); token != nil && token.GetAudience() != "" {
		return token.GetAudience()
	}
	return s.GetPushConfig().GetPushEndpoint()
}

// wrapperOf is the form of a push. Pub/Sub's envelope is what comes when nothing is said; without it the function cannot read a push.
func wrapperOf(s *pubsubpb.Subscription) string {
	if s.GetPushConfig().GetNoWrapper() != nil {
		return "no wrapper"
	}
	return "Pub/Sub's"
}

func numberOf(n int32) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func durationOf(d *durationpb.Duration) string {
	if d == nil {
		return ""
	}
	return d.AsDuration().String()
}

func expiryOf(s *pubsubpb.Subscription) string {
	switch p := s.GetExpirationPolicy(); {
	case p == nil:
		return "after 31 idle days"
	case p.GetTtl() == nil:
		return "never"
	default:
		return "after " + durationOf(p.GetTtl()) + " idle"
	}
}

func retryOf(s *pubsubpb.Subscription) string {
	if s.GetRetryPolicy() == nil {
		return ""
	}
	return durationOf(s.GetRetryPolicy().GetMinimumBackoff()) + " to " + durationOf(s.GetRetryPolicy().GetMaximumBackoff())
}

func deadLetterOf(s *pubsubpb.Subscription) string {
	if s.GetDeadLetterPolicy() == nil {
		return ""
	}
	return fmt.Sprintf("%s after %d attempts", s.GetDeadLetterPolicy().GetDeadLetterTopic(), s.GetDeadLetterPolicy().GetMaxDeliveryAttempts())
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
