package emailpubsub_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	emailpubsub "github.com/chattercheatah/chattercheatah/functions/email-pubsub"
	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
)

const (
	queue    = "projects/p/locations/l/queues/mail"
	address  = "https://fn.example.test/api/v1/email/pubsub" // that is pushed to, and the tokens' audience
	worker   = "https://worker.example.test"
	account  = "pubsub@p.example.test"
	tasks    = "tasks@p.example.test"
	swimBox  = "support@exampleco.test"
	denBox   = "desk@sampledental.test"
	readUpTo = 1000 // is how far both mailboxes were read
)

// bench is the function with a real database, a mailbox of each tenant, and a queue that holds what is put.
type bench struct {
	*storetest.DB
	tasks   *tasktest.Server
	tokens  *auth.Tokens
	handler http.Handler
	log     *syncLog
	now     time.Time
	token   string // Pub/Sub's
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

// setting is what a bench's function may be given otherwise.
type setting struct {
	issuer, keys string
	queueAddr    string
	production   bool
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{DB: storetest.New(t), log: &syncLog{}, now: time.Now().Add(time.Hour)}
	b.tasks = tasktest.New(t, tasktest.Options{Queues: []string{queue}, Manual: true})
	b.token = b.tasks.Token(address, account)
	b.tokens = auth.NewTokens(auth.TokenConfig{Keys: private.NewSecret(strings.Repeat("k", 32))}, time.Now)
	connect(t, b.SwimSchool, swimBox)
	connect(t, b.Dentist, denBox)
	b.handler = b.build(t, setting{})
	t.Cleanup(func() { b.nothingPrivateIsLogged(t) })
	return b
}

func connect(t testing.TB, of *store.Tenant, mailbox string) {
	t.Helper()
	grant := store.MailboxGrant{Address: mailbox, RefreshToken: private.NewSecret("1//a refresh token of " + mailbox), HistoryID: readUpTo}
	if _, err := of.ConnectMailbox(t.Context(), grant); err != nil {
		t.Fatal(err)
	}
	m, err := of.Mailbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := of.MailboxRead(t.Context(), m, readUpTo, false, private.Secret{}, time.Time{}); err != nil {
		t.Fatal(err)
	}
}

// build makes the function.
func (b *bench) build(t testing.TB, s setting) http.Handler {
	t.Helper()
	orElse(&s.issuer, b.tasks.Issuer())
	orElse(&s.keys, b.tasks.KeysURL())
	orElse(&s.queueAddr, b.tasks.Addr())
	put := task.NewQueue(task.Config{Queue: queue, WorkerURL: worker, ServiceAccount: tasks, EmulatorHost: s.queueAddr})
	t.Cleanup(func() { _ = put.Close() })
	return emailpubsub.New(emailpubsub.Deps{
		Log:   slog.New(slog.NewJSONHandler(b.log, nil)),
		Guard: auth.NewGuard(b.Store, b.tokens), Store: b.Store, Queue: task.MailQueue{Queue: put},
		Pusher:     task.NewPusher(task.PusherConfig{Issuer: s.issuer, KeysURL: s.keys, ServiceAccount: account}, address),
		Production: s.production, Now: func() time.Time { return b.now },
	})
}

func orElse(value *string, fallback string) {
	if *value == "" {
		*value = fallback
	}
}

// nothingPrivateIsLogged holds for every test: an address, a token and what was pushed stay out of the log.
func (b *bench) nothingPrivateIsLogged(t testing.TB) {
	t.Helper()
	said := strings.ToLower(b.log.String())
	for _, s := range []string{swimBox, denBox, "exampleco", "sampledental", "1//a", "eyj", "secret words"} {
		if strings.Contains(said, s) {
			t.Errorf("%q is in the log:\n%s", s, b.log)
		}
	}
}

// post makes one push with these values of Authorization.
func (b *bench) post(body io.Reader, authorization ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/api/v1/email/pubsub", body)
	r.Header["Authorization"] = authorization
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

// push delivers a body as Pub/Sub does, and returns the status and what came of it.
func (b *bench) push(body string) (status int, outcome string) {
	w := b.post(strings.NewReader(body), "Bearer "+b.token)
	return w.Code, outcomeOf(w)
}

func outcomeOf(w *httptest.ResponseRecorder) string {
	var answer struct{ Status, Reason string }
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	return answer.Status + " " + answer.Reason
}

// pushed is the body with which Pub/Sub pushes what Gmail publishes.
func pushed(data string) string { return pushedIn(base64.StdEncoding, data) }

func pushedIn(alphabet *base64.Encoding, data string) string {
	return fmt.Sprintf(`{"message":{"data":%q,"messageId":"m-1","message_id":"m-1","publishTime":"2026-02-05T19:33:12Z"},"subscription":"projects/p/subscriptions/gmail"}`,
		alphabet.EncodeToString([]byte(data)))
}

// notice is what Gmail publishes; historyID is JSON.
func notice(mailbox string, historyID any) string {
	return fmt.Sprintf(`{"emailAddress":%q,"historyId":%v}`, mailbox, historyID)
}

// state is what is recorded of a mailbox's notices.
func (b *bench) state(t *testing.T, of *store.Tenant) string {
	t.Helper()
	return b.Query(t, `select noticed_history_id || ', ' || case when read_due_at is null then 'read' else 'due' end from tenant_email_configs where tenant_id = $1`, int64(of.Scope().ID()))[0]
}

// mailboxes are both tenants' rows, whole.
func (b *bench) mailboxes(t *testing.T) []string {
	t.Helper()
	return b.Query(t, `select to_jsonb(c)::text from tenant_email_configs c order by c.tenant_id`)
}

// wantNothing checks that nothing is recorded of either mailbox and nothing queued.
func (b *bench) wantNothing(t *testing.T, after string) {
	t.Helper()
	for _, of := range []*store.Tenant{b.SwimSchool, b.Dentist} {
		if got := b.state(t, of); got != "0, read" {
			t.Errorf("%s: tenant %s has %s; want nothing recorded", after, of.Scope().ID(), got)
		}
	}
	if got := b.tasks.Tasks(); len(got) != 0 {
		t.Errorf("%s: queued %v; want nothing", after, got)
	}
}

// wantQueued checks that all that is queued is one reading of each of these tenants' mailboxes.
func (b *bench) wantQueued(t *testing.T, of ...*store.Tenant) {
	t.Helper()
	got, want := map[string]int{}, map[string]int{}
	for _, q := range b.tasks.Tasks() {
		got[q.URL+" "+string(q.Body)]++
	}
	for _, tn := range of {
		want[fmt.Sprintf(`%s/workers/email/read {"tenant_id":%s}`, worker, tn.Scope().ID())]++
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("queued %v; want %v", got, want)
	}
}
