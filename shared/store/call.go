package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// CallEvent is what an event tells of a call; a zero field is one of which it says nothing.
type CallEvent struct {
	Names          []string // all that it calls the call by, each with its kind; one at least
	Channel        string   // phone_call, web_call or sms_chat; "" is a phone call unless another event says otherwise
	Outbound       bool
	Customer, Ours private.Phone
	AssistantID    string
	ControlID      string
	ConversationID string // Telnyx's
	Ended          bool
	OccurredAt     time.Time
	StartedAt      time.Time
	EndedAt        time.Time
	Duration       time.Duration
	Cause          string
	RecordingID    string
	Insights       []CallInsight
}

// CallInsight is one result that Telnyx has made of what was said.
type CallInsight struct {
	ID, Name string
	Result   private.Text
}

// RecordedCall is the call that an event is of.
type RecordedCall struct {
	ID    int64
	DueAt time.Time // when something is to be made of it; zero when the event is no reason to
}

// finishAfter is how long after its end a call is looked at: Telnyx writes down what was said a moment later.
const finishAfter = 5 * time.Second

// RecordCall records what an event tells, whichever of a call's events comes first and however often, and returns the call:
// events that share a name are of one call. One round trip.
func (t *Tenant) RecordCall(ctx context.Context, e CallEvent) (rec RecordedCall, err error) {
	told, insights, err := e.columns()
	if err != nil {
		return rec, err
	}
	var due *time.Time
	err = t.run(ctx, "recording a call", func(b *pgx.Batch) {
		b.Queue(`select call, due from take_call_event($1, $2, $3, $4, $5)`, t.id(), e.Names, told, insights, finishAfter).
			QueryRow(func(row pgx.Row) error { return row.Scan(&rec.ID, &due) })
	})
	if due != nil {
		rec.DueAt = *due
	}
	return rec, err
}

// columns are what an event tells, as the columns of calls, and its insights.
func (e CallEvent) columns() (told, insights []byte, err error) {
	columns := map[string]any{}
	for name, value := range map[string]string{
		"channel":         e.Channel,
		"customer_number": e.Customer.E164(), "our_number": e.Ours.E164(), "assistant_id": e.AssistantID, "control_id": e.ControlID,
		"conversation_id": e.ConversationID, "hangup_cause": e.Cause, "recording_id": e.RecordingID,
	} {
		if value != "" {
			columns[name] = value
		}
	}
	for name, at := range map[string]time.Time{"occurred_at": e.OccurredAt, "started_at": e.StartedAt, "ended_at": e.EndedAt} {
		if !at.IsZero() {
			columns[name] = at
		}
	}
	if e.Outbound {
		columns["direction"] = "outbound"
	}
	if e.Ended {
		columns["status"] = "ended"
	}
	if e.Duration > 0 {
		columns["duration_seconds"] = int(e.Duration.Round(time.Second).Seconds())
	}
	results := []map[string]string{}
	for _, i := range e.Insights {
		results = append(results, map[string]string{"id": i.ID, "name": i.Name, "result": i.Result.Reveal()})
	}
	if told, err = json.Marshal(columns); err != nil {
		return nil, nil, err
	}
	insights, err = json.Marshal(results)
	return told, insights, err
}

// Call is a call or a chat with the tenant's assistant.
type Call struct {
	ID             int64
	Channel        string // phone_call, web_call or sms_chat
	Outbound       bool
	Customer, Ours private.Phone // zero when no event told
	AssistantID    string
	ControlID      string
	ConversationID string // Telnyx's
	Ended          bool
	StartedAt      time.Time
	EndedAt        time.Time // zero while it goes on
	Duration       time.Duration
	Cause          string
	RecordingID    string
	Insights       []CallInsight // by id; a list of calls leaves them out
	Summary        CallSummary   // zero until the call was looked at; a list leaves the transcript out
}

const (
	callColumns = `c.id, c.channel, c.direction = 'outbound', coalesce(c.customer_number, ''), coalesce(c.our_number, ''), coalesce(c.assistant_id, ''),
	coalesce(c.control_id, ''), coalesce(c.conversation_id, ''), c.status = 'ended', c.started_at, c.ended_at, coalesce(c.duration_seconds, 0),
	coalesce(c.hangup_cause, ''), coalesce(c.recording_id, ''), coalesce(s.summary, ''), coalesce(s.intent, ''), coalesce(s.outcome, ''), coalesce(s.language, ''),
	coalesce(s.customer_name, ''), coalesce(s.customer_email, ''), coalesce(s.from_transcript, false), coalesce(s.lead_id, 0), coalesce(s.made_at, 'epoch')`
	callsSQL    = ` from calls c left join call_summaries s on s.tenant_id = $1 and s.call_id = c.id where c.tenant_id = $1 and `
	insightsSQL = `select insight_id, name, result from call_insights where tenant_id = $1 and call_id = $2 order by insight_id collate "C"`
)

