package store_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// crowd fills a database, so that Postgres has a reason to choose: tenants 1 to 900, conversations and messages of each, and
// many of tenant 1042's.
const crowd = `
insert into tenants (id, name, subdomain) select g, 'T' || g, 't' || g from generate_series(1, 900) g;
insert into tenant_sms_configs (tenant_id, telnyx_phone_number, is_enabled) select g, '+1555' || (1000000 + g), true from generate_series(1, 900) g;
insert into tenant_sms_configs (tenant_id) select id from tenants on conflict do nothing;
insert into opt_outs (tenant_id, phone_number, source, opted_out_at) select t, '+1555' || (5000000 + g), 'message', now() from generate_series(1, 200) t, generate_series(1, 10) g;
insert into prompt_bundles (tenant_id, name, version, status) select t, 'B', v, case v when 3 then 'PRODUCTION' else 'draft' end from generate_series(1, 900) t, generate_series(1, 3) v;
insert into prompt_sections (bundle_id, section_key, content) select b.id, 'k' || g, 'words' from prompt_bundles b, generate_series(1, 5) g where b.name = 'B';
insert into tenant_business_profiles (tenant_id) select id from tenants on conflict do nothing;
insert into conversations (tenant_id, channel, phone_number, last_message_at)
select case when g % 4 = 0 then 1042 else 1 + g % 900 end, 'sms', '+1555' || (3000000 + g), now() - g * interval '1 minute' from generate_series(1, 4000) g;
insert into messages (conversation_id, role, content, provider_message_id, occurred_at)
select c.id, 'user', repeat('words ', 20), 'old' || g, now() - g * interval '1 hour' from conversations c, generate_series(1, 10) g;
insert into replies (tenant_id, conversation_id, kind, state, body, act_at, sending_at, accepted_at, provider_message_id)
select c.tenant_id, c.id, 'answer', 'delivered', 'words', now(), now(), now(), 'sent' || c.id || '-' || g from conversations c, generate_series(1, 5) g;
analyze`

// backlog is what is open for other tenants when the workers have been away for an hour: plans that were kept while nothing was
// open must serve then too.
const backlog = `
insert into replies (tenant_id, conversation_id, kind, state, body, act_at, sending_at)
select c.tenant_id, c.id, 'answer', s.state, 'words', now() - interval '1 hour', case s.state when 'planned' then null else now() end
  from conversations c, (values ('planned'), ('claimed'), ('unknown')) s (state) where c.tenant_id <> 1042`

// wasteful is what a plan shows when it reads rows that it does not return. One row is let pass: that of a guard which does not
// hold, such as the tenant's one configuration.
var wasteful = regexp.MustCompile(`hashed SubPlan|Rows Removed by (?:Join )?Filter: (?:[2-9]|\d\d)|Seq Scan on (?:conversations|messages|replies|opt_outs|tenants|tenant_sms_configs|tenant_phone_numbers)`)

func TestPlans_NoStatementOfTheHotPathReadsMoreThanItReturns(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.SetWait(t, db.SwimSchool, 0)
	db.Exec(t, crowd)
	s, plans, err := storetest.Explained(t.Context(), db.Owner, storetest.FieldKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	school := s.For(tenant.ByCommand(1042))
	steps := hotPath(t, s, school, db.SwimSchoolPhone)
	for round := range 9 { // after five, Postgres settles on one plan for a function's statements
		if round == 7 {
			db.Exec(t, backlog)
		}
		for name, step := range steps(round) {
			plans.Take()
			if err := step(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all := plans.Take()
			if len(all) == 0 {
				t.Fatalf("%s showed no plan", name)
			}
			for _, p := range all {
				if found := wasteful.FindString(p.Text); found != "" {
					t.Errorf("%s, round %d: %s in\n%s\n%s", name, round, found, p.SQL, p.Text)
				}
			}
		}
	}
}

// hotPath is what happens for one text, from routing to the delivery report, and what a person reads of it.
func hotPath(t *testing.T, s *store.Store, of *store.Tenant, number private.Phone) func(round int) func(yield func(string, func() error) bool) {
	ctx := t.Context()
	return func(round int) func(yield func(string, func() error) bool) {
		customer := private.MustPhone(fmt.Sprintf("+1555%07d", 3_000_004+4*round))
		sent := fmt.Sprintf("out-%d", round)
		var rec store.Recorded
		var r *store.Reply
		return func(yield func(string, func() error) bool) {
			_ = yield("SMSRoute", func() error { _, err := s.SMSRoute(ctx, number); return err }) &&
				yield("RecordInbound", func() (err error) {
					rec, err = of.RecordInbound(ctx, text(customer, number, "hello", fmt.Sprintf("in-%d", round)))
					return err
				}) &&
				yield("ClaimReply", func() (err error) {
					r, _, err = of.ClaimReply(ctx, prompt.SMS, rec.ReplyID, time.Minute, 40)
					if err == nil && r == nil {
						err = fmt.Errorf("not claimed")
					}
					return err
				}) &&
				yield("Prompt", func() error { _, err := of.Prompt(ctx, prompt.SMS); return err }) &&
				yield("BeginSend", func() error {
					return of.BeginSend(ctx, r, store.Composed{Text: private.NewText("answer")}, time.Minute)
				}) &&
				yield("AcceptReply", func() error { return of.AcceptReply(ctx, r.ID, sent) }) &&
				yield("NextReply", func() error { _, err := of.NextReply(ctx, prompt.SMS, 40); return err }) &&
				yield("RecordDelivery", func() error {
					_, _, err := of.RecordDelivery(ctx, store.DeliveryReport{ProviderMessageID: sent, To: customer, State: store.Delivered})
					return err
				}) &&
				yield("Conversations", func() error {
					_, err := of.Conversations(ctx, store.ConversationFilter{}, store.Place{}, 50)
					return err
				}) &&
				yield("Messages", func() error { _, err := of.Messages(ctx, r.ConversationID, store.Place{}, 50); return err })
		}
	}
}

func TestPlans_TheCheckFindsWaste(t *testing.T) {
	t.Parallel()
	for _, waste := range []string{"Filter: (hashed SubPlan 2)", "Seq Scan on messages m  (cost=", "  Rows Removed by Filter: 12", "Rows Removed by Join Filter: 3"} {
		if !wasteful.MatchString(waste) {
			t.Errorf("%q passes", waste)
		}
	}
	if fine := "Index Scan using messages_in_order on messages"; wasteful.MatchString(fine) {
		t.Errorf("%q is refused", fine)
	}
}
