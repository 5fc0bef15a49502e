package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Utterance is what one side said.
type Utterance struct {
	Role string    `json:"role"` // user or assistant
	Text string    `json:"text"`
	At   time.Time `json:"at"`
	Key  string    `json:"key,omitempty"` // tells what a chat's side has said from the same said again
}

// CallSummary is what was made of a call.
type CallSummary struct {
	Summary        string // a sentence or two; "" when there was nothing to sum up
	Intent         string // pricing_info, hours_location, booking_request, support_request, wrong_number or general_inquiry
	Outcome        string // booked, link_sent, lead_created, info_provided or incomplete
	Language       string // the customer's, ISO 639-1; "" when not known
	Name, Email    string // as the customer gave them; "" when they did not
	FromTranscript bool   // false when only what Telnyx made of the call was there to read
	Transcript     []Utterance
	LeadID         int64 // 0 for none
	MadeAt         time.Time
}

// CallWork is a claimed call of which something is to be made.
type CallWork struct {
	Call     Call
	Fence    int // which claim this is
	Attempts int // this one included

	APIKey       private.Secret // of the tenant's Telnyx account; zero when it has none
	BusinessName string
	Zone         string
	Notify       private.Phone // who is texted about the call; zero for nobody
	LinkSent     bool          // a link has gone out to the customer while they talked
	Booked       bool          // a meeting was booked for them then
}

const claimCallSQL = `
update calls c set finish_at = now() + $3::interval, finish_fence = finish_fence + 1, finish_attempts = finish_attempts + 1, finish_again = false
 where c.tenant_id = $1 and c.id = $2
   and (c.finish_at <= now() + interval '1 second'
        or c.finish_at is null and c.finished_at is null and c.updated_at <= now() - $4::interval)
   and exists (select from tenants where id = $1 and is_active)
returning finish_fence, finish_attempts`

const callWorkSQL = `
select s.telnyx_api_key, coalesce(s.timezone, ''), coalesce(v.notify_phone_number, ''), coalesce(p.business_name, ''),
       exists (select from replies r join conversations n on n.tenant_id = $1 and n.id = r.conversation_id
                where r.tenant_id = $1 and n.phone_number = c.customer_number and r.kind = 'tool' and r.idempotency_key like 'link-%' and r.accepted_at is not null
                  and r.created_at between c.started_at - interval '1 minute' and coalesce(c.ended_at, now()) + interval '1 minute'),
       exists (select from bookings k where k.tenant_id = $1 and k.customer_number = c.customer_number and k.state = 'confirmed'
                  and k.created_at between c.started_at - interval '1 minute' and coalesce(c.ended_at, now()) + interval '1 minute'),
       coalesce(c.finish_at, 'epoch')
  from calls c
  left join tenant_sms_configs s on s.tenant_id = $1
  left join tenant_voice_configs v on v.tenant_id = $1
  left join tenant_business_profiles p on p.tenant_id = $1
 where c.tenant_id = $1 and c.id = $2`

// ForgottenAfter is how long after its last event a call of which nobody has heard the end is taken to be over.
const ForgottenAfter = 3 * time.Hour

// ClaimCall claims a call for whoever makes something of it, for lease at most. w is nil when it cannot be claimed now: due is then when it
// may be, zero when there is nothing to do. One round trip.
func (t *Tenant) ClaimCall(ctx context.Context, id int64, lease time.Duration) (w *CallWork, due time.Time, err error) {
	var work CallWork
	var key []byte
	var notify string
	var insights []CallInsight
	err = t.run(ctx, "claiming a call", func(b *pgx.Batch) {
		b.Queue(claimCallSQL, t.id(), id, lease, ForgottenAfter).Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&work.Fence, &work.Attempts}, func() error { return nil })
			return err
		})
		b.Queue(`select `+callColumns+callsSQL+`c.id = $2`, t.id(), id).Query(func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, scanCall)
			if len(found) == 1 {
				work.Call = found[0]
			}
			return err
		})
		b.Queue(insightsSQL, t.id(), id).Query(func(rows pgx.Rows) (err error) {
			insights, err = pgx.CollectRows(rows, scanInsight)
			return err
		})
		b.Queue(callWorkSQL, t.id(), id).Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&key, &work.Zone, &notify, &work.BusinessName, &work.LinkSent, &work.Booked, &due}, func() error { return nil })
			return err
		})
	})
	if err != nil || work.Fence == 0 {
		if due.Unix() <= 0 {
			due = time.Time{}
		}
		return nil, due, err
	}
	work.Call.Insights = insights
	if key != nil {
		if work.APIKey, err = t.store.keys.Open(key, t.id(), telnyxKeyColumn); err != nil {
			return nil, time.Time{}, err
		}
	}
	return &work, time.Time{}, work.Notify.UnmarshalText([]byte(notify))
}

// PostponeCall gives a claimed call back, to be looked at again after a while. ErrLostClaim when it is no longer ours. One round trip.
func (t *Tenant) PostponeCall(ctx context.Context, w *CallWork, wait time.Duration) error {
	return t.transition(ctx, "postponing a call", func(b *pgx.Batch) *pgx.QueuedQuery {
		return b.Queue(`update calls set finish_at = now() + $4::interval where tenant_id = $1 and id = $2 and finish_fence = $3 and finish_at is not null`,
			t.id(), w.Call.ID, w.Fence, wait)
	})
}

