package leads_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/functions/leads"
	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

const queue = "projects/p/locations/l/queues/replies"

var customer = private.MustPhone("+15555550101")

// bench is the function with a real database, a queue that holds what is put, and one person of each tenant.
type bench struct {
	*storetest.DB
	tasks           *tasktest.Server
	telnyx          *telnyxtest.Server
	tokens          *auth.Tokens
	handler         http.Handler
	log             *syncLog
	swimmer         string // a token of somebody of tenant 1042
	dentist         string // and of 2048
	swimmerID, seen int64
}

// syncLog lets several requests write one log.
type syncLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *syncLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *syncLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{DB: storetest.New(t), log: &syncLog{}}
	b.SetWait(t, b.SwimSchool, 0)
	b.tasks = tasktest.New(t, tasktest.Options{Queues: []string{queue}, Manual: true})
	tasks := task.NewQueue(task.Config{Queue: queue, WorkerURL: "https://worker.example.test", ServiceAccount: "tasks@p.example.test", EmulatorHost: b.tasks.Addr()})
	t.Cleanup(func() { _ = tasks.Close() })
	b.tokens = auth.NewTokens(auth.TokenConfig{Keys: private.NewSecret(strings.Repeat("k", 32))}, time.Now)
	b.telnyx = telnyxtest.Start(t, telnyxtest.Options{Keys: map[string]string{demo.SwimSchool().APIKey.Reveal(): ""}})
	b.handler = leads.New(leads.Deps{
		Log: slog.New(slog.NewJSONHandler(b.log, nil)), Guard: auth.NewGuard(b.Store, b.tokens), Queue: tasks, Mail: task.MailQueue{Queue: tasks}, Telnyx: telnyx.NewClient(b.telnyx.URL()),
	})
	b.swimmerID, b.swimmer = b.person(t, "desk@exampleco.test", "user", 1042)
	_, b.dentist = b.person(t, "desk@sampledental.test", "user", 2048)
	return b
}

// person makes somebody who can log in, and returns their bearer token.
func (b *bench) person(t testing.TB, email, role string, tenant any) (int64, string) {
	t.Helper()
	id, err := strconv.ParseInt(b.Query(t, `insert into users (email, password_hash, role, tenant_id) values ($1, 'x', $2, $3) returning id::text`, email, role, tenant)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := b.tokens.Issue(id, private.NewSecret("x"))
	if err != nil {
		t.Fatal(err)
	}
	return id, token.Reveal()
}

// call makes one call; header is name and value in turn. The answer's body is returned without its request id, which differs always.
func (b *bench) call(method, path, token, body string, header ...string) (status int, answer map[string]any) {
	r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	delete(answer, "request_id")
	return w.Code, answer
}

// want makes a call as the swimmer that must be answered 200, and returns the answer.
func (b *bench) want(t testing.TB, method, path, body string, header ...string) map[string]any {
	t.Helper()
	status, answer := b.call(method, path, b.swimmer, body, header...)
	if status != http.StatusOK {
		t.Fatalf("%s %s was answered %d %v; the log: %s", method, path, status, answer, b.log)
	}
	return answer
}

// refused makes a call as the swimmer that must be answered with a 4xx that says something about a matter.
func (b *bench) refused(t testing.TB, method, path, body, about string, header ...string) {
	t.Helper()
	status, answer := b.call(method, path, b.swimmer, body, header...)
	if said, _ := json.Marshal(answer); status < 400 || status > 422 || !strings.Contains(string(said), about) {
		t.Errorf("%s %s %.80s was answered %d %s; want 4xx about %q", method, path, body, status, said, about)
	}
}

// pages follows a list to its end and returns one field of every element, page by page.
func (b *bench) pages(t testing.TB, path, field string) [][]any {
	t.Helper()
	var all [][]any
	cursor := ""
	for range 100 {
		answer := b.want(t, http.MethodGet, path+cursor, "")
		var page []any
		for _, item := range answer["items"].([]any) {
			page = append(page, item.(map[string]any)[field])
		}
		all = append(all, page)
		next, more := answer["next_cursor"].(string)
		if !more {
			return all
		}
		cursor = "&cursor=" + next
	}
	t.Fatalf("%s has no end", path)
	return nil
}

// receive records a text of a customer to the swim school and returns the path of their conversation.
func (b *bench) receive(t testing.TB, from private.Phone, words string) string {
	t.Helper()
	b.seen++
	b.Receive(t, b.SwimSchool, from, words, fmt.Sprintf("in-%d", b.seen))
	c, err := b.SwimSchool.ConversationWith(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("/conversations/%d", c.ID)
}

func (b *bench) count(t testing.TB, what string) string {
	t.Helper()
	return b.Query(t, `select count(*)::text from `+what)[0]
}

// audited lists what the audit log has of the swimmer.
func (b *bench) audited(t testing.TB) (actions []string) {
	t.Helper()
	found, err := b.SwimSchool.Audit(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		if e.ActorID != nil && *e.ActorID == b.swimmerID && e.Actor == "desk@exampleco.test" && !e.Impersonating {
			actions = append(actions, e.Action)
		}
	}
	return actions
}

// planned names the replies that wait to be sent.
func (b *bench) planned(t testing.TB) []string {
	t.Helper()
	return b.Query(t, `select kind || ' ' || state || ' ' || coalesce(body, '') from replies order by id`)
}

// off turns the swim school's texting off.
func (b *bench) off(t testing.TB) {
	t.Helper()
	if _, err := b.SwimSchool.ChangeSMSSettings(t.Context(), store.SMSSettingsChange{Enabled: new(false)}); err != nil {
		t.Fatal(err)
	}
}
