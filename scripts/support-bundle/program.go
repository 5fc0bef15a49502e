package main

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/migrations"
)

// program is what asks.
type program struct {
	Commit string `json:"commit"` // its first eight characters; unknown where neither the program nor git tells
	Go     string `json:"go"`
	Schema string `json:"schema"` // the newest migration that it knows
}

func describeProgram(ctx context.Context) program {
	steps, _ := fs.Glob(migrations.FS, "0*.sql")
	return program{commit(ctx), runtime.Version(), filepath.Base(steps[len(steps)-1])[:5]}
}

var commitHash = regexp.MustCompile(`^[0-9a-f]{8}`)

// commit tells eight characters: so few are never mistaken for a number to call.
func commit(ctx context.Context) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && commitHash.MatchString(s.Value) {
				return s.Value[:8]
			}
		}
	}
	told, err := exec.CommandContext(ctx, "git", "rev-parse", "HEAD").Output()
	if err != nil || !commitHash.Match(told) {
		return "unknown"
	}
	return string(told[:8])
}

// healthLimit is how long the system's own answer is waited for.
const healthLimit = 5 * time.Second

// health is the status that the system of an API_BASE answers with at /health.
func health(ctx context.Context, base string) string {
	if base == "" {
		return "not asked: API_BASE is missing"
	}
	ctx, cancel := context.WithTimeout(ctx, healthLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base, "/api/v1")+"/health", nil)
	if err != nil {
		return "not asked: API_BASE is not an address"
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "no answer"
	}
	defer func() { _ = response.Body.Close() }()
	return fmt.Sprint("status ", response.StatusCode)
}
