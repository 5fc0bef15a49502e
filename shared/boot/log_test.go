package boot_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
)

const (
	queueName = "projects/p/locations/l/queues/replies"
	traceID   = "4bf92f3577b34da6a3ce929d0e0e4736"
)

// output collects lines, written by several requests.
type output struct {
	sync.Mutex
	bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.Lock()
	defer o.Unlock()
	return o.Buffer.Write(b)
}

func (o *output) lines(t *testing.T) (lines []map[string]any) {
	t.Helper()
	o.Lock()
	defer o.Unlock()
	for text := range bytes.Lines(o.Bytes()) {
		var line map[string]any
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestLog_ARequestAndTheTaskThatItPutsAreOneTrace(t *testing.T) {
	t.Parallel()
	out := &output{}
	log := boot.NewLog(out, "example-project")
	anybody := httpx.Access[int]{Name: "anybody", Admit: func(*http.Request) (int, error) { return 0, nil }}
	worked := make(chan struct{})
	worker := httptest.NewServer(httpx.New(log, httpx.Handle("POST", "/work", anybody, func(_ http.ResponseWriter, r *http.Request, _ int) error {
		log.WarnContext(r.Context(), "something about the work")
		close(worked)
		return nil
	})))
	defer worker.Close()
	tasks := tasktest.New(t, tasktest.Options{Queues: []string{queueName}})
	queue := task.NewQueue(task.Config{Queue: queueName, WorkerURL: worker.URL, ServiceAccount: "tasks@p.example.test", EmulatorHost: tasks.Addr()})
	front := httpx.New(log, httpx.Handle("POST", "/take", anybody, func(_ http.ResponseWriter, r *http.Request, _ int) error {
		return queue.Put(r.Context(), task.Task{Path: "/work"})
	}))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/take", nil)
	r.Header.Set("Traceparent", "00-"+traceID+"-00f067aa0ba902b7-01")
	front.ServeHTTP(httptest.NewRecorder(), r)
	select {
	case <-worked:
	case <-t.Context().Done():
		t.Fatal("the task was not worked on")
	}
	worker.Close() // once the worker's last line is written
	lines := out.lines(t)
	if len(lines) != 3 {
		t.Fatalf("%d lines; want the request's, the worker's own, and the task's: %v", len(lines), lines)
	}
	for _, line := range lines {
		if line["logging.googleapis.com/trace"] != "projects/example-project/traces/"+traceID || line["logging.googleapis.com/trace_sampled"] != true {
			t.Errorf("a line of another trace: %v", line)
		}
		if id, given := line["request_id"]; given && id != traceID {
			t.Errorf("the request's id is %v; want the trace's", id)
		}
	}
}

func TestLog_ARequestWithoutATraceHasItsOwn(t *testing.T) {
	t.Parallel()
	out := &output{}
	handler := httpx.New(boot.NewLog(out, "example-project"))
	for _, given := range []string{"", "wrong", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/health", nil)
		r.Header.Set("Traceparent", given)
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	seen := map[any]bool{}
	for _, line := range out.lines(t) {
		id, _ := line["request_id"].(string)
		if len(id) != len(traceID) || line["logging.googleapis.com/trace"] != "projects/example-project/traces/"+id {
			t.Errorf("the line names no trace of its own: %v", line)
		}
		seen[id] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d traces; want three", len(seen))
	}
}
