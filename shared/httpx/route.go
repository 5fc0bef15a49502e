// Package httpx is what every function's HTTP edge shares: a route table that is the security policy, handlers that return
// errors, one place that writes and logs them, one line a request, and draining before the end.
//
// A route is made of an Access, which says who may call and turns the request into what the handler may touch, and of a
// handler that takes exactly that as a parameter. The one cannot be used without the other.
package httpx

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Access says who may call a route.
type Access[C any] struct {
	Name   string // as in the route table: "person of the tenant", "Telnyx, by signature"
	Caller Caller // how errors are told
	Proof  Proof  // how callers prove who they are
	// Within is how long callers wait for an answer: admission and handler of a route that Handle makes have this long altogether. 0 for
	// callers who wait longer than anything takes.
	Within time.Duration
	// Admit proves who is calling and returns what the handler may touch. It runs before the handler and, on a JSON
	// route, before the body is read.
	Admit func(r *http.Request) (C, error)
}

// admit proves who is calling and notes it in the log line, when C says who that is.
func (a Access[C]) admit(r *http.Request) (C, error) {
	c, err := a.Admit(r)
	if who, says := any(c).(interface{ LogAttrs() []slog.Attr }); says && err == nil {
		Note(r.Context(), who.LogAttrs()...)
	}
	return c, err
}

// Route is a row of a route table.
type Route struct {
	Method, Path, Who string

	describe func(api huma.API)
	serve    http.HandlerFunc
}

// Handle makes a route whose handler reads and writes for itself. An error that it returns is written and logged by httpx.
func Handle[C any](method, path string, a Access[C], h func(w http.ResponseWriter, r *http.Request, c C) error) Route {
	serve := func(w http.ResponseWriter, r *http.Request) {
		if a.Within > 0 {
			ctx, cancel := context.WithTimeout(r.Context(), a.Within)
			defer cancel()
			r = r.WithContext(ctx)
		}
		c, err := a.admit(r)
		if err != nil {
			refuse(w, r, a.Caller, err)
			return
		}
		if err := h(w, r, c); err != nil {
			fail(w, r, a.Caller, err)
		}
	}
	describe := func(api huma.API) {
		op := operation(method, path, a.Name, a.Proof)
		op.Responses = map[string]*huma.Response{"200": {Description: "taken, or nothing to take"}, "default": {Description: "rejected, or to be repeated"}}
		api.OpenAPI().AddOperation(&op)
	}
	return Route{method, path, a.Name, describe, serve}
}

// maxJSON bounds a JSON body.
const maxJSON = 64 << 10

type admitted struct{}

// JSON makes a route whose input and output are huma structs: a Body field, and fields with path, query or header tags.
// Unknown fields, wrong types, bodies above 64 KiB and anything after the one object are refused before h runs.
func JSON[C, In, Out any](method, path string, a Access[C], h func(ctx context.Context, c C, in *In) (*Out, error)) Route {
	admit := func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		c, err := a.admit(r)
		if err != nil {
			fail(w, r, a.Caller, err)
			return
		}
		next(huma.WithValue(ctx, admitted{}, c))
	}
	handle := func(ctx context.Context, in *In) (*Out, error) {
		out, err := h(ctx, ctx.Value(admitted{}).(C), in)
		if err != nil {
			remember(ctx, err)
			return nil, problemOf(a.Caller, err)
		}
		return out, nil
	}
	describe := func(api huma.API) {
		op := operation(method, path, a.Name, a.Proof)
		op.Middlewares, op.MaxBodyBytes = huma.Middlewares{admit}, maxJSON
		huma.Register(api, op, handle)
	}
	return Route{method, path, a.Name, describe, whenAsked(describe)}
}

// whenAsked registers a JSON route when it is first asked for: reading its types takes longer than all else of a function's start.
func whenAsked(describe func(huma.API)) http.HandlerFunc {
	registered := sync.OnceValue(func() http.Handler {
		mux := http.NewServeMux()
		describe(humago.New(mux, apiConfig()))
		return mux
	})
	return func(w http.ResponseWriter, r *http.Request) { registered().ServeHTTP(w, r) }
}

func operationID(method, path string) string {
	return strings.ToLower(method) + strings.NewReplacer("/", "-", "{", "", "}", "").Replace(path)
}

// Table prints routes, one a line, for a golden file.
func Table(routes ...Route) string {
	sorted := slices.SortedFunc(slices.Values(routes), func(a, b Route) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	var b strings.Builder
	for _, r := range sorted {
		_, _ = fmt.Fprintf(&b, "%-6s %-32s %s\n", r.Method, r.Path, r.Who)
	}
	return b.String()
}

// prefix is what every path answers with, and without.
const prefix = "/api/v1"

// New serves routes, each with and without the prefix /api/v1, GET /openapi.json, the description of the whole API, and GET
// /health, which answers 200 without touching anything.
func New(log *slog.Logger, routes ...Route) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", health)
	mux.HandleFunc("GET /openapi.json", ServeDescription)
	for _, r := range routes {
		mux.HandleFunc(r.Method+" "+r.Path, r.serve)
	}
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { dispatch(mux, w, r) })
	return logged(log, withoutPrefix(serve))
}

func apiConfig() huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0", Info: &huma.Info{Title: "Chatter Cheetah", Version: "1"},
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)},
		},
		Formats:          huma.DefaultFormats,
		DefaultFormat:    "application/json",
		NoFormatFallback: false,
		Transformers:     []huma.Transformer{withRequestID},

		RejectUnknownQueryParameters: true,
	}
}

func health(w http.ResponseWriter, _ *http.Request) {
	_ = Write(w, http.StatusOK, map[string]string{"status": "ok"})
}

func withoutPrefix(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path, ok := strings.CutPrefix(r.URL.Path, prefix+"/"); ok {
			stripped := *r.URL
			stripped.Path, stripped.RawPath = "/"+path, ""
			r = r.WithContext(r.Context())
			r.URL = &stripped
		}
		next.ServeHTTP(w, r)
	})
}

// dispatch serves r, and answers for a path or method that no route has in the same shape as every other error.
func dispatch(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	_, pattern := mux.Handler(r)
	if pattern != "" {
		setRoute(r.Context(), pattern)
		mux.ServeHTTP(w, r)
		return
	}
	refusal := &refusal{header: http.Header{}}
	mux.ServeHTTP(refusal, r)
	if allow := refusal.header.Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow)
	}
	writeProblem(w, problem(refusal.status, r.Context()))
}

// refusal takes the mux's own answer to a request that no route matches.
type refusal struct {
	header http.Header
	status int
}

// Header collects what the mux would have sent.
func (p *refusal) Header() http.Header { return p.header }

// Write drops the mux's plain text.
func (p *refusal) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader keeps the status.
func (p *refusal) WriteHeader(status int) { p.status = status }
