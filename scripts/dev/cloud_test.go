package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
	"github.com/chattercheatah/chattercheatah/scripts/internal/terraform"
)

// planned is what Terraform would make of a fresh project; the test is skipped where that cannot be found out.
func planned(t *testing.T) terraform.Planned {
	t.Helper()
	tf, err := terraform.New(t.Context(), "../..", t.TempDir())
	if err != nil {
		t.Skip("skipped: " + err.Error())
	}
	p, err := tf.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// pathRules are the address's: what an output says; Terraform's own tests hold the URL map to it.
type pathRules map[string][]string

// reached is the deployment that a path reaches by the rules of a URL map: an exact one first, then the longest that ends in /*, else
// none.
func (rules pathRules) reached(path string) (name string) {
	longest := -1
	for deployment, patterns := range rules {
		for _, pattern := range patterns {
			prefix, open := strings.CutSuffix(pattern, "*")
			switch {
			case !open && pattern == path:
				return deployment
			case open && strings.HasPrefix(path, prefix) && len(prefix) > longest:
				name, longest = deployment, len(prefix)
			}
		}
	}
	return name
}

var parameterInPath = regexp.MustCompile(`\{[^}]*\}`)

// TestCloud_RoutesAddressSettingsAndDescriptionAgree reads the route tables, what Terraform plans, the function.yaml files, and the
// description of the API that is served.
func TestCloud_RoutesAddressSettingsAndDescriptionAgree(t *testing.T) {
	t.Parallel()
	deployments, err := deployment.All("../..")
	if err != nil {
		t.Fatal(err)
	}
	p := planned(t)
	var rules pathRules
	if err := json.Unmarshal(p.Outputs["paths"], &rules); err != nil {
		t.Fatal(err)
	}
	onePatternOneDeployment(t, rules)
	described := descriptionServed(t)
	for _, d := range deployments {
		want := ""
		if d.Public {
			want = d.Name
		}
		for _, route := range tables[d.Entry] {
			for _, prefix := range []string{"", "/api/v1"} {
				if got := rules.reached(prefix + parameterInPath.ReplaceAllString(route.Path, "17")); got != want {
					t.Errorf("%s%s of %s reaches %q", prefix, route.Path, d.Name, got)
				}
			}
			if !described[route.Method+" "+route.Path] {
				t.Errorf("%s %s of %s is not described", route.Method, route.Path, d.Name)
			}
			delete(described, route.Method+" "+route.Path)
		}
	}
	for operation := range described {
		t.Errorf("%s is described, and no function has it", operation)
	}
	settingsAgree(t, deployments, p)
}

// onePatternOneDeployment holds the rules to what a URL map takes: a pattern that two of them have is refused.
func onePatternOneDeployment(t *testing.T, rules pathRules) {
	t.Helper()
	owner := map[string]string{}
	for name, patterns := range rules {
		for _, pattern := range patterns {
			if other, taken := owner[pattern]; taken {
				t.Errorf("%s is a rule of %s and of %s", pattern, name, other)
			}
			owner[pattern] = name
			if star := strings.IndexByte(pattern, '*'); star >= 0 && (star != len(pattern)-1 || !strings.HasSuffix(pattern, "/*")) {
				t.Errorf("%s of %s: a URL map takes * after the last / alone", pattern, name)
			}
		}
	}
}

// TestCloud_EveryWebhookIsTimed: what a provider waits for is measured, and nothing else is, since a person's page may take longer.
func TestCloud_EveryWebhookIsTimed(t *testing.T) {
	t.Parallel()
	var timed *regexp.Regexp
	for _, r := range planned(t).Resources {
		if r.Type == "google_logging_metric" && r.Index == "webhook_latency" {
			var metric struct{ Filter string }
			if err := json.Unmarshal(r.Values, &metric); err != nil {
				t.Fatal(err)
			}
			_, pattern, _ := strings.Cut(metric.Filter, `jsonPayload.route=~"`)
			timed = regexp.MustCompile(strings.TrimSuffix(pattern, `"`))
		}
	}
	if timed == nil {
		t.Fatal("the plan has no metric webhook_latency")
	}
	for entry, routes := range tables {
		for _, route := range routes {
			webhook := strings.HasSuffix(route.Who, ", by signature") || route.Who == "Pub/Sub, by token"
			if timed.MatchString(route.Method+" "+route.Path) != webhook {
				t.Errorf("%s: %s %s is a webhook: %v; and it is timed: %v", entry, route.Method, route.Path, webhook, !webhook)
			}
		}
	}
}

// descriptionServed are the operations of the file that every function serves.
func descriptionServed(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../shared/httpx/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var d description
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	operations := map[string]bool{}
	for path, item := range d.Paths {
		for method := range item {
			operations[strings.ToUpper(method)+" "+path] = true
		}
	}
	return operations
}

// withDefault are the settings that a deployment may be without.
var withDefault = []string{"GEMINI_MODEL", "GOOGLE_API_BASE", "JACKRABBIT_BASE_URL", "TELNYX_API_BASE", "TOOLS_FALLBACK_TENANT_ID"}

// settingsAgree holds what Terraform gives each deployment to what its function.yaml lists.
func settingsAgree(t *testing.T, deployments []deployment.Deployment, p terraform.Planned) {
	t.Helper()
	given := deploymentsSecret(t, p)
	if len(given) != len(deployments) {
		t.Errorf("Terraform knows %d deployments of %d", len(given), len(deployments))
	}
	for _, d := range deployments {
		var names []string
		for name, value := range given[d.Name].Env {
			if value == "" {
				t.Errorf("%s is given an empty %s", d.Name, name)
			}
			names = append(names, name)
		}
		for name := range given[d.Name].Secrets {
			names = append(names, name)
		}
		wanted := append(d.Takes(), "GOOGLE_CLOUD_PROJECT") // which every deployment's log needs
		for prefix, worker := range d.Tasks {
			if at := slices.IndexFunc(deployments, func(d deployment.Deployment) bool { return d.Name == worker }); deployments[at].Queue == nil {
				wanted = slices.DeleteFunc(wanted, func(name string) bool { return name == prefix+"_QUEUE" })
			}
		}
		wanted = slices.DeleteFunc(wanted, func(name string) bool { return slices.Contains(withDefault, name) })
		slices.Sort(names)
		slices.Sort(wanted)
		if diff := cmp.Diff(slices.Compact(wanted), names); diff != "" {
			t.Errorf("%s: function.yaml and Terraform differ in its settings (-function.yaml +Terraform):\n%s", d.Name, diff)
		}
		if want := d.ServiceAccount + "@example-project.iam.gserviceaccount.com"; given[d.Name].ServiceAccount != want || (len(given[d.Name].Callers) == 0) != d.Public {
			t.Errorf("%s runs as %s and is called by %v", d.Name, given[d.Name].ServiceAccount, given[d.Name].Callers)
		}
	}
}

// identity is what the secret `deployments` says of one.
type identity struct {
	Env            map[string]string `json:"env"`
	Secrets        map[string]string `json:"secrets"`
	ServiceAccount string            `json:"service_account"`
	Callers        []string          `json:"callers"`
}

func deploymentsSecret(t *testing.T, p terraform.Planned) map[string]identity {
	t.Helper()
	for _, r := range p.Resources {
		if r.Type == "google_secret_manager_secret_version" && r.Name == "deployments" {
			var version struct {
				Data string `json:"secret_data"`
			}
			var secret struct {
				Deployments map[string]identity `json:"deployments"`
			}
			if err := json.Unmarshal(r.Values, &version); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(version.Data), &secret); err != nil {
				t.Fatal(err)
			}
			return secret.Deployments
		}
	}
	t.Fatal("the plan has no secret deployments")
	return nil
}
