package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/cloudbuild/apiv1/v2/cloudbuildpb"
	"github.com/goccy/go-yaml"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
)

// pipeline reads a build as Cloud Build does: a key that is there twice, an unknown field and a wrong value are errors.
func pipeline(content []byte) (*cloudbuildpb.Build, error) {
	var any map[string]any
	if err := yaml.UnmarshalWithOptions(content, &any, yaml.Strict()); err != nil {
		return nil, err
	}
	asJSON, err := json.Marshal(any)
	if err != nil {
		return nil, err
	}
	var build cloudbuildpb.Build
	if err := protojson.Unmarshal(asJSON, &build); err != nil {
		return nil, err
	}
	return &build, errors.Join(order(&build), substitutions(&build, string(content)), secrets(&build))
}

// order wants every step to have a name of its own and to wait for earlier ones alone, which leaves no cycle.
func order(build *cloudbuildpb.Build) error {
	var earlier []string
	for _, s := range build.GetSteps() {
		if s.GetId() == "" || slices.Contains(earlier, s.GetId()) {
			return fmt.Errorf("a step's id is %q, which is none or another's", s.GetId())
		}
		for _, w := range s.GetWaitFor() {
			if w != "-" && !slices.Contains(earlier, w) {
				return fmt.Errorf("%s waits for %s, which is no earlier step", s.GetId(), w)
			}
		}
		if len(s.GetWaitFor()) == 0 {
			return fmt.Errorf("%s does not say what it waits for", s.GetId())
		}
		earlier = append(earlier, s.GetId())
	}
	return nil
}

var (
	substitution = regexp.MustCompile(`\$\{?([A-Z_][A-Z0-9_]*)`)
	builtIn      = []string{"PROJECT_ID"}
)

// substitutions wants a default for each that is used, and each to be used.
func substitutions(build *cloudbuildpb.Build, content string) error {
	var used []string
	for _, m := range substitution.FindAllStringSubmatch(content, -1) {
		used = append(used, m[1])
		if _, has := build.GetSubstitutions()[m[1]]; !has && !slices.Contains(builtIn, m[1]) {
			return fmt.Errorf("$%s has no default", m[1])
		}
	}
	for name, value := range build.GetSubstitutions() {
		if value == "" || !slices.Contains(used, name) {
			return fmt.Errorf("%s has no default or is not used", name)
		}
	}
	return nil
}

// secrets wants every secret that a step takes to be declared, and each to be taken.
func secrets(build *cloudbuildpb.Build) error {
	taken := map[string]bool{}
	for _, s := range build.GetAvailableSecrets().GetSecretManager() {
		taken[s.GetEnv()] = false
	}
	for _, s := range build.GetSteps() {
		for _, name := range s.GetSecretEnv() {
			if _, declared := taken[name]; !declared {
				return fmt.Errorf("%s takes the secret %s, which is not declared", s.GetId(), name)
			}
			taken[name] = true
		}
	}
	for name, is := range taken {
		if !is {
			return fmt.Errorf("no step takes the secret %s", name)
		}
	}
	return nil
}

func ours(t *testing.T) (content []byte, build *cloudbuildpb.Build, steps map[string]*cloudbuildpb.BuildStep) {
	t.Helper()
	content, err := os.ReadFile("../../cloudbuild.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if build, err = pipeline(content); err != nil {
		t.Fatalf("cloudbuild.yaml: %v", err)
	}
	steps = map[string]*cloudbuildpb.BuildStep{}
	for _, s := range build.GetSteps() {
		steps[s.GetId()] = s
	}
	return content, build, steps
}

func TestCloudBuild_DeploysEveryDeploymentAfterTheMigrationsAllAtOnce(t *testing.T) {
	t.Parallel()
	all, err := deployment.All("../..")
	if err != nil {
		t.Fatal(err)
	}
	_, build, steps := ours(t)
	var deploys []string
	for _, d := range all {
		id := "deploy-" + d.Name
		deploys = append(deploys, id)
		s := steps[id]
		if s == nil {
			t.Errorf("no step %s", id)
		} else if !slices.Equal(s.GetArgs(), []string{"-next", d.Name}) || !slices.Equal(s.GetWaitFor(), []string{"migrate"}) {
			t.Errorf("%s has %v and waits for %v; want it to deploy without traffic after migrate alone", id, s.GetArgs(), s.GetWaitFor())
		}
	}
	for _, s := range build.GetSteps() {
		if strings.HasPrefix(s.GetId(), "deploy-") && !slices.Contains(deploys, s.GetId()) {
			t.Errorf("%s deploys what no function.yaml has", s.GetId())
		}
	}
	slices.Sort(deploys)
	if waits := slices.Sorted(slices.Values(steps["smoke"].GetWaitFor())); !slices.Equal(waits, deploys) {
		t.Errorf("smoke waits for %v; want every deployment", waits)
	}
}

func TestCloudBuild_TestsBeforeItMigratesAndSmokesBeforeItReleases(t *testing.T) {
	t.Parallel()
	_, build, steps := ours(t)
	for _, wait := range [][2]string{{"build", "test"}, {"stage", "build"}, {"migrate", "stage"}, {"release", "smoke"}} {
		if !slices.Equal(steps[wait[0]].GetWaitFor(), []string{wait[1]}) {
			t.Errorf("%s waits for %v; want %s", wait[0], steps[wait[0]].GetWaitFor(), wait[1])
		}
	}
	for id, s := range steps {
		if s.GetAllowFailure() || len(s.GetAllowExitCodes()) > 0 {
			t.Errorf("%s may fail and the build goes on", id)
		}
		if s.GetEntrypoint() != "bash" && s.GetEntrypoint() != "go" && !strings.HasPrefix(s.GetEntrypoint(), "/workspace/bin/") {
			t.Errorf("%s runs %s", id, s.GetEntrypoint())
		}
	}
	if build.GetTimeout() == nil || build.GetServiceAccount() == "" || build.GetOptions().GetLogging() != cloudbuildpb.BuildOptions_CLOUD_LOGGING_ONLY {
		t.Error("the build has no limit, no account of its own, or logs elsewhere")
	}
}

func TestCloudBuild_WhatCloudBuildWouldRefuseIsRefusedHere(t *testing.T) {
	t.Parallel()
	content, _, _ := ours(t)
	for name, change := range map[string][2]string{
		"a key twice":             {"timeout: 7200s", "timeout: 7200s\ntimeout: 60s"},
		"an unknown field":        {"timeout: 7200s", "time_out: 7200s"},
		"a wrong value":           {"CLOUD_LOGGING_ONLY", "CLOUD_LOGGING"},
		"no such step":            {"waitFor: [smoke]", "waitFor: [smok]"},
		"a cycle":                 {"waitFor: [test]", "waitFor: [release]"},
		"a step twice":            {"id: build", "id: test"},
		"no default":              {"  _GO_IMAGE: golang:1.26\n", ""},
		"an undeclared secret":    {"secretEnv: [DATABASE_URL]", "secretEnv: [DATABASE]"},
		"a secret nobody takes":   {"    secretEnv: [DATABASE_URL]\n", ""},
		"a default nobody uses":   {"substitutions:\n", "substitutions:\n  _MORE: x\n"},
		"a limit that is no time": {"timeout: 7200s", "timeout: two hours"},
	} {
		if !strings.Contains(string(content), change[0]) {
			t.Errorf("%s: cloudbuild.yaml has no %q", name, change[0])
		}
		if _, err := pipeline([]byte(strings.Replace(string(content), change[0], change[1], 1))); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
