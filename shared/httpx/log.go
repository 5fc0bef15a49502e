package httpx

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// line collects what is logged of one request.
type line struct {
	id string

	mu    sync.Mutex
	route string
	err   error
	attrs []slog.Attr
	w     *watched
}

type lineKey struct{}

func lineOf(ctx context.Context) *line {
	l, _ := ctx.Value(lineKey{}).(*line)
	return l
}

// RequestID names the request in the log, in answers and in what it causes; "" outside of a request.
func RequestID(ctx context.Context) string {
	if l := lineOf(ctx); l != nil {
		return l.id
	}
	return ""
}

// Note adds to the request's one log line: tenant_id, via, actor, event_id, outcome. It never takes a body, a token or a full
// number. Outside of a request it does nothing.
func Note(ctx context.Context, attrs ...slog.Attr) {
	if l := lineOf(ctx); l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.attrs = append(l.attrs, attrs...)
	}
}

func setRoute(ctx context.Context, pattern string) {
	if l := lineOf(ctx); l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.route = pattern
	}
}

func remember(ctx context.Context, err error) {
	if l := lineOf(ctx); l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.err = err
	}
}

// began reports whether an answer is on its way.
func began(ctx context.Context) bool {
	l := lineOf(ctx)
	return l != nil && l.w.status != 0
}

// watched remembers the status that was written.
type watched struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (w *watched) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write begins with 200 unless told otherwise.
func (w *watched) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// logged gives each request its id and its one line, turns a panic into an error, and counts it while it runs.
func logged(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer enter()()
		began := time.Now()
		w := &watched{ResponseWriter: rw}
		ctx := traced(r)
		l := &line{id: requestID(ctx, r.Header), w: w}
		r = r.WithContext(context.WithValue(ctx, lineKey{}, l))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		serveRecovering(next, w, r)
		l.write(r.Context(), log, r.Method, time.Since(began))
	})
}

func serveRecovering(next http.Handler, w http.ResponseWriter, r *http.Request) {
	defer func() {
		switch cause := recover(); cause {
		case nil:
		case http.ErrAbortHandler:
			panic(cause)
		default:
			Note(r.Context(), slog.String("stack", string(debug.Stack())))
			fail(w, r, Person, fmt.Errorf("panic: %v", cause))
		}
	}()
	next.ServeHTTP(w, r)
}

func (l *line) write(ctx context.Context, log *slog.Logger, method string, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	status := l.w.status
	if status == 0 {
		status = http.StatusOK
	}
	attrs := []slog.Attr{
		slog.String("request_id", l.id), slog.String("method", method), slog.String("route", l.route),
		slog.Int("status", status), slog.Float64("duration_ms", float64(took.Microseconds())/1000),
	}
	level := slog.LevelInfo
	if l.err != nil {
		attrs = append(attrs, slog.String("outcome", "rejected_"+fault.KindOf(l.err).String()), slog.String("error", l.err.Error()))
		if k := fault.KindOf(l.err); k == fault.Internal || k == fault.Unavailable {
			level = slog.LevelError
		}
	} else if !l.has("outcome") {
		attrs = append(attrs, slog.String("outcome", map[bool]string{true: "ok", false: "rejected"}[status < 400]))
	}
	if status >= 500 {
		level = slog.LevelError
	}
	log.LogAttrs(ctx, level, "request", append(attrs, l.attrs...)...)
}

func (l *line) has(key string) bool {
	for _, a := range l.attrs {
		if a.Key == key {
			return true
		}
	}
	return false
}

// plainID reports whether an id is safe to repeat: 8 to 64 letters, digits, dashes and underscores.
func plainID(id string) bool {
	return len(id) >= 8 && len(id) <= 64 && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// traced is the request's context with the W3C trace context that its header traceparent gives, as Cloud Run's does, or with one of its
// own: what the request causes, a task or a line in the log, carries it on.
func traced(r *http.Request) context.Context {
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	if trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	var id trace.TraceID
	var span trace.SpanID
	_, _ = rand.Read(id[:])
	_, _ = rand.Read(span[:])
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span}))
}

// requestID takes the caller's id when it looks like one, and the trace's otherwise.
func requestID(ctx context.Context, h http.Header) string {
	if given := h.Get("X-Request-Id"); plainID(given) {
		return given
	}
	return trace.SpanContextFromContext(ctx).TraceID().String()
}
