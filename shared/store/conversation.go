package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Conversation is one customer's thread with a tenant.
type Conversation struct {
	ID          int64
	Phone       private.Phone
	ByHuman     bool   // a person has taken it over; the assistant is silent
	Attention   string // why the tenant's staff should look at it; "" when they need not
	LastMessage time.Time
}

// ConversationWith finds the SMS conversation with a phone. fault.NotFound when there is none.
func (t *Tenant) ConversationWith(ctx context.Context, phone private.Phone) (Conversation, error) {
	var c Conversation
	err := t.run(ctx, "finding a conversation", func(b *pgx.Batch) {
		b.Queue(`select `+conversationColumns+` from conversations
			where tenant_id = $1 and channel = 'sms' and phone_number = $2`, t.id(), phone.E164()).
			Query(func(rows pgx.Rows) (err error) {
				c, err = pgx.CollectExactlyOneRow(rows, scanConversation)
				return err
			})
	})
	return c, err
}

// Place is where a page of conversations ends; the zero Place is before the first.
type Place struct {
	LastMessage time.Time
	ID          int64
}

// Conversations lists the tenant's conversations after a place, the one with the newest message first, at most limit. One
// round trip, whose cost depends on limit alone.
func (t *Tenant) Conversations(ctx context.Context, after Place, limit int) ([]Conversation, error) {
	var found []Conversation
	if after == (Place{}) {
		after.LastMessage = endOfTime
	}
	err := t.run(ctx, "listing conversations", func(b *pgx.Batch) {
		b.Queue(`select `+conversationColumns+` from conversations
			where tenant_id = $1 and (last_message_at, id) < ($2, $3) order by last_message_at desc, id desc limit $4`,
			t.id(), after.LastMessage, after.ID, limit).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, scanConversation)
			return err
		})
	})
	return found, err
}

var endOfTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

const conversationColumns = `id, phone_number, handled_by = 'human', coalesce(needs_attention_reason, ''), last_message_at`

func scanConversation(row pgx.CollectableRow) (c Conversation, err error) {
	var number string
	if err := row.Scan(&c.ID, &number, &c.ByHuman, &c.Attention, &c.LastMessage); err != nil {
		return c, err
	}
	return c, c.Phone.UnmarshalText([]byte(number))
}

// Messages lists the newest messages of a conversation, at most limit, oldest first. A conversation that is missing or
// another tenant's has none.
func (t *Tenant) Messages(ctx context.Context, conversationID int64, limit int) ([]Message, error) {
	var found []Message
	err := t.run(ctx, "listing messages", func(b *pgx.Batch) {
		b.Queue(`
select role = 'user', content, media_count, occurred_at from (
    select m.* from conversations c join messages m on m.conversation_id = c.id
     where c.tenant_id = $1 and c.id = $2 order by m.occurred_at desc, m.id desc limit $3) latest
 order by occurred_at, id`, t.id(), conversationID, limit).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, scanMessage)
			return err
		})
	})
	return found, err
}

// TakeOver gives a conversation to a person: the assistant's answers that are planned or being composed are not sent.
// fault.NotFound for a conversation that is missing or another tenant's.
func (t *Tenant) TakeOver(ctx context.Context, conversationID int64) error {
	return t.hand(ctx, "taking over a conversation", conversationID, "human", `update replies
		set state = 'suppressed', reason = 'human_takeover', settled_at = now()
		where tenant_id = $1 and conversation_id = $2 and kind = 'answer' and state in ('planned', 'claimed')`)
}

// HandBack gives a conversation back to the assistant and takes the staff's mark away.
func (t *Tenant) HandBack(ctx context.Context, conversationID int64) error {
	return t.hand(ctx, "handing back a conversation", conversationID, "assistant",
		`update conversations set needs_attention_at = null, needs_attention_reason = null where tenant_id = $1 and id = $2`)
}

func (t *Tenant) hand(ctx context.Context, doing string, conversationID int64, to, alsoSQL string) error {
	return t.run(ctx, doing, func(b *pgx.Batch) {
		b.Queue(`update conversations set handled_by = $3 where tenant_id = $1 and id = $2 returning id`, t.id(), conversationID, to).
			QueryRow(func(row pgx.Row) error { return row.Scan(&conversationID) })
		b.Queue(alsoSQL, t.id(), conversationID)
	})
}
