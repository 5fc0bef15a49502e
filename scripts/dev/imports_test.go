package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/chattercheatah/chattercheatah/"

// listed is a package with everything that it links.
type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func packages(t *testing.T) map[string]listed {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...")
	command.Dir = "../.."
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]listed{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(p.ImportPath, module)] = p
	}
}

// mayImport lists, for the packages with a place in the order, all of this module that they may link. What is not listed is
// free within the other rules.
var mayImport = map[string][]string{
	"shared/tenant":    {"shared/fault"},
	"shared/fault":     {},
	"shared/private":   {},
	"shared/crash":     {},
	"shared/prompt":    {},
	"shared/hours":     {"shared/fault"},
	"shared/store":     {"shared/fault", "shared/hours", "shared/private", "shared/prompt", "shared/tenant"},
	"shared/auth":      {"shared/fault", "shared/hours", "shared/private", "shared/prompt", "shared/store", "shared/tenant"},
	"shared/telnyx":    {"shared/fault", "shared/private"},
	"shared/twilio":    {"shared/fault", "shared/private"},
	"shared/gemini":    {"shared/fault", "shared/private"},
	"shared/google":    {"shared/fault", "shared/private"},
	"shared/gcal":      {"shared/fault", "shared/google", "shared/private"},
	"shared/gmail":     {"shared/fault", "shared/google", "shared/private"},
	"shared/mail":      {"shared/private"},
	"shared/ephemeral": {"shared/fault"},
	"shared/httpx":     {"shared/fault"},
	"shared/api":       {"shared/private"},
	"shared/onboard":   {"shared/api", "shared/private"},
	"shared/smoke":     {"shared/api", "shared/onboard", "shared/private"}, // it proves through the API alone
}

// mayUse lists who may import a library directly.
var mayUse = map[string]func(pkg string) bool{
	"github.com/jackc/pgx/v5":                storeBootOrScript,
	"github.com/jackc/pgx/v5/pgxpool":        storeBootOrScript,
	"github.com/jackc/pgx/v5/pgconn":         storeBootOrScript,
	"cloud.google.com/go/pubsub/v2":          script, // a function gets what is pushed to it
	"cloud.google.com/go/pubsub/v2/apiv1":    script,
	"google.golang.org/genai":                only("shared/gemini"),
	module + "shared/gemini":                 func(pkg string) bool { return strings.HasSuffix(pkg, "/model") || asksTheModel(pkg) },
	"google.golang.org/api/calendar/v3":      only("shared/gcal"),
	"google.golang.org/api/gmail/v1":         only("shared/gmail"),
	"github.com/jhillyerd/enmime/v2":         only("shared/mail"),
	"cloud.google.com/go/firestore":          only("shared/ephemeral"),
	"cloud.google.com/go/cloudtasks/apiv2":   only("shared/task"),
	"github.com/tink-crypto/tink-go/v2/aead": only("shared/store"),
}

// asksTheModel tells the deployments that link the model's client: the workers, and the one that tries a prompt out.
func asksTheModel(pkg string) bool {
	return strings.HasSuffix(pkg, "/worker") || pkg == "functions/setup-prompt/trial"
}

func only(name string) func(string) bool { return func(pkg string) bool { return pkg == name } }

func script(pkg string) bool { return strings.HasPrefix(pkg, "scripts/") }

func storeBootOrScript(pkg string) bool {
	return pkg == "shared/store" || pkg == "shared/store/storetest" || pkg == "shared/boot" || script(pkg)
}

func TestImports_GoDownwardsOnly(t *testing.T) {
	t.Parallel()
	all := packages(t)
	for name, p := range all {
		allowed, ordered := mayImport[name]
		for _, dep := range p.Deps {
			own, ours := strings.CutPrefix(dep, module)
			switch {
			case !ours:
			case ordered && !slices.Contains(allowed, own):
				t.Errorf("%s links %s; its place in the order allows %v", name, own, allowed)
			case strings.HasPrefix(own, "functions/") && !strings.HasPrefix(name, "scripts/"):
				t.Errorf("%s links %s; a function is imported by nothing but the local server", name, own)
			case strings.HasPrefix(name, "functions/") && (strings.HasSuffix(own, "test") || strings.HasPrefix(own, "scripts/")):
				t.Errorf("%s links %s, which is for tests and the local server", name, own)
			}
		}
		for _, dep := range p.Imports {
			if allowed := mayUse[dep]; allowed != nil && !allowed(name) {
				t.Errorf("%s may not import %s", name, dep)
			}
		}
	}
	for name := range mayImport {
		if _, there := all[name]; !there {
			t.Errorf("the order names %s, which does not exist", name)
		}
	}
}

func TestImports_NoOtherFunctionLinksTheModelsClient(t *testing.T) {
	t.Parallel()
	for name, p := range packages(t) {
		if strings.HasPrefix(name, "functions/") && !asksTheModel(name) && slices.Contains(p.Deps, "google.golang.org/genai") {
			t.Errorf("%s links the model's client", name)
		}
	}
}
