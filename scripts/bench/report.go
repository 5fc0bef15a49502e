package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
)

// figure is one line of the table.
type figure struct {
	What   string
	Value  string
	Beside string  // what it is measured against, in the same run
	Ratio  float64 // of the two; 0 for none
	Goal   goal
	Reason string // why the goal is not met, when it is known not to be
}

// goal is what a ratio must reach; the zero goal is none.
type goal struct {
	text string
	met  func(ratio float64) bool
}

func atLeast(x float64) goal {
	return goal{fmt.Sprintf("≥ %g", x), func(ratio float64) bool { return ratio >= x }}
}

func atMost(x float64) goal {
	return goal{fmt.Sprintf("≤ %g", x), func(ratio float64) bool { return ratio <= x }}
}

func (f figure) verdict() string {
	switch {
	case f.Goal.met == nil:
		return ""
	case f.Goal.met(f.Ratio):
		return "met"
	case f.Reason != "":
		return "missed: " + f.Reason
	default:
		return "missed"
	}
}

func (f figure) ratio() string {
	if f.Ratio == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", f.Ratio)
}

// result is a measurement that was made.
type result struct {
	measurement
	figures []figure
}

// show prints everything as one table.
func show(w io.Writer, all []result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range all {
		_, _ = fmt.Fprintf(table, "\n%s\t\t\t\t\t\n", r.title)
		for _, f := range r.figures {
			_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\n", f.What, f.Value, f.Beside, f.ratio(), f.Goal.text, f.verdict())
		}
	}
	return table.Flush()
}

// measuredFile holds what scripts/cost reads.
const (
	benchmarksFile = "docs/benchmarks.md"
	measuredFile   = "docs/measured.json"
)

const benchmarksHead = `# How fast it is

Measured by ` + "`make bench`" + ` on %s, in %v, on %s. Written by it; do not edit.

A ratio is the median of those of the rounds, each side measured within seconds of the other. Single parts are measured again with
` + "`go run ./scripts/bench NAME`" + `, where NAME is the word beside a heading. ` + "`make profile`" + ` shows where the time goes.
`

// keep writes everything to docs/benchmarks.md, and to docs/measured.json what the cost is worked out from.
func keep(r *rig, all []result, took time.Duration) error {
	machine, err := r.machine()
	if err != nil {
		return err
	}
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, benchmarksHead, time.Now().Format("2 January 2006"), took.Round(time.Minute), machine)
	for _, m := range all {
		_, _ = fmt.Fprintf(&b, "\n## %s (%s)\n\n%s\n\n| what | measured | beside | ratio | goal | |\n|---|---|---|---|---|---|\n", m.title, m.name, m.how)
		for _, f := range m.figures {
			_, _ = fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", f.What, f.Value, f.Beside, f.ratio(), f.Goal.text, f.verdict())
		}
	}
	if err := os.WriteFile(benchmarksFile, []byte(b.String()), 0o644); err != nil {
		return err
	}
	measured, err := json.MarshalIndent(r.measured, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(measuredFile, append(measured, '\n'), 0o644)
}

// machine tells what it was measured on.
func (r *rig) machine() (string, error) {
	conn, err := pgx.Connect(r.ctx, r.postgres.URL("postgres", "postgres"))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(r.ctx) }()
	var version string
	if err := conn.QueryRow(r.ctx, `show server_version`).Scan(&version); err != nil {
		return "", err
	}
	postgres, _, _ := strings.Cut(version, " ")
	processor := fieldOf("/proc/cpuinfo", "model name")
	kB, _ := strconv.Atoi(strings.TrimSuffix(fieldOf("/proc/meminfo", "MemTotal"), " kB"))
	return fmt.Sprintf("%d processors (%s), %d GiB, %s/%s, %s, Postgres %s", runtime.NumCPU(), processor, kB>>20, runtime.GOOS, runtime.GOARCH, runtime.Version(), postgres), nil
}

// fieldOf reads one field of a file of the system's with lines "name: value".
func fieldOf(file, name string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(content)) {
		if field, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(field) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000) }

func mib(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }

func us(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }
