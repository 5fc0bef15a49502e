package staging_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
	"github.com/chattercheatah/chattercheatah/scripts/internal/staging"
)

// root is the repository's, seen from here.
const root = "../../.."

// values are such as deployments have, all of whose addresses are the one that is given.
func values(reachable string) map[string]string {
	v := map[string]string{
		"DATABASE_URL": "postgres://user@" + reachable + "/app?sslmode=disable", "TELNYX_API_BASE": "http://" + reachable, "API_BASE": "http://" + reachable + "/api/v1",
		"GOOGLE_API_BASE": "http://" + reachable, "JACKRABBIT_BASE_URL": "http://" + reachable, "API_BASE_URL": "https://fn.example.test", "ENVIRONMENT": "production",
		"JWT_SECRET_KEY": "0123456789abcdef0123456789abcdef", "FIELD_ENCRYPTION_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
		"TELNYX_PUBLIC_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "TOOLS_FALLBACK_TENANT_ID": "3", "GEMINI_API_KEY": "k", "GEMINI_MODEL": "gemini-2.5-flash",
		"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_OAUTH_CLIENT_ID": "id", "GOOGLE_OAUTH_CLIENT_SECRET": "s", "GMAIL_TOPIC": "projects/p/topics/gmail",
		"PUBSUB_SERVICE_ACCOUNT": "push@p.example.test", "ADMIN_EMAIL": "smoke@example.test", "ADMIN_PASSWORD": "example-password",
	}
	for _, prefix := range []string{"", "SMS_", "EMAIL_", "CALL_"} {
		v[prefix+"CLOUD_TASKS_QUEUE"] = "projects/p/locations/l/queues/q"
		v[prefix+"CLOUD_TASKS_WORKER_URL"], v[prefix+"CLOUD_TASKS_SERVICE_ACCOUNT"] = "https://worker.example.test", "tasks@p.example.test"
	}
	return v
}

// standIns are addresses that no deployment is given, where Google's own stand.
func standIns(reachable string) []string {
	return []string{
		"CLOUD_TASKS_EMULATOR_HOST=" + reachable, "SMS_CLOUD_TASKS_EMULATOR_HOST=" + reachable, "EMAIL_CLOUD_TASKS_EMULATOR_HOST=" + reachable, "CALL_CLOUD_TASKS_EMULATOR_HOST=" + reachable,
		"FIRESTORE_EMULATOR_HOST=" + reachable, "OIDC_KEYS_URL=http://" + reachable, "GOOGLE_GEMINI_BASE_URL=http://" + reachable,
	}
}

// environment is what a deployment starts with: what its function.yaml lists, what follows from its other fields, and nothing else.
func environment(t *testing.T, d deployment.Deployment, port, reachable string) []string {
	t.Helper()
	env := append(standIns(reachable), "FUNCTION_TARGET="+d.Entry, "PORT="+port, "CLOUD_RUN_TIMEOUT_SECONDS="+strconv.Itoa(d.TimeoutSeconds))
	if d.DatabaseConnections > 0 {
		env = append(env, "DATABASE_CONNECTIONS="+strconv.Itoa(d.DatabaseConnections))
	}
	known := values(reachable)
	for _, name := range d.Takes() {
		value, there := known[name]
		if !there {
			t.Errorf("%s takes %s, of which this test knows no value", d.Name, name)
		}
		env = append(env, name+"="+value)
	}
	return env
}

func TestStage_EveryFunctionObeysTheBuildpackAndRuns(t *testing.T) {
	t.Parallel()
	deployments, err := deployment.All(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range deployments {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if _, err := staging.Stage(t.Context(), root, d, dir); err != nil {
				t.Fatal(err)
			}
			obeys(t, dir)
			holdsNothingElse(t, dir, d)
			runs(t, build(t, dir), d)
		})
	}
}

// obeys checks the rules of the buildpack.
func obeys(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the root holds %v; want one Go file", files)
	}
	source, modfile := read(t, files[0]), read(t, filepath.Join(dir, "go.mod"))
	if !strings.Contains(source, `"github.com/GoogleCloudPlatform/functions-framework-go/functions"`) || strings.Contains(source, "package main") {
		t.Errorf("the root file is\n%s", source)
	}
	module, _, _ := strings.Cut(strings.TrimPrefix(modfile, "module "), "\n")
	if first, _, _ := strings.Cut(module, "/"); !strings.Contains(first, ".") {
		t.Errorf("the module path %s has no dot in its first element", module)
	}
	if strings.Contains(modfile, "\ntoolchain") {
		t.Error("go.mod has a toolchain line")
	}
	if _, err := os.Stat(filepath.Join(dir, "vendor", "github.com", "GoogleCloudPlatform", "functions-framework-go", "funcframework")); err != nil {
		t.Error("funcframework is not vendored")
	}
}

