package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/smoke"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

// commands is a folder with the operator's commands, built once.
var commands = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "commands")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", dir+"/", "./scripts/smoke", "./scripts/onboard", "./scripts/setup-voice-configs", "./scripts/support-bundle",
		"./scripts/migrate", "./scripts/seed-admin", "./scripts/create-base-prompt", "./scripts/reseal")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return dir, nil
})

// command runs one of the operator's commands against the system, as an operator does.
func (l *live) command(t *testing.T, env []string, name string, args ...string) (out string, code int) {
	t.Helper()
	dir, err := commands()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), filepath.Join(dir, name), args...)
	command.Env = append(env, "API_BASE="+l.server.URL+"/api/v1", "ADMIN_EMAIL=admin@chattercheatah.com", "ADMIN_PASSWORD=admin123")
	printed, err := command.CombinedOutput()
	if err != nil && command.ProcessState == nil {
		t.Fatal(err)
	}
	return string(printed), command.ProcessState.ExitCode()
}

func (l *live) smoke(ctx context.Context) smoke.Report {
	return smoke.Run(ctx, smoke.Config{Operator: api.Operator{Base: l.server.URL + "/api/v1", Email: "admin@chattercheatah.com", Password: private.NewSecret("admin123")}})
}

// failed names the checks that a report finds failed.
func failed(r smoke.Report) []string {
	names := []string{}
	for _, c := range r.Checks {
		if c.Outcome == smoke.Fail {
			names = append(names, c.Name)
		}
	}
	return names
}

// rows are the system's tables as the superuser sees them.
func (l *live) rows() *storetest.DB {
	return &storetest.DB{URLs: storetest.URLs{Owner: l.env["DATABASE_URL"]}}
}

func TestSmoke_PassesAndAgainAndLeavesNothingOpen(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	out, code := l.command(t, nil, "smoke")
	if code != 0 {
		t.Fatalf("smoke ended with %d:\n%s", code, out)
	}
	for line := range strings.Lines(out) {
		if ok := strings.HasPrefix(line, "ok   "); !ok {
			t.Errorf("smoke printed %q", line)
		}
	}
	out, code = l.command(t, nil, "smoke", "-json")
	var report smoke.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || !report.Passed || len(report.Checks) < 15 {
		t.Fatalf("the second run ended with %d, %v:\n%s", code, err, out)
	}
	status, lines := l.scheduledSmoke(t)
	if n := strings.Count(lines, "\n"); status != http.StatusOK || n != len(report.Checks) || strings.Count("\n"+lines, "\nok   ") != n {
		t.Errorf("Cloud Scheduler's call was answered %d:\n%s", status, lines)
	}
	left := l.rows().Query(t, `select subdomain || ' ' || is_active || ' ' || (select count(*) from leads l where l.tenant_id = t.id)
		from tenants t where subdomain like 'canary%' order by 1`)
	if diff := cmp.Diff([]string{"canary-a false 0", "canary-b false 0"}, left); diff != "" {
		t.Errorf("left behind (-want +got):\n%s", diff)
	}
}

func TestSmoke_ASystemThatDoesNotAnswerIsAFailure(t *testing.T) {
	t.Parallel()
	report := smoke.Run(t.Context(), smoke.Config{Operator: api.Operator{Base: "http://127.0.0.1:1/api/v1", Email: "a@b.test", Password: private.NewSecret("x")}})
	if report.Passed || !slices.Equal(failed(report), []string{"log-in of the global admin"}) {
		t.Errorf("a system that is not there was reported %+v", report)
	}
}

func TestSmoke_FailsWhereACustomerHasACanarysName(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	l.rows().Exec(t, `update tenants set subdomain = 'canary-b' where id = 2048`)
	before := l.rows().Snapshot(t, 2048)
	if got := failed(l.smoke(t.Context())); !slices.Contains(got, "tenant canary-b") {
		t.Errorf("failed: %q; want the tenant canary-b among them", got)
	}
	if diff := cmp.Diff(before, l.rows().Snapshot(t, 2048)); diff != "" {
		t.Errorf("the customer's rows changed:\n%s", diff)
	}
}

