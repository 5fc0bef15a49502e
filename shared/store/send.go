package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
)

// ErrLostClaim says that the reply is no longer this worker's: its lease ran out, a person took the conversation over, the
// customer opted out, or the tenant was closed. Nothing was written; stop.
var ErrLostClaim = errors.New("this reply is no longer ours")

// Composed is what a reply says.
type Composed struct {
	Text       private.Text
	AfterHours bool           // it is the tenant's after-hours text
	Recipe     *prompt.Recipe // of the prompt that the model was told; nil for a fixed text
	Spent      Spent          // on asking the model, whatever came of it
}

// BeginSend writes down what is about to be sent and that it is about to be: from here on, a worker that dies leaves a reply
// whose fate must be found out before anything is sent again. flight is how long the attempt may take at most. The
// conversation is locked meanwhile, so that an opt-out comes either before, and refuses this, or after.
//
// Errors: ErrLostClaim, ErrOptedOut.
func (t *Tenant) BeginSend(ctx context.Context, r *Reply, c Composed, flight time.Duration) error {
	return t.transition(ctx, "beginning to send", func(b *pgx.Batch) *pgx.QueuedQuery {
		t.queueSpent(b, "answer", c.Spent)
		b.Queue(`select from conversations where tenant_id = $1 and id = $2 for update`, t.id(), r.ConversationID)
		return b.Queue(`update replies set state = 'sending', body = $4, after_hours = after_hours or $5, recipe = coalesce($7, recipe), sending_at = now(), act_at = now() + $6::interval
			where tenant_id = $1 and id = $2 and fence = $3 and (state = 'claimed') is true
			  and exists (select from tenants where id = $1 and is_active)`, // so written, the row is found by its id
			t.id(), r.ID, r.Fence, c.Text.Reveal(), c.AfterHours, flight, c.Recipe)
	})
}

// transition runs one guarded change of a reply; ErrLostClaim when the guard did not hold.
func (t *Tenant) transition(ctx context.Context, doing string, queue func(b *pgx.Batch) *pgx.QueuedQuery) error {
	var changed int64
	err := t.run(ctx, doing, func(b *pgx.Batch) {
		queue(b).Exec(func(tag pgconn.CommandTag) error {
			changed = tag.RowsAffected()
			return nil
		})
	})
	if err == nil && changed == 0 {
		return ErrLostClaim
	}
	return err
}

// AcceptReply records that the provider has taken the text under providerMessageID, and adds it to the conversation. It
// depends on no claim, for it is a fact; doing it twice changes nothing. Were it forgotten, the reply would be in flight still,
// and be settled.
func (t *Tenant) AcceptReply(ctx context.Context, id int64, providerMessageID string) error {
	return t.transition(ctx, "recording an accepted text", func(b *pgx.Batch) *pgx.QueuedQuery {
		b.Queue(forgettableSQL)
		return b.Queue(`
with taken as (
    update replies set provider_message_id = $3, accepted_at = coalesce(accepted_at, now()),
           state = case when state in ('delivered', 'undelivered') then state else 'accepted' end
     where tenant_id = $1 and id = $2 and sending_at is not null and (provider_message_id is null or provider_message_id = $3)
    returning conversation_id, kind, body, provider_message_id, sending_at
), said as (
    insert into messages (conversation_id, role, content, provider_message_id, occurred_at)
    select conversation_id, case kind when 'staff' then 'staff' else 'assistant' end, body, provider_message_id, sending_at from taken
        on conflict (conversation_id, provider_message_id) do nothing
)
select from taken`, t.id(), id, providerMessageID)
	})
}

// DraftReply records that the provider keeps the text as a draft, and marks the conversation for the tenant's staff, unless it is marked for another reason. As AcceptReply, it
// depends on no claim.
func (t *Tenant) DraftReply(ctx context.Context, r *Reply, providerMessageID string) error {
	return t.transition(ctx, "recording a draft", func(b *pgx.Batch) *pgx.QueuedQuery {
		b.Queue(`update conversations set needs_attention_at = now(), needs_attention_reason = 'draft_waits'
			where tenant_id = $1 and id = $2 and needs_attention_at is null`, t.id(), r.ConversationID)
		return b.Queue(`update replies set provider_message_id = $3, accepted_at = coalesce(accepted_at, now()), state = 'accepted', reason = 'draft'
			where tenant_id = $1 and id = $2 and sending_at is not null and (provider_message_id is null or provider_message_id = $3)`, t.id(), r.ID, providerMessageID)
	})
}

// PostponeReply puts a reply that surely was not sent back for a later attempt. Its text, once composed, is kept.
func (t *Tenant) PostponeReply(ctx context.Context, r *Reply, by time.Duration) error {
	return t.transition(ctx, "postponing a reply", func(b *pgx.Batch) *pgx.QueuedQuery {
		return b.Queue(`update replies set state = 'planned', act_at = now() + $4::interval
			where tenant_id = $1 and id = $2 and fence = $3 and state in ('claimed', 'sending')`, t.id(), r.ID, r.Fence, by)
	})
}

