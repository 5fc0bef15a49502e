package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
)

// StaffText is what a person of the tenant sends in a conversation, on its channel.
type StaffText struct {
	ConversationID int64
	Text           private.Text
	Key            string // names this text, for a caller who sends it again without knowing whether it was taken; "" for none
}

// PlannedReply is a reply that is owed, as it stands.
type PlannedReply struct {
	ReplyID int64
	Channel prompt.Channel
	State   ReplyState
	ActAt   time.Time // when it is due
}

// maxStaffText is how many characters of a person's Telnyx takes as one text.
const maxStaffText = 1600

// planStaffSQL does all in one statement, so that a text which is refused is not recorded either. A text whose key is there already
// is the one that has it, whatever has happened since. By mail it answers the last that came.
const planStaffSQL = `
with talk as (
    select c.tenant_id, c.id, c.channel,
           case c.channel when 'sms' then exists (select from opt_outs o where o.tenant_id = c.tenant_id and o.phone_number = c.phone_number and o.opted_in_at is null)
                else exists (select from mail_opt_outs o where o.tenant_id = c.tenant_id and o.email = c.email and o.opted_in_at is null) end as opted_out,
           case c.channel when 'sms' then exists (select from tenant_sms_configs s where s.tenant_id = c.tenant_id and s.is_enabled)
                else exists (select from tenant_email_configs m where m.tenant_id = c.tenant_id and m.gmail_email = c.mailbox and m.grant_failed_at is null) end as open,
           c.channel = 'sms' and length($3) > $5 as too_long,
           (select e.id from emails e where e.tenant_id = c.tenant_id and e.conversation_id = c.id and not e.by_hand order by e.received_at desc limit 1) as email_id
      from conversations c where c.tenant_id = $1 and c.id = $2
), before as (
    select r.id, r.state, r.act_at, r.conversation_id, r.body
      from talk join replies r on r.tenant_id = talk.tenant_id and r.idempotency_key = $4
), made as (
    insert into replies (tenant_id, conversation_id, kind, channel, email_id, body, act_at, idempotency_key)
    select $1, talk.id, 'staff', talk.channel, talk.email_id, $3, now(), $4 from talk
     where open and not opted_out and not too_long and not exists (select from before)
        on conflict (tenant_id, idempotency_key) where idempotency_key is not null do update set idempotency_key = excluded.idempotency_key
    returning id, state, act_at, conversation_id, body
)
select talk.channel, talk.opted_out, talk.open, talk.too_long, coalesce(r.id, 0), coalesce(r.state, ''), coalesce(r.act_at, 'epoch'),
       coalesce(r.conversation_id = $2 and r.body = $3, false)
  from talk left join (select * from before union all select * from made) r on true`

// PlanStaffText records a person's text as a reply that is due now. The same text under the same key is planned once, and answered
// with as it stands. One round trip.
//
// Errors: fault.NotFound for a conversation that is missing or another tenant's; fault.Conflict when the recipient has opted out,
// when the tenant's texting is off or the mailbox of the thread is not connected, and when the key was another text's; fault.Invalid for
// more than a text may hold. An opt-out that comes later is refused when sending begins.
func (t *Tenant) PlanStaffText(ctx context.Context, s StaffText) (p PlannedReply, err error) {
	var key *string
	if s.Key != "" {
		key = &s.Key
	}
	var optedOut, open, tooLong, same bool
	err = t.change(ctx, "planning a person's text", func(b *pgx.Batch) {
		b.Queue(planStaffSQL, t.id(), s.ConversationID, s.Text.Reveal(), key, maxStaffText).
			QueryRow(func(row pgx.Row) error {
				return row.Scan(&p.Channel, &optedOut, &open, &tooLong, &p.ReplyID, &p.State, &p.ActAt, &same)
			})
	})
	switch {
	case err != nil:
		return PlannedReply{}, err
	case p.ReplyID != 0 && !same:
		return PlannedReply{}, fault.New(fault.Conflict, "this Idempotency-Key was another text's; use a new one for each text")
	case p.ReplyID != 0:
		return p, nil
	case tooLong:
		return PlannedReply{}, fault.New(fault.Invalid, "text: a text message holds %d characters at most", maxStaffText)
	default:
		return PlannedReply{}, notToBeSent(p.Channel, optedOut, open)
	}
}

func notToBeSent(c prompt.Channel, optedOut, open bool) error {
	switch {
	case optedOut && c == prompt.Email:
		return fault.New(fault.Conflict, "the recipient has opted out and gets no mail until they write START")
	case optedOut:
		return fault.New(fault.Conflict, "the recipient has opted out of texts and gets none until they text START")
	case !open && c == prompt.Email:
		return fault.New(fault.Conflict, "the mailbox of this thread is not connected; an admin can connect it with /email/oauth/start")
	case !open:
		return fault.New(fault.Conflict, "texting is off; an admin can turn it on in /sms/settings")
	default:
		return fault.New(fault.Internal, "")
	}
}