func TestSmoke_NamesTheChecksThatFailWithoutThePolicy(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	l.rows().Exec(t, `drop policy tenant on leads`)
	report := l.smoke(t.Context())
	if got := failed(report); report.Passed || !slices.Contains(got, "lead isolation: create") {
		t.Errorf("failed: %q; want the leads among them", got)
	}
	for _, name := range failed(report) {
		if !strings.HasPrefix(name, "lead") && name != "clean-up" {
			t.Errorf("%s failed too", name)
		}
	}
	if out, code := l.command(t, nil, "smoke"); code != 1 || !strings.Contains(out, "\nFAIL lead isolation: create: POST /leads was answered 500") {
		t.Errorf("the command ended with %d:\n%s", code, out)
	}
	if status, lines := l.scheduledSmoke(t); status != http.StatusInternalServerError || !strings.Contains(lines, "\nFAIL lead isolation: create: ") {
		t.Errorf("Cloud Scheduler's call was answered %d:\n%s", status, lines)
	}
}

// scheduledSmoke calls the smoke test as Cloud Scheduler does.
func (l *live) scheduledSmoke(t *testing.T) (status int, lines string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.server.URL+"/workers/operations/smoke", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+l.tasks.Token(l.env["CLOUD_TASKS_WORKER_URL"], l.env["CLOUD_TASKS_SERVICE_ACCOUNT"]))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// breakable is the live system, whose statements are changed on their way to Postgres.
type breakable struct {
	*live
	change atomic.Pointer[func(sql string) string]
	owner  *storetest.DB
}

func startBreakable(t *testing.T) *breakable {
	t.Helper()
	b := &breakable{owner: &storetest.DB{URLs: storetest.URLs{Owner: storetest.Empty(t)}}}
	wire, address, err := storetest.Rewrite(b.owner.Owner, func(sql string) string {
		if change := b.change.Load(); change != nil {
			return (*change)(sql)
		}
		return sql
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = wire.Close() })
	b.live = startLive(t, boot.Environment{"DATABASE_URL": address})
	return b
}

// ofTheTenant is a tenant's condition.
var ofTheTenant = regexp.MustCompile(`(\w+\.)?tenant_id = \$1`)

// without drops the tenant's condition from the statements that begin with one text and hold another; it counts them.
func (b *breakable) without(begin, hold string) *atomic.Int64 {
	var n atomic.Int64
	change := func(sql string) string {
		trimmed := strings.TrimSpace(sql)
		if !strings.HasPrefix(trimmed, begin) || !strings.Contains(trimmed, hold) {
			return sql
		}
		n.Add(1)
		return ofTheTenant.ReplaceAllLiteralString(sql, "$1::bigint is not null")
	}
	b.change.Store(&change)
	return &n
}

func TestSmoke_NamesTheCheckThatFailsWithoutAWhere(t *testing.T) {
	t.Parallel()
	b := startBreakable(t)
	for _, command := range []string{
		`insert into leads (tenant_id, name, email) values (1042, 'Pat Doe', 'smoke-test@canary-a.test')`,
		`insert into leads (tenant_id, name) values (1042, 'Smoke test of a pool')`,
	} {
		b.owner.Exec(t, command)
	}
	customer := b.owner.Snapshot(t, 1042)
	cases := []struct{ begin, hold, check string }{
		{"select", "from leads where tenant_id = $1 and id = $2", "lead isolation: fetch"},
		{"select", "from leads where tenant_id = $1 and (created_at, id)", "lead isolation: list"},
		{"update leads", "tenant_id = $1", "lead isolation: change and delete"},
		{"delete from leads", "tenant_id = $1", "lead isolation: change and delete"},
		{"select b.id", "(b.tenant_id = $1 or b.tenant_id is null)", "prompt isolation"},
	}
	for _, c := range cases {
		n := b.without(c.begin, c.hold)
		if got := failed(b.smoke(t.Context())); len(got) > 0 {
			t.Errorf("without the condition of %q row security is left, and yet failed: %q", c.begin, got)
		}
		if n.Load() == 0 {
			t.Errorf("no statement begins with %q and holds %q", c.begin, c.hold)
		}
	}
	b.owner.Exec(t, `alter table leads disable row level security; alter table prompt_bundles disable row level security;
		alter table prompt_sections disable row level security`)
	b.change.Store(nil)
	if got := failed(b.smoke(t.Context())); len(got) > 0 {
		t.Errorf("without row security the conditions are left, and yet failed: %q", got)
	}
	for _, c := range cases {
		b.without(c.begin, c.hold)
		if got := failed(b.smoke(t.Context())); !slices.Contains(got, c.check) {
			t.Errorf("without row security and the condition of %q failed: %q; want %q among them", c.begin, got, c.check)
		}
	}
	b.change.Store(nil)
	if diff := cmp.Diff(customer, b.owner.Snapshot(t, 1042)); diff != "" {
		t.Errorf("where isolation is broken the test has changed a customer's rows:\n%s", diff)
	}
}

