package operations_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/store"
)

// id is the only one that a query finds.
func (b *bench) id(t testing.TB, sql string, args ...any) string {
	t.Helper()
	found := b.Query(t, sql, args...)
	if len(found) != 1 {
		t.Fatalf("%s found %v", sql, found)
	}
	return found[0]
}

// rejected makes a reply that the provider would not take.
func (b *bench) rejected(t testing.TB, of *store.Tenant, reason string) (id string) {
	t.Helper()
	rec := b.Receive(t, of, customer, "hello", fmt.Sprintf("in-%d-%s", of.Scope().ID(), reason))
	id = fmt.Sprint(rec.ReplyID)
	b.Exec(t, `update replies set state = 'rejected', reason = $2, settled_at = now(), attempts = 3 where id = $1`, rec.ReplyID, reason)
	return id
}

// letters are the kinds, reasons and what may be done of a list of dead letters.
func (b *bench) letters(t testing.TB, token, query string) (all []string) {
	t.Helper()
	for _, item := range b.want(t, http.MethodGet, "/dead-letters?limit=100"+query, token, "")["items"].([]any) {
		l := item.(map[string]any)
		all = append(all, strings.TrimSpace(fmt.Sprintf("%v %v %v %v", l["kind"], l["reason"], l["replayable"], strings.ReplaceAll(fmt.Sprint(l["why_not"]), "<nil>", ""))))
		if l["failed_at"] == nil || l["id"] == nil {
			t.Errorf("a letter without a time or an id: %v", l)
		}
	}
	return all
}

func TestReplay_PressedByManyAtOnceHasOneEffect(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.rejected(t, b.SwimSchool, "40010")
	var done atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			status, answer := b.call(http.MethodPost, "/dead-letters/text/"+id+"/replay", b.swimmer, "")
			if status != http.StatusOK || answer["state"] != "planned" {
				t.Errorf("answered %d %v", status, answer)
			}
			if answer["replayed"] == true {
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if n := len(b.tasks.Tasks()); done.Load() != 1 || n != 1 {
		t.Errorf("%d presses had it done, and %d tasks were put; want one", done.Load(), n)
	}
	if got := b.id(t, `select state || ' ' || attempts || ' ' || (settled_at is null) from replies where id = $1`, id); got != "planned 0 true" {
		t.Errorf("the reply is %s", got)
	}
	if got := b.Query(t, `select action || ' ' || object || ' ' || actor from audit_log where action like 'dead%'`); len(got) != 1 || got[0] != "dead_letters.replay text "+id+" admin@exampleco.test" {
		t.Errorf("the audit log says %q", got)
	}
	b.Exec(t, `update replies set state = 'accepted' where id = $1`, id)
	if status, answer := b.call(http.MethodPost, "/dead-letters/text/"+id+"/replay", b.swimmer, ""); status != http.StatusOK || answer["state"] != "accepted" || answer["replayed"] != false {
		t.Errorf("pressed after it was sent: %d %v", status, answer)
	}
}

func TestReplay_WhatMustNotBeSentIsRefusedAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for sql, why := range map[string]string{
		`update replies set state = 'unknown', sending_at = now() - interval '2 days', settled_at = null, reason = 'answer_lost' where id = $1`:                               "may_have_been_sent",
		`update replies set state = 'undelivered' where id = $1`:                                                                                                              "not_delivered",
		`update replies set state = 'suppressed', reason = 'opted_out' where id = $1`:                                                                                         "",
		`insert into messages (conversation_id, role, content, provider_message_id, occurred_at) select conversation_id, 'staff', 'x', 'y', now() from replies where id = $1`: "answered_since",
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			id := b.rejected(t, b.SwimSchool, "40010")
			b.Exec(t, `update replies set settled_at = settled_at - interval '1 minute' where id = $1`, id)
			b.Exec(t, sql, id)
			before := b.Snapshot(t, 1042)
			status, answer := b.call(http.MethodPost, "/dead-letters/text/"+id+"/replay", b.swimmer, "")
			if detail, _ := answer["detail"].(string); status != http.StatusConflict || len(detail) < 40 {
				t.Errorf("answered %d %v; want 409 that says what to do", status, answer)
			}
			if diff := cmp.Diff(before, b.Snapshot(t, 1042)); diff != "" || len(b.tasks.Tasks()) != 0 {
				t.Errorf("something was done:\n%s", diff)
			}
			want := []string(nil)
			if why != "" {
				want = []string{"text " + map[bool]string{true: "answer_lost", false: "40010"}[why == "may_have_been_sent"] + " false " + why}
			}
			if diff := cmp.Diff(want, b.letters(t, b.swimmer, "")); diff != "" {
				t.Errorf("the list (-want +got):\n%s", diff)
			}
		})
	}
}

