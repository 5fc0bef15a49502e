package usage_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/scripts/internal/usage"
)

func TestText_IsThePackageCommentAndNoMore(t *testing.T) {
	t.Parallel()
	const source = "// Command x does y.\n//\n//\tx up   one\npackage main\n\n// other\n"
	if got, want := usage.Text(source), "Command x does y.\n\n\tx up   one\n"; got != want {
		t.Errorf("Text = %q; want %q", got, want)
	}
}

func TestCommands_AllExplainThemselves(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../*/main.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no commands: %v", err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(filepath.Dir(file))
		if !strings.HasPrefix(usage.Text(string(source)), "Command "+name+" ") {
			t.Errorf("%s has no package comment that begins with Command %s", file, name)
		}
		if !strings.Contains(string(source), "//go:embed main.go\nvar source string") || !strings.Contains(string(source), "usage.Parse(source)") {
			t.Errorf("%s does not explain itself when it is called with -h: embed main.go and call usage.Parse", file)
		}
	}
}