// holdsNothingElse checks that the folder has one function, no test and no settings file.
func holdsNothingElse(t *testing.T, dir string, d deployment.Deployment) {
	t.Helper()
	own, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.Close() }()
	for _, absent := range []string{"scripts", "migrations", "README.md", ".git", "shared/store/storetest", "shared/telnyx/telnyxtest"} {
		if _, err := own.Stat(absent); err == nil {
			t.Errorf("%s was staged", absent)
		}
	}
	err = filepath.WalkDir(filepath.Join(dir, "functions"), func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Dir(path) != filepath.Join(dir, d.Package) {
			t.Errorf("another function's %s was staged", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// build makes the program that is deployed.
func build(t *testing.T, dir string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "function")
	if err := staging.Build(t.Context(), dir, program); err != nil {
		t.Fatal(err)
	}
	return program
}

// runs starts the function as its deployment would, calls it, and ends it.
func runs(t *testing.T, program string, d deployment.Deployment) {
	t.Helper()
	port, dialled := freePort(t), newDialled(t)
	command := exec.CommandContext(t.Context(), program)
	command.Env = environment(t, d, port, dialled.address)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if status, _ := get(t, "http://127.0.0.1:"+port+"/health"); status != http.StatusOK {
		t.Errorf("/health was answered %d", status)
	}
	if n := dialled.n.Load(); n > 0 {
		t.Errorf("%d connections were dialled before the first request that needs one", n)
	}
	// An assistant can read no status: it is answered 200 with what to say.
	status, answer := get(t, "http://127.0.0.1:"+port+"/api/v1"+d.Paths[0])
	if status == http.StatusOK && !strings.HasPrefix(answer, `{"result":"I can't do that right now.`) || status == http.StatusNotFound {
		t.Errorf("a call without a proof was answered %d %s", status, answer)
	}
	if status, _ := get(t, "http://127.0.0.1:"+port+"/api/v1/no-such-path"); status != http.StatusNotFound {
		t.Errorf("a path that is not there was answered %d", status)
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("it did not end well on SIGTERM: %v", err)
	}
}

// dialled counts the connections to an address.
type dialled struct {
	address string
	n       atomic.Int64
}

func newDialled(t *testing.T) *dialled {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	d := &dialled{address: l.Addr().String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d.n.Add(1)
			_ = c.Close()
		}
	}()
	return d
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// get calls until somebody answers.
func get(t *testing.T, address string) (status int, answer string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			continue
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		return response.StatusCode, string(body)
	}
	t.Fatal("it did not start listening")
	return 0, ""
}

func TestStart_MissingSettingsAreReportedBeforeItListens(t *testing.T) {
	t.Parallel()
	deployments, err := deployment.All(root)
	if err != nil {
		t.Fatal(err)
	}
	sms := deployments[slices.IndexFunc(deployments, func(d deployment.Deployment) bool { return d.Name == "telnyx-sms" })]
	dir := t.TempDir()
	if _, err := staging.Stage(t.Context(), root, sms, dir); err != nil {
		t.Fatal(err)
	}
	program := build(t, dir)
	required := []string{"DATABASE_URL", "JWT_SECRET_KEY", "API_BASE_URL", "TELNYX_PUBLIC_KEY", "CLOUD_TASKS_QUEUE", "CLOUD_TASKS_WORKER_URL", "CLOUD_TASKS_SERVICE_ACCOUNT"}
	for _, name := range required {
		without := slices.DeleteFunc(environment(t, sms, freePort(t), "127.0.0.1:1"), func(kv string) bool {
			return strings.HasPrefix(kv, name+"=")
		})
		out := refusesToStart(t, program, without)
		for _, other := range required {
			if reported := strings.Contains(out, other); reported != (other == name) {
				t.Errorf("without %s, that %s is missing is reported: %v in %s", name, other, reported, out)
			}
		}
	}
	out := refusesToStart(t, program, []string{"FUNCTION_TARGET=" + sms.Entry, "PORT=" + freePort(t)})
	for _, name := range required {
		if !strings.Contains(out, name) {
			t.Errorf("%s is not reported in %s", name, out)
		}
	}
}

// refusesToStart is what a program says that does not start.
func refusesToStart(t *testing.T, program string, env []string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, program)
	command.Env = env
	out, err := command.CombinedOutput()
	if ctx.Err() != nil || err == nil {
		t.Errorf("it started without all settings: %s", out)
	}
	return string(out)
}

func TestStage_GcloudUploadsAllOfIt(t *testing.T) {
	t.Parallel()
	gcloud, err := exec.LookPath("gcloud")
	if err != nil {
		t.Skip("gcloud is not installed: what it would upload is not known")
	}
	deployments, err := deployment.All(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := staging.Stage(t.Context(), root, deployments[0], dir); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), gcloud, "meta", "list-files-for-upload", dir)
	command.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+t.TempDir())
	listed, err := command.Output()
	if err != nil {
		t.Skipf("gcloud cannot list what it would upload here: %v", err)
	}
	uploaded := strings.Fields(string(listed))
	err = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if name, _ := filepath.Rel(dir, path); err == nil && !entry.IsDir() && !slices.Contains(uploaded, name) {
			t.Errorf("%s was staged and would not be uploaded", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStage_TheSameSourceHasTheSameDigest(t *testing.T) {
	t.Parallel()
	deployments, err := deployment.All(root)
	if err != nil {
		t.Fatal(err)
	}
	one, err := staging.Stage(t.Context(), root, deployments[0], t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	other, err := staging.Stage(t.Context(), root, deployments[0], t.TempDir())
	if err != nil || one != other {
		t.Errorf("digests %s and %s, %v", one, other, err)
	}
}
