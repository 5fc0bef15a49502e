package localpg

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// minVersion is the oldest Postgres that the migrations run on.
const minVersion = 15

// installedIn are the places where packages put the server programs, one directory for each version.
var installedIn = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// findPrograms returns a directory with initdb and postgres: the one that PGBIN names, the newest that is installed, or one
// that is fetched and kept.
func findPrograms(ctx context.Context) (string, error) {
	if bin := newest(installed()); bin != "" {
		return bin, nil
	}
	return fetched(ctx)
}

func installed() []string {
	var bins []string
	if bin := os.Getenv("PGBIN"); bin != "" {
		return []string{bin}
	}
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(initdb); err == nil {
			bins = append(bins, filepath.Dir(real))
		}
	}
	for _, pattern := range installedIn {
		found, _ := filepath.Glob(pattern)
		bins = append(bins, found...)
	}
	return bins
}

// newest picks the highest version of at least minVersion, comparing numbers, from directories that have both programs.
func newest(bins []string) string {
	version := map[string]int{}
	for _, bin := range bins {
		if _, err := os.Stat(filepath.Join(bin, "initdb")); err == nil {
			version[bin] = versionOf(filepath.Join(bin, "postgres"))
		}
	}
	bins = slices.DeleteFunc(slices.Clone(bins), func(bin string) bool { return version[bin] < minVersion })
	if len(bins) == 0 {
		return ""
	}
	return slices.MaxFunc(bins, func(a, b string) int { return version[a] - version[b] })
}

var majorVersion = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// versionOf asks a program for its major version; 0 when it does not say.
func versionOf(program string) int {
	out, err := exec.Command(program, "--version").Output()
	if err != nil {
		return 0
	}
	m := majorVersion.FindSubmatch(out)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}
