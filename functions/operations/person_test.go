package operations_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

const (
	theirEmail = "maria@customer.test"
	theirWords = "chartreuse" // in everything that they said
)

// life gives the swim school everything that it can hold of a customer, and as much of another one, and the dentist some of both.
func (b *bench) life(t testing.TB) {
	t.Helper()
	b.SetWait(t, b.SwimSchool, 0)
	for i, who := range []struct{ number, email, name, words string }{
		{"+15555550101", theirEmail, "Maria Invented", theirWords}, {"+15555550109", "other@customer.test", "Otto Other", "vermilion"},
	} {
		phone := private.MustPhone(who.number)
		for _, of := range []*store.Tenant{b.SwimSchool, b.Dentist} {
			b.Receive(t, of, phone, "I like "+who.words, fmt.Sprintf("in-%d-%d", of.Scope().ID(), i))
		}
		with := strings.NewReplacer("$1", "'"+who.number+"'", "$2", "'"+who.email+"'", "$3", "'"+who.name+"'", "$4", "'"+who.words+"'", "$5", fmt.Sprintf("'%d'", i))
		for _, sql := range []string{
			`insert into contacts (tenant_id, name, email, phone_number) values (1042, $3, $2, $1)`,
			`insert into messages (conversation_id, role, content, provider_message_id, occurred_at)
			 select id, 'assistant', 'You like ' || $4, 'out-' || $5, now() from conversations where tenant_id = 1042 and phone_number = $1`,
			`insert into conversations (tenant_id, channel, mailbox, thread_id, email, subject) values (1042, 'email', 'support@exampleco.test', 't' || $5, $2, $4)`,
			`insert into messages (conversation_id, role, content, provider_message_id, occurred_at)
			 select id, 'user', 'Mail of ' || $4, 'g' || $5, now() from conversations where thread_id = 't' || $5`,
			`insert into emails (tenant_id, mailbox, gmail_id, thread_id, by_hand, state, outcome, conversation_id, subject, sender, reply_to, message_id, message_refs)
			 select 1042, 'support@exampleco.test', 'g' || $5, 't' || $5, false, 'done', 'answer', id, $4, $2, $2, '<' || $4 || '@customer.test>', array['<' || $4 || '@customer.test>']
			   from conversations where thread_id = 't' || $5`,
			`insert into replies (tenant_id, conversation_id, kind, state, act_at, body, channel, email_id)
			 select 1042, e.conversation_id, 'answer', 'planned', now() + interval '1 hour', 'You like ' || $4, 'email', e.id from emails e where e.gmail_id = 'g' || $5`,
			`insert into calls (tenant_id, channel, customer_number, control_id, status, started_at, ended_at, duration_seconds, recording_id, finished_at)
			 values (1042, 'phone_call', $1, 'v3:' || $5, 'ended', now(), now(), 60, 'rec-' || $4, now())`,
			`insert into call_names (tenant_id, name, call_id) select 1042, 'control:v3:' || $5, id from calls where control_id = 'v3:' || $5`,
			`insert into leads (tenant_id, name, email, phone_number, source, notes, details, contact_id)
			 select 1042, $3, $2, $1, 'voice', 'Likes ' || $4, jsonb_build_object('colour', $4::text), c.id from contacts c where c.tenant_id = 1042 and c.phone_number = $1`,
			`insert into call_summaries (tenant_id, call_id, summary, outcome, from_transcript, customer_name, customer_email, transcript, lead_id)
			 select 1042, c.id, 'Likes ' || $4, 'incomplete', true, $3, $2, jsonb_build_array(jsonb_build_object('role', 'user', 'text', $4::text)), l.id
			   from calls c, leads l where c.control_id = 'v3:' || $5 and l.phone_number = $1`,
			`insert into call_insights (tenant_id, call_id, insight_id, result) select 1042, id, 'i' || $5, $3 || ' likes ' || $4 from calls where control_id = 'v3:' || $5`,
			`insert into bookings (tenant_id, starts_at, ends_at, held, state, act_at, customer_number, customer_name, customer_email, topic, language)
			 select 1042, s, s + interval '1 hour', tstzrange(s, s + interval '1 hour'), 'confirmed', now(), $1, $3, $2, $4, 'en' from (select now() + ($5 || ' days')::interval as s) x`,
			`insert into conversations (tenant_id, channel, phone_number) values (1042, 'sms', '+15555550177') on conflict do nothing`,
			`insert into replies (tenant_id, conversation_id, kind, state, act_at, body, idempotency_key, provider_message_id)
			 select 1042, v.id, 'notice', 'accepted', now(), 'Call with ' || $1 || '. ' || $3 || ' likes ' || $4, 'call-notice:' || c.id, 'notice-' || $5
			   from conversations v, calls c where v.phone_number = '+15555550177' and c.control_id = 'v3:' || $5`,
			`insert into messages (conversation_id, role, content, provider_message_id, occurred_at)
			 select conversation_id, 'assistant', body, provider_message_id, now() from replies where provider_message_id = 'notice-' || $5`,
			`insert into opt_outs (tenant_id, phone_number, source, opted_out_at, opted_in_at) values (1042, $1, 'message', now(), now())`,
		} {
			b.Exec(t, with.Replace(sql))
		}
	}
}

