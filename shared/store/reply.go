package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/hours"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
)

// ReplyKind is what a reply is for.
type ReplyKind string

// The kinds of reply. Only an Answer asks the model.
const (
	Answer             ReplyKind = "answer"
	HelpText           ReplyKind = "help"
	OptOutConfirmation ReplyKind = "opt_out_confirmation"
	OptInConfirmation  ReplyKind = "opt_in_confirmation"
	StaffReply         ReplyKind = "staff"  // written by a person of the tenant
	ToolReply          ReplyKind = "tool"   // such as a link that an assistant's tool sends
	NoticeReply        ReplyKind = "notice" // to the tenant's owner, of what came of a call
)

// ReplyState is where a reply stands in its life:
//
//	planned -> claimed -> sending -> accepted -> delivered | undelivered
//	                         |-> unknown -> accepted, or planned again once the provider says it has no such message
//	                         |-> planned again, when it surely was not sent and may be later
//	                         '-> rejected
//	suppressed: nothing is sent, for the reason that the row tells
type ReplyState string

// The states of a reply.
const (
	Planned     ReplyState = "planned"
	Claimed     ReplyState = "claimed"
	Sending     ReplyState = "sending"
	Unknown     ReplyState = "unknown"
	Accepted    ReplyState = "accepted"
	Delivered   ReplyState = "delivered"
	Undelivered ReplyState = "undelivered"
	Rejected    ReplyState = "rejected"
	Suppressed  ReplyState = "suppressed"
)

// Message is one entry of a conversation.
type Message struct {
	FromCustomer bool
	Text         private.Text
	Media        int
	At           time.Time
}

// Reply is a reply with everything that composing and sending it needs.
type Reply struct {
	ID, ConversationID int64
	Kind               ReplyKind
	State              ReplyState
	Fence              int // which claim this is; a later claim makes writes under this one fail
	Attempts           int
	ActAt, SendingAt   time.Time
	Body               private.Text // written by a person, or composed by an earlier attempt; empty when it is still to be composed
	Token              string       // names this reply in its delivery report address

	From, To     private.Phone
	APIKey       private.Secret
	ProfileID    string
	Business     prompt.Profile
	Zone         string
	Hours        hours.Week
	HoursEnabled bool
	AfterHours   private.Text // what to say outside the hours; empty when the assistant answers then too, unless it is silent then
	SilentClosed bool         // outside the hours nothing is said, and staff are told
	ToldHours    bool         // this conversation was told lately
	History      []Message    // oldest first
	Prompt       PromptVersion

	Mail *Envelope // of mail; the number, key and profile above are those of texts
}

// Standing is why a reply could not be claimed.
type Standing struct {
	State ReplyState // "" when there is no such reply
	ActAt time.Time
	Due   bool // its turn has come; State Planned means that another of the conversation goes first, or that it is Crowded

	Crowded bool   // the tenant has its share at work; NextReply will name this one
	Closed  bool   // the tenant is closed: nothing is done before it is opened again, and then the sweeper finds it
	GaveUp  string // why this attempt to claim it has ended it as a dead letter; "" when it has not
}

// These call functions of migrations/00006_fair_share.sql and 00015_live_since.sql, which Postgres plans once for a connection.
const (
	claimSQL         = `select claimed, crowded from claim_reply($1, $2, $3, $4)`
	historySQL       = `select from_customer, words, pictures, at from reply_history($1, $2, $3)`
	promptVersionSQL = `select live_prompt($1, $2)`
	nextReplySQL     = `select next_reply($1, $2, $3)`
	replySQL         = `select id, conversation_id, kind, state, fence, attempts, act_at, sending_at, body, token, phone_number, due, closed, told_hours from read_reply($1, $2)`
)

// gaveUpSQL is why claim_reply has ended a reply by mail that it should have claimed, when that is a failure.
const gaveUpSQL = `select reason from replies where tenant_id = $1 and id = $2 and state = 'suppressed' and settled_at = now() and reason in ('too_late', 'mailbox_disconnected')`

// historyLength is how many messages of a conversation the model is told.
const historyLength = 40

const senderSQL = `
select coalesce(telnyx_phone_number, ''), telnyx_api_key, coalesce(telnyx_messaging_profile_id, ''),
       timezone, business_hours, business_hours_enabled, case when auto_reply_enabled then auto_reply_message else '' end
  from tenant_sms_configs where tenant_id = $1`

const profileSQL = `
select business_name, website_url, coalesce(phone_number, ''), email from tenant_business_profiles where tenant_id = $1`

