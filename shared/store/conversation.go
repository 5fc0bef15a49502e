package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Conversation is one customer's thread with a tenant.
type Conversation struct {
	ID             int64
	Channel        string        // sms or email
	Phone          private.Phone // of texts
	Email, Subject string        // of mail: who wrote last, and what the thread is about
	ByHuman        bool          // a person has taken it over; the assistant is silent
	Attention      string        // why the tenant's staff should look at it; "" when they need not
	AttentionSince time.Time     // of Attention, when there is one
	CreatedAt      time.Time
	LastMessage    time.Time
}

// ConversationFilter narrows a list of conversations; a zero field does not.
type ConversationFilter struct {
	Channel        string
	NeedsAttention bool
	HandledBy      string // assistant or human
}

const conversationColumns = `id, channel, coalesce(phone_number, ''), email, subject, handled_by = 'human', coalesce(needs_attention_reason, ''), coalesce(needs_attention_at, 'epoch'),
	created_at, last_message_at`

func scanConversation(row pgx.CollectableRow) (c Conversation, err error) {
	var number string
	if err := row.Scan(&c.ID, &c.Channel, &number, &c.Email, &c.Subject, &c.ByHuman, &c.Attention, &c.AttentionSince, &c.CreatedAt, &c.LastMessage); err != nil {
		return c, err
	}
	return c, c.Phone.UnmarshalText([]byte(number))
}

// into reads the one conversation that a statement returns.
func (c *Conversation) into(rows pgx.Rows) (err error) {
	*c, err = pgx.CollectExactlyOneRow(rows, scanConversation)
	return err
}

// ConversationWith finds the SMS conversation with a phone. fault.NotFound when there is none. One round trip.
func (t *Tenant) ConversationWith(ctx context.Context, phone private.Phone) (c Conversation, err error) {
	err = t.run(ctx, "finding a conversation", func(b *pgx.Batch) {
		b.Queue(`select `+conversationColumns+` from conversations
			where tenant_id = $1 and channel = 'sms' and phone_number = $2`, t.id(), phone.E164()).Query(c.into)
	})
	return c, err
}

// Conversation reads one. fault.NotFound when it is missing or another tenant's. One round trip.
func (t *Tenant) Conversation(ctx context.Context, id int64) (c Conversation, err error) {
	err = t.run(ctx, "reading a conversation", func(b *pgx.Batch) {
		b.Queue(`select `+conversationColumns+` from conversations where tenant_id = $1 and id = $2`, t.id(), id).Query(c.into)
	})
	return c, err
}

// Conversations lists the tenant's conversations that the filter lets through after a place, the one with the newest message first,
// at most limit. One round trip, whose cost depends on limit alone.
func (t *Tenant) Conversations(ctx context.Context, f ConversationFilter, after Place, limit int) (found []Conversation, err error) {
	after = after.orNewest()
	where := conditions{`tenant_id = $1 and (last_message_at, id) < ($2, $3)`, []any{t.id(), after.At, after.ID, limit}}
	if f.Channel != "" {
		where.and(`channel = ?`, f.Channel)
	}
	if f.NeedsAttention {
		where.sql += ` and needs_attention_at is not null`
	}
	if f.HandledBy != "" {
		where.and(`handled_by = ?`, f.HandledBy)
	}
	err = t.run(ctx, "listing conversations", func(b *pgx.Batch) {
		b.Queue(`select `+conversationColumns+` from conversations where `+where.sql+` order by last_message_at desc, id desc limit $4`, where.args...).
			Query(func(rows pgx.Rows) (err error) {
				found, err = pgx.CollectRows(rows, scanConversation)
				return err
			})
	})
	return found, err
}

// Entry is one message of a conversation and who said it.
type Entry struct {
	ID    int64
	Role  string // user, assistant or staff
	Text  private.Text
	Media int // attachments
	At    time.Time
}

// messagesSQL answers for a conversation without messages with one row, of zeros.
const messagesSQL = `
select coalesce(m.id, 0), coalesce(m.role, ''), coalesce(m.content, ''), coalesce(m.media_count, 0), coalesce(m.occurred_at, 'epoch')
  from conversations c
  left join lateral (select * from messages where conversation_id = c.id and (occurred_at, id) < ($3, $4) order by occurred_at desc, id desc limit $5) m on true
 where c.tenant_id = $1 and c.id = $2
 order by m.occurred_at desc, m.id desc`

// Messages lists the messages of a conversation after a place, the newest first, at most limit. fault.NotFound for a conversation
// that is missing or another tenant's. One round trip, whose cost depends on limit alone.
func (t *Tenant) Messages(ctx context.Context, conversationID int64, after Place, limit int) (found []Entry, err error) {
	after = after.orNewest()
	var e Entry
	var words string
	var there bool
	err = t.run(ctx, "listing messages", func(b *pgx.Batch) {
		b.Queue(messagesSQL, t.id(), conversationID, after.At, after.ID, limit).Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&e.ID, &e.Role, &words, &e.Media, &e.At}, func() error {
				if there = true; e.ID != 0 {
					e.Text = private.NewText(words)
					found = append(found, e)
				}
				return nil
			})
			return err
		})
	})
	if err == nil && !there {
		err = fault.New(fault.NotFound, "")
	}
	return found, err
}

// TakeOver gives a conversation to a person: the assistant's answers that are planned or being composed are not sent.
// fault.NotFound for a conversation that is missing or another tenant's. One round trip.
func (t *Tenant) TakeOver(ctx context.Context, conversationID int64) (c Conversation, err error) {
	err = t.change(ctx, "taking over a conversation", func(b *pgx.Batch) {
		b.Queue(`update conversations set handled_by = 'human' where tenant_id = $1 and id = $2 returning `+conversationColumns,
			t.id(), conversationID).Query(c.into)
		b.Queue(`update replies set state = 'suppressed', reason = 'human_takeover', settled_at = now()
			where tenant_id = $1 and conversation_id = $2 and kind = 'answer' and state in ('planned', 'claimed')`, t.id(), conversationID)
	})
	return c, err
}

// HandBack gives a conversation back to the assistant and takes the staff's mark away. fault.NotFound for a conversation that is
// missing or another tenant's. One round trip.
func (t *Tenant) HandBack(ctx context.Context, conversationID int64) (c Conversation, err error) {
	err = t.change(ctx, "handing back a conversation", func(b *pgx.Batch) {
		b.Queue(`update conversations set handled_by = 'assistant', needs_attention_at = null, needs_attention_reason = null
			where tenant_id = $1 and id = $2 returning `+conversationColumns, t.id(), conversationID).Query(c.into)
	})
	return c, err
}