// holding are the columns in which something stands, of any table but those of opt-outs.
func (b *bench) holding(t testing.TB, what ...string) (found []string) {
	t.Helper()
	for _, column := range b.Query(t, `select table_name || ' ' || column_name from information_schema.columns c join information_schema.tables using (table_schema, table_name)
		where table_schema = 'public' and table_type = 'BASE TABLE' and table_name not in ('opt_outs', 'mail_opt_outs') and table_name not like 'goose%' and data_type <> 'bytea' order by 1`) {
		table, name, _ := strings.Cut(column, " ")
		for _, w := range what {
			if b.Query(t, fmt.Sprintf(`select count(*)::text from %s where lower(%s::text) like '%%' || lower($1) || '%%'`, pgx.Identifier{table}.Sanitize(), pgx.Identifier{name}.Sanitize()), w)[0] != "0" {
				found = append(found, table+"."+name+": "+w)
			}
		}
	}
	return found
}

func TestErase_NothingOfThePersonIsLeftAndEverythingOfOthersIs(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"by number": `{"phone_number":"+15555550101"}`, "by address": `{"email":"Maria@Customer.test"}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.life(t)
			theirs := []string{"5555550101", theirEmail, "Maria", theirWords}
			if n := len(b.holding(t, theirs...)); n < 20 {
				t.Fatalf("only %d columns hold something of the person: the test proves little", n)
			}
			dentists, others := b.Snapshot(t, 2048), ofOthers(b.Snapshot(t, 1042))
			got := b.want(t, http.MethodPost, "/people/erase", b.swimmer, body)
			erased := got["erased"].(map[string]any)
			for table, n := range map[string]float64{"contacts": 1, "conversations": 2, "messages": 4, "emails": 1, "calls": 1, "call_summaries": 1, "call_insights": 1, "leads": 1, "bookings": 1} {
				if erased[table] != n {
					t.Errorf("the receipt counts %v %s; want %v", erased[table], table, n)
				}
			}
			if kept := fmt.Sprint(got["kept"]); !strings.Contains(kept, "opt_outs") || !strings.Contains(kept, "Gmail") {
				t.Errorf("the receipt does not say what stays: %v", kept)
			}
			if held := b.heldBy(t, 1042, theirs...); len(held) != 0 {
				t.Errorf("left of the person: %q", held)
			}
			if diff := cmp.Diff(dentists, b.Snapshot(t, 2048)); diff != "" {
				t.Errorf("the other tenant's rows changed:\n%s", diff)
			}
			if diff := cmp.Diff(others, ofOthers(b.Snapshot(t, 1042))); diff != "" {
				t.Errorf("another person's rows changed (-before +after):\n%s", diff)
			}
			if n := b.Query(t, `select count(*)::text from opt_outs where tenant_id = 1042`)[0]; n != "2" {
				t.Errorf("%s opt-outs; want both kept", n)
			}
			if got := b.Query(t, `select action || ' ' || actor from audit_log where action like 'people%' or action like '%delete'`); len(got) != 1 || got[0] != "people.erase admin@exampleco.test" {
				t.Errorf("the audit log says %q", got)
			}
			again := b.want(t, http.MethodPost, "/people/erase", b.swimmer, body)
			for table, n := range again["erased"].(map[string]any) {
				if n != 0.0 {
					t.Errorf("the second time %v %s were erased", n, table)
				}
			}
			if list := b.want(t, http.MethodGet, "/people/erasures?limit=1", b.swimmer, ""); len(list["items"].([]any)) != 1 || list["next_cursor"] == nil {
				t.Errorf("the receipts are %v", list)
			}
		})
	}
}

// ofOthers are the rows that are about the other customer.
func ofOthers(snapshot []string) []string {
	return slices.DeleteFunc(snapshot, func(row string) bool {
		return !strings.Contains(row, "vermilion") && !strings.Contains(row, "5555550109") && !strings.Contains(row, "other@customer.test")
	})
}

// heldBy are the rows of a tenant that hold something, opt-outs excepted.
func (b *bench) heldBy(t testing.TB, tenant int64, what ...string) (rows []string) {
	t.Helper()
	for _, row := range b.Snapshot(t, tenant) {
		for _, w := range what {
			if strings.Contains(strings.ToLower(row), strings.ToLower(w)) && !strings.HasPrefix(row, "opt_outs ") && !strings.HasPrefix(row, "mail_opt_outs ") {
				rows = append(rows, row)
				break
			}
		}
	}
	return rows
}

func TestExport_IsEverythingOfThePersonAndNothingOfAnybodyElse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.life(t)
	got := b.want(t, http.MethodPost, "/people/export", b.swimmer, `{"phone_number":"+15555550101"}`)
	for table, n := range map[string]int{
		"contacts": 1, "conversations": 2, "messages": 3, "replies": 3, "emails": 1, "calls": 1, "call_summaries": 1, "call_insights": 1, "leads": 1, "bookings": 1, "opt_outs": 1, "mail_opt_outs": 1,
	} {
		if rows, _ := got[table].([]any); len(rows) != n {
			t.Errorf("%s: %v; want %d rows", table, got[table], n)
		}
	}
	if whole := fmt.Sprint(got); strings.Contains(whole, "vermilion") || strings.Contains(whole, "5555550109") || strings.Contains(whole, "token") {
		t.Errorf("the export holds what is another's, or no business of theirs: %s", whole)
	}
	if got := b.want(t, http.MethodPost, "/people/export", b.dentist, `{"email":"maria@customer.test"}`); fmt.Sprint(got["messages"]) != "[]" {
		t.Errorf("the dentist, who knows the number alone, is shown by address %v", got["messages"])
	}
	for _, wrong := range []string{`{}`, `{"phone_number":"555"}`, `{"email":"nobody"}`} {
		if status, answer := b.call(http.MethodPost, "/people/export", b.swimmer, wrong); status != http.StatusBadRequest && status != http.StatusUnprocessableEntity {
			t.Errorf("%s was answered %d %v", wrong, status, answer)
		}
	}
	for _, path := range []string{"/people/export", "/people/erase"} {
		if status, _ := b.call(http.MethodPost, path, b.desk, `{"email":"maria@customer.test"}`); status != http.StatusForbidden {
			t.Errorf("%s was answered %d to somebody who is no admin", path, status)
		}
	}
}

func TestErase_WhatItsProviderDeliversAgainDoesNotComeBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.life(t)
	b.want(t, http.MethodPost, "/people/erase", b.swimmer, `{"phone_number":"+15555550101"}`)
	before := b.Snapshot(t, 1042)
	rec := b.Receive(t, b.SwimSchool, private.MustPhone("+15555550101"), "I like "+theirWords, "in-1042-0")
	if rec.ReplyID != 0 || !rec.Duplicate {
		t.Errorf("the text again came to %+v", rec)
	}
	if err := b.SwimSchool.NoticeMails(t.Context(), "support@exampleco.test", []store.Listed{{ID: "g0", ThreadID: "t0"}}); err != nil {
		t.Fatal(err)
	}
	b.Exec(t, `update calls set customer_number = '+15555550101', finish_at = now() where control_id = 'v3:0'`)
	b.Exec(t, `insert into call_insights (tenant_id, call_id, insight_id, result) select 1042, id, 'again', 'Maria likes chartreuse' from calls where control_id = 'v3:0'`)
	if diff := cmp.Diff(before, b.Snapshot(t, 1042)); diff != "" {
		t.Errorf("something came back (-erased +now):\n%s", diff)
	}
	if rec := b.Receive(t, b.SwimSchool, private.MustPhone("+15555550101"), "hello again", "in-new"); rec.ReplyID == 0 {
		t.Errorf("who writes anew is not answered: %+v", rec)
	}
}

func TestErase_LeavesWhatIsAnotherPersonsToo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.life(t)
	// The forms of the website are one thread, and Otto's wife has his address.
	b.Exec(t, `insert into conversations (tenant_id, channel, mailbox, thread_id, email) values (1042, 'email', 'support@exampleco.test', 'forms', 'maria@customer.test')`)
	for i, who := range []string{"Maria maria@customer.test (555) 555-0101", "Otto other@customer.test vermilion"} {
		b.Exec(t, `insert into messages (conversation_id, role, content, provider_message_id, occurred_at) select id, 'user', $1, $2, now() from conversations where thread_id = 'forms'`, who, fmt.Sprint("form-", i))
	}
	b.Exec(t, `update leads set conversation_id = (select id from conversations where thread_id = 'forms')`)
	b.Exec(t, `insert into contacts (tenant_id, name, email, phone_number) values (1042, 'Ottilie vermilion', 'other@customer.test', '+15555550108')`)
	others := ofOthers(b.Snapshot(t, 1042))
	b.want(t, http.MethodPost, "/people/erase", b.swimmer, `{"phone_number":"+15555550101"}`)
	if diff := cmp.Diff(others, ofOthers(b.Snapshot(t, 1042))); diff != "" {
		t.Errorf("another person's rows changed (-before +after):\n%s", diff)
	}
	if held := b.heldBy(t, 1042, theirEmail, "Maria", "5550101", "555-0101"); len(held) != 0 {
		t.Errorf("left of the person: %q", held)
	}
	if status, answer := b.call(http.MethodPost, "/people/erase", b.swimmer, `{"email":"other@customer.test"}`); status != http.StatusConflict {
		t.Errorf("an address that two have was answered %d %v", status, answer)
	}
	b.want(t, http.MethodPost, "/people/erase", b.swimmer, `{"phone_number":"+15555550108"}`)
	if n := b.Query(t, `select count(*)::text from leads where email = 'other@customer.test'`)[0]; n != "1" {
		t.Errorf("the other's lead went with his wife")
	}
}

func TestErase_WaitsForACallThatGoesOnAndAMeetingThatIsBooked(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"call":    `update calls set status = 'in_progress', updated_at = now() where control_id = 'v3:0'`,
		"meeting": `update bookings set state = 'inserting' where customer_number = '+15555550101'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.life(t)
			b.Exec(t, sql)
			before := b.Snapshot(t, 1042)
			status, answer := b.call(http.MethodPost, "/people/erase", b.swimmer, `{"phone_number":"+15555550101"}`)
			if detail, _ := answer["detail"].(string); status != http.StatusConflict || !strings.Contains(detail, name) {
				t.Errorf("answered %d %v", status, answer)
			}
			if diff := cmp.Diff(before, b.Snapshot(t, 1042)); diff != "" {
				t.Errorf("something was erased:\n%s", diff)
			}
		})
	}
}

