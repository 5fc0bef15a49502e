package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/functions/telnyx-sms/worker"
	"github.com/chattercheatah/chattercheatah/shared/gemini"
	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/reply/model"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

const (
	queue   = "projects/p/locations/l/queues/replies"
	account = "tasks@p.example.test"
)

var customer = private.MustPhone("+15555550101")

// bench is the worker with everything around it real or served by a fake server.
type bench struct {
	*storetest.DB
	tasks  *tasktest.Server
	telnyx *telnyxtest.Server
	model  *geminitest.Server
	url    string
	log    *strings.Builder
	trips  *storetest.Trips // of the worker to Postgres
	texts  int
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{DB: storetest.New(t), log: &strings.Builder{}}
	counted, trips := b.Counted(t)
	b.trips = trips
	b.SetWait(t, b.SwimSchool, 0)
	b.SetWait(t, b.Dentist, 0)
	b.telnyx = telnyxtest.Start(t, telnyxtest.Options{Silent: true, Keys: map[string]string{
		demo.SwimSchool().APIKey.Reveal(): "", demo.Dentist().APIKey.Reveal(): "",
	}})
	b.model = geminitest.Start(t, geminitest.Options{Key: "model-key"})
	b.tasks = tasktest.New(t, tasktest.Options{Queues: []string{queue}, Manual: true})
	server := httptest.NewUnstartedServer(nil)
	b.url = "http://" + server.Listener.Addr().String()
	tasks := task.NewQueue(task.Config{Queue: queue, WorkerURL: b.url, ServiceAccount: account, EmulatorHost: b.tasks.Addr()})
	t.Cleanup(func() { _ = tasks.Close() })
	log := slog.New(slog.NewJSONHandler(&locked{to: b.log}, nil))
	server.Config.Handler = worker.New(worker.Deps{
		Log: log,
		Callers: task.NewVerifier(task.VerifierConfig{
			Issuer: b.tasks.Issuer(), KeysURL: b.tasks.KeysURL(), WorkerURL: b.url, ServiceAccounts: []string{account},
		}),
		Worker: &reply.Worker{
			Store: counted, Channel: prompt.SMS, Queue: tasks, Now: time.Now, Log: log,
			Model:   model.Gemini(gemini.New(gemini.Config{Model: "gemini-2.5-flash", APIKey: private.NewSecret("model-key"), BaseURL: b.model.URL()})),
			Carrier: reply.Texts{Client: telnyx.NewClient(b.telnyx.URL()), ReportURL: "https://fn.example.test/api/v1/telnyx/sms/status"},
		},
	})
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(b.tasks.Stop)
	return b
}

// text records a text from the customer to the swim school and returns the reply that is owed.
func (b *bench) text(t testing.TB, words string) int64 { return b.textTo(t, b.SwimSchool, words) }

func (b *bench) textTo(t testing.TB, to *store.Tenant, words string) int64 {
	t.Helper()
	b.texts++
	keyword := map[reply.Keyword]store.Keyword{reply.Stop: store.Stop, reply.Start: store.Start, reply.Yes: store.Yes, reply.Help: store.Help}
	number := b.SwimSchoolPhone
	if to == b.Dentist {
		number = b.DentistPhone
	}
	rec, err := to.RecordInbound(t.Context(), store.Inbound{
		VerifiedWith: new(string), From: customer, To: number, Text: private.NewText(words), ProviderMessageID: fmt.Sprintf("in-%d", b.texts), OccurredAt: time.Now(),
		Keyword: keyword[reply.KeywordOf(private.NewText(words))],
	})
	if err != nil {
		t.Fatal(err)
	}
	return rec.ReplyID
}

// work has Cloud Tasks call the worker for a reply, once, and returns the outcome and the status.
func (b *bench) work(t testing.TB, to *store.Tenant, replyID int64) (outcome string, status int) {
	t.Helper()
	body := fmt.Sprintf(`{"tenant_id":%d,"reply_id":%d}`, to.Scope().ID(), replyID)
	return b.call(t, task.ReplyPath, body)
}

func (b *bench) call(t testing.TB, path, body string) (outcome string, status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+b.tasks.Token(b.url, account))
	return do(t, r)
}

// want works on a reply and requires an outcome.
func (b *bench) want(t testing.TB, replyID int64, outcome reply.Done) {
	t.Helper()
	if got, status := b.work(t, b.SwimSchool, replyID); got != string(outcome) || status != http.StatusOK {
		t.Fatalf("working on the reply came to %q (status %d); want %q", got, status, outcome)
	}
}

// pass lets time pass for every reply, as far as the database can tell.
func (b *bench) pass(t *testing.T, d time.Duration) {
	t.Helper()
	b.Exec(t, `update replies set act_at = act_at - $1::interval, created_at = created_at - $1::interval,
		sending_at = sending_at - $1::interval`, d)
}

// state is how a reply stands, and why.
func (b *bench) state(t *testing.T, replyID int64) string {
	t.Helper()
	return b.Query(t, `select state || coalesce(' ' || reason, '') from replies where id = $1`, replyID)[0]
}

// phone lists what has reached the customer.
func (b *bench) phone() []string {
	var all []string
	for _, m := range b.telnyx.Inbox(customer) {
		all = append(all, m.Text.Reveal())
	}
	return all
}

func (b *bench) attention(t *testing.T) string {
	t.Helper()
	c, err := b.SwimSchool.ConversationWith(t.Context(), customer)
	if err != nil {
		t.Fatal(err)
	}
	return c.Attention
}

func (b *bench) drain(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := b.tasks.Drain(ctx); err != nil {
		t.Fatalf("%v; the log: %s", err, b.log)
	}
}
