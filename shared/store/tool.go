package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// ToolText is a text that an assistant's tool sends to the customer it talks with.
type ToolText struct {
	To     private.Phone
	Text   private.Text
	Key    string        // what it is about, in hexadecimal or letters: the same for a repetition
	Within time.Duration // for how long a repetition is the same text
}

// Refusal is why a text is not planned.
type Refusal string

// The refusals; "" is none.
const (
	OptedOut   Refusal = "opted_out"
	TextingOff Refusal = "texting_off"
)

// PlanToolText records a text as a reply that is due now, or finds the one that was planned under its key lately; refused says why
// there is none. An opt-out that comes later is refused when sending begins. One round trip.
func (t *Tenant) PlanToolText(ctx context.Context, x ToolText) (p PlannedReply, refused Refusal, err error) {
	err = t.run(ctx, "planning a tool's text", func(b *pgx.Batch) {
		b.Queue(`select refusal, coalesce(reply, 0), coalesce(state, ''), coalesce(due, 'epoch') from plan_tool_text($1, $2, $3, $4, $5)`,
			t.id(), x.To.E164(), x.Text.Reveal(), x.Key, x.Within).
			QueryRow(func(row pgx.Row) error { return row.Scan(&refused, &p.ReplyID, &p.State, &p.ActAt) })
	})
	return p, refused, err
}

// ReplyState tells how a reply stands; "" when it is missing or another tenant's. One round trip.
func (t *Tenant) ReplyState(ctx context.Context, id int64) (state ReplyState, err error) {
	err = t.run(ctx, "looking at a reply", func(b *pgx.Batch) {
		b.Queue(`select coalesce((select state from replies where tenant_id = $1 and id = $2), '')`, t.id(), id).
			QueryRow(func(row pgx.Row) error { return row.Scan(&state) })
	})
	return state, err
}

// CallCustomer is the customer of the tenant's call that has a name; zero for nobody. One round trip.
func (t *Tenant) CallCustomer(ctx context.Context, callName string) (private.Phone, error) {
	return t.phone(ctx, "finding who is calling", `select coalesce((select c.customer_number from call_names n
		join calls c on c.tenant_id = $1 and c.id = n.call_id where n.tenant_id = $1 and n.name = $2), '')`, callName)
}

// RecentTexter is the number when it has texted the tenant within a day; zero for another. One round trip.
func (t *Tenant) RecentTexter(ctx context.Context, number private.Phone) (private.Phone, error) {
	return t.phone(ctx, "finding who is texting", `select coalesce((select c.phone_number from conversations c
		where c.tenant_id = $1 and c.channel = 'sms' and c.phone_number = $2
		  and exists (select from messages m where m.conversation_id = c.id and m.role = 'user' and m.occurred_at > now() - interval '1 day')), '')`, number.E164())
}

// phone reads the one number, or ”, that sql selects.
func (t *Tenant) phone(ctx context.Context, doing, sql, by string) (p private.Phone, err error) {
	var number string
	err = t.run(ctx, doing, func(b *pgx.Batch) {
		b.Queue(sql, t.id(), by).QueryRow(func(row pgx.Row) error { return row.Scan(&number) })
	})
	if err != nil || number == "" {
		return p, err
	}
	return p, p.UnmarshalText([]byte(number))
}