func TestOnboard_ASecondTimeChangesNothing(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	const key = "KEY-invented-widgets"
	env := []string{"EXAMPLEWIDGETS_TELNYX_API_KEY=" + key, "EXAMPLEWIDGETS_GOOGLE_REFRESH_TOKEN=1//invented-grant-of-widgets"}
	const file = "../onboard/example.yaml"
	outcomes := func(out string) string {
		var lines []string
		for line := range strings.Lines(out) {
			if outcome, part, _ := strings.Cut(line, " "); slices.Contains([]string{"made", "changed", "unchanged"}, outcome) {
				part, _, _ = strings.Cut(strings.TrimSpace(part), ":")
				lines = append(lines, outcome+" "+part)
			}
		}
		return strings.Join(lines, "\n")
	}
	parts := []string{"tenant", "admin", "prompt", "profile", "sms", "voice", "customer_service", "calendar"}

	out, code := l.command(t, env, "onboard", file)
	// A calendar has hours and lengths that nobody gave it.
	if want := strings.Replace("made "+strings.Join(parts, "\nmade "), "made calendar", "changed calendar", 1); code != 0 || outcomes(out) != want {
		t.Fatalf("onboard ended with %d:\n%s", code, out)
	}
	if strings.Contains(out, key) || strings.Count(out, "\nThe password of admin@examplewidgets.test") != 1 || !strings.Contains(out, "[ ] Connect Gmail") {
		t.Errorf("onboard printed:\n%s", out)
	}
	_, password, _ := strings.Cut(out, "not shown again: ")
	password, _, _ = strings.Cut(password, "\n")
	if _, err := (api.Operator{Base: l.server.URL + "/api/v1", Email: "admin@examplewidgets.test", Password: private.NewSecret(password)}).LogIn(t.Context()); err == nil || !strings.Contains(err.Error(), "not a global admin") {
		t.Errorf("logging in with the printed password: %v", err)
	}

	id := l.tenantID(t, "examplewidgets")
	before := l.rows().Snapshot(t, id)
	out, code = l.command(t, env, "onboard", file)
	if want := "unchanged " + strings.Join(parts, "\nunchanged "); code != 0 || outcomes(out) != want || strings.Contains(out, "The password of") {
		t.Errorf("the second time onboard ended with %d:\n%s", code, out)
	}
	if diff := cmp.Diff(before, l.rows().Snapshot(t, id)); diff != "" {
		t.Errorf("the second time rows changed:\n%s", diff)
	}

	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.yaml")
	changed := strings.NewReplacer("Mon-Fri 9-5", "Mon-Fri 8-4", "assistant-0", "assistant-1").Replace(string(content))
	if err := os.WriteFile(other, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code = l.command(t, env, "onboard", other)
	if want := "unchanged tenant\nunchanged admin\nchanged prompt\nunchanged profile\nunchanged sms\nchanged voice\nunchanged customer_service\nunchanged calendar"; code != 0 || outcomes(out) != want {
		t.Errorf("after a change of the file onboard ended with %d:\n%s", code, out)
	}
}

func (l *live) tenantID(t *testing.T, subdomain string) (id int64) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), l.env["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if err := conn.QueryRow(t.Context(), `select id from tenants where subdomain = $1`, subdomain).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestSmoke_NamesTheCheckThatFailsWhereANumberLeadsAstray(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	if got := failed(l.smoke(t.Context())); len(got) > 0 {
		t.Fatalf("failed: %q", got)
	}
	l.rows().Exec(t, `drop trigger claim_numbers on tenant_sms_configs; update tenant_phone_numbers n set tenant_id = b.id
		from tenants a, tenants b where a.subdomain = 'canary-a' and n.tenant_id = a.id and b.subdomain = 'canary-b'`)
	if got := failed(l.smoke(t.Context())); !slices.Equal(got, []string{"a text's number belongs to one tenant", "a call's number belongs to one tenant", "routing of texts", "routing of calls"}) {
		t.Errorf("failed: %q; want whose the numbers are and where they lead", got)
	}
}
