package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/boot"
)

const functions = `deployments:
  - name: front
    entry: Front
    package: functions/front
    public: true
    ingress: internal-and-cloud-load-balancing
    service_account: fn-front
    paths: [/front]
    secrets: [DATABASE_URL]
    settings: [ENVIRONMENT, GREETING]
    tasks: { CLOUD_TASKS: front-worker }
    cpu: 1
    memory: 256Mi
    concurrency: 80
    min_instances: 1
    max_instances: 10
    timeout_seconds: 10
    database_connections: 4
  - name: front-worker
    entry: FrontWorker
    package: functions/front/worker
    public: false
    ingress: internal
    service_account: fn-front-worker
    paths: [/workers/front]
    secrets: [DATABASE_URL]
    cpu: 1
    memory: 512Mi
    concurrency: 20
    max_instances: 5
    timeout_seconds: 90
    database_connections: 2
  - name: other
    entry: Other
    package: functions/other
    public: true
    ingress: internal-and-cloud-load-balancing
    service_account: fn-other
    paths: [/other]
    cpu: 0.5
    memory: 256Mi
    concurrency: 1
    max_instances: 1
    timeout_seconds: 30
`

// adminPassword may be in no command line.
const adminPassword = "correct horse battery staple"

var (
	names       = []string{"front", "front-worker", "other"}
	errNotSound = errors.New("the smoke test failed")
)

// rig is a repository with three staged deployments, and a Cloud Run that has none of them.
type rig struct {
	t       *testing.T
	command command
	file    string
	out     *bytes.Buffer
	smoked  []string   // the addresses, in order
	before  [][]string // command lines that were taken before
}

func newRig(t *testing.T) *rig {
	t.Helper()
	root := t.TempDir()
	r := &rig{t: t, file: filepath.Join(root, "cloud.json"), out: &bytes.Buffer{}}
	r.write("functions/front/function.yaml", functions)
	for _, name := range names {
		r.write("staged/"+name+"/function.go", "package deploy // 1")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(root, "gcloud")); err != nil {
		t.Fatal(err)
	}
	r.command = command{
		root: root, gcloud: filepath.Join(root, "gcloud"), out: r.out,
		env: boot.Environment{
			"FAKE_CLOUD": r.file, "GOOGLE_CLOUD_PROJECT": "example-project", "ADMIN_EMAIL": "admin@example.test", "ADMIN_PASSWORD": adminPassword,
			"GORACE": "atexit_sleep_ms=0", // else the race detector lets every call wait a second at its end
		},
		smoke: func(_ context.Context, base string) error { r.smoked = append(r.smoked, base); return nil },
	}
	content, err := json.Marshal(cloud{Services: map[string]*fakeService{}})
	if err != nil {
		t.Fatal(err)
	}
	r.write("cloud.json", string(content))
	r.infra(func(*settings) {})
	t.Cleanup(func() { r.taken() })
	return r
}

func (r *rig) write(name, content string) {
	r.t.Helper()
	file := filepath.Join(filepath.Dir(r.file), name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// infra sets the secret deployments, with a change of what is usual.
func (r *rig) infra(change func(*settings)) {
	r.t.Helper()
	s := settings{Project: "example-project", Region: "europe-west1", Domain: "fn.example.test", DatabaseConnectionLimit: 100, CloudSQLInstance: "example-project:europe-west1:main",
		Deployments: map[string]identity{
			"front": {ServiceAccount: "fn-front@example-project.iam.gserviceaccount.com", Secrets: map[string]string{"DATABASE_URL": "database-url"},
				Env: map[string]string{"ENVIRONMENT": "production", "GREETING": "Hello, you | and you; a=b", "CLOUD_TASKS_QUEUE": "projects/p/locations/l/queues/q"}},
			"front-worker": {ServiceAccount: "fn-front-worker@example-project.iam.gserviceaccount.com", Secrets: map[string]string{"DATABASE_URL": "database-url"},
				Callers: []string{"tasks@example-project.iam.gserviceaccount.com", "scheduler@example-project.iam.gserviceaccount.com"}},
			"other": {ServiceAccount: "fn-other@example-project.iam.gserviceaccount.com", Env: map[string]string{"GOOGLE_CLOUD_PROJECT": "example-project"}},
		}}
	change(&s)
	content, err := json.Marshal(s)
	if err != nil {
		r.t.Fatal(err)
	}
	r.cloud(func(c *cloud) { c.Secret = string(content) })
}

// cloud shows the fake's state and lets it be changed.
func (r *rig) cloud(do func(*cloud)) {
	r.t.Helper()
	var c cloud
	if err := c.change(r.file, func() error { do(&c); return nil }); err != nil {
		r.t.Fatal(err)
	}
}

// calls takes the command lines that were run since the last time, without those that only read.
func (r *rig) calls() []string {
	var changed []string
	for _, args := range r.taken() {
		if text := strings.Join(args, " "); !strings.Contains(text, "access latest") && !strings.Contains(text, "describe") && !strings.Contains(text, "get-iam-policy") {
			changed = append(changed, text)
		}
	}
	return changed
}

// taken takes all command lines that were run since the last time, and checks that none holds the password.
func (r *rig) taken() (calls [][]string) {
	r.cloud(func(c *cloud) { calls, c.Calls = c.Calls, nil })
	if strings.Contains(strings.Join(slices.Concat(calls...), " "), adminPassword) {
		r.t.Error("a password was in a command line")
	}
	r.before = append(r.before, calls...)
	return calls
}

func (r *rig) run(next bool, args ...string) error {
	return r.command.run(r.t.Context(), next, args)
}

// must runs a command that has to succeed.
func (r *rig) must(next bool, args ...string) {
	r.t.Helper()
	if err := r.run(next, args...); err != nil {
		r.t.Fatalf("deploy %v: %v\n%s", args, err, r.out)
	}
}

// serving is the shares of a service's revisions, by their numbers.
func (r *rig) serving(name string) (shares map[int]int, tags map[string]int) {
	shares, tags = map[int]int{}, map[string]int{}
	r.cloud(func(c *cloud) {
		s := c.Services[name]
		for n := 1; s != nil && n <= s.Created; n++ {
			for _, t := range s.Traffic {
				if t.Revision == revision(name, n) && t.Percent > 0 {
					shares[n] += t.Percent
				}
				if t.Revision == revision(name, n) && t.Tag != "" {
					tags[t.Tag] = n
				}
			}
		}
	})
	return shares, tags
}

// fails makes the next calls that hold all words fail.
func (r *rig) fails(how string, times int, words ...string) {
	r.cloud(func(c *cloud) { c.Failures = append(c.Failures, failure{Words: words, Times: times, How: how}) })
}

// restage makes a deployment's source another.
func (r *rig) restage(name, version string) {
	r.t.Helper()
	r.write("staged/"+name+"/function.go", "package deploy // "+version)
}
