package operations_test

import (
	"bytes"
	"context"
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

	"github.com/chattercheatah/chattercheatah/functions/operations"
	"github.com/chattercheatah/chattercheatah/shared/aftercall"
	reading "github.com/chattercheatah/chattercheatah/shared/aftercall/model"
	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/gemini"
	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
	"github.com/chattercheatah/chattercheatah/shared/mailbox"
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
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

const (
	queue     = "projects/p/locations/l/queues/all"
	account   = "tasks@p.example.test"
	schoolBox = "support@exampleco.test"
	parent    = "parent@customer.test"
)

var customer = private.MustPhone("+15555550101")

// system is the function with a real database, and behind the queue what the workers do, against fake vendors.
type system struct {
	*storetest.DB
	tasks   *tasktest.Server
	telnyx  *telnyxtest.Server
	gmail   *gmailtest.Server
	model   *geminitest.Server
	texts   *reply.Worker
	mails   *reply.Worker
	box     *mailbox.Worker
	calls   *aftercall.Worker
	tokens  *auth.Tokens
	handler http.Handler
	log     *syncLog
	n       int

	school, dentist, member, operator string // tokens: admins of 1042 and 2048, somebody of 1042, a global admin
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

func newSystem(t *testing.T) *system {
	t.Helper()
	b := &system{DB: storetest.New(t), log: &syncLog{}, gmail: gmailtest.Start(t), model: geminitest.Start(t, geminitest.Options{Key: "model-key"})}
	b.SetWait(t, b.SwimSchool, 0)
	b.SetWait(t, b.Dentist, 0)
	b.telnyx = telnyxtest.Start(t, telnyxtest.Options{Silent: true, Keys: map[string]string{demo.SwimSchool().APIKey.Reveal(): "", demo.Dentist().APIKey.Reveal(): ""}})
	b.tasks = tasktest.New(t, tasktest.Options{Queues: []string{queue}, Manual: true})
	server := httptest.NewUnstartedServer(nil)
	tasks := task.NewQueue(task.Config{Queue: queue, WorkerURL: "http://" + server.Listener.Addr().String(), ServiceAccount: account, EmulatorHost: b.tasks.Addr()})
	t.Cleanup(func() { _ = tasks.Close() })
	b.work(t, slog.New(slog.NewJSONHandler(b.log, nil)), tasks)
	server.Config.Handler = b.workers()
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(b.tasks.Stop)
	b.tokens = auth.NewTokens(auth.TokenConfig{Keys: private.NewSecret(strings.Repeat("k", 32))}, time.Now)
	b.handler = operations.New(operations.Deps{
		Log: slog.New(slog.NewJSONHandler(b.log, nil)), Guard: auth.NewGuard(b.Admin, b.tokens), Texts: tasks, Mail: task.MailQueue{Queue: tasks}, Calls: tasks,
	})
	b.school, b.dentist = b.person(t, "admin@exampleco.test", "tenant_admin", 1042), b.person(t, "admin@sampledental.test", "tenant_admin", 2048)
	b.member, b.operator = b.person(t, "desk@exampleco.test", "user", 1042), b.person(t, "operator@platform.test", "admin", nil)
	return b
}

// work makes the workers of texts, mail and calls.
func (b *system) work(t *testing.T, log *slog.Logger, tasks *task.Queue) {
	t.Helper()
	words := gemini.New(gemini.Config{Model: "gemini-2.5-flash", APIKey: private.NewSecret("model-key"), BaseURL: b.model.URL()})
	client, err := gmail.NewClient(google.Config{Base: b.gmail.URL(), ClientID: googletest.ClientID, ClientSecret: private.NewSecret(googletest.ClientSecret)})
	if err != nil {
		t.Fatal(err)
	}
	mail := task.MailQueue{Queue: tasks}
	b.texts = &reply.Worker{
		Store: b.Store, Channel: prompt.SMS, Queue: tasks, Now: time.Now, Log: log, Model: model.Gemini(words),
		Carrier: reply.Texts{Client: telnyx.NewClient(b.telnyx.URL()), ReportURL: "https://fn.example.test/api/v1/telnyx/sms/status"},
	}
	b.mails = &reply.Worker{
		Store: b.Store, Channel: prompt.Email, Queue: mail, Now: time.Now, Log: log, Model: model.Gemini(words), Carrier: &mailbox.Carrier{Gmail: client, Now: time.Now, Log: log},
	}
	b.box = &mailbox.Worker{Store: b.Store, Queue: mail, Gmail: client, Topic: "projects/p/topics/gmail-push", Now: time.Now, Log: log}
	b.calls = &aftercall.Worker{Store: b.Store, Queue: tasks, Texts: tasks, Telnyx: telnyx.NewClient(b.telnyx.URL()), Model: reading.Gemini(words), Now: time.Now, Log: log}
}

// workers takes the tasks.
func (b *system) workers() http.Handler {
	mux := http.NewServeMux()
	take := func(path string, do func(ctx context.Context, t *store.Tenant, id int64) error) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			var named map[string]int64
			err := json.NewDecoder(r.Body).Decode(&named)
			if err == nil {
				err = do(r.Context(), b.Store.For(tenant.ByTask(tenant.ID(named["tenant_id"]))), named["reply_id"]+named["email_id"]+named["call_id"])
			}
			if err != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		})
	}
	take(task.ReplyPath, func(ctx context.Context, t *store.Tenant, id int64) error {
		_, err := b.texts.Work(ctx, t, id)
		return err
	})
	take(task.MailReplyPath, func(ctx context.Context, t *store.Tenant, id int64) error {
		_, err := b.mails.Work(ctx, t, id)
		return err
	})
	take(task.MailPath, func(ctx context.Context, t *store.Tenant, id int64) error {
		_, err := b.box.Work(ctx, t, id)
		return err
	})
	take(task.AfterCallPath, func(ctx context.Context, t *store.Tenant, id int64) error {
		_, err := b.calls.Work(ctx, t, id)
		return err
	})
	return mux
}

