package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/scripts/internal/gcloud"
	"github.com/chattercheatah/chattercheatah/shared/prices"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

// operationsGuide is docs/OPERATIONS.md.
func operationsGuide(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOperations_EveryAlertHasASectionAndNoOther(t *testing.T) {
	t.Parallel()
	p := planned(t)
	var alerts []string
	if err := json.Unmarshal(p.Outputs["alerts"], &alerts); err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(operationsGuide(t), "\n## Alerts\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var told []string
	for _, m := range regexp.MustCompile(`(?m)^### (.*)$`).FindAllStringSubmatch(section, -1) {
		told = append(told, strings.ReplaceAll(strings.ToLower(m[1]), " ", "-"))
	}
	slices.Sort(told)
	if diff := cmp.Diff(alerts, told); diff != "" {
		t.Errorf("Terraform has other alerts than the guide explains (-Terraform +guide):\n%s", diff)
	}
}

func TestOperations_TheDashboardShowsMetricsThatAreThereAtThePriceListsPrices(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../infra/dashboard.json")
	if err != nil || !json.Valid(text) {
		t.Fatalf("the dashboard is no JSON: %v", err)
	}
	var made []string
	for _, r := range planned(t).Resources {
		if r.Type == "google_logging_metric" {
			made = append(made, fmt.Sprint(r.Index))
		}
	}
	for _, m := range regexp.MustCompile(`googleapis.com(?:/user/|:user_)([a-z_]+)|com:user_([a-z_]+)_sum`).FindAllStringSubmatch(strings.ReplaceAll(string(text), "googleapis_com", "googleapis.com"), -1) {
		if name := strings.TrimSuffix(m[1]+m[2], "_sum"); !slices.Contains(made, name) {
			t.Errorf("the dashboard shows %s, which nothing counts; there are %v", name, made)
		}
	}
	list, err := prices.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gemini_input", "gemini_output"} {
		if !strings.Contains(string(text), fmt.Sprintf("%g / 1e6 * sum", list[name].Price)) || list[name].Per != 1e6 {
			t.Errorf("the dashboard has another price than %v of %s", list[name], name)
		}
	}
}

// standIn is what the programs do that need a Google account, or would change this machine: they write down how they were called.
const standIn = `#!/bin/sh
name=$(basename "$0")
{ printf '%s' "$name"; for a in "$@"; do printf '\037%s' "$a"; done; printf '\n'; } >> "$FOLLOWED"
case "$name $*" in
"gcloud secrets versions access latest --secret=database-url-owner") printf %s "$OWNER" ;;
"gcloud secrets versions access latest --secret=field-encryption-key") printf %s "$FIELD_KEY" ;;
"gcloud secrets versions access latest"*) printf example ;;
"gcloud secrets versions add"*) cat > /dev/null ;;
"make deploy"*|"make release"*|"make rollback"*) exec "$MAKE" -C "$ROOT" -n "$@" > /dev/null ;;
"make smoke"*) exec "$BIN/smoke" ;;
"make support-bundle"*) exec "$BIN/support-bundle" ;;
"go run ./scripts/"*) program=$(basename "$2"); shift 2; cd "$ROOT" && exec "$BIN/$program" "$@" ;;
esac
`

// TestOperations_CommandsCanBeFollowed runs the guide's commands in their order, in one shell: ours against a fresh database and the live
// system, and Google's written down, for gcloud's own check of its command lines.
func TestOperations_CommandsCanBeFollowed(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"sh", "curl", "make"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("skipped: " + program + " is not installed")
		}
	}
	f := newFollower(t)
	var script strings.Builder
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(operationsGuide(t), -1) {
		script.WriteString(m[1] + "\n")
	}
	called := f.run(t, strings.NewReplacer("https://api.example.test", f.live.server.URL, "dead-letters/text/17", "dead-letters/text/"+f.letter, "FILE", "scripts/setup-voice-configs/example.yaml").Replace(script.String()))
	if len(called) < 30 {
		t.Errorf("%d commands were followed: %q", len(called), called)
	}
	for _, c := range called {
		words := strings.Split(c, "\x1f")
		switch words[0] {
		case "terraform":
			terraformKnows(t, words)
		case "psql", "pg_dump":
			if len(words) < 2 || !strings.Contains(c, f.owner) {
				t.Errorf("%q does not reach the database", words)
			}
		}
	}
	lintGcloud(t, called)
}

