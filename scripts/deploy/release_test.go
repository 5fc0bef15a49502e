package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// toRelease is a rig whose front and front-worker have a second revision that is next.
func toRelease(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.must(true, "all")
	r.restage("front", "2")
	r.restage("front-worker", "2")
	r.must(true, "all")
	r.calls()
	return r
}

// everyoneServes checks that a revision of each has all traffic.
func everyoneServes(t *testing.T, r *rig, want map[string]int) {
	t.Helper()
	for name, n := range want {
		if shares, tags := r.serving(name); !maps.Equal(shares, map[int]int{n: 100}) {
			t.Errorf("%s: %v %v; want revision %d to have all traffic", name, shares, tags, n)
		}
	}
}

func TestRelease_MovesInStepsWithASmokeTestAfterEachAndLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	r := toRelease(t)
	var seen []string
	r.command.smoke = func(_ context.Context, base string) error {
		shares, _ := r.serving("front")
		worker, _ := r.serving("front-worker")
		seen = append(seen, fmt.Sprint(base, shares[2], worker[2]))
		return nil
	}
	r.must(false, "release")
	const base = "https://fn.example.test/api/v1"
	if want := []string{base + "10 10", base + "50 50", base + "100 100"}; !slices.Equal(seen, want) {
		t.Errorf("the smoke tests saw %q; want %q", seen, want)
	}
	everyoneServes(t, r, map[string]int{"front": 2, "front-worker": 2, "other": 1})
	for _, call := range r.calls() {
		if strings.Contains(call, " other ") {
			t.Errorf("this was called: %s", call)
		}
	}
	if _, tags := r.serving("front"); tags[lastGood] != 1 || tags[next] != 2 {
		t.Errorf("the tags are %v", tags)
	}
	r.must(false, "release")
	if calls := r.calls(); len(calls) > 0 {
		t.Errorf("a second release called %q", calls)
	}
}

func TestRelease_AnyFailureTakesAllTrafficBack(t *testing.T) {
	t.Parallel()
	for _, step := range []int{1, 2, 3} {
		t.Run(fmt.Sprint("smoke test ", step), func(t *testing.T) {
			t.Parallel()
			r := toRelease(t)
			n := 0
			r.command.smoke = func(context.Context, string) error {
				if n++; n == step {
					return errNotSound
				}
				return nil
			}
			takesBack(t, r, errNotSound.Error())
		})
	}
	for _, share := range []string{"-00001-abc=90", "-00001-abc=50", "-00002-abc=100"} {
		for _, name := range []string{"front", "front-worker"} {
			t.Run(name+share, func(t *testing.T) {
				t.Parallel()
				r := toRelease(t)
				r.fails("refused", 1, "update-traffic "+name+" ", name+share)
				takesBack(t, r, "UNAVAILABLE")
			})
		}
	}
}

// takesBack checks that a release fails and that every service is served as before; what is next stays next, for another try.
func takesBack(t *testing.T, r *rig, says string) {
	t.Helper()
	if err := r.run(false, "release"); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("the error is %v; want one that says %s", err, says)
	}
	everyoneServes(t, r, map[string]int{"front": 1, "front-worker": 1, "other": 1})
	if _, tags := r.serving("front"); tags[next] != 2 {
		t.Errorf("the tags are %v; want the second to be next still", tags)
	}
}

func TestRelease_AnInterruptionTakesAllTrafficBack(t *testing.T) {
	t.Parallel()
	for _, step := range []int{1, 2, 3} {
		t.Run(fmt.Sprint("at step ", step), func(t *testing.T) {
			t.Parallel()
			r := toRelease(t)
			ctx, interrupt := context.WithCancel(t.Context())
			n := 0
			r.command.smoke = func(context.Context, string) error {
				if n++; n == step {
					interrupt()
				}
				return nil
			}
			if err := r.command.run(ctx, false, []string{"release"}); err == nil || strings.Contains(err.Error(), "NOT back") {
				t.Errorf("it was interrupted, and the error is %v", err)
			}
			everyoneServes(t, r, map[string]int{"front": 1, "front-worker": 1, "other": 1})
		})
	}
}