// person makes somebody who can log in, and returns their bearer token.
func (b *system) person(t *testing.T, email, role string, of any) string {
	t.Helper()
	id := b.id(t, `insert into users (email, password_hash, role, tenant_id) values ($1, 'x', $2, $3) returning id::text`, email, role, of)
	token, _, err := b.tokens.Issue(id, private.NewSecret("x"))
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

func (b *system) id(t *testing.T, sql string, args ...any) int64 {
	t.Helper()
	id, err := strconv.ParseInt(b.Query(t, sql, args...)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// call makes one call. The answer is returned without its request id, which differs always.
func (b *system) call(method, path, token string, header ...string) (status int, answer map[string]any) {
	r := httptest.NewRequest(method, "/api/v1"+path, nil)
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

// letters are the school's dead letters, each as kind, state, reason and why it is not replayed.
func (b *system) letters(t *testing.T) (all []string) {
	t.Helper()
	status, answer := b.call(http.MethodGet, "/dead-letters", b.school)
	if status != http.StatusOK {
		t.Fatalf("the list was answered %d %v", status, answer)
	}
	for _, item := range answer["items"].([]any) {
		l := item.(map[string]any)
		if (l["why_not"] == nil) != l["replayable"].(bool) {
			t.Errorf("%v is replayable and why_not at once, or neither", l)
		}
		all = append(all, fmt.Sprint(l["kind"], " ", l["state"], " ", l["reason"], " ", l["why_not"]))
	}
	return all
}

// press asks for a replay as the school's admin.
func (b *system) press(kind store.DeadLetterKind, id int64) (status int, answer map[string]any) {
	return b.call(http.MethodPost, fmt.Sprintf("/dead-letters/%s/%d/replay", kind, id), b.school)
}

// pressed is 20 presses at once. It returns how many of them were effective; all must be answered 200.
func (b *system) pressed(t *testing.T, kind store.DeadLetterKind, id int64) (effective int) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			status, answer := b.press(kind, id)
			mu.Lock()
			defer mu.Unlock()
			if status != http.StatusOK {
				t.Errorf("a press was answered %d %v; want 200", status, answer)
			}
			if answer["replayed"] == true {
				effective++
			}
		})
	}
	wg.Wait()
	return effective
}

