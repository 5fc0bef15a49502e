package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/functions/email-pubsub/worker"
	"github.com/chattercheatah/chattercheatah/shared/gemini"
	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
	"github.com/chattercheatah/chattercheatah/shared/mail"
	"github.com/chattercheatah/chattercheatah/shared/mailbox"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/reply/model"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
)

const (
	queue   = "projects/p/locations/l/queues/mail"
	account = "tasks@p.example.test"
	topic   = "projects/p/topics/gmail-push"

	schoolBox = "support@exampleco.test"
	clinicBox = "desk@sampledental.test"
	parent    = "parent@customer.test"
)

// bench is the worker with everything around it real or served by a fake server. What the fake Gmail announces is recorded and queued as
// email-pubsub does it.
type bench struct {
	*storetest.DB
	tasks *tasktest.Server
	gmail *gmailtest.Server
	model *geminitest.Server
	url   string
	log   locked
	grant map[string]string // refresh tokens by mailbox
	n     int
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

func (l *locked) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.String()
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{DB: storetest.New(t), gmail: gmailtest.Start(t), model: geminitest.Start(t, geminitest.Options{Key: "model-key"}), grant: map[string]string{}}
	b.model.Answer(func(p geminitest.Prompt) string { return "We are open on Saturday." })
	b.tasks = tasktest.New(t, tasktest.Options{Queues: []string{queue}, Manual: true})
	server := httptest.NewUnstartedServer(nil)
	b.url = "http://" + server.Listener.Addr().String()
	tasks := task.MailQueue{Queue: task.NewQueue(task.Config{Queue: queue, WorkerURL: b.url, ServiceAccount: account, EmulatorHost: b.tasks.Addr()})}
	t.Cleanup(func() { _ = tasks.Close() })
	log := slog.New(slog.NewJSONHandler(&b.log, nil))
	client, err := gmail.NewClient(google.Config{Base: b.gmail.URL(), ClientID: googletest.ClientID, ClientSecret: private.NewSecret(googletest.ClientSecret)})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = worker.New(worker.Deps{
		Log: log,
		Callers: task.NewVerifier(task.VerifierConfig{
			Issuer: b.tasks.Issuer(), KeysURL: b.tasks.KeysURL(), WorkerURL: b.url, ServiceAccounts: []string{account},
		}),
		Mailboxes: &mailbox.Worker{Store: b.Store, Queue: tasks, Gmail: client, Topic: topic, Now: time.Now, Log: log},
		Replies: &reply.Worker{
			Store: b.Store, Channel: prompt.Email, Queue: tasks, Now: time.Now, Log: log, Carrier: &mailbox.Carrier{Gmail: client, Now: time.Now, Log: log},
			Model: model.Gemini(gemini.New(gemini.Config{Model: "gemini-2.5-flash", APIKey: private.NewSecret("model-key"), BaseURL: b.model.URL()})),
		},
	})
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(b.tasks.Stop)
	b.connect(t, b.SwimSchool, schoolBox)
	b.connect(t, b.Dentist, clinicBox)
	b.drain(t)
	b.gmail.OnNotice(func(_, address string, historyID uint64) { b.announce(t, address, historyID) })
	return b
}

// connect connects a mailbox as email-oauth does, an hour ago, and has it watched.
func (b *bench) connect(t *testing.T, of *store.Tenant, address string) {
	t.Helper()
	b.n++
	refresh := fmt.Sprintf("1//%s-%d", address, b.n)
	b.grant[address] = refresh
	b.gmail.Connect(address, refresh)
	if _, err := of.ConnectMailbox(t.Context(), store.MailboxGrant{Address: address, RefreshToken: private.NewSecret(refresh), HistoryID: b.gmail.HistoryID(address)}); err != nil {
		t.Fatal(err)
	}
	b.Exec(t, `update tenant_email_configs set enabled_at = now() - interval '1 hour' where tenant_id = $1`, int64(of.Scope().ID()))
	b.want(t, task.WatchPath, of, mailbox.DoneRenewed)
}

func (b *bench) announce(t *testing.T, address string, historyID uint64) {
	t.Helper()
	if _, err := b.Store.NoticeMailbox(context.WithoutCancel(t.Context()), address, historyID); err != nil {
		t.Error(err)
	}
}

// mail is one that somebody writes.
func (b *bench) mail(from, subject, text string, headers ...string) []byte {
	b.n++
	return fmt.Appendf(nil, "From: %s\r\nTo: us\r\nSubject: %s\r\nMessage-ID: <in-%d@customer.test>\r\nDate: %s\r\n%s\r\n%s\r\n",
		from, subject, b.n, time.Now().Format(time.RFC1123Z), strings.Join(append(headers, ""), "\r\n"), text)
}

