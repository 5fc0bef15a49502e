package main

import (
	"encoding/json"
	"fmt"
	"io"
	"testing"

	"cloud.google.com/go/pubsub/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/scripts/internal/terraform"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
)

// subscriptionPlanned is what Terraform plans of a subscription.
type subscriptionPlanned struct {
	Name      string `json:"name"`
	Ack       int    `json:"ack_deadline_seconds"`
	Retention string `json:"message_retention_duration"`
	Push      []struct {
		Endpoint string `json:"push_endpoint"`
		Token    []struct {
			Audience string `json:"audience"`
		} `json:"oidc_token"`
	} `json:"push_config"`
	Retry []struct {
		Least string `json:"minimum_backoff"`
		Most  string `json:"maximum_backoff"`
	} `json:"retry_policy"`
	Dead []struct {
		Attempts int `json:"max_delivery_attempts"`
	} `json:"dead_letter_policy"`
}

// grantPlanned is what Terraform plans that a member may do with a topic or a subscription.
type grantPlanned struct{ Topic, Subscription, Role, Member string }

// TestSetup_WantsWhatTerraformMakes holds what setup -check compares to what infra/mail.tf gives a fresh project: names, values, grants.
func TestSetup_WantsWhatTerraformMakes(t *testing.T) {
	t.Parallel()
	tf, err := terraform.New(t.Context(), "../..", t.TempDir())
	if err != nil {
		t.Skip("skipped: " + err.Error())
	}
	p, err := tf.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const project = "projects/example-project/"
	made := map[string]string{}
	for _, r := range p.Resources {
		switch r.Type {
		case "google_pubsub_topic":
			made[project+"topics/"+planned[subscriptionPlanned](t, r).Name] = "topic"
		case "google_pubsub_subscription":
			s := planned[subscriptionPlanned](t, r)
			made[project+"subscriptions/"+s.Name] = fmt.Sprintf("%d %s %v %v %v", s.Ack, s.Retention, s.Push, s.Retry, s.Dead)
		case "google_pubsub_topic_iam_member", "google_pubsub_subscription_iam_member":
			g := planned[grantPlanned](t, r)
			on := project + "topics/" + g.Topic
			if g.Topic == "" {
				on = project + "subscriptions/" + g.Subscription
			}
			made[g.Role+" on "+on] = g.Member
		}
	}
	if diff := cmp.Diff(wantedBySetup(project+"topics/gmail-push"), made); diff != "" {
		t.Errorf("setup and Terraform differ (-setup +Terraform):\n%s", diff)
	}
}

// planned are the values of one resource.
func planned[T any](t *testing.T, r terraform.Resource) (values T) {
	t.Helper()
	if err := json.Unmarshal(r.Values, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// wantedBySetup is what setup would make of the project of infra/example.tfvars.
func wantedBySetup(topic string) map[string]string {
	set := setupSettings{Reach: reach{Topic: gmail.Topic{Name: topic}}, Public: boot.PublicURL{BaseURL: "https://api.example.test"}}
	s := newSetUp(&pubsub.Client{}, set, "123456789012", io.Discard)
	wanted := map[string]string{s.topic: "topic", s.deadTopic: "topic"}
	for _, w := range s.subscriptions {
		push, retry, dead := "[]", "[]", "[]"
		if to := w.GetPushConfig(); to != nil {
			push = fmt.Sprintf("[{%s [{%s}]}]", to.GetPushEndpoint(), to.GetOidcToken().GetAudience())
		}
		if r := w.GetRetryPolicy(); r != nil {
			retry = fmt.Sprintf("[{%ds %ds}]", r.GetMinimumBackoff().GetSeconds(), r.GetMaximumBackoff().GetSeconds())
		}
		if d := w.GetDeadLetterPolicy(); d != nil {
			dead = fmt.Sprintf("[{%d}]", d.GetMaxDeliveryAttempts())
		}
		wanted[w.GetName()] = fmt.Sprintf("%d %ds %s %s %s", w.GetAckDeadlineSeconds(), w.GetMessageRetentionDuration().GetSeconds(), push, retry, dead)
	}
	for _, g := range s.grants {
		wanted[g.role+" on "+g.on] = g.memberIs
	}
	return wanted
}
