package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/scripts/internal/gcloud"
)

// TestGcloud_TakesEveryCommandLine asks the installed gcloud, without a network, whether it knows every command and flag. The command
// lines are those of a first deployment, a second, one of settings alone, a release and a roll-back.
func TestGcloud_TakesEveryCommandLine(t *testing.T) {
	t.Parallel()
	r := toRelease(t)
	r.must(false, "release")
	r.must(false, "rollback", "front")
	r.infra(func(s *settings) { s.Deployments["front"].Env["GREETING"] = "Good day" })
	r.must(false, "all")
	r.taken()
	lines := slices.Clone(r.before)
	slices.SortFunc(lines, slices.Compare)
	lines = slices.CompactFunc(lines, slices.Equal)
	for command := range known {
		words := strings.Fields(command)
		if !slices.ContainsFunc(lines, func(l []string) bool { return len(l) >= len(words) && slices.Equal(l[:len(words)], words) }) {
			t.Errorf("no command line begins with gcloud %s", command)
		}
	}
	against, err := gcloud.Lint(t.Context(), t.TempDir(), append(lines, []string{"run", "services", "describe", "x", "--no-such-flag"}))
	if err != nil {
		t.Skip("skipped: " + err.Error())
	}
	if against[len(lines)] == "" {
		t.Error("gcloud takes a flag that there is not")
	}
	delete(against, len(lines))
	for _, why := range against {
		t.Error("gcloud would not take " + why)
	}
}
