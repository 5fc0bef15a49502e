package terraform_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/scripts/internal/terraform"
)

var edge = regexp.MustCompile(`(?m)^\s*"([^"]+)" -> "([^"]+)";$`)

// A project is empty when Terraform comes to it, and what is made before its service is on fails.
func TestInfra_NothingIsMadeBeforeItsServiceIsOn(t *testing.T) {
	t.Parallel()
	tf, _ := newTerraform(t)
	graph, err := tf.Run(t.Context(), "graph")
	if err != nil {
		t.Fatal(err)
	}
	needs := map[string][]string{}
	for _, e := range edge.FindAllStringSubmatch(graph, -1) {
		needs[e[1]] = append(needs[e[1]], e[2])
	}
	const services = "google_project_service.used"
	var waits func(of string) bool
	waits = func(of string) bool { return of == services || slices.ContainsFunc(needs[of], waits) }
	made := plan(t, tf).Resources
	if len(made) < 100 {
		t.Fatalf("the plan makes %d things", len(made))
	}
	for _, r := range made {
		if name := r.Type + "." + r.Name; !waits(name) {
			t.Errorf("%s does not wait for %s", name, services)
		}
	}
}

func plan(t *testing.T, tf *terraform.Terraform) terraform.Planned {
	t.Helper()
	p, err := tf.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Who may call a deployment is scripts/deploy's: Terraform opens nothing, to everybody least of all.
func TestInfra_OpensNothing(t *testing.T) {
	t.Parallel()
	tf, _ := newTerraform(t)
	for _, r := range plan(t, tf).Resources {
		for _, everybody := range []string{"allUsers", "allAuthenticatedUsers", "run.invoker"} {
			if strings.Contains(string(r.Values), everybody) {
				t.Errorf("%s.%s %v: %s", r.Type, r.Name, r.Index, everybody)
			}
		}
	}
}

// counted is a clause of a metric's filter on what a line says: an exact text, or a pattern.
var counted = regexp.MustCompile(`jsonPayload\.(?:message|outcome)=(~?)("(?:[^"\\]|\\.)*")`)

// An alert on a line that nobody writes any more never comes.
func TestInfra_WhatIsCountedIsLogged(t *testing.T) {
	t.Parallel()
	tf, _ := newTerraform(t)
	written := textsOf(t, "shared", "functions")
	clauses := 0
	for _, r := range plan(t, tf).Resources {
		if r.Type != "google_logging_metric" {
			continue
		}
		var metric struct{ Filter string }
		if err := json.Unmarshal(r.Values, &metric); err != nil {
			t.Fatal(err)
		}
		for _, clause := range counted.FindAllStringSubmatch(metric.Filter, -1) {
			text, err := strconv.Unquote(clause[2])
			if err != nil {
				t.Fatal(err)
			}
			clauses++
			for _, pattern := range patternsOf(text, clause[1] == "~") {
				if !slices.ContainsFunc(written, regexp.MustCompile(pattern).MatchString) {
					t.Errorf("metric %v counts %s, which no line says", r.Index, pattern)
				}
			}
		}
	}
	if clauses < 8 {
		t.Errorf("the metrics have %d clauses on what a line says", clauses)
	}
}

var choice = regexp.MustCompile(`^(.*)\(([^()]*)\)(.*)$`)

// patternsOf are the ways in which a clause can be met: a pattern (a|b) has two, and each is to be there.
func patternsOf(text string, pattern bool) (all []string) {
	if !pattern {
		return []string{"^" + regexp.QuoteMeta(text) + "$"}
	}
	m := choice.FindStringSubmatch(text)
	if m == nil {
		return []string{text}
	}
	for one := range strings.SplitSeq(m[2], "|") {
		all = append(all, m[1]+one+m[3])
	}
	return all
}

// textsOf are all string literals of the code in these folders, without its tests.
func textsOf(t *testing.T, folders ...string) (texts []string) {
	t.Helper()
	read := func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if text, err := strconv.Unquote(l.Value); err == nil {
					texts = append(texts, text)
				}
			}
			return true
		})
		return nil
	}
	for _, folder := range folders {
		if err := filepath.WalkDir(filepath.Join(root, folder), read); err != nil {
			t.Fatal(err)
		}
	}
	return texts
}
