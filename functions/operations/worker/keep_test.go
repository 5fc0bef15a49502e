package worker_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/functions/operations/worker"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
)

const (
	address = "https://operations-worker.test"
	account = "scheduler@example.test"
)

// bench is the worker with a real database, where each tenant has talked with somebody over a year ago and with somebody else now.
type bench struct {
	*storetest.DB
	google  *tasktest.Server
	handler http.Handler
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{DB: storetest.New(t), google: tasktest.New(t, tasktest.Options{Manual: true})}
	t.Cleanup(b.google.Stop)
	b.handler = worker.New(worker.Deps{
		Log: slog.New(slog.DiscardHandler), Store: b.Store,
		Callers: task.NewVerifier(task.VerifierConfig{Issuer: b.google.Issuer(), KeysURL: b.google.KeysURL(), WorkerURL: address, ServiceAccounts: []string{account}}),
	})
	for _, of := range []*store.Tenant{b.SwimSchool, b.Dentist} {
		b.Receive(t, of, private.MustPhone("+15555550101"), "long ago", "in-1")
		b.Receive(t, of, private.MustPhone("+15555550102"), "now", "in-2")
	}
	b.Exec(t, `delete from replies`)
	b.Exec(t, `update tenants set created_at = now() - interval '500 days'`)
	b.Exec(t, `update messages set occurred_at = occurred_at - interval '400 days', created_at = created_at - interval '400 days' where content = 'long ago'`)
	b.Exec(t, `update conversations set last_message_at = last_message_at - interval '400 days' where phone_number = '+15555550101'`)
	return b
}

// run has Cloud Scheduler, or nobody whom it knows, call a job.
func (b *bench) run(path, token string) (status int, answer map[string]any) {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(`{}`))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	return w.Code, answer
}

func (b *bench) keep() (status int, answer map[string]any) {
	return b.run("/workers/operations/keep", b.google.Token(address, account))
}

// keepFor sets the retention of conversations.
func (b *bench) keepFor(t *testing.T, of *store.Tenant, days int) {
	t.Helper()
	if err := of.KeepFor(t.Context(), store.Retention{ConversationsDays: &days}); err != nil {
		t.Fatal(err)
	}
}

// left are the texts that are still there, by tenant.
func (b *bench) left(t *testing.T) []string {
	t.Helper()
	return b.Query(t, `select c.tenant_id || ' ' || m.content from messages m join conversations c on c.id = m.conversation_id order by 1`)
}

func TestKeep_ErasesWhatEachTenantNoLongerKeepsAfterItWasCounted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.keepFor(t, b.SwimSchool, 365)
	status, answer := b.keep()
	if erased, _ := answer["erased"].(map[string]any); status != http.StatusOK || erased["conversations"] != 1.0 || erased["messages"] != 1.0 {
		t.Errorf("the night was answered %d %v", status, answer)
	}
	if diff := cmp.Diff([]string{"1042 now", "2048 long ago", "2048 now"}, b.left(t)); diff != "" {
		t.Errorf("the texts that are left (-want +got):\n%s", diff)
	}
	if n := b.Query(t, `select sum(texts_in)::text from usage_days where tenant_id = 1042`)[0]; n != "2" {
		t.Errorf("%s texts were counted; want the erased one too", n)
	}
	before := b.Query(t, `select sum(texts_in)::text from usage_days`)
	if status, answer := b.keep(); status != http.StatusOK || answer["erased"].(map[string]any)["conversations"] != 0.0 {
		t.Errorf("the next night was answered %d %v", status, answer)
	}
	if status, answer := b.run("/workers/operations/count", b.google.Token(address, account)); status != http.StatusOK || answer["counted"] != 2.0 {
		t.Errorf("counting was answered %d %v", status, answer)
	}
	if diff := cmp.Diff(before, b.Query(t, `select sum(texts_in)::text from usage_days`)); diff != "" {
		t.Errorf("counting again counts twice:\n%s", diff)
	}
}

func TestKeep_GoesOnAfterATenantThatFailsAndSaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.keepFor(t, b.SwimSchool, 365)
	b.keepFor(t, b.Dentist, 365)
	b.Exec(t, `create function fail() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$`)
	b.Exec(t, `create trigger fail before delete on conversations for each row when (old.tenant_id = 1042) execute function fail()`)
	if status, answer := b.keep(); status != http.StatusInternalServerError {
		t.Errorf("answered %d %v", status, answer)
	}
	if diff := cmp.Diff([]string{"1042 long ago", "1042 now", "2048 now"}, b.left(t)); diff != "" {
		t.Errorf("the texts that are left (-want +got):\n%s", diff)
	}
	b.Exec(t, `drop trigger fail on conversations`)
	if status, answer := b.keep(); status != http.StatusOK {
		t.Errorf("once mended it was answered %d %v", status, answer)
	}
	if diff := cmp.Diff([]string{"1042 now", "2048 now"}, b.left(t)); diff != "" {
		t.Errorf("the texts that are left after that (-want +got):\n%s", diff)
	}
}

func TestKeep_ForgetsTheIDsOfErasedTextsInTime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec(t, `insert into erased_texts (tenant_id, provider_message_id, erased_at) values (1042, 'old', now() - interval '31 days'), (1042, 'recent', now() - interval '29 days')`)
	if status, answer := b.keep(); status != http.StatusOK {
		t.Fatalf("answered %d %v", status, answer)
	}
	if diff := cmp.Diff([]string{"recent"}, b.Query(t, `select provider_message_id from erased_texts`)); diff != "" {
		t.Errorf("the ids that are left (-want +got):\n%s", diff)
	}
}

func TestKeep_IsForCloudSchedulerAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.keepFor(t, b.SwimSchool, 365)
	for who, token := range map[string]string{"nobody": "", "another account": b.google.Token(address, "somebody@example.test"), "another audience": b.google.Token("https://other.test", account)} {
		for _, path := range []string{"/workers/operations/keep", "/workers/operations/count"} {
			if status, _ := b.run(path, token); status != http.StatusUnauthorized {
				t.Errorf("%s was answered %d by %s", who, status, path)
			}
		}
	}
	if n := len(b.left(t)); n != 4 {
		t.Errorf("%d texts are left; want all four", n)
	}
}

// TestKeep_EndsWhenMoreIsOldThanPostgresThought ages much at once, so that the plans are those for next to nothing: Postgres ends a statement after ten seconds.
func TestKeep_EndsWhenMoreIsOldThanPostgresThought(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec(t, `insert into conversations (tenant_id, channel, mailbox, thread_id, email) select 1042, 'email', 'support@exampleco.test', 't' || n, 'p' || n || '@customer.test' from generate_series(1, 20000) n`)
	b.Exec(t, `insert into contacts (tenant_id, email) select 1042, 'p' || n || '@customer.test' from generate_series(1, 20000) n`)
	b.Exec(t, `analyze conversations, contacts`)
	b.Exec(t, `update conversations set last_message_at = now() - interval '400 days' where channel = 'email'`)
	b.Exec(t, `update contacts set updated_at = now() - interval '400 days'`)
	b.keepFor(t, b.SwimSchool, 365)
	status, answer := b.keep()
	if erased, _ := answer["erased"].(map[string]any); status != http.StatusOK || erased["conversations"] != 10_000.0 {
		t.Errorf("the night was answered %d %v; want its fifty steps of two hundred", status, answer)
	}
}
