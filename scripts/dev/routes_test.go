package main

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	admintenants "github.com/chattercheatah/chattercheatah/functions/admin-tenants"
	aicallcomplete "github.com/chattercheatah/chattercheatah/functions/ai-call-complete"
	aicallcompleteworker "github.com/chattercheatah/chattercheatah/functions/ai-call-complete/worker"
	emailoauth "github.com/chattercheatah/chattercheatah/functions/email-oauth"
	emailpubsub "github.com/chattercheatah/chattercheatah/functions/email-pubsub"
	emailpubsubworker "github.com/chattercheatah/chattercheatah/functions/email-pubsub/worker"
	"github.com/chattercheatah/chattercheatah/functions/leads"
	operationsfn "github.com/chattercheatah/chattercheatah/functions/operations"
	operationsworker "github.com/chattercheatah/chattercheatah/functions/operations/worker"
	setupprompt "github.com/chattercheatah/chattercheatah/functions/setup-prompt"
	"github.com/chattercheatah/chattercheatah/functions/setup-prompt/trial"
	telnyxsms "github.com/chattercheatah/chattercheatah/functions/telnyx-sms"
	telnyxsmsworker "github.com/chattercheatah/chattercheatah/functions/telnyx-sms/worker"
	telnyxtools "github.com/chattercheatah/chattercheatah/functions/telnyx-tools"
	"github.com/chattercheatah/chattercheatah/functions/users"
	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
)

var update = flag.Bool("update", false, "write testdata/routes.txt anew")

// tables are all functions' route tables, by entry point.
var tables = map[string][]httpx.Route{
	"AdminTenants":         admintenants.Routes(admintenants.Deps{}),
	"AiCallComplete":       aicallcomplete.Routes(aicallcomplete.Deps{}),
	"AiCallCompleteWorker": aicallcompleteworker.Routes(aicallcompleteworker.Deps{}),
	"EmailOauth":           emailoauth.Routes(emailoauth.Deps{}),
	"EmailPubsub":          emailpubsub.Routes(emailpubsub.Deps{}),
	"EmailPubsubWorker":    emailpubsubworker.Routes(emailpubsubworker.Deps{}),
	"Leads":                leads.Routes(leads.Deps{}),
	"Operations":           operationsfn.Routes(operationsfn.Deps{}),
	"OperationsWorker":     operationsworker.Routes(operationsworker.Deps{}),
	"PromptTrial":          trial.Routes(trial.Deps{}),
	"SetupPrompt":          setupprompt.Routes(setupprompt.Deps{}),
	"TelnyxSms":            telnyxsms.Routes(telnyxsms.Deps{}),
	"TelnyxSmsWorker":      telnyxsmsworker.Routes(telnyxsmsworker.Deps{}),
	"TelnyxTools":          telnyxtools.Routes(telnyxtools.Deps{}),
	"Users":                users.Routes(users.Deps{}),
}

func TestRoutes_WhoMayCallWhatIsAsReviewed(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, f := range boot.Functions() {
		b.WriteString(f.Entry + "\n" + httpx.Table(tables[f.Entry]...) + "\n")
	}
	const golden = "testdata/routes.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the exposure changed; review it and run make routes (-reviewed +now):\n%s", diff)
	}
}

func TestDeployments_ListEveryFunctionAndEveryPathOfIt(t *testing.T) {
	t.Parallel()
	deployments, err := deployment.All("../..")
	if err != nil {
		t.Fatal(err)
	}
	var entries []string
	for _, d := range deployments {
		entries = append(entries, d.Entry)
		if diff := cmp.Diff(paths(tables[d.Entry]), slices.Sorted(slices.Values(d.Paths))); diff != "" {
			t.Errorf("%s: function.yaml and route table list different paths (-routes +yaml):\n%s", d.Name, diff)
		}
		if d.Public != !strings.Contains(d.Package, "/worker") {
			t.Errorf("%s: public is %v; a worker takes callers with IAM only, and nothing else does", d.Name, d.Public)
		}
	}
	var registered []string
	for _, f := range boot.Functions() {
		registered = append(registered, f.Entry)
	}
	slices.Sort(entries)
	if diff := cmp.Diff(registered, entries); diff != "" {
		t.Errorf("registered and deployed entry points differ (-registered +deployed):\n%s", diff)
	}
}

func paths(routes []httpx.Route) []string {
	var all []string
	for _, r := range routes {
		all = append(all, r.Path)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
