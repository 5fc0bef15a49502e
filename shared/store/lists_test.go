package store_test

import (
	"regexp"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// crowdOfLeads is many leads of many tenants, people of each, and a few conversations that staff should look at.
const crowdOfLeads = crowd + `;
insert into leads (tenant_id, name, email, phone_number, status, source, created_at)
select case when g % 4 = 0 then 1042 else 1 + g % 900 end, 'Name ' || g, 'lead' || g || '@exampleco.test', '+1555' || (3000000 + g),
       case when g % 100 = 0 then 'verified' else 'new' end, case when g % 200 = 0 then 'voice' else 'sms' end, now() - g * interval '1 minute'
  from generate_series(1, 20000) g;
insert into users (tenant_id, email, password_hash, role) select t, 'p' || g || '@t' || t || '.test', 'x', 'user' from generate_series(1, 900) t, generate_series(1, 10) g;
insert into users (tenant_id, email, password_hash, role) select 1042, 'p' || g || '@exampleco.test', 'x', 'user' from generate_series(1, 300) g;
insert into audit_log (tenant_id, actor, action) select case when g % 4 = 0 then 1042 else 1 + g % 900 end, 'a', 'log_in' from generate_series(1, 5000) g;
update conversations set handled_by = 'human' where id % 100 = 0;
update conversations set needs_attention_reason = 'model_failed', needs_attention_at = now() where id % 100 = 0;
analyze`

// wastefulHere is a whole table read, of those that the hot path does not touch.
var wastefulHere = regexp.MustCompile(`Seq Scan on (?:leads|users|audit_log)`)

// TestPlans_AListReadsNoMoreThanItReturns: each filter alone has an index that serves it under row level security.
func TestPlans_AListReadsNoMoreThanItReturns(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.Exec(t, crowdOfLeads)
	s, plans, err := storetest.Explained(t.Context(), db.Owner, storetest.FieldKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	school, ctx := s.For(tenant.ByCommand(1042)), t.Context()
	leads := func(f store.LeadFilter) func() (int, error) {
		return func() (int, error) { found, err := school.Leads(ctx, f, store.Place{}, 51); return len(found), err }
	}
	conversations := func(f store.ConversationFilter) func() (int, error) {
		return func() (int, error) {
			found, err := school.Conversations(ctx, f, store.Place{}, 51)
			return len(found), err
		}
	}
	for name, list := range map[string]struct {
		read func() (int, error)
		want int
	}{
		"leads":                   {leads(store.LeadFilter{}), 51},
		"leads by status":         {leads(store.LeadFilter{Status: "verified"}), 51},
		"leads by source":         {leads(store.LeadFilter{Source: "voice"}), 51},
		"leads by e-mail":         {leads(store.LeadFilter{Email: "LEAD4000@exampleco.test"}), 1},
		"leads by phone":          {leads(store.LeadFilter{Phone: private.MustPhone("+15553004000")}), 1},
		"leads by name":           {leads(store.LeadFilter{NamePrefix: "name 1234"}), 3},
		"conversations":           {conversations(store.ConversationFilter{}), 51},
		"conversations to see to": {conversations(store.ConversationFilter{NeedsAttention: true}), 10},
		"conversations by people": {conversations(store.ConversationFilter{HandledBy: "human"}), 10},
		"conversations by mail":   {conversations(store.ConversationFilter{Channel: "email"}), 0},
		"people":                  {func() (int, error) { found, err := school.People(ctx, 0, 51); return len(found), err }, 51},
		"the audit log":           {func() (int, error) { found, err := school.Audit(ctx, 0, 51); return len(found), err }, 51},
	} {
		plans.Take()
		found, err := list.read()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all := plans.Take()
		if len(all) == 0 || found < list.want {
			t.Errorf("%s: %d rows and %d plans; want %d rows", name, found, len(all), list.want)
		}
		for _, p := range all {
			if what := wasteful.FindString(p.Text); what != "" || wastefulHere.MatchString(p.Text) {
				t.Errorf("%s: %s in\n%s\n%s", name, what, p.SQL, p.Text)
			}
		}
	}
}
