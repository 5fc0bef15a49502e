// Package deployment reads the function.yaml files, which are the only list of what is deployed and how. The local server
// and the operator's commands use it.
package deployment

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Deployment is one Cloud Function.
type Deployment struct {
	Name                string            `yaml:"name"`
	Entry               string            `yaml:"entry"`           // the name it registers under
	Package             string            `yaml:"package"`         // folder of its Go package
	Public              bool              `yaml:"public"`          // callable without Google's own access check
	Ingress             string            `yaml:"ingress"`         // which networks reach it: internal, or internal-and-cloud-load-balancing
	ServiceAccount      string            `yaml:"service_account"` // whom it runs as, without @PROJECT.iam.gserviceaccount.com
	Paths               []string          `yaml:"paths"`           // without the prefix /api/v1, which each answers with too
	Secrets             []string          `yaml:"secrets"`         // settings that come from Secret Manager
	Settings            []string          `yaml:"settings"`
	Tasks               map[string]string `yaml:"tasks"` // a prefix of settings, such as CLOUD_TASKS, to the deployment whose queue they name
	Schedules           []Schedule        `yaml:"schedules"`
	Queue               *Queue            `yaml:"queue"`         // the queue of its name; nil for a deployment without
	DatabaseRole        string            `yaml:"database_role"` // whom its DATABASE_URL logs in as; "" for chattercheatah_app
	CPU                 float64           `yaml:"cpu"`
	Memory              string            `yaml:"memory"`
	Concurrency         int               `yaml:"concurrency"`
	MinInstances        int               `yaml:"min_instances"`
	MaxInstances        int               `yaml:"max_instances"`
	TimeoutSeconds      int               `yaml:"timeout_seconds"`
	DatabaseConnections int               `yaml:"database_connections"` // an instance's at most; 0 for one without a database
}

// Takes lists every setting that a deployment starts with: its own settings and secrets, and the three that name the queue of each of
// its tasks. DATABASE_CONNECTIONS and CLOUD_RUN_TIMEOUT_SECONDS, which follow from the other fields, are not among them.
func (d Deployment) Takes() []string {
	takes := slices.Concat(d.Settings, d.Secrets)
	for prefix := range d.Tasks {
		takes = append(takes, prefix+"_QUEUE", prefix+"_WORKER_URL", prefix+"_SERVICE_ACCOUNT")
	}
	slices.Sort(takes)
	return takes
}

// Schedule is a path that Cloud Scheduler calls.
type Schedule struct {
	Path string `yaml:"path"`
	Cron string `yaml:"cron"`
}

// Queue is how fast Cloud Tasks calls a worker.
type Queue struct {
	MaxDispatchesPerSecond  int `yaml:"max_dispatches_per_second"`
	MaxConcurrentDispatches int `yaml:"max_concurrent_dispatches"`
}

// All reads every functions/*/function.yaml below root, in order. A field that is unknown or missing is an error.
func All(root string) ([]Deployment, error) {
	files, err := filepath.Glob(filepath.Join(root, "functions", "*", "function.yaml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no functions/*/function.yaml below %s: run this in the repository's root", root)
	}
	var all []Deployment
	for _, file := range files {
		found, err := read(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, found...)
	}
	return all, together(all)
}

func read(file string) ([]Deployment, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list struct {
		Deployments []Deployment `yaml:"deployments"`
	}
	if err := yaml.NewDecoder(bytes.NewReader(content), yaml.Strict()).Decode(&list); err != nil {
		return nil, err
	}
	for _, d := range list.Deployments {
		if err := d.check(); err != nil {
			return nil, fmt.Errorf("deployment %q: %w", d.Name, err)
		}
	}
	return list.Deployments, nil
}

// The networks that may reach a deployment.
const (
	internal = "internal"                          // Cloud Tasks and Cloud Scheduler of this project
	balanced = "internal-and-cloud-load-balancing" // these, and the one public address
)

// check reports what is missing or cannot be, all of it.
func (d Deployment) check() error {
	var errs []error
	wrong := func(is bool, what string) {
		if is {
			errs = append(errs, errors.New(what))
		}
	}
	wrong(d.Name == "" || d.Entry == "" || d.Package == "" || len(d.Paths) == 0, "it lacks a name, entry, package or path")
	wrong(d.ServiceAccount == "" || len(d.ServiceAccount) > 30, "its service account needs a name of at most 30 characters")
	wrong(d.Public && d.Ingress != balanced || !d.Public && d.Ingress != internal, "its ingress is "+balanced+" when it is public, else "+internal)
	wrong(d.CPU == 0 || d.Memory == "" || d.Concurrency == 0 || d.MaxInstances == 0 || d.TimeoutSeconds == 0, "it lacks a cpu, memory, concurrency, max_instances or timeout_seconds")
	wrong(d.MinInstances > d.MaxInstances, "it has more instances at least than at most")
	wrong(slices.Contains(d.Secrets, "DATABASE_URL") != (d.DatabaseConnections > 0), "DATABASE_URL and database_connections go together")
	wrong(d.Public && (d.Queue != nil || len(d.Schedules) > 0), "Cloud Tasks and Cloud Scheduler call private deployments alone")
	if q := d.Queue; q != nil {
		wrong(q.MaxDispatchesPerSecond < 1 || q.MaxConcurrentDispatches < 1, "its queue needs a rate and a number of concurrent dispatches")
		wrong(q.MaxConcurrentDispatches > d.Concurrency*d.MaxInstances, "its queue dispatches more at once than its instances take")
	}
	for _, c := range d.Schedules {
		wrong(!slices.Contains(d.Paths, c.Path), "it is scheduled to be called at "+c.Path+", which it does not have")
	}
	return errors.Join(errs...)
}

// together reports what deployments say of each other that does not hold.
func together(all []Deployment) error {
	names := map[string]Deployment{}
	for _, d := range all {
		if _, twice := names[d.Name]; twice {
			return fmt.Errorf("two deployments are named %q", d.Name)
		}
		names[d.Name] = d
	}
	for _, d := range all {
		for prefix, worker := range d.Tasks {
			if w, there := names[worker]; !there || w.Public {
				return fmt.Errorf("deployment %q: its %s_* name the queue of %q, which is no private deployment", d.Name, prefix, worker)
			}
		}
	}
	return nil
}

// Budget refuses deployments whose instances may hold more than limit connections together: max_instances times
// database_connections of each, twice, because a rollout has two revisions alive. The error says where the most are held.
func Budget(all []Deployment, limit int) error {
	held := func(d Deployment) int { return 2 * d.MaxInstances * d.DatabaseConnections }
	sum := 0
	for _, d := range all {
		sum += held(d)
	}
	if sum <= limit {
		return nil
	}
	most := slices.SortedStableFunc(slices.Values(all), func(a, b Deployment) int { return held(b) - held(a) })
	var b strings.Builder
	for _, d := range most[:min(3, len(most))] {
		fmt.Fprintf(&b, "\n%s: 2 x %d instances x %d connections = %d", d.Name, d.MaxInstances, d.DatabaseConnections, held(d))
	}
	return fmt.Errorf("all instances together may hold %d database connections during a rollout, and the database takes %d: lower max_instances or "+
		"database_connections in function.yaml by %d connections, or raise database_connection_limit. The most are held by%s", sum, limit, sum-limit, b.String())
}