// CallMade is what was made of a claimed call and what is to come of it.
type CallMade struct {
	CallSummary
	RecordingID string       // of a recording that no event told of; "" for none
	IsLead      bool         // the customer is to be among the leads; they have a number, a name or an e-mail address
	Label       string       // under which the lead tells of this call
	NoTextsAt   time.Time    // when the customer asked not to be texted; zero when they did not
	Notice      private.Text // to the owner, if they are to be told; zero for none
	NoticeAt    time.Time    // not before
	Spent       Spent        // on having the model read it
	Missing     string       // why a part of it is missing for good, a fixed code; "" when none is
}

// FinishedCall says what came of it.
type FinishedCall struct {
	LeadID int64        // 0 for none
	Notice PlannedReply // zero when there is none, or was one before
	Failed bool         // it is a dead letter now, for what is Missing: nothing more is to be made of it
}

// failCallSQL concerns a call that this transaction has finished, and that nobody looks at again.
const failCallSQL = `
update calls set failed_at = case when $3 <> '' then now() end, failed_reason = nullif($3, ''), finish_attempts = case when $3 <> '' then $4 else 0 end
 where tenant_id = $1 and id = $2 and finished_at = now() and finish_at is null and (failed_at is not null or $3 <> '')`

// FinishCall keeps what was made of a call, with each of its effects once whoever makes it again: the summary; the lead, which is the one
// that the same customer's earlier call made while nobody has looked at it; the contact; the owner's notice; the opt-out; and a chat's
// messages in the conversation with the customer. ErrLostClaim when the call is no longer ours. One round trip.
func (t *Tenant) FinishCall(ctx context.Context, w *CallWork, m CallMade) (f FinishedCall, err error) {
	made, said, err := m.columns(w)
	if err != nil {
		return f, err
	}
	var held bool
	var due *time.Time
	err = t.run(ctx, "finishing a call", func(b *pgx.Batch) {
		t.queueSpent(b, "call", m.Spent)
		b.Queue(`select held, coalesce(lead, 0), coalesce(notice, 0), notice_due from finish_call($1, $2, $3, $4, $5)`, t.id(), w.Call.ID, w.Fence, made, said).
			QueryRow(func(row pgx.Row) error { return row.Scan(&held, &f.LeadID, &f.Notice.ReplyID, &due) })
		b.Queue(failCallSQL, t.id(), w.Call.ID, m.Missing, w.Attempts).Exec(func(tag pgconn.CommandTag) error {
			f.Failed = m.Missing != "" && tag.RowsAffected() == 1
			return nil
		})
	})
	if err == nil && !held {
		return f, ErrLostClaim
	}
	if due != nil {
		f.Notice.ActAt, f.Notice.State = *due, Planned
	}
	return f, err
}

func (m CallMade) columns(w *CallWork) (made, said []byte, err error) {
	if m.Transcript == nil {
		m.Transcript = []Utterance{}
	}
	source := "voice"
	if w.Call.Channel == "sms_chat" {
		source = "sms"
	}
	made, err = json.Marshal(map[string]any{
		"summary": m.Summary, "intent": m.Intent, "outcome": m.Outcome, "language": m.Language, "name": m.Name, "email": m.Email,
		"from_transcript": m.FromTranscript, "transcript": m.Transcript, "recording_id": m.RecordingID, "is_lead": m.IsLead, "source": source,
		"label": m.Label, "no_texts_at": orNull(m.NoTextsAt), "notice": m.Notice.Reveal(), "notice_at": m.NoticeAt,
	})
	if err != nil {
		return nil, nil, err
	}
	said, err = json.Marshal(m.Transcript)
	return made, said, err
}

// orNull makes no time null.
func orNull(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// UnfinishedCall is a call of which nobody has made anything in time.
type UnfinishedCall struct {
	Scope  tenant.Scope
	CallID int64
}

// UnfinishedCalls lists, oldest first, the calls of all active tenants whose turn came at least late ago, and those of whose end nobody has
// heard within ForgottenAfter. One tenant has ofEach of them at most. It tells ids and nothing else.
func (s *Store) UnfinishedCalls(ctx context.Context, late time.Duration, atMost, ofEach int) (found []UnfinishedCall, err error) {
	err = s.run(ctx, "finding unfinished calls", session{role: appRole, tenant: nobody}, func(b *pgx.Batch) {
		b.Queue(`select tenant_id, call_id from route_unfinished_calls(now() - $1::interval, now() - $2::interval, $3, $4)`, late, ForgottenAfter, atMost, ofEach).
			Query(func(rows pgx.Rows) error {
				var id, call int64
				_, err := pgx.ForEachRow(rows, []any{&id, &call}, func() error {
					found = append(found, UnfinishedCall{tenant.ByTask(tenant.ID(id)), call})
					return nil
				})
				return err
			})
	})
	return found, err
}