// follower is a place in which the guide is followed.
type follower struct {
	live          *live
	dir, owner    string // owner is a fresh database's address
	letter        string // a dead letter of the live system's tenant 1042
	admin, school string // tokens
}

func newFollower(t *testing.T) *follower {
	t.Helper()
	f := &follower{live: startLive(t, nil), dir: t.TempDir(), owner: storetest.Empty(t)}
	m := &matrix{live: f.live, theirs: ids{}}
	f.admin = m.logIn(t, "admin@chattercheatah.com", "admin123")
	conversation := f.live.rows().Query(t, `insert into conversations (tenant_id, channel, phone_number) values (1042, 'sms', '+15555550101') returning id::text`)
	f.letter = f.live.rows().Query(t, `insert into replies (tenant_id, conversation_id, kind, state, act_at, reason, settled_at) values (1042, $1, 'answer', 'rejected', now(), 'config', now()) returning id::text`, conversation[0])[0]
	m.ask(t, "POST", "/users", http.Header{"Authorization": {"Bearer " + f.admin}, "X-Tenant-Id": {"1042"}}, map[string]any{"email": "admin@exampleco.test", "password": chosenPassword, "role": "tenant_admin"})
	f.school = m.logIn(t, "admin@exampleco.test", chosenPassword)
	if err := os.MkdirAll(filepath.Join(f.dir, "infra"), 0o755); err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../../infra/example.tfvars")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.dir, "infra", "example.tfvars"), example, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(f.dir, "path"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gcloud", "terraform", "psql", "pg_dump", "make", "go"} {
		if err := os.WriteFile(filepath.Join(f.dir, "path", name), []byte(standIn), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// run follows a script and returns the commands that stand-ins were called with, the words of each separated by the unit separator.
func (f *follower) run(t *testing.T, script string) (called []string) {
	t.Helper()
	programs, err := commands()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	realMake, err := exec.LookPath("make")
	if err != nil {
		t.Fatal(err)
	}
	followed := filepath.Join(f.dir, "followed")
	// Where the guide seeds, it means the new database; where it asks, the system that answers, whose admin has another password.
	script = strings.Replace(script, "export API_BASE=", "export ADMIN_PASSWORD=admin123 API_BASE=", 1)
	command := exec.CommandContext(t.Context(), "sh", "-eu", "-c", strings.ReplaceAll(script, "curl -sS", "curl -sS --fail-with-body"))
	command.Dir = f.dir
	command.Env = []string{
		"PATH=" + filepath.Join(f.dir, "path") + ":" + os.Getenv("PATH"), "HOME=" + f.dir, "FOLLOWED=" + followed, "OWNER=" + f.owner, "BIN=" + programs, "ROOT=" + root, "MAKE=" + realMake,
		"GLOBAL_ADMIN_JWT=" + f.admin, "TENANT_ADMIN_JWT=" + f.school, "FIELD_KEY=" + encoded(random()),
	}
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("following the guide: %v\n%s", err, out)
	}
	text, err := os.ReadFile(followed)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// terraformKnows checks a command and its flags against what Terraform says of itself, where it is installed.
func terraformKnows(t *testing.T, words []string) {
	t.Helper()
	args := slices.DeleteFunc(slices.Clone(words[1:]), func(w string) bool { return strings.HasPrefix(w, "-chdir=") })
	if _, err := exec.LookPath("terraform"); err != nil {
		return
	}
	out, err := exec.CommandContext(t.Context(), "terraform", args[0], "-help").CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Errorf("%q: %v", words, err)
	}
	for _, w := range args[1:] {
		if flag, _, _ := strings.Cut(w, "="); strings.HasPrefix(flag, "-") && !strings.Contains(string(out), flag) {
			t.Errorf("%q: terraform %s knows no %s", words, args[0], flag)
		}
	}
}

// lintGcloud has gcloud check the command lines without running them, where it is installed.
func lintGcloud(t *testing.T, commands []string) {
	t.Helper()
	var lines [][]string
	for _, c := range commands {
		if words := strings.Split(c, "\x1f"); words[0] == "gcloud" {
			lines = append(lines, words[1:])
		}
	}
	against, err := gcloud.Lint(t.Context(), t.TempDir(), lines)
	if err != nil {
		t.Log("skipped: " + err.Error())
		return
	}
	for _, why := range against {
		t.Error("gcloud would not take " + why)
	}
	t.Logf("gcloud was asked about %d command lines", len(lines))
}
