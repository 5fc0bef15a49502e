package telnyx

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Event is what a webhook tells, API version 2.
type Event struct {
	ID         string // stays the same over redeliveries
	Type       string // message.received, message.sent, message.finalized; others are to be ignored
	OccurredAt time.Time
	Message    Message
}

// Message is the text that a messaging event is about.
type Message struct {
	ID               string
	From, To         private.Phone // zero for what is no number: a short code, a name; To is the first recipient
	ToStatus         string        // to[0].status, where an outbound text stands
	Text             private.Text
	Media            int    // attachments
	AutoresponseType string // STOP, START or HELP when Telnyx has answered already
	WebhookURL       string // the report address that the text was sent with
	Errors           []MessageError
}

// MessageError is why a text was not delivered.
type MessageError struct{ Code, Title string }

// wire types: every field optional, nothing validated that is not used.
type wireEvent struct {
	Data *struct {
		RecordType string       `json:"record_type"`
		EventType  string       `json:"event_type"`
		ID         string       `json:"id"`
		OccurredAt string       `json:"occurred_at"`
		Payload    *wireMessage `json:"payload"`
	} `json:"data"`
}

type wireParty struct {
	PhoneNumber string `json:"phone_number"`
	Status      string `json:"status"`
}

type wireMessage struct {
	ID               string            `json:"id"`
	From             lenient           `json:"from"`
	To               lenient           `json:"to"`
	Text             string            `json:"text"`
	Media            []json.RawMessage `json:"media"`
	AutoresponseType string            `json:"autoresponse_type"`
	WebhookURL       string            `json:"webhook_url"`
	ReceivedAt       string            `json:"received_at"`
	Errors           lenient           `json:"errors"`
}

// lenient is a part whose shape differs between events; it is read later, and never fails.
type lenient struct{ raw json.RawMessage }

// UnmarshalJSON keeps the bytes.
func (l *lenient) UnmarshalJSON(b []byte) error {
	l.raw = append(l.raw[:0], b...)
	return nil
}

func (l lenient) party() wireParty {
	var many []wireParty
	if json.Unmarshal(l.raw, &many) == nil && len(many) > 0 {
		return many[0]
	}
	var one wireParty
	_ = json.Unmarshal(l.raw, &one)
	return one
}

func (l lenient) errors() []MessageError {
	var found []struct {
		Code  any    `json:"code"`
		Title string `json:"title"`
	}
	_ = json.Unmarshal(l.raw, &found)
	all := make([]MessageError, 0, len(found))
	for _, e := range found {
		code, _ := e.Code.(string)
		all = append(all, MessageError{code, e.Title})
	}
	return all
}

// ParseEvent reads a webhook's body. fault.Invalid when it is no JSON object in Telnyx's envelope, or a messaging event
// without the id of its message; whatever else is odd is tolerated. Telnyx adds fields without notice.
func ParseEvent(body []byte) (Event, error) {
	var w wireEvent
	var odd *json.UnmarshalTypeError // a part of another type than documented stays empty, and the rest is read
	if err := json.Unmarshal(body, &w); err != nil && !errors.As(err, &odd) {
		return Event{}, fault.New(fault.Invalid, "the body is not a Telnyx event: it must be JSON in webhook API version 2")
	}
	if w.Data == nil || w.Data.EventType == "" && w.Data.RecordType == "" {
		return Event{}, fault.New(fault.Invalid, "the body is not a Telnyx event: it has no data.event_type; set webhook API version 2")
	}
	e := Event{ID: w.Data.ID, Type: w.Data.EventType}
	if e.Type == "" {
		e.Type = w.Data.RecordType
	}
	e.OccurredAt, _ = time.Parse(time.RFC3339Nano, w.Data.OccurredAt)
	if !strings.HasPrefix(e.Type, "message.") {
		return e, nil
	}
	if w.Data.Payload == nil || w.Data.Payload.ID == "" {
		return Event{}, fault.New(fault.Invalid, "the event has no data.payload.id")
	}
	e.Message = w.Data.Payload.message()
	if e.Type == "message.received" {
		if at, err := time.Parse(time.RFC3339Nano, w.Data.Payload.ReceivedAt); err == nil {
			e.OccurredAt = at // when the sender's text arrived, not when the event was made of it
		}
	}
	return e, nil
}

func (w *wireMessage) message() Message {
	from, to := w.From.party(), w.To.party()
	m := Message{
		ID: w.ID, Text: private.NewText(clean(w.Text)), Media: len(w.Media), AutoresponseType: w.AutoresponseType,
		WebhookURL: w.WebhookURL, ToStatus: to.Status, Errors: w.Errors.errors(),
	}
	m.From, _ = private.ParsePhone(from.PhoneNumber)
	m.To, _ = private.ParsePhone(to.PhoneNumber)
	return m
}

// Delivery tells where an outbound text stands, and whether that is final.
func (e Event) Delivery() (status string, final bool) {
	switch e.Message.ToStatus {
	case "delivered", "sending_failed", "delivery_failed", "delivery_unconfirmed", "expired":
		return e.Message.ToStatus, true
	default:
		return e.Message.ToStatus, false
	}
}
