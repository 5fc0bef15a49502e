package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// StaffText is a text that a person of the tenant sends in a conversation.
type StaffText struct {
	ConversationID int64
	Text           private.Text
	Key            string // names this text, for a caller who sends it again without knowing whether it was taken; "" for none
}

// PlannedReply is a reply that is owed, as it stands.
type PlannedReply struct {
	ReplyID int64
	State   ReplyState
	ActAt   time.Time // when it is due
}

// planStaffSQL does all in one statement, so that a text which is refused is not recorded either. A text whose key is there already
// is the one that has it, whatever has happened since.
const planStaffSQL = `
with talk as (
    select c.tenant_id, c.id,
           exists (select from opt_outs o where o.tenant_id = c.tenant_id and o.phone_number = c.phone_number and o.opted_in_at is null) as opted_out,
           exists (select from tenant_sms_configs s where s.tenant_id = c.tenant_id and s.is_enabled) as texting
      from conversations c where c.tenant_id = $1 and c.id = $2
), before as (
    select r.id, r.state, r.act_at, r.conversation_id, r.body
      from talk join replies r on r.tenant_id = talk.tenant_id and r.idempotency_key = $4
), made as (
    insert into replies (tenant_id, conversation_id, kind, body, act_at, idempotency_key)
    select $1, talk.id, 'staff', $3, now(), $4 from talk where texting and not opted_out and not exists (select from before)
        on conflict (tenant_id, idempotency_key) where idempotency_key is not null do update set idempotency_key = excluded.idempotency_key
    returning id, state, act_at, conversation_id, body
)
select talk.opted_out, talk.texting, coalesce(r.id, 0), coalesce(r.state, ''), coalesce(r.act_at, 'epoch'), coalesce(r.conversation_id = $2 and r.body = $3, false)
  from talk left join (select * from before union all select * from made) r on true`

// PlanStaffText records a person's text as a reply that is due now. The same text under the same key is planned once, and answered
// with as it stands. One round trip.
//
// Errors: fault.NotFound for a conversation that is missing or another tenant's; fault.Conflict when the recipient has opted out,
// when the tenant's texting is off, and when the key was another text's. An opt-out that comes later is refused when sending begins.
func (t *Tenant) PlanStaffText(ctx context.Context, s StaffText) (p PlannedReply, err error) {
	var key *string
	if s.Key != "" {
		key = &s.Key
	}
	var optedOut, texting, same bool
	err = t.change(ctx, "planning a person's text", func(b *pgx.Batch) {
		b.Queue(planStaffSQL, t.id(), s.ConversationID, s.Text.Reveal(), key).
			QueryRow(func(row pgx.Row) error { return row.Scan(&optedOut, &texting, &p.ReplyID, &p.State, &p.ActAt, &same) })
	})
	switch {
	case err != nil:
		return PlannedReply{}, err
	case p.ReplyID != 0 && !same:
		return PlannedReply{}, fault.New(fault.Conflict, "this Idempotency-Key was another text's; use a new one for each text")
	case p.ReplyID != 0:
		return p, nil
	case optedOut:
		return PlannedReply{}, fault.New(fault.Conflict, "the recipient has opted out of texts and gets none until they text START")
	case !texting:
		return PlannedReply{}, fault.New(fault.Conflict, "texting is off; an admin can turn it on in /sms/settings")
	default:
		return PlannedReply{}, fault.New(fault.Internal, "")
	}
}
