package leads_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

const hello = `{"text":"We have a place for you."}`

func TestSendText_IsRecordedQueuedAndPutDownToThePerson(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := b.receive(t, customer, "hello")
	b.want(t, http.MethodPost, path+"/take-over", "")
	sent := b.want(t, http.MethodPost, path+"/messages", hello)
	if sent["state"] != "planned" {
		t.Errorf("answered %v; want it planned", sent)
	}
	if got := b.planned(t); !slices.Equal(got, []string{"answer suppressed ", "staff planned We have a place for you."}) {
		t.Errorf("owed are %q", got)
	}
	tasks := b.tasks.Tasks()
	if want := fmt.Sprintf(`{"tenant_id":1042,"reply_id":%.0f}`, sent["reply_id"]); len(tasks) != 1 || string(tasks[0].Body) != want || !strings.HasSuffix(tasks[0].URL, "/workers/sms/reply") {
		t.Errorf("queued are %v; want %s", tasks, want)
	}
	if got := b.audited(t); !slices.Equal(got, []string{"replies.insert", "conversations.update"}) {
		t.Errorf("the audit log has %q", got)
	}
	for _, secret := range []string{"place for you", customer.E164()} {
		if strings.Contains(b.log.String(), secret) || strings.Contains(strings.Join(b.Query(t, `select to_jsonb(a)::text from audit_log a`), ""), secret) {
			t.Errorf("%q is in a log: %s", secret, b.log)
		}
	}
}

func TestSendText_IsSafeWhileTheQueueTakesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := b.receive(t, customer, "hello")
	b.tasks.Stop()
	b.want(t, http.MethodPost, path+"/messages", hello)
	if got := b.planned(t); len(got) != 2 || !strings.HasPrefix(got[1], "staff planned") {
		t.Errorf("owed are %q; want the text, for the sweeper", got)
	}
	if !strings.Contains(b.log.String(), "the sweeper will") {
		t.Errorf("the log does not say that it was not queued: %s", b.log)
	}
}

func TestSendText_TheSameKeyIsTheSameText(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := b.receive(t, customer, "hello")
	var wg sync.WaitGroup
	ids := make([]any, 8)
	for i := range ids {
		wg.Go(func() {
			status, answer := b.call(http.MethodPost, path+"/messages", b.swimmer, hello, "Idempotency-Key", "k-1")
			if ids[i] = answer["reply_id"]; status != http.StatusOK {
				t.Errorf("answered %d %v", status, answer)
			}
		})
	}
	wg.Wait()
	if same := slices.Compact(slices.Clone(ids)); len(same) != 1 || b.count(t, `replies where kind = 'staff'`) != "1" || len(b.tasks.Tasks()) != 1 {
		t.Errorf("8 calls with one key were answered %v, recorded %s texts and %d tasks; want one", ids, b.count(t, `replies where kind = 'staff'`), len(b.tasks.Tasks()))
	}
	b.Exec(t, `update replies set state = 'delivered', sending_at = now(), accepted_at = now() where kind = 'staff'`)
	b.Exec(t, `insert into opt_outs (tenant_id, phone_number, source, opted_out_at) values (1042, $1, 'message', now())`, customer.E164())
	if again := b.want(t, http.MethodPost, path+"/messages", hello, "Idempotency-Key", "k-1"); again["reply_id"] != ids[0] || again["state"] != "delivered" {
		t.Errorf("much later the same call is answered %v; want reply %v, delivered", again, ids[0])
	}
}

func TestSendText_AKeyIsOneTextsAndOneTenants(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := b.receive(t, customer, "hello")
	b.want(t, http.MethodPost, path+"/messages", hello, "Idempotency-Key", "k-1")
	b.refused(t, http.MethodPost, path+"/messages", `{"text":"another"}`, "Idempotency-Key", "Idempotency-Key", "k-1")
	b.refused(t, http.MethodPost, path+"/messages", hello, "Idempotency-Key", "Idempotency-Key", strings.Repeat("k", 256))
	b.want(t, http.MethodPost, path+"/messages", hello, "Idempotency-Key", "k-2")
	b.want(t, http.MethodPost, path+"/messages", hello)
	b.Receive(t, b.Dentist, customer, "hello", "theirs")
	own, err := b.Dentist.ConversationWith(t.Context(), customer)
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := b.call(http.MethodPost, fmt.Sprintf("/conversations/%d/messages", own.ID), b.dentist, `{"text":"another"}`, "Idempotency-Key", "k-1"); status != http.StatusOK {
		t.Errorf("another tenant's text under the same key was answered %d %v", status, answer)
	}
	if got := b.Query(t, `select tenant_id || ' ' || count(*) from replies where kind = 'staff' group by tenant_id order by tenant_id`); !slices.Equal(got, []string{"1042 3", "2048 1"}) {
		t.Errorf("texts of each tenant: %q", got)
	}
}

func TestSendText_NothingIsOwedToWhoHasOptedOutOrWhileTextingIsOff(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := b.receive(t, customer, "hello")
	conflict := func(about string) {
		t.Helper()
		status, answer := b.call(http.MethodPost, path+"/messages", b.swimmer, hello)
		if said, _ := json.Marshal(answer); status != http.StatusConflict || !strings.Contains(string(said), about) {
			t.Errorf("answered %d %s; want 409 about %q", status, said, about)
		}
	}
	b.Exec(t, `insert into opt_outs (tenant_id, phone_number, source, opted_out_at) values (1042, $1, 'message', now())`, customer.E164())
	conflict("opted out")
	b.Exec(t, `update opt_outs set opted_in_at = now()`)
	b.off(t)
	conflict("texting is off")
	if n := b.count(t, `replies where kind = 'staff'`); n != "0" || len(b.tasks.Tasks()) != 0 {
		t.Errorf("%s texts are owed and %d queued", n, len(b.tasks.Tasks()))
	}
	for _, body := range []string{`{"text":""}`, `{"text":" \n "}`, `{}`, `{"text":"` + strings.Repeat("x", 1601) + `"}`, `{"text":"a","to":"+15555550199"}`, `{"text":"a\u0000"}`} {
		b.refused(t, http.MethodPost, path+"/messages", body, "")
	}
}