// SuppressReply ends a reply that is not to be sent, for a reason such as "opted_out".
func (t *Tenant) SuppressReply(ctx context.Context, r *Reply, reason string) error {
	return t.transition(ctx, "suppressing a reply", func(b *pgx.Batch) *pgx.QueuedQuery {
		return b.Queue(`update replies set state = 'suppressed', reason = $4, settled_at = now()
			where tenant_id = $1 and id = $2 and fence = $3 and state in ('claimed', 'sending')`, t.id(), r.ID, r.Fence, reason)
	})
}

// OptedOutAtProvider ends a reply that the provider refused because its recipient has opted out there, and opts them out here.
func (t *Tenant) OptedOutAtProvider(ctx context.Context, r *Reply) error {
	return t.transition(ctx, "recording the provider's opt-out", func(b *pgx.Batch) *pgx.QueuedQuery {
		b.Queue(`insert into opt_outs (tenant_id, phone_number, source, opted_out_at) values ($1, $2, 'provider', now())
			on conflict (tenant_id, phone_number) do update set source = 'provider', opted_out_at = now(), opted_in_at = null
			where opt_outs.opted_in_at is not null`, t.id(), r.To.E164())
		b.Queue(`update replies set state = 'suppressed', reason = 'opted_out', settled_at = now()
			where tenant_id = $1 and conversation_id = $2 and state = 'planned'`, t.id(), r.ConversationID)
		return b.Queue(`update replies set state = 'suppressed', reason = 'opted_out', settled_at = now()
			where tenant_id = $1 and id = $2 and state in ('claimed', 'sending')`, t.id(), r.ID)
	})
}

// RejectReply ends a reply that the provider will never take and marks the conversation for the tenant's staff.
func (t *Tenant) RejectReply(ctx context.Context, r *Reply, reason string) error {
	return t.transition(ctx, "recording a rejected reply", func(b *pgx.Batch) *pgx.QueuedQuery {
		b.Queue(flagSQL, t.id(), r.ConversationID, "not_sent: "+reason)
		return b.Queue(`update replies set state = 'rejected', reason = $4, settled_at = now()
			where tenant_id = $1 and id = $2 and fence = $3 and state in ('claimed', 'sending')`, t.id(), r.ID, r.Fence, reason)
	})
}

const flagSQL = `update conversations set needs_attention_at = coalesce(needs_attention_at, now()), needs_attention_reason = $3
	where tenant_id = $1 and id = $2`

// FlagConversation marks a conversation for the tenant's staff. The first mark keeps its time, the latest its reason.
func (t *Tenant) FlagConversation(ctx context.Context, conversationID int64, reason string) error {
	return t.transition(ctx, "marking a conversation", func(b *pgx.Batch) *pgx.QueuedQuery {
		return b.Queue(flagSQL, t.id(), conversationID, reason)
	})
}

// LoseTrack records that a send may or may not have happened. It is looked into after the given time.
func (t *Tenant) LoseTrack(ctx context.Context, r *Reply, lookAfter time.Duration) error {
	return t.transition(ctx, "recording an unknown outcome", func(b *pgx.Batch) *pgx.QueuedQuery {
		return b.Queue(`update replies set state = 'unknown', act_at = now() + $4::interval, reason = 'answer_lost'
			where tenant_id = $1 and id = $2 and fence = $3 and state = 'sending'`, t.id(), r.ID, r.Fence, lookAfter)
	})
}

// LookAgain postpones the next look at an unknown reply.
func (t *Tenant) LookAgain(ctx context.Context, r *Reply, after time.Duration) error {
	return t.transition(ctx, "postponing a look", func(b *pgx.Batch) *pgx.QueuedQuery {
		return b.Queue(`update replies set act_at = now() + $4::interval
			where tenant_id = $1 and id = $2 and fence = $3 and state = 'unknown'`, t.id(), r.ID, r.Fence, after)
	})
}

// StopLooking ends the looking for an unknown reply: whether it was sent rests with people. A report that comes still settles it.
func (t *Tenant) StopLooking(ctx context.Context, r *Reply) error {
	return t.transition(ctx, "ending the looks at a reply", func(b *pgx.Batch) *pgx.QueuedQuery {
		return b.Queue(`update replies set settled_at = now(), reason = 'never_found_out'
			where tenant_id = $1 and id = $2 and fence = $3 and state = 'unknown' and settled_at is null`, t.id(), r.ID, r.Fence)
	})
}

// SendAgain plans an unknown reply anew once the provider has said that it knows no such message, unless StopLooking has left it to
// people. It keeps its token, so that a report about either attempt, however late, settles it.
func (t *Tenant) SendAgain(ctx context.Context, r *Reply) error {
	return t.transition(ctx, "planning a reply again", func(b *pgx.Batch) *pgx.QueuedQuery {
		return b.Queue(`update replies set state = 'planned', act_at = now(), reason = null
			where tenant_id = $1 and id = $2 and fence = $3 and state = 'unknown' and settled_at is null`, t.id(), r.ID, r.Fence)
	})
}