// failEverything gives the swim school a dead letter of each kind, and returns their ids.
func (b *bench) failEverything(t testing.TB) map[string]string {
	t.Helper()
	ids := map[string]string{"text": b.rejected(t, b.SwimSchool, "40010")}
	b.Exec(t, `insert into emails (tenant_id, mailbox, gmail_id, thread_id, by_hand, state, outcome, reason, attempts)
		values (1042, 'support@exampleco.test', 'g1', 't1', false, 'failed', 'failed', 'not_fetched', 12)`)
	ids["mail"] = b.id(t, `select id::text from emails where gmail_id = 'g1'`)
	b.Exec(t, `insert into emails (tenant_id, mailbox, gmail_id, thread_id, by_hand, state, outcome, sender) values (1042, 'support@exampleco.test', 'g2', 't2', false, 'done', 'answer', 'a@customer.test')`)
	b.Exec(t, `insert into conversations (tenant_id, channel, mailbox, thread_id, email) values (1042, 'email', 'support@exampleco.test', 't2', 'a@customer.test')`)
	b.Exec(t, `insert into replies (tenant_id, conversation_id, kind, state, act_at, reason, settled_at, channel, email_id)
		select 1042, c.id, 'answer', 'rejected', now(), 'bad_request', now(), 'email', e.id from conversations c, emails e where c.thread_id = 't2' and e.gmail_id = 'g2'`)
	ids["mail_reply"] = b.id(t, `select id::text from replies where channel = 'email'`)
	b.Exec(t, `insert into calls (tenant_id, channel, started_at, status, finished_at, finish_attempts) values (1042, 'phone_call', now(), 'ended', now(), 13)`)
	ids["call"] = b.id(t, `select id::text from calls`)
	b.Exec(t, `insert into call_summaries (tenant_id, call_id, outcome, from_transcript, failed) values (1042, $1, 'incomplete', false, 'no_summary')`, ids["call"])
	b.Exec(t, `insert into bookings (tenant_id, starts_at, ends_at, held, state, reason, act_at, customer_number, customer_name, topic, language)
		values (1042, now(), now() + interval '1 hour', tstzrange(now(), now() + interval '1 hour'), 'released', 'gave_up', now(), $1, 'Maria', 'Trial', 'en')`, customer.E164())
	ids["booking"] = b.id(t, `select id::text from bookings`)
	return ids
}

