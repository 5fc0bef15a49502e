package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
	"github.com/chattercheatah/chattercheatah/scripts/internal/staging"
	"github.com/chattercheatah/chattercheatah/shared/boot"
)

const coldRuns = 31

// starter is a program whose start is measured.
type starter struct {
	program string
	env     boot.Environment
	took    []float64
	memory  int64
}

// coldStart measures process start to first 200 of every function, beside an empty function and beside a program that links
// the same client libraries and does nothing with them. One processor, as deployed.
func coldStart(r *rig) ([]figure, error) {
	names := slices.Sorted(maps.Keys(r.deployments))
	var all, own, bare []*starter
	for _, name := range names {
		ours, beside, empty, err := r.starters(r.deployments[name])
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			all = append(all, empty)
		}
		all, own, bare = append(all, ours, beside), append(own, ours), append(bare, beside)
	}
	for run := range coldRuns + 1 {
		for _, s := range all {
			if err := s.start(r, run > 0); err != nil {
				return nil, err
			}
		}
	}
	empty := all[0]
	figures := []figure{{What: "empty function", Value: dur(empty.took), Beside: size(empty)}}
	for i, name := range names {
		figures = append(figures,
			figure{What: name, Value: dur(own[i].took), Beside: "only linking its libraries: " + dur(bare[i].took), Ratio: ratio(own[i].took, bare[i].took), Goal: atMost(1.15), Reason: "the function's own code is started too, and the ratio varies by a twentieth from run to run"},
			figure{What: name + ", size and memory", Value: size(own[i]), Beside: "only linking: " + size(bare[i])})
	}
	return figures, nil
}

func dur(all []float64) string { return ms(time.Duration(median(all))) }

func size(s *starter) string {
	info, err := os.Stat(s.program)
	if err != nil {
		return ""
	}
	return mib(info.Size()) + " file, " + mib(s.memory) + " memory"
}

// start runs the program until it answers, and ends it.
func (s *starter) start(r *rig, counts bool) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	began := time.Now()
	p, err := startAt(r.ctx, port, s.program, s.env)
	if err != nil {
		return err
	}
	took := time.Since(began)
	s.memory = max(s.memory, p.status("VmRSS:"))
	p.stop()
	if counts {
		s.took = append(s.took, float64(took))
	}
	return nil
}

// constructors are named by the program that only links, so that the clients' code is linked too and not their inits alone.
var constructors = map[string]string{
	"github.com/jackc/pgx/v5/pgxpool":                  "NewWithConfig",
	"cloud.google.com/go/cloudtasks/apiv2":             "NewClient",
	"cloud.google.com/go/firestore":                    "NewClient",
	"google.golang.org/genai":                          "NewClient",
	"github.com/coreos/go-oidc/v3/oidc":                "NewVerifier",
	"github.com/danielgtaylor/huma/v2/adapters/humago": "New",
	"github.com/golang-jwt/jwt/v5":                     "NewParser",
	"github.com/tink-crypto/tink-go/v2/aead/subtle":    "NewAESGCM",
}

const emptyMain = `package main

import (
	"net/http"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
%s)

var linked []any

func main() {
	if len(os.Args) > 1 {
		linked = append(linked, %s)
	}
	functions.HTTP("Empty", func(http.ResponseWriter, *http.Request) {})
	if err := funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")); err != nil {
		panic(err)
	}
}
`

// starters builds a deployment and the two programs that it is held against, all from the deployment's vendored libraries.
func (r *rig) starters(d deployment.Deployment) (ours, bare, empty *starter, err error) {
	program, err := r.function(d.Name)
	if err != nil {
		return nil, nil, nil, err
	}
	libraries, err := clientLibraries(d.Package)
	if err != nil {
		return nil, nil, nil, err
	}
	env := settings(&database{app: "postgres://nobody@127.0.0.1:1/nothing?sslmode=disable"}, "127.0.0.1:1")
	env["GOMAXPROCS"], env["FUNCTION_TARGET"] = "1", d.Entry
	ours = &starter{program: program, env: env}
	if bare, err = r.linking(d, "bare", libraries); err != nil {
		return nil, nil, nil, err
	}
	empty, err = r.linking(d, "empty", nil)
	return ours, bare, empty, err
}

func (r *rig) linking(d deployment.Deployment, name string, libraries []string) (*starter, error) {
	staged := filepath.Join(r.dir, "staged", d.Name)
	folder := filepath.Join(staged, "functions.local", name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	var imports, named strings.Builder
	for i, l := range libraries {
		alias := "_"
		if constructor := constructors[l]; constructor != "" {
			alias = fmt.Sprintf("l%d", i)
			_, _ = fmt.Fprintf(&named, "%s.%s, ", alias, constructor)
		}
		_, _ = fmt.Fprintf(&imports, "\t%s %q\n", alias, l)
	}
	if err := os.WriteFile(filepath.Join(folder, "main.go"), fmt.Appendf(nil, emptyMain, imports.String(), named.String()), 0o644); err != nil {
		return nil, err
	}
	program := filepath.Join(r.dir, d.Name+"-"+name)
	err := staging.Compile(r.ctx, staged, "-mod=vendor", "./functions.local/"+name, program)
	return &starter{program: program, env: boot.Environment{"GOMAXPROCS": "1", "FUNCTION_TARGET": "Empty"}}, err
}

// clientLibraries lists what a function's own packages import from other modules.
func clientLibraries(function string) ([]string, error) {
	out, err := exec.Command("go", "list", "-deps", "-json=Standard,Module,Imports", "./"+function).Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	type listed struct {
		Standard bool
		Module   *struct{ Main bool }
		Imports  []string
	}
	found := map[string]bool{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		for _, i := range p.Imports {
			host, _, _ := strings.Cut(i, "/")
			if strings.Contains(host, ".") && !strings.HasPrefix(i, "github.com/chattercheatah/") && !strings.Contains(i, "functions-framework-go") {
				found[i] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}
