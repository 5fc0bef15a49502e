package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestGcloud_TakesEveryCommandLine asks the installed gcloud, without a network, whether it knows every command and flag. The command
// lines are those of a first deployment, a second, one of settings alone, a release and a roll-back.
func TestGcloud_TakesEveryCommandLine(t *testing.T) {
	t.Parallel()
	gcloud, err := exec.LookPath("gcloud")
	if err != nil {
		t.Skip("gcloud is not installed: what it says of the command lines is not known")
	}
	r := toRelease(t)
	r.must(false, "release")
	r.must(false, "rollback", "front")
	r.infra(func(s *settings) { s.Deployments["front"].Env["GREETING"] = "Good day" })
	r.must(false, "all")
	var lines []string
	r.taken()
	for _, args := range r.before {
		lines = append(lines, "gcloud "+quoted(args))
	}
	slices.Sort(lines)
	lines = slices.Compact(lines)
	for command := range known {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "gcloud "+quoted(strings.Fields(command))) }) {
			t.Errorf("no command line begins with gcloud %s", command)
		}
	}
	lint(t, gcloud, append(lines, "gcloud run services describe x --no-such-flag"))
}

func quoted(args []string) string {
	var words []string
	for _, arg := range args {
		words = append(words, "'"+strings.ReplaceAll(arg, "'", `'"'"'`)+"'")
	}
	return strings.Join(words, " ")
}

// lint wants all lines taken but the last.
func lint(t *testing.T, gcloud string, lines []string) {
	t.Helper()
	var commands []map[string]any
	for i, line := range lines {
		commands = append(commands, map[string]any{"command_string": line, "id": i + 1})
	}
	content, err := json.Marshal(commands)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "commands.json")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), gcloud, "meta", "lint-gcloud-commands", "--commands-file="+file)
	cmd.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+dir)
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("gcloud cannot lint command lines here: %v", err)
	}
	var results []struct {
		Command string `json:"command_string"`
		Success bool   `json:"success"`
		Error   string `json:"error_message"`
	}
	if err := json.Unmarshal(out, &results); err != nil || len(results) != len(lines) {
		t.Fatalf("gcloud judged %d of %d lines, %v", len(results), len(lines), err)
	}
	for i, r := range results {
		if r.Success != (i < len(lines)-1) {
			t.Errorf("gcloud takes this: %v: %s\n%s", r.Success, r.Command, r.Error)
		}
	}
}
