// Package boot is what wire.go files use: it registers a function with the functions framework, reads its settings from the
// environment, and makes the logger and the database pool.
//
// A deployed function (FUNCTION_TARGET names it) opens at start and ends at once, with every missing or malformed setting by
// name, before anything listens. The local server opens all registered functions in one process. Opening dials nothing.
package boot

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

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

// OSEnvironment is the environment of this process.
func OSEnvironment() Environment {
	env := Environment{}
	for _, kv := range os.Environ() {
		if name, value, ok := strings.Cut(kv, "="); ok {
			env[name] = value
		}
	}
	return env
}

// Log writes JSON lines to standard output in the form that Cloud Logging reads.
func Log() *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: cloudNames}))
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
