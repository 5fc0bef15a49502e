package worker_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/task"
)

// locked lets several requests write one log.
type locked struct {
	mu sync.Mutex
	to *strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(p)
}

func do(t testing.TB, r *http.Request) (outcome string, status int) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Outcome string `json:"outcome"`
	}
	_ = json.NewDecoder(response.Body).Decode(&answer)
	return answer.Outcome, response.StatusCode
}

func TestWorker_TakesNobodyButCloudTasksAndCloudScheduler(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	reply := b.text(t, "Are you open on Saturday?")
	for name, header := range map[string]http.Header{
		"nobody":                     {},
		"the queue's headers":        {"X-Cloudtasks-Taskname": {"t"}, "X-Cloudtasks-Queuename": {"replies"}, "User-Agent": {"Google-Cloud-Tasks"}},
		"a token for another worker": {"Authorization": {"Bearer " + b.tasks.Token("https://other.example.test", account)}},
		"another account's token":    {"Authorization": {"Bearer " + b.tasks.Token(b.url, "someone@p.example.test")}},
	} {
		for _, path := range []string{task.ReplyPath, "/api/v1" + task.ReplyPath, "/workers/sms/sweep"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+path, strings.NewReader(`{"tenant_id":1042,"reply_id":1}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = header.Clone()
			r.Header.Set("Content-Type", "application/json")
			if _, status := do(t, r); status != http.StatusUnauthorized {
				t.Errorf("%s at %s was answered %d; want 401", name, path, status)
			}
		}
	}
	if got := b.state(t, reply); got != "planned" {
		t.Errorf("the reply is %s after refused calls; want planned", got)
	}
}

func TestWorker_ATaskWithoutAReplyIsDoneWith(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	mine := b.text(t, "hello")
	if got, status := b.work(t, b.Dentist, mine); got != "no_such_reply" || status != http.StatusOK {
		t.Errorf("another tenant's reply came to %q, %d; want no_such_reply, 200", got, status)
	}
	if got, status := b.work(t, b.SwimSchool, 1<<40); got != "no_such_reply" || status != http.StatusOK {
		t.Errorf("a reply that nobody has came to %q, %d; want no_such_reply, 200", got, status)
	}
	if len(b.phone()) != 0 {
		t.Errorf("something was sent: %v", b.phone())
	}
}
