package deployment_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
)

func TestBudget_CountsEveryInstanceTwiceAndSaysWhatToLower(t *testing.T) {
	t.Parallel()
	all := []deployment.Deployment{
		{Name: "small", MaxInstances: 3, DatabaseConnections: 2},
		{Name: "large", MaxInstances: 20, DatabaseConnections: 4},
		{Name: "none", MaxInstances: 50},
	}
	if err := deployment.Budget(all, 172); err != nil {
		t.Errorf("172 connections are enough: %v", err)
	}
	err := deployment.Budget(all, 171)
	if err == nil {
		t.Fatal("171 connections are one too few")
	}
	for _, want := range []string{"172", "171", "by 1 connections", "large: 2 x 20 instances x 4 connections = 160"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

// asked is how many connections the deployments of this repository ask of a database or its pooler.
const asked = 800

func TestBudget_OfAllDeploymentsIsAtMost800Connections(t *testing.T) {
	t.Parallel()
	all, err := deployment.All("../../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := deployment.Budget(all, asked); err != nil {
		t.Error(err)
	}
}

func TestTakes_AreSettingsSecretsAndTheQueuesOfTasks(t *testing.T) {
	t.Parallel()
	d := deployment.Deployment{Settings: []string{"ENVIRONMENT"}, Secrets: []string{"DATABASE_URL"}, Tasks: map[string]string{"SMS_CLOUD_TASKS": "w"}}
	want := []string{"DATABASE_URL", "ENVIRONMENT", "SMS_CLOUD_TASKS_QUEUE", "SMS_CLOUD_TASKS_SERVICE_ACCOUNT", "SMS_CLOUD_TASKS_WORKER_URL"}
	if got := d.Takes(); !slices.Equal(got, want) {
		t.Errorf("Takes = %v; want %v", got, want)
	}
}
