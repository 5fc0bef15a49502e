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
	Body               private.Text // composed by an earlier attempt; empty when it is still to be composed
	Token              string       // names this reply in its delivery report address

	From, To     private.Phone
	APIKey       private.Secret
	ProfileID    string
	Business     prompt.Profile
	Zone         string
	Hours        hours.Week
	HoursEnabled bool
	AfterHours   private.Text // what to say outside the hours; empty when the assistant answers then too
	ToldHours    bool         // this conversation was told lately
	History      []Message    // oldest first
	Global, Own  []prompt.Section
}

// Standing is why a reply could not be claimed.
type Standing struct {
	State ReplyState // "" when there is no such reply
	ActAt time.Time
	Due   bool // its turn has come; State Planned means that another reply of the conversation goes first

	Closed bool // the tenant is closed: nothing is done before it is opened again, and then the sweeper finds it
}

// lateSQL lets a claim be a little early: the queue's clock and the database's are not the same.
const lateSQL = `interval '250 milliseconds'`

const settleBeforeClaimSQL = `
update replies r
   set state = case when r.state = 'sending' then 'unknown' else 'suppressed' end,
       reason = case when r.state = 'sending' then 'worker_lost' when c.handled_by = 'human' then 'human_takeover' else 'texting_disabled' end,
       settled_at = case when r.state = 'sending' then null else now() end
  from conversations c, tenant_sms_configs s
 where r.tenant_id = $1 and r.id = $2 and c.tenant_id = $1 and c.id = r.conversation_id and s.tenant_id = $1
   and (r.state = 'sending' and r.act_at <= now()
        or r.state in ('planned', 'claimed') and r.act_at <= now() + ` + lateSQL + `
           and (c.handled_by = 'human' and r.kind = 'answer' or not s.is_enabled))`

const claimSQL = `
update replies r
   set state = 'claimed', fence = fence + 1, attempts = attempts + 1, act_at = now() + $3::interval
 where r.tenant_id = $1 and r.id = $2 and r.state in ('planned', 'claimed')
   and r.act_at <= now() + case r.state when 'planned' then ` + lateSQL + ` else interval '0' end
   and exists (select from tenants t where t.id = $1 and t.is_active)
   and not exists (select from replies o where o.tenant_id = $1 and o.conversation_id = r.conversation_id and o.id <> r.id
                      and o.state in ('claimed', 'sending'))
returning true`

const replySQL = `
select r.id, r.conversation_id, r.kind, r.state, r.fence, r.attempts, r.act_at, coalesce(r.sending_at, 'epoch'), coalesce(r.body, ''), r.token::text,
       coalesce(s.telnyx_phone_number, ''), c.phone_number, s.telnyx_api_key, coalesce(s.telnyx_messaging_profile_id, ''),
       coalesce(p.business_name, ''), coalesce(p.website_url, ''), coalesce(p.phone_number, ''), coalesce(p.email, ''),
       s.timezone, s.business_hours, s.business_hours_enabled, case when s.auto_reply_enabled then s.auto_reply_message else '' end,
       exists (select from replies o where o.tenant_id = $1 and o.conversation_id = c.id and o.after_hours and o.sending_at > now() - interval '12 hours'),
       r.act_at <= now() + ` + lateSQL + `, not (select t.is_active from tenants t where t.id = $1)
  from replies r
  join conversations c on c.tenant_id = $1 and c.id = r.conversation_id
  join tenant_sms_configs s on s.tenant_id = $1
  left join tenant_business_profiles p on p.tenant_id = $1
 where r.tenant_id = $1 and r.id = $2`

const historySQL = `
select role = 'user', content, media_count, occurred_at from (
    select m.id, m.role, m.content, m.media_count, m.occurred_at
      from replies r
      join conversations c on c.tenant_id = $1 and c.id = r.conversation_id
      join messages m on m.conversation_id = c.id
     where r.tenant_id = $1 and r.id = $2
     order by m.occurred_at desc, m.id desc limit 40) latest
 order by occurred_at, id`

const sectionsSQL = `
select b.tenant_id is not null, s.section_key, s.content, s.sort_order
  from prompt_bundles b join prompt_sections s on s.bundle_id = b.id
 where b.status = 'PRODUCTION' and (b.tenant_id = $1 or b.tenant_id is null)`

