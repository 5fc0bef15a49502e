package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	settingInCode   = regexp.MustCompile(`env:"([A-Z_]+)|(?:Getenv\("|env\[")([A-Z_]+)"`)
	settingInReadme = regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|")
	linkInDocs      = regexp.MustCompile(`\]\(([^)#:]+)\)`)
)

// others are read from the environment and are nobody's to set: the framework's, the runtime's, the crash test's and the system's own.
var others = []string{"FUNCTION_TARGET", "GOMAXPROCS", "CRASH_AT", "PATH", "HOME"}

func TestReadme_ListsEverySettingAndNoOther(t *testing.T) {
	t.Parallel()
	var inCode []string
	err := filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range settingInCode.FindAllStringSubmatch(string(source), -1) {
			if name := m[1] + m[2]; !slices.Contains(others, name) {
				inCode = append(inCode, name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, m := range settingInReadme.FindAllStringSubmatch(string(readme), -1) {
		listed = append(listed, m[1])
	}
	slices.Sort(inCode)
	slices.Sort(listed)
	if diff := cmp.Diff(slices.Compact(inCode), listed); diff != "" {
		t.Errorf("the code reads other settings than the README lists (-code +README):\n%s", diff)
	}
}

func TestDocs_LinkToWhatIsThere(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no docs: %v", err)
	}
	for _, file := range append(files, "../../README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range linkInDocs.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", filepath.Base(file), m[1])
			}
		}
	}
}