// personal is what becomes of the columns that hold words or documents when a person is erased. Every such column of tenants' tables is here once.
var personal = map[string]string{
	"erased with its row": `bookings.customer_email bookings.customer_name bookings.customer_number bookings.topic bookings.language bookings.state bookings.reason bookings.event_id bookings.control_id
		call_insights.insight_id call_insights.name call_insights.result call_summaries.customer_email call_summaries.customer_name call_summaries.intent call_summaries.language
		call_summaries.outcome call_summaries.summary call_summaries.transcript contacts.email contacts.name contacts.phone_number
		conversations.channel conversations.email conversations.handled_by conversations.mailbox conversations.needs_attention_reason conversations.phone_number conversations.subject conversations.thread_id
		leads.details leads.email leads.name leads.name_key leads.notes leads.phone_number leads.source leads.status
		messages.content messages.provider_message_id messages.role replies.body replies.channel replies.idempotency_key replies.kind replies.provider_message_id replies.reason replies.recipe replies.state`,
	"emptied, with the row": `calls.customer_number calls.recording_id emails.message_id emails.message_refs emails.reply_to emails.sender emails.subject`,
	"stays, of the provider's: names a row there and nobody": `calls.assistant_id calls.channel calls.control_id calls.conversation_id calls.direction calls.failed_reason calls.hangup_cause calls.our_number calls.status
		call_names.name emails.gmail_id emails.mailbox emails.outcome emails.reason emails.state emails.thread_id erased_texts.provider_message_id`,
	"stays, so that nobody is written to who has opted out": `mail_opt_outs.email mail_opt_outs.source opt_outs.phone_number opt_outs.source`,
	"the tenant's own": `audit_log.action audit_log.actor audit_log.address audit_log.fields audit_log.object erasures.actor erasures.erased erasures.kept model_calls.model model_calls.purpose
		prompt_bundles.channel prompt_bundles.name prompt_bundles.status prompt_sections.content prompt_sections.section_key tenants.name tenants.subdomain
		tenant_phone_numbers.phone_number users.email users.password_hash users.role`,
}