func scanCall(row pgx.CollectableRow) (c Call, err error) {
	var customer, ours string
	var ended *time.Time
	var seconds int
	err = row.Scan(&c.ID, &c.Channel, &c.Outbound, &customer, &ours, &c.AssistantID, &c.ControlID,
		&c.ConversationID, &c.Ended, &c.StartedAt, &ended, &seconds, &c.Cause, &c.RecordingID,
		&c.Summary.Summary, &c.Summary.Intent, &c.Summary.Outcome, &c.Summary.Language, &c.Summary.Name, &c.Summary.Email,
		&c.Summary.FromTranscript, &c.Summary.LeadID, &c.Summary.MadeAt)
	if err != nil {
		return c, err
	}
	if ended != nil {
		c.EndedAt = *ended
	}
	c.Duration = time.Duration(seconds) * time.Second
	if err := c.Customer.UnmarshalText([]byte(customer)); err != nil {
		return c, err
	}
	return c, c.Ours.UnmarshalText([]byte(ours))
}

// Call reads one. fault.NotFound when it is missing or another tenant's. One round trip.
func (t *Tenant) Call(ctx context.Context, id int64) (c Call, err error) {
	var insights []CallInsight
	var said []Utterance
	err = t.run(ctx, "reading a call", func(b *pgx.Batch) {
		b.Queue(`select `+callColumns+callsSQL+`c.id = $2`, t.id(), id).Query(func(rows pgx.Rows) (err error) {
			c, err = pgx.CollectExactlyOneRow(rows, scanCall)
			return err
		})
		b.Queue(insightsSQL, t.id(), id).Query(func(rows pgx.Rows) (err error) {
			insights, err = pgx.CollectRows(rows, scanInsight)
			return err
		})
		b.Queue(`select transcript from call_summaries where tenant_id = $1 and call_id = $2`, t.id(), id).Query(func(rows pgx.Rows) (err error) {
			said, err = collectTranscript(rows)
			return err
		})
	})
	c.Insights, c.Summary.Transcript = insights, said
	return c, err
}

// collectTranscript reads the transcript of a call, of which there is none or one.
func collectTranscript(rows pgx.Rows) (said []Utterance, err error) {
	all, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return said, json.Unmarshal(all[0], &said)
}

func scanInsight(row pgx.CollectableRow) (i CallInsight, err error) {
	var result string
	err = row.Scan(&i.ID, &i.Name, &result)
	i.Result = private.NewText(result)
	return i, err
}

// CallFilter narrows a list of calls; a zero field does not.
type CallFilter struct {
	Customer private.Phone
	Channel  string
}

// Calls lists those that the filter lets through after a place, the newest first, at most limit, without their insights and transcripts.
// One round trip.
func (t *Tenant) Calls(ctx context.Context, f CallFilter, after Place, limit int) (found []Call, err error) {
	after = after.orNewest()
	where := conditions{`(c.started_at, c.id) < ($2, $3)`, []any{t.id(), after.At, after.ID, limit}}
	if !f.Customer.IsZero() {
		where.and(`c.customer_number = ?`, f.Customer.E164())
	}
	if f.Channel != "" {
		where.and(`c.channel = ?`, f.Channel)
	}
	err = t.run(ctx, "listing calls", func(b *pgx.Batch) {
		b.Queue(`select `+callColumns+callsSQL+where.sql+` order by c.started_at desc, c.id desc limit $4`, where.args...).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, scanCall)
			return err
		})
	})
	return found, err
}

// Recording is the id of a call's recording at Telnyx, "" when there is none, and the key of the tenant's account there. fault.NotFound when
// the call is missing or another tenant's. One round trip.
func (t *Tenant) Recording(ctx context.Context, callID int64) (id string, key private.Secret, err error) {
	var sealed []byte
	err = t.run(ctx, "reading a call's recording", func(b *pgx.Batch) {
		b.Queue(`select coalesce(c.recording_id, ''), s.telnyx_api_key from calls c left join tenant_sms_configs s on s.tenant_id = $1
			where c.tenant_id = $1 and c.id = $2`, t.id(), callID).QueryRow(func(row pgx.Row) error { return row.Scan(&id, &sealed) })
	})
	if err == nil && sealed != nil {
		key, err = t.store.keys.Open(sealed, t.id(), telnyxKeyColumn)
	}
	return id, key, err
}