// held is a rig whose front has a second revision, and a pipe at which gcloud waits before it moves traffic.
func held(t *testing.T) (r *rig, pipe string) {
	t.Helper()
	r = newRig(t)
	r.must(true, "all")
	r.restage("front", "2")
	r.must(true, "front")
	pipe = r.file + ".hold"
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	return r, pipe
}

// during does something while gcloud waits at the pipe, and lets it and all later ones go on.
func during(t *testing.T, pipe string, do func()) {
	t.Helper()
	waits, err := os.OpenFile(pipe, os.O_WRONLY, 0) // opens when gcloud reads
	if err != nil {
		t.Fatal(err)
	}
	do()
	if err := errors.Join(os.Remove(pipe), waits.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestRelease_AnInterruptionWaitsForTheMoveThatIsUnderWay: killing gcloud does not take back what it has asked for, which could come after
// the traffic was given back.
func TestRelease_AnInterruptionWaitsForTheMoveThatIsUnderWay(t *testing.T) {
	t.Parallel()
	r, pipe := held(t)
	ctx, interrupt := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.command.run(ctx, false, []string{"release"}) }()
	during(t, pipe, interrupt)
	if err := <-done; err == nil || strings.Contains(err.Error(), "signal:") || strings.Contains(err.Error(), "gcloud") {
		t.Errorf("the error is %v; want the interruption and no gcloud that was killed", err)
	}
	everyoneServes(t, r, map[string]int{"front": 1})
}

func TestRelease_ASignalTakesAllTrafficBack(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			r, pipe := held(t)
			program := filepath.Join(r.command.root, "deploy")
			if err := os.Symlink("gcloud", program); err != nil {
				t.Fatal(err)
			}
			command := exec.CommandContext(t.Context(), program, "release")
			command.Dir, command.Env = r.command.root, []string{"PATH=" + r.command.root}
			for name, value := range r.command.env {
				command.Env = append(command.Env, name+"="+value)
			}
			var out bytes.Buffer
			command.Stdout, command.Stderr = &out, &out
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			during(t, pipe, func() {
				if err := command.Process.Signal(signal); err != nil {
					t.Error(err)
				}
			})
			if err := command.Wait(); command.ProcessState.ExitCode() != 1 || !strings.Contains(out.String(), "front: is back at front-00001-abc") {
				t.Errorf("it ended with %v and said\n%s", err, &out)
			}
			everyoneServes(t, r, map[string]int{"front": 1})
		})
	}
}

func TestRelease_TakingBackIsTriedTwiceAndCheckedAndOneThatCannotBeStopsNoOther(t *testing.T) {
	t.Parallel()
	fail := func(context.Context, string) error { return errNotSound }
	t.Run("refused once", func(t *testing.T) {
		t.Parallel()
		r := toRelease(t)
		r.command.smoke = fail
		r.fails("refused", 1, "update-traffic front ", "front-00001-abc=100")
		takesBack(t, r, errNotSound.Error())
	})
	for how, says := range map[string]string{"refused": "UNAVAILABLE", "lie": "the traffic is elsewhere"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			r := toRelease(t)
			r.command.smoke = fail
			r.fails(how, 9, "update-traffic front ", "front-00001-abc=100")
			err := r.run(false, "release")
			if err == nil || !strings.Contains(err.Error(), "front is NOT back at front-00001-abc") || !strings.Contains(err.Error(), says) {
				t.Errorf("the error is %v", err)
			}
			everyoneServes(t, r, map[string]int{"front-worker": 1, "other": 1})
		})
	}
}