// ClaimReply takes a due reply for one worker, for as long as lease; when that ends unused another may claim it. It returns
// the reply with all that it needs, or nil and how the reply stands. An answer that a person's takeover or a switched-off
// channel has made pointless is suppressed here. One round trip.
func (t *Tenant) ClaimReply(ctx context.Context, id int64, lease time.Duration) (*Reply, Standing, error) {
	var claimed bool
	r, standing, err := t.readReply(ctx, "claiming a reply", id, func(b *pgx.Batch) {
		b.Queue(settleBeforeClaimSQL, t.id(), id)
		b.Queue(claimSQL, t.id(), id, lease).Query(func(rows pgx.Rows) error {
			claimed = rows.Next()
			return rows.Err()
		})
	})
	switch {
	case fault.KindOf(err) == fault.Conflict: // another reply of this conversation was claimed at this moment
		return nil, Standing{State: Planned, Due: true}, nil
	case err != nil || r == nil:
		return nil, Standing{}, err
	case !claimed:
		return nil, standing, nil
	}
	return r, Standing{}, nil
}

// Reply reads a reply with all that belongs to it, without claiming it; nil when there is none.
func (t *Tenant) Reply(ctx context.Context, id int64) (*Reply, error) {
	r, _, err := t.readReply(ctx, "reading a reply", id, func(*pgx.Batch) {})
	return r, err
}

func (t *Tenant) readReply(ctx context.Context, doing string, id int64, first func(b *pgx.Batch)) (*Reply, Standing, error) {
	var r *Reply
	var standing Standing
	var history []Message
	var global, own []prompt.Section
	err := t.run(ctx, doing, func(b *pgx.Batch) {
		first(b)
		b.Queue(replySQL, t.id(), id).Query(func(rows pgx.Rows) (err error) {
			if rows.Next() {
				r, standing, err = t.scanReply(rows)
			}
			return err
		})
		b.Queue(historySQL, t.id(), id).Query(func(rows pgx.Rows) (err error) {
			history, err = pgx.CollectRows(rows, scanMessage)
			return err
		})
		b.Queue(sectionsSQL, t.id()).Query(func(rows pgx.Rows) (err error) {
			global, own, err = scanSections(rows)
			return err
		})
	})
	if err != nil || r == nil {
		return nil, Standing{}, err
	}
	r.History, r.Global, r.Own = history, global, own
	return r, standing, nil
}

func (t *Tenant) scanReply(row pgx.Rows) (*Reply, Standing, error) {
	var r Reply
	var standing Standing
	var body, from, to, afterHours string
	var sealed []byte
	err := row.Scan(&r.ID, &r.ConversationID, &r.Kind, &r.State, &r.Fence, &r.Attempts, &r.ActAt, &r.SendingAt, &body, &r.Token,
		&from, &to, &sealed, &r.ProfileID, &r.Business.BusinessName, &r.Business.WebsiteURL, &r.Business.Phone, &r.Business.Email,
		&r.Zone, &r.Hours, &r.HoursEnabled, &afterHours, &r.ToldHours, &standing.Due, &standing.Closed)
	if err != nil {
		return nil, standing, err
	}
	r.Body, r.AfterHours = private.NewText(body), private.NewText(afterHours)
	if err := r.From.UnmarshalText([]byte(from)); err != nil {
		return nil, standing, err
	}
	if err := r.To.UnmarshalText([]byte(to)); err != nil {
		return nil, standing, err
	}
	if sealed != nil {
		r.APIKey, err = t.store.keys.Open(sealed, t.id(), "tenant_sms_configs.telnyx_api_key")
	}
	standing.State, standing.ActAt = r.State, r.ActAt
	return &r, standing, err
}

func scanMessage(row pgx.CollectableRow) (Message, error) {
	var m Message
	var text string
	err := row.Scan(&m.FromCustomer, &text, &m.Media, &m.At)
	m.Text = private.NewText(text)
	return m, err
}

func scanSections(rows pgx.Rows) (global, own []prompt.Section, err error) {
	var s prompt.Section
	_, err = pgx.ForEachRow(rows, []any{&s.Tenant, &s.Key, &s.Content, &s.Position}, func() error {
		if s.Tenant {
			own = append(own, s)
		} else {
			global = append(global, s)
		}
		return nil
	})
	return global, own, err
}
