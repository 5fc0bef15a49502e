package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// DeliveryReport is what the provider says of a text that it took.
type DeliveryReport struct {
	ProviderMessageID string
	Token             string // from the report address that the signed report names; "" when it names none
	To                private.Phone
	Text              private.Text // with To, the last resort for finding a reply whose answer was lost
	State             ReplyState   // Accepted, Delivered or Undelivered
	Reason            string       // the provider's error code for Undelivered
}

// recordDeliverySQL finds the reply by the provider's id, else, for one whose answer was lost, by its token or its words.
// A settled state is never taken back by a report that comes late.
const recordDeliverySQL = `
with hit as (
    select r.id
      from replies r join conversations c on c.tenant_id = $1 and c.id = r.conversation_id
     where r.tenant_id = $1
       and (r.provider_message_id = $2
            or r.provider_message_id is null and r.sending_at is not null and c.phone_number = $4
               and (r.token::text = $3 or $3 = '' and r.body = $5))
     order by r.provider_message_id nulls last, r.id limit 1
), known as (
    update replies r
       set provider_message_id = $2, accepted_at = coalesce(accepted_at, now()),
           state = case when r.state in ('delivered', 'undelivered') then r.state else $6 end,
           reason = case when r.state in ('delivered', 'undelivered') then r.reason else nullif($7, '') end,
           settled_at = case when r.settled_at is null and $6 <> 'accepted' then now() else r.settled_at end
      from hit where r.tenant_id = $1 and r.id = hit.id
    returning r.conversation_id, r.body, r.sending_at, r.state
), said as (
    insert into messages (conversation_id, role, content, provider_message_id, occurred_at)
    select conversation_id, 'assistant', body, $2, sending_at from known
        on conflict (conversation_id, provider_message_id) do nothing
), flagged as (
    update conversations c set needs_attention_at = coalesce(needs_attention_at, now()), needs_attention_reason = 'undelivered: ' || $7
      from known k where c.tenant_id = $1 and c.id = k.conversation_id and k.state = 'undelivered'
)
select count(*) from known`

// RecordDelivery updates the reply that a delivery report is about and, when it could not be delivered, marks the
// conversation. known is false for a text that was not one of our replies. One round trip.
func (t *Tenant) RecordDelivery(ctx context.Context, d DeliveryReport) (known bool, err error) {
	var n int
	err = t.run(ctx, "recording a delivery report", func(b *pgx.Batch) {
		b.Queue(recordDeliverySQL, t.id(), d.ProviderMessageID, d.Token, d.To.E164(), d.Text.Reveal(), string(d.State), d.Reason).
			QueryRow(func(row pgx.Row) error { return row.Scan(&n) })
	})
	return n > 0, err
}
