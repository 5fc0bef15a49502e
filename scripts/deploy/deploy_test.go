package main

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDeploy_TheFirstTimeTakesAllTrafficAndAdmitsTheCallers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(true, "all")
	for _, name := range names {
		shares, tags := r.serving(name)
		if !maps.Equal(shares, map[int]int{1: 100}) || tags[next] != 1 {
			t.Errorf("%s: %v %v; want the first revision to serve and to be next", name, shares, tags)
		}
	}
	r.cloud(func(c *cloud) {
		want := []string{"serviceAccount:tasks@example-project.iam.gserviceaccount.com", "serviceAccount:scheduler@example-project.iam.gserviceaccount.com"}
		if diff := cmp.Diff(want, c.Services["front-worker"].Invoker); diff != "" {
			t.Errorf("the callers of front-worker (-want +got):\n%s", diff)
		}
		if len(c.Services["front"].Invoker)+len(c.Services["other"].Invoker) > 0 {
			t.Error("a public one was given callers")
		}
	})
}

func TestDeploy_SetsWhatFunctionYamlAndTerraformSay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(false, "front")
	r.must(false, "front-worker")
	r.cloud(func(c *cloud) {
		front, worker := c.Services["front"], c.Services["front-worker"]
		wantEnv := map[string]string{"ENVIRONMENT": "production", "GREETING": "Hello, you | and you; a=b", "CLOUD_TASKS_QUEUE": "projects/p/locations/l/queues/q",
			"CLOUD_RUN_TIMEOUT_SECONDS": "10", "DATABASE_CONNECTIONS": "4"}
		if diff := cmp.Diff(wantEnv, front.Env); diff != "" {
			t.Errorf("settings (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]string{"DATABASE_URL": "database-url:1"}, front.Secrets); diff != "" {
			t.Errorf("secrets (-want +got):\n%s", diff)
		}
		for flag, want := range map[string]string{
			"function": "Front", "base-image": "go126", "source": "staged/front", "service-account": "fn-front@example-project.iam.gserviceaccount.com", "min": "1",
			"max-instances": "10", "timeout": "10", "ingress": "internal-and-cloud-load-balancing", "concurrency": "80", "cpu": "1", "memory": "256Mi",
			"add-cloudsql-instances": "example-project:europe-west1:main", "update-build-env-vars": "GOOGLE_GOLDFLAGS=-s -w",
			"build-service-account": "projects/example-project/serviceAccounts/deployer@example-project.iam.gserviceaccount.com",
		} {
			if front.Flags[flag] != want {
				t.Errorf("--%s=%s; want %s", flag, front.Flags[flag], want)
			}
		}
		_, open := front.Flags["allow-unauthenticated"]
		_, closed := worker.Flags["no-allow-unauthenticated"]
		if !open || !closed || worker.Flags["ingress"] != "internal" {
			t.Errorf("front is open: %v, front-worker is closed: %v with ingress %s", open, closed, worker.Flags["ingress"])
		}
		if !strings.Contains(front.Flags["startup-probe"], "httpGet.path=/health") {
			t.Errorf("the startup probe is %s", front.Flags["startup-probe"])
		}
	})
}

func TestDeploy_WhatIsUnchangedIsSkipped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(true, "all")
	r.calls()
	r.must(true, "all")
	r.must(false, "all")
	if calls := r.calls(); len(calls) > 0 {
		t.Errorf("nothing had changed, and this was called: %q", calls)
	}
	if n := strings.Count(r.out.String(), "unchanged, skipped"); n != 6 {
		t.Errorf("%d were skipped; want 6 in\n%s", n, r.out)
	}
}

func TestDeploy_ANewVersionOfASecretIsANewRevisionWithoutABuild(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(false, "all")
	r.calls()
	r.cloud(func(c *cloud) { c.Version = 1 })
	r.must(false, "front")
	r.cloud(func(c *cloud) {
		if front := c.Services["front"]; front.Secrets["DATABASE_URL"] != "database-url:2" || front.Created != 2 {
			t.Errorf("front reads %v in revision %d", front.Secrets, front.Created)
		}
	})
	for _, call := range r.calls() {
		if strings.HasPrefix(call, "run deploy ") {
			t.Errorf("it was built: %v", call)
		}
	}
	everyoneServes(t, r, map[string]int{"front": 2})
}

func TestDeploy_TouchesTheNamedServiceAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(true, "all")
	for _, name := range names {
		r.restage(name, "2")
	}
	r.calls()
	r.must(false, "front")
	for _, call := range r.calls() {
		if !strings.HasPrefix(call, "run deploy front ") && !strings.HasPrefix(call, "run services update-traffic front ") {
			t.Errorf("this was called: %s", call)
		}
	}
	if shares, tags := r.serving("front"); !maps.Equal(shares, map[int]int{2: 100}) || tags[lastGood] != 1 || tags[next] != 2 {
		t.Errorf("front: %v %v; want the second revision to serve and the first to be the last good one", shares, tags)
	}
	if shares, _ := r.serving("other"); !maps.Equal(shares, map[int]int{1: 100}) {
		t.Errorf("other: %v; want it as it was", shares)
	}
}

