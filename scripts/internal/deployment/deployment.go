// Package deployment reads the function.yaml files, which are the only list of what is deployed and how. The local server
// and the operator's commands use it.
package deployment

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"
)

// Deployment is one Cloud Function.
type Deployment struct {
	Name                string     `yaml:"name"`
	Entry               string     `yaml:"entry"`   // the name it registers under
	Package             string     `yaml:"package"` // folder of its Go package
	Public              bool       `yaml:"public"`  // callable without Google's own access check
	Paths               []string   `yaml:"paths"`   // without the prefix /api/v1, which each answers with too
	Secrets             []string   `yaml:"secrets"` // settings that come from Secret Manager
	Settings            []string   `yaml:"settings"`
	Schedules           []Schedule `yaml:"schedules"`
	Queue               *Queue     `yaml:"queue"`         // whose tasks it works on; nil for a function without
	DatabaseRole        string     `yaml:"database_role"` // whom its DATABASE_URL logs in as; "" for chattercheatah_app
	CPU                 float64    `yaml:"cpu"`
	Memory              string     `yaml:"memory"`
	Concurrency         int        `yaml:"concurrency"`
	MinInstances        int        `yaml:"min_instances"`
	MaxInstances        int        `yaml:"max_instances"`
	TimeoutSeconds      int        `yaml:"timeout_seconds"`
	DatabaseConnections int        `yaml:"database_connections"` // an instance's at most
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
	return all, nil
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
		if q := d.Queue; q != nil && (q.MaxDispatchesPerSecond < 1 || q.MaxConcurrentDispatches < 1 || q.MaxConcurrentDispatches > d.Concurrency*d.MaxInstances) {
			return nil, fmt.Errorf("deployment %q: its queue needs a rate, and no more concurrent dispatches than its instances take", d.Name)
		}
		if d.Name == "" || d.Entry == "" || d.Package == "" || len(d.Paths) == 0 || d.TimeoutSeconds == 0 || d.MaxInstances == 0 || d.DatabaseConnections == 0 {
			return nil, fmt.Errorf("deployment %q lacks a name, entry, package, path, timeout, instances or connections", d.Name)
		}
	}
	return list.Deployments, nil
}
