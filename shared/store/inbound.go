package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Keyword is what a text asks for by its wording, apart from any answer.
type Keyword string

// The keywords of 47 CFR 64.1200(a)(10) and of the carriers. Yes means Start for somebody who has opted out and nothing to
// anybody else.
const (
	NoKeyword Keyword = ""
	Stop      Keyword = "stop"
	Start     Keyword = "start"
	Yes       Keyword = "yes"
	Help      Keyword = "help"
)

// Inbound is one text as the provider delivered it.
type Inbound struct {
	From, To           private.Phone
	Text               private.Text
	Media              int // attachments
	ProviderMessageID  string
	OccurredAt         time.Time
	Keyword            Keyword
	AnsweredByProvider bool    // Telnyx has sent its own automatic answer
	VerifiedWith       *string // the tenant's Telnyx key setting that the signature was checked under; nil when the proof was another, freshly looked up
}

// Recorded is what came of an Inbound.
type Recorded struct {
	Duplicate bool // this message was here already; nothing has changed
	ReplyID   int64
	ActAt     time.Time // when the reply is due; zero ReplyID when none is owed
}

// ErrRouteChanged says that the number is no longer this tenant's, or is verified with another key now: resolve it again.
var ErrRouteChanged = errors.New("the number's route has changed")

// openConversationSQL finds or makes the conversation, provided that the route which brought the message here still holds: it
// may come from memory when the proof was a Telnyx key, and never does otherwise.
// It stamps last_message_at with this transaction's time: by that recordInboundSQL knows that it did.
const openConversationSQL = `
insert into conversations (tenant_id, channel, phone_number)
select $1, 'sms', $2
 where exists (select from tenants t where t.id = $1 and t.is_active)
   and ($4::text is null
        or exists (select from tenant_phone_numbers n where n.phone_number = $3 and n.tenant_id = $1)
           and exists (select from tenant_sms_configs s where s.tenant_id = $1 and coalesce(s.telnyx_public_key, '') = $4))
    on conflict (tenant_id, channel, phone_number) do update set last_message_at = now()`

// recordInboundSQL records the message and, in the same breath, what it changes: an opt-out or its end, and the reply that
// is owed. Nothing happens for a message that is here already. An answer that is still waiting for more texts waits a
// little longer, but never beyond five times the tenant's wait.
const recordInboundSQL = `
with c as (
    select id, handled_by from conversations
     where tenant_id = $1 and channel = 'sms' and phone_number = $2 and last_message_at = now()
), m as (
    insert into messages (conversation_id, role, content, media_count, provider_message_id, occurred_at)
    select id, 'user', $3, $4, $5, $6 from c
        on conflict (conversation_id, provider_message_id) do nothing
    returning conversation_id
), opted_out as (
    select from opt_outs where tenant_id = $1 and phone_number = $2 and opted_in_at is null
), goes as (
    insert into opt_outs (tenant_id, phone_number, source, opted_out_at)
    select $1, $2, 'message', $6 from m where $7::text = 'stop'
        on conflict (tenant_id, phone_number) do update set source = 'message', opted_out_at = excluded.opted_out_at, opted_in_at = null
     where opt_outs.opted_in_at <= excluded.opted_out_at
    returning tenant_id
), comes_back as (
    update opt_outs set opted_in_at = $6
     where tenant_id = $1 and phone_number = $2 and opted_in_at is null and opted_out_at <= $6
       and $7 in ('start', 'yes') and exists (select from m)
    returning tenant_id
), hushed as (
    update replies r set state = 'suppressed', reason = 'opted_out', settled_at = now()
      from m where r.tenant_id = $1 and r.conversation_id = m.conversation_id and r.state in ('planned', 'claimed')
       and exists (select from goes)
), planned as (
    insert into replies (tenant_id, conversation_id, kind, act_at)
    select $1, c.id, k.kind, now() + case k.kind when 'answer' then s.reply_wait_ms else 0 end * interval '1 millisecond'
      from m
      join c on c.id = m.conversation_id
      join tenant_sms_configs s on s.tenant_id = $1 and s.is_enabled and not s.answered_by_assistant
     cross join lateral (select case
            when $7 = 'stop' then 'opt_out_confirmation'
            when exists (select from comes_back) then 'opt_in_confirmation'
            when $7 = 'help' then 'help'
            else 'answer' end) k (kind)
     where not $8::boolean
       and case k.kind
            when 'opt_out_confirmation' then exists (select from goes)
            when 'opt_in_confirmation' then true
            when 'help' then not exists (select from opted_out)
            else c.handled_by = 'assistant' and not exists (select from opted_out) end
        on conflict (conversation_id) where state = 'planned' and kind = 'answer' and body is null
        do update set act_at = greatest(replies.act_at, least(excluded.act_at, replies.created_at + 5 * (excluded.act_at - now())))
    returning id, act_at
), waiting as (
    select r.id, r.act_at from replies r join c on c.id = r.conversation_id
     where r.tenant_id = $1 and r.state = 'planned' order by r.act_at limit 1
)
select (select count(*) from c), (select count(*) from m),
       coalesce(p.id, w.id, 0), coalesce(p.act_at, w.act_at, 'epoch')
  from (select) one left join planned p on true left join waiting w on true`

// RecordInbound records a text and the reply that it calls for, in one transaction and one round trip. A repeated delivery
// finds the first one. A reply is owed unless texting is off, the sender has opted out, a person has taken the conversation
// over, or somebody else has answered.
//
// Errors: ErrRouteChanged, and those of the package.
func (t *Tenant) RecordInbound(ctx context.Context, in Inbound) (Recorded, error) {
	var rec Recorded
	var conversations, messages int
	err := t.run(ctx, "recording a text", func(b *pgx.Batch) {
		b.Queue(openConversationSQL, t.id(), in.From.E164(), in.To.E164(), in.VerifiedWith)
		b.Queue(recordInboundSQL, t.id(), in.From.E164(), in.Text.Reveal(), in.Media, in.ProviderMessageID, in.OccurredAt,
			string(in.Keyword), in.AnsweredByProvider).QueryRow(func(row pgx.Row) error {
			return row.Scan(&conversations, &messages, &rec.ReplyID, &rec.ActAt)
		})
	})
	if err == nil && conversations == 0 {
		err = ErrRouteChanged
	}
	rec.Duplicate = messages == 0
	return rec, err
}
