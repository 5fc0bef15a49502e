package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/scripts/internal/terraform"
)

// subscriptionPlanned is what Terraform plans of a subscription.
type subscriptionPlanned struct {
	Name      string `json:"name"`
	Ack       int    `json:"ack_deadline_seconds"`
	Retention string `json:"message_retention_duration"`
	Push      []struct {
		Endpoint string `json:"push_endpoint"`
	} `json:"push_config"`
	Retry []struct {
		Least string `json:"minimum_backoff"`
		Most  string `json:"maximum_backoff"`
	} `json:"retry_policy"`
	Dead []struct {
		Attempts int `json:"max_delivery_attempts"`
	} `json:"dead_letter_policy"`
}

// TestSetup_WantsWhatTerraformMakes holds the values of setup -check to those that infra/mail.tf gives a fresh project.
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
	made := map[string]string{}
	for _, r := range p.Resources {
		if r.Type != "google_pubsub_subscription" {
			continue
		}
		var s subscriptionPlanned
		if err := json.Unmarshal(r.Values, &s); err != nil {
			t.Fatal(err)
		}
		made["projects/example-project/subscriptions/"+s.Name] = fmt.Sprintf("%d %s %v %v %v", s.Ack, s.Retention, s.Push, s.Retry, s.Dead)
	}
	seconds := func(s interface{ GetSeconds() int64 }) string { return fmt.Sprintf("%ds", s.GetSeconds()) }
	n := namesOf("projects/example-project/topics/gmail-push")
	push, dead := pushSubscription(n, "https://api.example.test/api/v1/email/pubsub", "", ""), deadSubscription(n)
	wanted := map[string]string{
		push.GetName(): fmt.Sprintf("%d %s [{%s}] [{%s %s}] [{%d}]", push.GetAckDeadlineSeconds(), seconds(push.GetMessageRetentionDuration()), push.GetPushConfig().GetPushEndpoint(),
			seconds(push.GetRetryPolicy().GetMinimumBackoff()), seconds(push.GetRetryPolicy().GetMaximumBackoff()), push.GetDeadLetterPolicy().GetMaxDeliveryAttempts()),
		dead.GetName(): fmt.Sprintf("%d %s [] [] []", dead.GetAckDeadlineSeconds(), seconds(dead.GetMessageRetentionDuration())),
	}
	if diff := cmp.Diff(wanted, made); diff != "" {
		t.Errorf("setup and Terraform differ (-setup +Terraform):\n%s", diff)
	}
}
