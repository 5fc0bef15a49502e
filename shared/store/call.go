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

// RecordCall records what an event tells, whichever of a call's events comes first and however often, and returns the call's id:
// events that share a name are of one call. One round trip.
func (t *Tenant) RecordCall(ctx context.Context, e CallEvent) (id int64, err error) {
	told, insights, err := e.columns()
	if err != nil {
		return 0, err
	}
	err = t.run(ctx, "recording a call", func(b *pgx.Batch) {
		b.Queue(`select record_call($1, $2, $3, $4)`, t.id(), e.Names, told, insights).QueryRow(func(row pgx.Row) error { return row.Scan(&id) })
	})
	return id, err
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
}

const callColumns = `id, channel, direction = 'outbound', coalesce(customer_number, ''), coalesce(our_number, ''), coalesce(assistant_id, ''), coalesce(control_id, ''),
	coalesce(conversation_id, ''), status = 'ended', started_at, ended_at, coalesce(duration_seconds, 0), coalesce(hangup_cause, ''), coalesce(recording_id, '')`

func scanCall(row pgx.CollectableRow) (c Call, err error) {
	var customer, ours string
	var ended *time.Time
	var seconds int
	err = row.Scan(&c.ID, &c.Channel, &c.Outbound, &customer, &ours, &c.AssistantID, &c.ControlID,
		&c.ConversationID, &c.Ended, &c.StartedAt, &ended, &seconds, &c.Cause, &c.RecordingID)
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
	err = t.run(ctx, "reading a call", func(b *pgx.Batch) {
		b.Queue(`select `+callColumns+` from calls where tenant_id = $1 and id = $2`, t.id(), id).Query(func(rows pgx.Rows) (err error) {
			c, err = pgx.CollectExactlyOneRow(rows, scanCall)
			return err
		})
		b.Queue(`select insight_id, name, result from call_insights where tenant_id = $1 and call_id = $2 order by insight_id collate "C"`, t.id(), id).
			Query(func(rows pgx.Rows) (err error) {
				insights, err = pgx.CollectRows(rows, scanInsight)
				return err
			})
	})
	c.Insights = insights
	return c, err
}

func scanInsight(row pgx.CollectableRow) (i CallInsight, err error) {
	var result string
	err = row.Scan(&i.ID, &i.Name, &result)
	i.Result = private.NewText(result)
	return i, err
}

// Calls lists those after a place, the newest first, at most limit, without their insights. One round trip.
func (t *Tenant) Calls(ctx context.Context, after Place, limit int) (found []Call, err error) {
	after = after.orNewest()
	err = t.run(ctx, "listing calls", func(b *pgx.Batch) {
		b.Queue(`select `+callColumns+` from calls where tenant_id = $1 and (started_at, id) < ($2, $3) order by started_at desc, id desc limit $4`,
			t.id(), after.At, after.ID, limit).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, scanCall)
			return err
		})
	})
	return found, err
}
