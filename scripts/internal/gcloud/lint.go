// Package gcloud asks the installed gcloud whether it would take command lines, without an account and without a network. Tests use it.
package gcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Lint returns what gcloud says against each command, by its place; the words of a command do not hold gcloud itself. dir is a folder for its
// files. The error says why it cannot be asked: a test is skipped with it.
func Lint(ctx context.Context, dir string, commands [][]string) (against map[int]string, err error) {
	program, err := exec.LookPath("gcloud")
	if err != nil {
		return nil, errors.New("gcloud is not installed: what it says of the command lines is not known")
	}
	var lines []map[string]any
	for i, words := range commands {
		lines = append(lines, map[string]any{"command_string": "gcloud " + quoted(words), "id": i + 1})
	}
	content, err := json.Marshal(lines)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "commands.json")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, program, "meta", "lint-gcloud-commands", "--commands-file="+file)
	command.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+dir)
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("gcloud cannot lint command lines here: %w", err)
	}
	var results []struct {
		Success bool   `json:"success"`
		Error   string `json:"error_message"`
	}
	if err := json.Unmarshal(out, &results); err != nil || len(results) != len(commands) {
		return nil, fmt.Errorf("gcloud judged %d of %d lines, %w", len(results), len(commands), err)
	}
	against = map[int]string{}
	for i, r := range results {
		if !r.Success {
			against[i] = fmt.Sprintf("%s: %s", strings.Join(commands[i], " "), r.Error)
		}
	}
	return against, nil
}

func quoted(args []string) string {
	var words []string
	for _, arg := range args {
		words = append(words, "'"+strings.ReplaceAll(arg, "'", `'"'"'`)+"'")
	}
	return strings.Join(words, " ")
}
