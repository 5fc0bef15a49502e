package operations_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/store"
)

// month is that of now, as Postgres has it.
func month() string { return time.Now().UTC().Format("2006-01") }

// used is a usage without the time at which it was counted, which must be there.
func (b *bench) used(t testing.TB, token string, header ...string) map[string]any {
	t.Helper()
	got := b.want(t, http.MethodGet, "/usage?month="+month(), token, "", header...)
	if got["counted_at"] == nil {
		t.Errorf("not said when it was counted: %v", got)
	}
	delete(got, "counted_at")
	return got
}

// spend has both tenants use something: the swim school texts, a mail, a call and the model, and the dentist one text.
func (b *bench) spend(t testing.TB) {
	t.Helper()
	b.Receive(t, b.SwimSchool, customer, "hello", "sms-1")
	b.Receive(t, b.SwimSchool, customer, "anybody there?", "sms-2")
	b.Receive(t, b.Dentist, customer, "hello", "sms-3")
	b.Exec(t, `insert into messages (conversation_id, role, content, provider_message_id, occurred_at)
		select id, 'assistant', 'yes', 'sms-4', now() from conversations where tenant_id = 1042 and channel = 'sms'`)
	b.Exec(t, `insert into calls (tenant_id, channel, started_at, duration_seconds, status) values (1042, 'phone_call', now(), 90, 'ended'), (1042, 'web_call', now(), null, 'in_progress')`)
	if err := b.SwimSchool.SpentOnTrial(t.Context(), store.Spent{Model: "gemini-example", PromptTokens: 2_000_000, OutputTokens: 1_000_000}); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) count(t testing.TB) {
	t.Helper()
	for _, of := range []*store.Tenant{b.SwimSchool, b.Dentist} {
		for more := true; more; {
			var err error
			if more, err = of.CountUsage(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestUsage_IsATenantsOwnAndStaysWhenWhatItCountsIsErased(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.spend(t)
	want := map[string]any{
		"month": month(), "texts_in": 2.0, "texts_out": 1.0, "mails_in": 0.0, "mails_out": 0.0, "calls": 2.0, "call_minutes": 1.5,
		"model_calls": 1.0, "prompt_tokens": 2_000_000.0, "output_tokens": 1_000_000.0, "model_cost_usd": 3.1, // 2 times 0.30 and 2.50, by the list
	}
	for range 2 {
		b.count(t)
		if diff := cmp.Diff(want, b.used(t, b.swimmer)); diff != "" {
			t.Errorf("the swim school's usage (-want +got):\n%s", diff)
		}
	}
	if got := b.used(t, b.operator, "X-Tenant-Id", "2048"); got["texts_in"] != 1.0 || got["model_calls"] != 0.0 || got["calls"] != 0.0 {
		t.Errorf("the dentist's usage is %v", got)
	}
	b.Exec(t, `delete from replies`)
	b.Exec(t, `delete from messages`)
	b.Exec(t, `delete from calls`)
	b.count(t)
	if diff := cmp.Diff(want, b.used(t, b.swimmer)); diff != "" {
		t.Errorf("after the messages were erased (-want +got):\n%s", diff)
	}
}

func TestUsage_OfDaysThatNobodyCountedIsMadeUpForAndEachMonthHasItsOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec(t, `update tenants set created_at = now() - interval '80 days'`)
	b.spend(t)
	b.Exec(t, `update messages set created_at = now() - interval '70 days' where provider_message_id = 'sms-1'`)
	b.count(t)
	if got := b.used(t, b.swimmer)["texts_in"]; got != 1.0 {
		t.Errorf("%v texts in this month", got)
	}
	then := time.Now().UTC().AddDate(0, 0, -70).Format("2006-01")
	if got := b.want(t, http.MethodGet, "/usage?month="+then, b.swimmer, ""); got["texts_in"] != 1.0 {
		t.Errorf("the usage of the month of seventy days ago is %v", got)
	}
	if got := b.want(t, http.MethodGet, "/usage?month=2001-01", b.swimmer, ""); got["texts_in"] != 0.0 || got["counted_at"] != nil {
		t.Errorf("the usage of a month before all is %v", got)
	}
	if n := b.Query(t, `select count(*)::text from usage_days where tenant_id = 1042`)[0]; n != "81" {
		t.Errorf("%s days were counted; want each of 81", n)
	}
}

func TestUsage_OfAllTenantsIsForGlobalAdminsAndThatOfOneForItsAdmins(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.spend(t)
	b.count(t)
	first := b.want(t, http.MethodGet, "/admin/usage?limit=1&month="+month(), b.operator, "")
	next, _ := first["next_cursor"].(string)
	second := b.want(t, http.MethodGet, "/admin/usage?limit=1&month="+month()+"&cursor="+next, b.operator, "")
	var got []any
	for _, page := range []map[string]any{first, second} {
		for _, row := range page["items"].([]any) {
			got = append(got, row.(map[string]any)["tenant_id"], row.(map[string]any)["usage"].(map[string]any)["texts_in"])
		}
	}
	if diff := cmp.Diff([]any{1042.0, 2.0, 2048.0, 1.0}, got); diff != "" || second["next_cursor"] != nil {
		t.Errorf("the list of tenants (-want +got):\n%s", diff)
	}
	for path, tokens := range map[string][]string{"/admin/usage?month=2026-11": {b.swimmer, b.desk}, "/usage?month=2026-11": {b.desk}} {
		for _, token := range tokens {
			if status, answer := b.call(http.MethodGet, path, token, ""); status != http.StatusForbidden {
				t.Errorf("%s was answered %d %v", path, status, answer)
			}
		}
	}
	for _, wrong := range []string{"", "?month=2026-13", "?month=november"} {
		if status, answer := b.call(http.MethodGet, "/usage"+wrong, b.swimmer, ""); status != http.StatusUnprocessableEntity && status != http.StatusBadRequest {
			t.Errorf("/usage%s was answered %d %v", wrong, status, answer)
		}
	}
}