// refused requires that a press is answered 409 with a code.
func (b *system) refused(t *testing.T, kind store.DeadLetterKind, id int64, code string) {
	t.Helper()
	status, answer := b.press(kind, id)
	if said, _ := answer["detail"].(string); status != http.StatusConflict || !strings.HasPrefix(said, code+": ") {
		t.Errorf("the press was answered %d %v; want 409 for %s", status, answer, code)
	}
}

// text records a text of the customer's and works on the answer that it calls for.
func (b *system) text(t *testing.T, words string, want reply.Done) int64 {
	t.Helper()
	b.n++
	rec := b.Receive(t, b.SwimSchool, customer, words, fmt.Sprintf("in-%d", b.n))
	b.workOn(t, rec.ReplyID, want)
	return rec.ReplyID
}

func (b *system) workOn(t *testing.T, replyID int64, want reply.Done) {
	t.Helper()
	if got, err := b.texts.Work(t.Context(), b.SwimSchool, replyID); err != nil || got != want {
		t.Fatalf("working on the reply came to %q, %v; want %q", got, err, want)
	}
}

// refusedText is an answer that Telnyx has refused for good: the account is not set up.
func (b *system) refusedText(t *testing.T, words string) int64 {
	t.Helper()
	b.telnyx.Fail(telnyxtest.Refused40010)
	return b.text(t, words, reply.DoneEnded)
}

// phone lists what has reached the customer.
func (b *system) phone() (all []string) {
	for _, m := range b.telnyx.Inbox(customer) {
		all = append(all, m.Text.Reveal())
	}
	return all
}

func (b *system) drain(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := b.tasks.Drain(ctx); err != nil {
		t.Fatalf("%v; the log: %s", err, b.log)
	}
}

// connect connects the school's mailbox as email-oauth does, an hour ago.
func (b *system) connect(t *testing.T) {
	t.Helper()
	b.gmail.Connect(schoolBox, "1//school")
	grant := store.MailboxGrant{Address: schoolBox, RefreshToken: private.NewSecret("1//school"), HistoryID: b.gmail.HistoryID(schoolBox)}
	if _, err := b.SwimSchool.ConnectMailbox(t.Context(), grant); err != nil {
		t.Fatal(err)
	}
	b.Exec(t, `update tenant_email_configs set enabled_at = now() - interval '1 hour' where tenant_id = 1042`)
}

// mailed delivers a parent's mail to the school's mailbox and has it listed; it returns the mail's id.
func (b *system) mailed(t *testing.T) int64 {
	t.Helper()
	b.n++
	b.gmail.Deliver(schoolBox, fmt.Appendf(nil, "From: %s\r\nTo: us\r\nSubject: Saturday\r\nMessage-ID: <in-%d@customer.test>\r\nDate: %s\r\n\r\nAre you open?\r\n",
		parent, b.n, time.Now().Format(time.RFC1123Z)))
	if _, err := b.box.Read(t.Context(), b.SwimSchool); err != nil {
		t.Fatal(err)
	}
	return b.id(t, `select max(id)::text from emails`)
}

// errors is how many lines of the log with a level of ERROR have a message.
func (b *system) errors(message string) (n int) {
	for line := range strings.Lines(b.log.String()) {
		if strings.Contains(line, `"level":"ERROR"`) && strings.Contains(line, `"msg":"`+message+`"`) {
			n++
		}
	}
	return n
}

// presses is how many effective presses the audit log has of the school's admin.
func (b *system) presses(t *testing.T, action string) int64 {
	t.Helper()
	return b.id(t, `select count(*)::text from audit_log where tenant_id = 1042 and actor = 'admin@exampleco.test' and action = $1`, action)
}