func TestRelease_AfterOneThatWasKilledGoesOnAndBackToWhatWasGood(t *testing.T) {
	t.Parallel()
	killed := func(t *testing.T) *rig {
		t.Helper()
		r := toRelease(t)
		r.cloud(func(c *cloud) {
			c.Services["front"].Traffic = []traffic{{Revision: revision("front", 1), Percent: 50}, {Revision: revision("front", 2), Percent: 50},
				{Revision: revision("front", 1), Tag: lastGood}, {Revision: revision("front", 2), Tag: next}}
		})
		r.restage("front", "3")
		r.must(true, "front")
		return r
	}
	t.Run("forward", func(t *testing.T) {
		t.Parallel()
		r := killed(t)
		r.must(false, "release")
		everyoneServes(t, r, map[string]int{"front": 3, "front-worker": 2})
	})
	t.Run("back", func(t *testing.T) {
		t.Parallel()
		r := killed(t)
		r.command.smoke = func(context.Context, string) error { return errNotSound }
		if r.run(false, "release") == nil {
			t.Error("it reported success")
		}
		everyoneServes(t, r, map[string]int{"front": 1, "front-worker": 1})
	})
}

func TestRelease_TrafficThatWasSharedOutByHandIsNotTouched(t *testing.T) {
	t.Parallel()
	r := toRelease(t)
	r.cloud(func(c *cloud) {
		c.Services["front"].Traffic = []traffic{{Revision: revision("front", 1), Percent: 50}, {Revision: revision("front", 2), Percent: 50}, {Revision: revision("front", 2), Tag: next}}
	})
	if err := r.run(false, "release"); err == nil || !strings.Contains(err.Error(), "by hand") {
		t.Errorf("the error is %v", err)
	}
	if calls := r.calls(); len(calls) > 0 {
		t.Errorf("this was called: %q", calls)
	}
}

func TestRelease_WithoutALogInForTheSmokeTestMovesNothing(t *testing.T) {
	t.Parallel()
	r := toRelease(t)
	delete(r.command.env, "ADMIN_PASSWORD")
	if err := r.run(false, "release"); err == nil || !strings.Contains(err.Error(), "ADMIN_PASSWORD") {
		t.Errorf("the error is %v", err)
	}
	if calls := r.calls(); len(calls) > 0 {
		t.Errorf("this was called: %q", calls)
	}
}

func TestSmoke_IsOfWhatIsNextAndMovesNothing(t *testing.T) {
	t.Parallel()
	r := toRelease(t)
	r.must(false, "smoke")
	if want := []string{"https://next.fn.example.test/api/v1"}; !slices.Equal(r.smoked, want) {
		t.Errorf("the smoke test was of %q; want %q", r.smoked, want)
	}
	r.command.smoke = func(context.Context, string) error { return errNotSound }
	if r.run(false, "smoke") == nil {
		t.Error("a smoke test that failed was taken for a good one")
	}
	if calls := r.calls(); len(calls) > 0 {
		t.Errorf("this was called: %q", calls)
	}
}

func TestRollback_GoesBackOnceAndStaysUntilSomethingChanges(t *testing.T) {
	t.Parallel()
	r := toRelease(t)
	r.must(false, "release")
	r.must(false, "rollback", "front")
	everyoneServes(t, r, map[string]int{"front": 1, "front-worker": 2, "other": 1})
	if err := r.run(false, "rollback", "front"); err == nil {
		t.Error("there was nothing to go back to, and it reported success")
	}
	r.must(true, "all")
	r.must(false, "release")
	everyoneServes(t, r, map[string]int{"front": 1, "front-worker": 2, "other": 1})
	r.restage("front", "3")
	r.must(true, "all")
	r.must(false, "release")
	everyoneServes(t, r, map[string]int{"front": 3, "front-worker": 2, "other": 1})
}

func TestRollback_OfAllGoesBackWhereThereIsSomethingToGoBackTo(t *testing.T) {
	t.Parallel()
	r := toRelease(t)
	r.must(false, "release")
	r.must(false, "rollback", "all")
	everyoneServes(t, r, map[string]int{"front": 1, "front-worker": 1, "other": 1})
	r.must(false, "front") // what was taken back stays so until something is new
	everyoneServes(t, r, map[string]int{"front": 1, "front-worker": 1, "other": 1})
	r.restage("front", "3")
	r.must(false, "front")
	everyoneServes(t, r, map[string]int{"front": 3, "front-worker": 1, "other": 1})
}