// writes delivers a mail of a parent's to a mailbox and returns its thread.
func (b *bench) writes(t *testing.T, box, text string) (thread string) {
	t.Helper()
	return b.delivered(t, box, b.mail("Maria Garcia <"+parent+">", "Saturday", text))
}

func (b *bench) delivered(t *testing.T, box string, raw []byte) (thread string) {
	t.Helper()
	id := b.gmail.Deliver(box, raw)
	for _, m := range b.gmail.Inbox(box) {
		if m.ID == id {
			return m.ThreadID
		}
	}
	t.Fatal("the mail did not come into the inbox")
	return ""
}

// post has Cloud Tasks call the worker.
func (b *bench) post(t *testing.T, path, body string) (answer map[string]any, status int) {
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
	_ = json.NewDecoder(response.Body).Decode(&answer)
	return answer, response.StatusCode
}

// want has a tenant's mailbox worked on and requires an outcome.
func (b *bench) want(t *testing.T, path string, of *store.Tenant, outcome mailbox.Done) {
	t.Helper()
	got, status := b.post(t, path, fmt.Sprintf(`{"tenant_id":%d}`, of.Scope().ID()))
	if status != http.StatusOK || got["outcome"] != string(outcome) {
		t.Fatalf("%s came to %v (status %d); want %q; the log: %s", path, got, status, outcome, b.log.text())
	}
}

// settle reads both mailboxes, and has everything that comes of it done, without waiting for more mail.
func (b *bench) settle(t *testing.T) {
	t.Helper()
	for _, of := range []*store.Tenant{b.SwimSchool, b.Dentist} {
		if _, status := b.post(t, task.MailboxPath, fmt.Sprintf(`{"tenant_id":%d}`, of.Scope().ID())); status != http.StatusOK {
			t.Fatalf("reading a mailbox was answered %d; the log: %s", status, b.log.text())
		}
	}
	for range 10 {
		b.drain(t)
		b.Exec(t, `update replies set act_at = now() where state = 'planned' and channel = 'email' and act_at < now() + interval '1 minute'`)
		due := b.Query(t, `select tenant_id || ' ' || id from replies where state = 'planned' and channel = 'email' and act_at <= now() order by id`)
		if len(due) == 0 {
			return
		}
		for _, d := range due {
			b.reply(t, d)
		}
	}
	t.Fatalf("it does not come to an end; the log: %s", b.log.text())
}

// reply has a reply worked on; its tenant and id stand in a string.
func (b *bench) reply(t *testing.T, due string) string {
	t.Helper()
	of, id, _ := strings.Cut(due, " ")
	got, status := b.post(t, task.MailReplyPath, fmt.Sprintf(`{"tenant_id":%s,"reply_id":%s}`, of, id))
	if status != http.StatusOK {
		t.Fatalf("working on a reply was answered %d; the log: %s", status, b.log.text())
	}
	return fmt.Sprint(got["outcome"])
}

func (b *bench) drain(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := b.tasks.Drain(ctx); err != nil {
		t.Fatalf("%v; the log: %s", err, b.log.text())
	}
}

// answers are the mails that were sent to an address.
func (b *bench) answers(t *testing.T, to string) []*mail.Message {
	t.Helper()
	var all []*mail.Message
	for _, raw := range b.gmail.Outbox(to) {
		m, err := mail.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// outcomes are what came of the mails of a tenant, in the order in which they were noticed.
func (b *bench) outcomes(t *testing.T, of *store.Tenant) []string {
	t.Helper()
	return b.Query(t, `select coalesce(outcome, state) || coalesce(': ' || reason, '') from emails where tenant_id = $1 order by id`, int64(of.Scope().ID()))
}

func (b *bench) place(t *testing.T, of *store.Tenant) uint64 {
	t.Helper()
	at, err := strconv.ParseUint(b.Query(t, `select last_history_id::text from tenant_email_configs where tenant_id = $1`, int64(of.Scope().ID()))[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// attention says why staff should look at a tenant's conversations.
func (b *bench) attention(t *testing.T, of *store.Tenant) []string {
	t.Helper()
	return b.Query(t, `select needs_attention_reason from conversations where tenant_id = $1 and needs_attention_at is not null and channel = 'email' order by id`, int64(of.Scope().ID()))
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q; want %q", what, got, want)
	}
}

// silent requires that the log holds none of some words.
func (b *bench) silent(t *testing.T, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(b.log.text(), w) {
			t.Errorf("the log holds %q", w)
		}
	}
}
