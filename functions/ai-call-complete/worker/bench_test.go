package worker_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/functions/ai-call-complete/worker"
	"github.com/chattercheatah/chattercheatah/shared/aftercall"
	"github.com/chattercheatah/chattercheatah/shared/aftercall/model"
	"github.com/chattercheatah/chattercheatah/shared/gcal"
	"github.com/chattercheatah/chattercheatah/shared/gcal/gcaltest"
	"github.com/chattercheatah/chattercheatah/shared/gemini"
	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/meeting"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

const (
	queue   = "projects/p/locations/l/queues/calls"
	account = "tasks@p.example.test"
)

var (
	customer = private.MustPhone("+15555550101")
	owner    = private.MustPhone("+15555550188")
	noon     = time.Date(2026, 2, 5, 18, 0, 0, 0, time.UTC) // in the tenants' zone
)

// bench is the worker with everything around it real or served by a fake server.
type bench struct {
	*storetest.DB
	tasks  *tasktest.Server
	telnyx *telnyxtest.Server
	model  *geminitest.Server
	google *gcaltest.Server
	url    string
	log    locked
	now    time.Time
}

// locked lets several requests write one log.
type locked struct {
	mu sync.Mutex
	strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Builder.Write(p)
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{DB: storetest.New(t), now: time.Now(), google: gcaltest.Start(t)}
	if _, err := b.SwimSchool.ConfigureVoice(t.Context(), store.VoiceConfigChange{Phone: &b.SwimSchoolPhone, Enabled: new(true), NotifyPhone: &owner}); err != nil {
		t.Fatal(err)
	}
	b.telnyx = telnyxtest.Start(t, telnyxtest.Options{Keys: map[string]string{demo.SwimSchool().APIKey.Reveal(): "", demo.Dentist().APIKey.Reveal(): ""}})
	b.model = geminitest.Start(t, geminitest.Options{Key: "model-key"})
	b.tasks = tasktest.New(t, tasktest.Options{Queues: []string{queue}, Manual: true})
	server := httptest.NewUnstartedServer(nil)
	b.url = "http://" + server.Listener.Addr().String()
	tasks := task.NewQueue(task.Config{Queue: queue, WorkerURL: b.url, ServiceAccount: account, EmulatorHost: b.tasks.Addr()})
	t.Cleanup(func() { _ = tasks.Close() })
	log := slog.New(slog.NewJSONHandler(&b.log, nil))
	calendars, err := gcal.NewClient(google.Config{Base: b.google.URL(), ClientID: gcaltest.ClientID, ClientSecret: private.NewSecret(gcaltest.ClientSecret)})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+task.ReplyPath, func(http.ResponseWriter, *http.Request) {}) // which another worker serves
	server.Config.Handler = mux
	mux.Handle("/", worker.New(worker.Deps{
		Log: log,
		Callers: task.NewVerifier(task.VerifierConfig{
			Issuer: b.tasks.Issuer(), KeysURL: b.tasks.KeysURL(), WorkerURL: b.url, ServiceAccounts: []string{account},
		}),
		Worker: &aftercall.Worker{
			Store: b.Store, Queue: tasks, Texts: tasks, Telnyx: telnyx.NewClient(b.telnyx.URL()), Now: func() time.Time { return b.now }, Log: log,
			Model: model.Gemini(gemini.New(gemini.Config{Model: "gemini-2.5-flash", APIKey: private.NewSecret("model-key"), BaseURL: b.model.URL()})),
		},
		Meetings: &meeting.Meetings{Google: calendars, Now: func() time.Time { return b.now }, Log: log}, Bookings: tasks,
	}))
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(b.tasks.Stop)
	return b
}

// ended records a call of the customer's to the swim school that has ended, and lets its turn come.
func (b *bench) ended(t *testing.T, name string, change ...func(*store.CallEvent)) int64 {
	t.Helper()
	e := store.CallEvent{
		Names: []string{"control:" + name}, Channel: "phone_call", Customer: customer, Ours: b.SwimSchoolPhone, ControlID: name, ConversationID: "talk-" + name,
		Ended: true, StartedAt: noon,
	}
	for _, c := range change {
		c(&e)
	}
	rec, err := b.SwimSchool.RecordCall(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	b.due(t)
	return rec.ID
}

// due lets the turn of every call come.
func (b *bench) due(t *testing.T) {
	t.Helper()
	b.Exec(t, `update calls set finish_at = now() where finish_at is not null`)
}

// says has Telnyx keep what was said in a call, the customer first and both in turn.
func (b *bench) says(name string, lines ...string) {
	talk := telnyxtest.Conversation{ID: "talk-" + name, ControlID: name, Began: noon, Recording: "recording-" + name}
	for i, line := range lines {
		talk.Lines = append(talk.Lines, telnyxtest.Line{Role: map[bool]string{true: "user", false: "assistant"}[i%2 == 0], Text: line})
	}
	b.telnyx.Converse(talk)
}

// reads has the model read every call alike.
func (b *bench) reads(r map[string]any) {
	written, _ := json.Marshal(r)
	b.model.Answer(func(geminitest.Prompt) string { return string(written) })
}

func (b *bench) post(t *testing.T, path, body string) (outcome string, status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+b.tasks.Token(b.url, account))
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

// want has Cloud Tasks call the worker for a call, once, and requires an outcome.
func (b *bench) want(t *testing.T, call int64, outcome aftercall.Done) {
	t.Helper()
	got, status := b.post(t, task.AfterCallPath, fmt.Sprintf(`{"tenant_id":1042,"call_id":%d}`, call))
	if got != string(outcome) || status != http.StatusOK {
		t.Fatalf("working on the call came to %q (status %d); want %q; the log: %s", got, status, outcome, &b.log)
	}
}

func (b *bench) summary(t *testing.T, call int64) store.CallSummary {
	t.Helper()
	c, err := b.SwimSchool.Call(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	return c.Summary
}

// notices are the texts to the owner.
func (b *bench) notices(t *testing.T) []string {
	t.Helper()
	return b.Query(t, `select r.body from replies r join conversations c on c.id = r.conversation_id where r.kind = 'notice' and c.phone_number = $1 order by r.id`, owner.E164())
}

func (b *bench) leads(t *testing.T) []store.Lead {
	t.Helper()
	found, err := b.SwimSchool.Leads(t.Context(), store.LeadFilter{}, store.Place{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