func TestPeople_EveryColumnThatCanHoldWordsIsClassified(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var classified []string
	for _, columns := range personal {
		classified = append(classified, strings.Fields(columns)...)
	}
	slices.Sort(classified)
	there := b.Query(t, `select table_name || '.' || column_name from information_schema.columns join information_schema.tables using (table_schema, table_name)
		where table_schema = 'public' and table_type = 'BASE TABLE' and table_name not like 'goose%' and table_name not like 'tenant\_%\_configs' and table_name <> 'tenant_business_profiles'
		  and data_type in ('text', 'jsonb', 'ARRAY', 'json', 'character varying', 'bytea', 'USER-DEFINED') order by 1`)
	slices.Sort(there)
	if diff := cmp.Diff(there, classified); diff != "" {
		t.Errorf("say of these columns what becomes of them when a person is erased (-database +classified):\n%s", diff)
	}
}

func TestRetention_ErasesWhatIsOldAndNothingThatIsInWork(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.life(t)
	if got := b.want(t, http.MethodGet, "/retention", b.swimmer, ""); got["conversations_days"] != nil || got["calls_days"] != nil || got["leads_days"] != nil {
		t.Errorf("by default it is kept for %v", got)
	}
	erase := func() {
		t.Helper()
		for range 10 {
			if _, more, err := b.SwimSchool.EraseOld(t.Context(), 2); err != nil {
				t.Fatal(err)
			} else if !more {
				return
			}
		}
		t.Fatal("it does not come to an end")
	}
	b.Exec(t, `delete from replies where state = 'planned'`)
	b.Exec(t, `update bookings set starts_at = starts_at - interval '400 days', ends_at = ends_at - interval '400 days', held = tstzrange(starts_at - interval '400 days', ends_at - interval '400 days')`)
	for table, column := range map[string]string{"conversations": "last_message_at", "calls": "started_at", "leads": "updated_at", "contacts": "updated_at"} {
		b.Exec(t, `update `+table+` set `+column+` = now() - interval '400 days' where tenant_id = 1042`)
	}
	b.Exec(t, `update messages set occurred_at = now() - interval '400 days'`)
	before := b.Snapshot(t, 1042)
	erase()
	if diff := cmp.Diff(before, b.Snapshot(t, 1042)); diff != "" {
		t.Errorf("a tenant that keeps everything lost something:\n%s", diff)
	}
	b.want(t, http.MethodPut, "/retention", b.swimmer, `{"conversations_days":365,"calls_days":365,"leads_days":null}`)
	b.Exec(t, `insert into emails (tenant_id, mailbox, gmail_id, thread_id, by_hand, state, outcome, conversation_id, noticed_at)
		select 1042, 'support@exampleco.test', 'more-' || n, 't0', false, 'done', 'answer', (select id from conversations where thread_id = 't0'), now() - interval '400 days' from generate_series(1, 7) n`)
	b.Exec(t, `insert into emails (tenant_id, mailbox, gmail_id, thread_id, by_hand, state, outcome, noticed_at)
		select 1042, 'support@exampleco.test', 'ignored-' || n, 't9', false, 'done', 'ignored', now() - interval '400 days' from generate_series(1, 7) n`)
	b.Exec(t, `update conversations set last_message_at = now() where phone_number = '+15555550109'`)
	b.Exec(t, `insert into replies (tenant_id, conversation_id, kind, state, act_at) select 1042, id, 'answer', 'unknown', now() from conversations where thread_id = 't1'`)
	erase()
	got := b.Query(t, `select 'conversation ' || coalesce(phone_number, email) from conversations where tenant_id = 1042
		union all select 'call ' || coalesce(customer_number, 'of nobody') || ' ' || control_id from calls where tenant_id = 1042 union all select 'lead ' || name from leads order by 1`)
	want := []string{"call of nobody v3:0", "call of nobody v3:1", "conversation +15555550109", "conversation other@customer.test", "lead Maria Invented", "lead Otto Other"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	b.want(t, http.MethodPut, "/retention", b.swimmer, `{"conversations_days":365,"calls_days":365,"leads_days":365}`)
	erase()
	if n := b.Query(t, `select count(*)::text from emails where reason is distinct from 'erased' and noticed_at < now() - interval '365 days'`)[0]; n != "0" {
		t.Errorf("%s old mails are left", n)
	}
	if n := b.Query(t, `select count(*)::text from leads`)[0]; n != "0" {
		t.Errorf("%s leads are left", n)
	}
	if held := b.heldBy(t, 1042, theirEmail, theirWords); len(held) != 0 {
		t.Errorf("left of who has not been there for a year: %q", held)
	}
	if status, _ := b.call(http.MethodPut, "/retention", b.swimmer, `{"conversations_days":7,"calls_days":null,"leads_days":null}`); status != http.StatusUnprocessableEntity {
		t.Errorf("a week was answered %d", status)
	}
}