// ClaimReply takes a due reply of a channel for one worker, for as long as lease; when that ends unused another may claim it. A tenant
// that has share replies at work gets no other, give or take those that are claimed at the same moment. It returns the reply
// with all that it needs, or nil and how the reply stands. An answer that a person's takeover or a switched-off channel has
// made pointless is suppressed here. One round trip.
func (t *Tenant) ClaimReply(ctx context.Context, c prompt.Channel, id int64, lease time.Duration, share int) (*Reply, Standing, error) {
	var claimed, crowded bool
	var gaveUp string
	r, standing, err := t.readReply(ctx, "claiming a reply", c, id, func(b *pgx.Batch) {
		b.Queue(forgettableSQL)
		b.Queue(claimSQL, t.id(), id, lease, share).QueryRow(func(row pgx.Row) error { return row.Scan(&claimed, &crowded) })
		if c == prompt.Email {
			b.Queue(gaveUpSQL, t.id(), id).Query(func(rows pgx.Rows) error {
				_, err := pgx.ForEachRow(rows, []any{&gaveUp}, func() error { return nil })
				return err
			})
		}
	})
	switch {
	case fault.KindOf(err) == fault.Conflict: // another reply of this conversation was claimed at this moment
		return nil, Standing{State: Planned, Due: true}, nil
	case err != nil || r == nil:
		return nil, Standing{}, err
	case !claimed:
		standing.Crowded, standing.GaveUp = crowded, gaveUp
		return nil, standing, nil
	}
	return r, Standing{}, nil
}

// NextReply names, of the tenant's replies of a channel that could be claimed now, the one that has been due longest, and lets it be claimed
// before it is named again; 0 when there is none, or when the tenant has share replies at work. One round trip.
func (t *Tenant) NextReply(ctx context.Context, c prompt.Channel, share int) (id int64, err error) {
	err = t.run(ctx, "finding the next reply", func(b *pgx.Batch) {
		b.Queue(forgettableSQL)
		b.Queue(nextReplySQL, t.id(), share, string(c)).QueryRow(func(row pgx.Row) error { return row.Scan(&id) })
	})
	return id, err
}

// Reply reads a reply of a channel with all that belongs to it, without claiming it; nil when there is none.
func (t *Tenant) Reply(ctx context.Context, c prompt.Channel, id int64) (*Reply, error) {
	r, _, err := t.readReply(ctx, "reading a reply", c, id, func(*pgx.Batch) {})
	return r, err
}

// readReply reads the parts of a reply, each with a statement of its own: a join of them all takes Postgres longer to plan.
func (t *Tenant) readReply(ctx context.Context, doing string, c prompt.Channel, id int64, first func(b *pgx.Batch)) (*Reply, Standing, error) {
	var r Reply
	var standing Standing
	var box *mailboxScan
	err := t.run(ctx, doing, func(b *pgx.Batch) {
		first(b)
		b.Queue(replySQL, t.id(), id).QueryRow(func(row pgx.Row) error { return r.scan(row, &standing) })
		if c == prompt.Email {
			box = t.queueEnvelope(b, id, &r)
		} else {
			b.Queue(senderSQL, t.id()).QueryRow(func(row pgx.Row) error { return t.scanSender(row, &r) })
		}
		t.queueProfile(b, &r.Business)
		b.Queue(promptVersionSQL, t.id(), string(c)).QueryRow(func(row pgx.Row) error {
			var live []int64
			err := row.Scan(&live)
			copy(r.Prompt[:], live)
			return err
		})
		b.Queue(historySQL, t.id(), id, historyLength).Query(func(rows pgx.Rows) (err error) {
			r.History, err = pgx.CollectRows(rows, scanMessage)
			return err
		})
	})
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return nil, Standing{}, nil
	}
	if err == nil && box != nil {
		err = t.address(&r, box)
	}
	if err != nil {
		return nil, Standing{}, err
	}
	return &r, standing, nil
}

func (r *Reply) scan(row pgx.Row, standing *Standing) error {
	var body, to string
	err := row.Scan(&r.ID, &r.ConversationID, &r.Kind, &r.State, &r.Fence, &r.Attempts, &r.ActAt, &r.SendingAt, &body, &r.Token,
		&to, &standing.Due, &standing.Closed, &r.ToldHours)
	if err != nil {
		return err
	}
	r.Body, standing.State, standing.ActAt = private.NewText(body), r.State, r.ActAt
	return r.To.UnmarshalText([]byte(to))
}

func (t *Tenant) scanSender(row pgx.Row, r *Reply) error {
	var from, afterHours string
	var sealed []byte
	if err := row.Scan(&from, &sealed, &r.ProfileID, &r.Zone, &r.Hours, &r.HoursEnabled, &afterHours); err != nil {
		return err
	}
	r.AfterHours = private.NewText(afterHours)
	if err := r.From.UnmarshalText([]byte(from)); err != nil {
		return err
	}
	if sealed == nil {
		return nil
	}
	key, err := t.store.keys.Open(sealed, t.id(), telnyxKeyColumn)
	r.APIKey = key
	return err
}

func scanMessage(row pgx.CollectableRow) (Message, error) {
	var m Message
	var text string
	err := row.Scan(&m.FromCustomer, &text, &m.Media, &m.At)
	m.Text = private.NewText(text)
	return m, err
}