func TestDeploy_NextGetsNoTraffic(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(true, "front")
	r.restage("front", "2")
	r.must(true, "front")
	if shares, tags := r.serving("front"); !maps.Equal(shares, map[int]int{1: 100}) || tags[next] != 2 {
		t.Errorf("%v %v; want the first to serve and the second to be next", shares, tags)
	}
}

func TestDeploy_OnlySettingsChangedNeedsNoBuild(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(true, "all")
	r.infra(func(s *settings) { s.Deployments["front"].Env["GREETING"] = "Good day" })
	r.calls()
	r.must(true, "all")
	calls := r.calls()
	if len(calls) != 1 || !strings.HasPrefix(calls[0], "run services update front ") {
		t.Errorf("this was called: %q; want one update of front", calls)
	}
	r.cloud(func(c *cloud) {
		if got := c.Services["front"].Env["GREETING"]; got != "Good day" {
			t.Errorf("GREETING is %q", got)
		}
	})
}

func TestDeploy_SettingsOfOthersSurvive(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(true, "front")
	r.cloud(func(c *cloud) {
		c.Services["front"].Env["BY_HAND"], c.Services["front"].Secrets["BY_HAND_TOO"], c.Services["front"].Labels["team"] = "1", "x:3", "a"
	})
	r.restage("front", "2")
	r.must(false, "front")
	r.infra(func(s *settings) { s.Deployments["front"].Env["ENVIRONMENT"] = "staging" })
	r.must(false, "front")
	r.cloud(func(c *cloud) {
		s := c.Services["front"]
		if s.Env["BY_HAND"] != "1" || s.Secrets["BY_HAND_TOO"] != "x:3" || s.Labels["team"] != "a" || s.Created != 3 {
			t.Errorf("after two deployments there is %v %v %v", s.Env, s.Secrets, s.Labels)
		}
	})
}

func TestDeploy_ARevisionThatDidNotStartIsNotTakenForDeployed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(true, "front")
	r.restage("front", "2")
	r.fails("stillborn", 1, "run deploy front ")
	if err := r.run(true, "front"); err == nil || !strings.Contains(err.Error(), "failed to start") {
		t.Errorf("the error is %v", err)
	}
	r.must(true, "front")
	if shares, tags := r.serving("front"); !maps.Equal(shares, map[int]int{1: 100}) || tags[next] != 3 {
		t.Errorf("%v %v; want the third, which started, to be next", shares, tags)
	}
}

func TestDeploy_CallersThatCouldNotBeAdmittedAreAdmittedByTheNextRun(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fails("refused", 1, "add-iam-policy-binding front-worker")
	if r.run(true, "front-worker") == nil {
		t.Fatal("the refusal was not noticed")
	}
	r.must(true, "front-worker")
	r.cloud(func(c *cloud) {
		if got := c.Services["front-worker"].Invoker; len(got) != 2 {
			t.Errorf("callers are %v; want both", got)
		}
	})
}

func TestDeploy_AnErrorThatIsNotAbsenceIsNotTakenForIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(true, "front")
	r.calls()
	r.fails("refused", 1, "describe front")
	if err := r.run(true, "front"); err == nil || !strings.Contains(err.Error(), "UNAVAILABLE") {
		t.Errorf("the error is %v", err)
	}
	if calls := r.calls(); len(calls) > 0 {
		t.Errorf("this was called: %q", calls)
	}
}

func TestDeploy_NothingIsCalledWhereSomethingDoesNotFit(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*settings)
		says   string
	}{
		"too many connections": {func(s *settings) { s.DatabaseConnectionLimit = 99 }, "lower max_instances"},
		"an unlisted setting":  {func(s *settings) { s.Deployments["front"].Env["TYPO"] = "1" }, "TYPO"},
		"an unlisted secret":   {func(s *settings) { s.Deployments["front"].Secrets["GREETINGS"] = "x" }, "GREETINGS"},
		"no account":           {func(s *settings) { delete(s.Deployments, "other") }, "other no service account"},
		"no domain":            {func(s *settings) { s.Domain = "" }, "domain"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.infra(tt.change)
			for _, args := range [][]string{{"all"}, {"front"}, {"release"}} {
				if err := r.run(false, args...); err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("deploy %v: the error is %v; want one about %s", args, err, tt.says)
				}
			}
			r.cloud(func(c *cloud) {
				for _, call := range c.Calls {
					if call[0] != "secrets" {
						t.Errorf("this was called: %q", call)
					}
				}
			})
		})
	}
}

func TestDeploy_WhatIsNotStagedOrNotThereIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, args := range [][]string{{}, {"nothing"}, {"front", "nothing"}, {"rollback"}, {"rollback", "nothing"}} {
		if err := r.run(false, args...); err == nil {
			t.Errorf("deploy %v was taken", args)
		}
	}
	r.command.root = t.TempDir()
	r.write("x", "")
	if err := r.run(false, "front"); err == nil {
		t.Error("it ran outside of the repository")
	}
	if calls := r.calls(); len(calls) > 0 {
		t.Errorf("this was called: %q", calls)
	}
}
