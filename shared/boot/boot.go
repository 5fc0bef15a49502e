// Package boot is what wire.go files use: it registers a function with the functions framework, reads its settings from the
// environment, and makes the logger and the database pool.
//
// A deployed function (FUNCTION_TARGET names it) opens at start and ends at once, with every missing or malformed setting by
// name, before anything listens. The local server opens all registered functions in one process. Opening dials nothing.
package boot

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"go.opentelemetry.io/otel/trace"

	"github.com/chattercheatah/chattercheatah/shared/httpx"
)

// Open builds a function's handler from its settings. It reports every setting that is missing or malformed, joined.
type Open func(env Environment) (http.Handler, error)

// Function is one registered function.
type Function struct {
	Entry string // the entry point's name, as in function.yaml
	Open  Open
}

var registered []Function

// Register is called by a function's init. It gives the framework the entry point, and opens the function there and then
// when this process is its deployment.
func Register(entry string, open Open) {
	registered = append(registered, Function{entry, open})
	handler := http.Handler(http.NotFoundHandler())
	if os.Getenv("FUNCTION_TARGET") == entry {
		opened, err := open(OSEnvironment())
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s cannot start. Settings to mend:\n%v\n", entry, err)
			os.Exit(2)
		}
		handler = opened
		go exitWhenDrained()
	}
	functions.HTTP(entry, handler.ServeHTTP)
}

// Functions lists what is registered, in order of entry point.
func Functions() []Function {
	return slices.SortedFunc(slices.Values(registered), func(a, b Function) int { return strings.Compare(a.Entry, b.Entry) })
}

// drainLimit is below the ten seconds that Cloud Run leaves between SIGTERM and SIGKILL.
const drainLimit = 8 * time.Second

func exitWhenDrained() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	ctx, cancel := context.WithTimeout(context.Background(), drainLimit)
	defer cancel()
	if err := httpx.WaitIdle(ctx); err != nil {
		slog.Error("requests were still running at the end", "error", err)
	}
	os.Exit(0)
}

// Environment is the process's environment, or a local server's variation of it.
type Environment map[string]string

// OSEnvironment is the environment of this process. A line's end after a value is no part of it: secrets are often stored with one.
func OSEnvironment() Environment {
	env := Environment{}
	for _, kv := range os.Environ() {
		if name, value, ok := strings.Cut(kv, "="); ok {
			env[name] = strings.TrimRight(value, "\r\n")
		}
	}
	return env
}

// Log writes JSON lines to standard output in the form that Cloud Logging reads. A line that is written for a request, with its context,
// names the request's trace.
func Log() *slog.Logger { return newLog(os.Stdout, os.Getenv("GOOGLE_CLOUD_PROJECT")) }

func newLog(w io.Writer, project string) *slog.Logger {
	return slog.New(joined{slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: cloudNames}), project})
}

// joined adds to each line the trace that it belongs to, by the names that Cloud Logging joins logs and traces by.
type joined struct {
	slog.Handler
	project string
}

// Handle writes one line.
func (j joined) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		r.AddAttrs(
			slog.String("logging.googleapis.com/trace", "projects/"+j.project+"/traces/"+span.TraceID().String()),
			slog.String("logging.googleapis.com/spanId", span.SpanID().String()),
			slog.Bool("logging.googleapis.com/trace_sampled", span.IsSampled()),
		)
	}
	return j.Handler.Handle(ctx, r)
}

// WithAttrs is the handler with attributes, which still joins.
func (j joined) WithAttrs(attrs []slog.Attr) slog.Handler {
	return joined{j.Handler.WithAttrs(attrs), j.project}
}

// WithGroup is the handler within a group, which still joins.
func (j joined) WithGroup(name string) slog.Handler {
	return joined{j.Handler.WithGroup(name), j.project}
}

func cloudNames(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.LevelKey:
		a.Key = "severity"
		if a.Value.String() == "WARN" {
			a.Value = slog.StringValue("WARNING")
		}
	case slog.MessageKey:
		a.Key = "message"
	}
	return a
}
