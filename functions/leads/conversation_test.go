package leads_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

func TestConversations_AreListedNewestFirstAndFilteredBeforeTheyArePaged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 6 {
		b.receive(t, private.MustPhone(fmt.Sprintf("+1555555010%d", i)), "hello")
	}
	b.Receive(t, b.Dentist, customer, "hello", "theirs")
	b.Exec(t, `update conversations set last_message_at = last_message_at + interval '1 hour' where phone_number = '+15555550102'`)
	b.Exec(t, `update conversations set last_message_at = '2026-01-01' where phone_number in ('+15555550100', '+15555550101')`)
	b.Exec(t, `update conversations set handled_by = 'human' where phone_number in ('+15555550101', '+15555550103', '+15555550105')`)
	b.Exec(t, `update conversations set needs_attention_reason = 'model_failed', needs_attention_at = now() where phone_number in ('+15555550100', '+15555550103')`)
	for query, want := range map[string]string{
		"":                                       "2 5 4 3 1 0",
		"&channel=sms":                           "2 5 4 3 1 0",
		"&channel=email":                         "",
		"&needs_attention=true":                  "3 0",
		"&needs_attention=false":                 "2 5 4 3 1 0",
		"&handled_by=human":                      "5 3 1",
		"&handled_by=assistant":                  "2 4 0",
		"&needs_attention=true&handled_by=human": "3",
	} {
		var got []string
		for _, page := range b.pages(t, "/conversations?limit=2"+query, "phone_number") {
			for _, phone := range page {
				got = append(got, strings.TrimPrefix(phone.(string), "+1555555010"))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q lists %q; want %q", query, got, want)
		}
	}
	for query, about := range map[string]string{"?channel=fax": "channel", "?needs_attention=maybe": "needs_attention", "?handled_by=dog": "handled_by", "?cursor=%25": "cursor"} {
		b.refused(t, http.MethodGet, "/conversations"+query, "", about)
	}
}

func TestConversations_SayWhyStaffShouldLook(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := b.receive(t, customer, "hello")
	calm := b.want(t, http.MethodGet, path, "")
	if calm["needs_attention"] != false || calm["attention_reason"] != nil || calm["attention_at"] != nil || calm["handled_by"] != "assistant" || calm["channel"] != "sms" {
		t.Errorf("a conversation is %v", calm)
	}
	b.Exec(t, `update conversations set needs_attention_reason = 'model_failed', needs_attention_at = '2026-11-25T12:00:00Z'`)
	marked := b.want(t, http.MethodGet, path, "")
	if at, _ := marked["attention_at"].(string); marked["needs_attention"] != true || marked["attention_reason"] != "model_failed" || !strings.HasPrefix(at, "2026-11-25T") {
		t.Errorf("a marked conversation is %v", marked)
	}
}

func TestMessages_AreListedNewestFirstWithWhoSaidThem(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := b.receive(t, customer, "first")
	b.receive(t, customer, "second")
	b.receive(t, private.MustPhone("+15555550102"), "another customer's")
	b.Exec(t, `update messages set occurred_at = '2026-11-25T12:00:00Z'`) // all at one moment
	b.Exec(t, `insert into messages (conversation_id, role, content, media_count, provider_message_id, occurred_at)
		select id, r.role, r.role, 2, r.role, '2026-11-25T12:00:01Z' from conversations, (values ('assistant'), ('staff')) r (role) where phone_number = $1`, customer.E164())
	var got []string
	for _, page := range b.pages(t, path+"/messages?limit=1", "text") {
		for _, text := range page {
			got = append(got, text.(string))
		}
	}
	if want := []string{"staff", "assistant", "second", "first"}; !slices.Equal(got, want) {
		t.Errorf("listed are %q; want %q", got, want)
	}
	items := b.want(t, http.MethodGet, path+"/messages", "")["items"].([]any)
	staff, customers := items[0].(map[string]any), items[3].(map[string]any)
	if staff["role"] != "staff" || staff["media_count"] != 2.0 || customers["role"] != "user" || customers["media_count"] != 0.0 || customers["id"] == nil || customers["occurred_at"] == nil {
		t.Errorf("a person's message is %v and the customer's %v", staff, customers)
	}
}

func TestConversations_AnotherTenantsIsAsAMissingOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	theirs := b.receive(t, customer, "hello")
	before := b.Snapshot(t, 1042)
	for _, call := range [][2]string{
		{http.MethodGet, ""}, {http.MethodGet, "/messages"}, {http.MethodPost, "/take-over"}, {http.MethodPost, "/hand-back"}, {http.MethodPost, "/messages"},
	} {
		body := ""
		if call == [2]string{http.MethodPost, "/messages"} {
			body = `{"text":"hello"}`
		}
		status, got := b.call(call[0], theirs+call[1], b.dentist, body)
		missing, want := b.call(call[0], "/conversations/1099511627776"+call[1], b.dentist, body)
		if diff := cmp.Diff(want, got); status != http.StatusNotFound || status != missing || diff != "" {
			t.Errorf("%s: another tenant's is answered %d and a missing one %d (-missing +theirs):\n%s", call, status, missing, diff)
		}
	}
	if diff := cmp.Diff(before, b.Snapshot(t, 1042)); diff != "" {
		t.Errorf("tenant 1042's rows changed:\n%s", diff)
	}
	if n := b.count(t, "audit_log"); n != "0" {
		t.Errorf("%s entries are in the audit log", n)
	}
}

func TestConversations_ATakeOverHushesTheAssistantUntilTheHandBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := b.receive(t, customer, "hello")
	b.Exec(t, `update conversations set needs_attention_reason = 'model_failed', needs_attention_at = now()`)
	if taken := b.want(t, http.MethodPost, path+"/take-over", ""); taken["handled_by"] != "human" || taken["needs_attention"] != true {
		t.Errorf("taken over it is %v", taken)
	}
	if got := b.Query(t, `select state || ' ' || reason from replies`); !slices.Equal(got, []string{"suppressed human_takeover"}) {
		t.Errorf("the assistant's answers are %q", got)
	}
	b.want(t, http.MethodPost, path+"/take-over", "") // again changes nothing
	if back := b.want(t, http.MethodPost, path+"/hand-back", ""); back["handled_by"] != "assistant" || back["needs_attention"] != false {
		t.Errorf("handed back it is %v", back)
	}
	if diff := cmp.Diff([]string{"conversations.update", "conversations.update"}, b.audited(t)); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
	b.Exec(t, `update conversations set needs_attention_reason = 'model_failed', needs_attention_at = now()`)
	b.want(t, http.MethodPost, path+"/hand-back", "") // nobody had taken it over: it dismisses the mark
	if diff := cmp.Diff([]string{"conversations.update", "conversations.update", "conversations.update"}, b.audited(t)); diff != "" {
		t.Errorf("the audit log after a mark was dismissed (-want +got):\n%s", diff)
	}
	entries, err := b.SwimSchool.Audit(t.Context(), 0, 10)
	if err != nil || !slices.Contains(entries[2].Fields, "handled_by") || "/conversations/"+entries[2].Object != path {
		t.Errorf("the take-over is logged as %+v, %v", entries, err)
	}
}