func TestDeadLetters_ListEveryKindNewestFirstAndReplayEach(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.failEverything(t)
	b.rejected(t, b.Dentist, "40001")
	want := map[string]bool{"text 40010 true": true, "mail_reply bad_request true": true, "mail not_fetched true": true, "call no_summary true": true, "booking gave_up false customer_was_told": true}
	for _, l := range b.letters(t, b.swimmer, "") {
		if !want[l] {
			t.Errorf("the list holds %q", l)
		}
		delete(want, l)
	}
	if len(want) != 0 {
		t.Errorf("not listed: %v", want)
	}
	if got := b.letters(t, b.swimmer, "&kind=mail"); len(got) != 1 || got[0] != "mail not_fetched true" {
		t.Errorf("the mails alone are %q", got)
	}
	for kind, state := range map[string]string{"text": "planned", "mail_reply": "planned", "mail": "noticed", "call": "noticed"} {
		for _, replayed := range []bool{true, false} {
			got := b.want(t, http.MethodPost, "/dead-letters/"+kind+"/"+ids[kind]+"/replay", b.swimmer, "")
			if got["state"] != state || got["replayed"] != replayed {
				t.Errorf("%s: %v", kind, got)
			}
		}
	}
	if status, answer := b.call(http.MethodPost, "/dead-letters/booking/"+ids["booking"]+"/replay", b.swimmer, ""); status != http.StatusConflict {
		t.Errorf("a booking: %d %v", status, answer)
	}
	if got := b.letters(t, b.swimmer, ""); len(got) != 1 || len(b.tasks.Tasks()) != 4 {
		t.Errorf("left: %q, and %d tasks", got, len(b.tasks.Tasks()))
	}
	if got := b.id(t, `select (finish_at <= now()) || ' ' || finish_attempts from calls`); got != "true 0" {
		t.Errorf("the call is due and tried: %s", got)
	}
}

func TestDeadLetters_PagesHoldEachOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.failEverything(t)
	seen := map[string]int{}
	path := "/dead-letters?limit=2"
	for range 4 {
		page := b.want(t, http.MethodGet, path, b.swimmer, "")
		for _, item := range page["items"].([]any) {
			l := item.(map[string]any)
			seen[fmt.Sprint(l["kind"], l["id"])]++
		}
		next, more := page["next_cursor"].(string)
		if !more {
			break
		}
		path = "/dead-letters?limit=2&cursor=" + next
	}
	if len(seen) != 5 {
		t.Errorf("the pages hold %v; want five letters, each once", seen)
	}
}

func TestDeadLetters_AreATenantsOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.failEverything(t)
	before := b.Snapshot(t, 1042)
	for kind, id := range ids {
		foreign, theirs := b.call(http.MethodPost, "/dead-letters/"+kind+"/"+id+"/replay", b.dentist, "")
		missing, nobodys := b.call(http.MethodPost, "/dead-letters/"+kind+"/999999/replay", b.dentist, "")
		if foreign != http.StatusNotFound || missing != http.StatusNotFound || !cmp.Equal(theirs, nobodys) {
			t.Errorf("%s: another tenant's was answered %d %v, a missing one %d %v", kind, foreign, theirs, missing, nobodys)
		}
	}
	if got := b.letters(t, b.dentist, ""); len(got) != 0 || !cmp.Equal(before, b.Snapshot(t, 1042)) {
		t.Errorf("another tenant sees %q, or changed something", got)
	}
	for _, path := range []string{"/dead-letters", "/admin/dead-letters"} {
		if status, _ := b.call(http.MethodGet, path, b.desk, ""); status != http.StatusForbidden {
			t.Errorf("%s was answered %d to somebody who is no admin", path, status)
		}
	}
	if status, _ := b.call(http.MethodGet, "/admin/dead-letters", b.swimmer, ""); status != http.StatusForbidden {
		t.Errorf("the counts of all tenants were answered %d to one tenant's admin", status)
	}
	var counts []string
	for _, item := range b.want(t, http.MethodGet, "/admin/dead-letters", b.operator, "")["items"].([]any) {
		c := item.(map[string]any)
		counts = append(counts, fmt.Sprintf("%v %v %v %v", c["tenant_id"], c["kind"], c["reason"], c["letters"]))
	}
	want := []string{"1042 booking gave_up 1", "1042 call no_summary 1", "1042 mail not_fetched 1", "1042 mail_reply bad_request 1", "1042 text 40010 1"}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("the counts (-want +got):\n%s", diff)
	}
}
