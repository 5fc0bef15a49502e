package telnyx

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// CallEventKind is what a call event tells, whichever of Telnyx's shapes it came in.
type CallEventKind string

// The kinds.
const (
	CallProgress   CallEventKind = "progress"   // the call exists
	CallRecorded   CallEventKind = "recorded"   // a recording of it is kept
	CallEnded      CallEventKind = "ended"      // it is over
	CallInsights   CallEventKind = "insights"   // what Telnyx has made of the conversation
	CallInitialize CallEventKind = "initialize" // an assistant asks for its variables
	CallOther      CallEventKind = "other"      // nothing to act on
)

// Channel is how a customer talks to an assistant.
type Channel string

// The channels.
const (
	PhoneCall Channel = "phone_call"
	WebCall   Channel = "web_call"
	SMSChat   Channel = "sms_chat"
)

// CallEvent is an event of a conversation with an assistant.
type CallEvent struct {
	ID         string // the same over redeliveries: the event's own, else a digest of the body
	Type       string // as sent
	Kind       CallEventKind
	Channel    Channel // "" when the event does not say, and has none of a call's ids
	OccurredAt time.Time

	// Names are all that the event calls the conversation by, each with its kind, such as "control:v3:…": events of one call share one
	// at least.
	Names          []string
	ControlID      string
	ConversationID string // Telnyx's, under which it keeps what was said
	AssistantID    string
	From, To       private.Phone
	Outbound       bool
	Directed       bool // the event says who called whom

	StartedAt, EndedAt time.Time
	Duration           time.Duration
	Cause              string // why it ended, in Telnyx's words
	RecordingID        string
	Insights           []Insight
}

// Insight is one result of an insight group.
type Insight struct {
	ID     string // which insight; results come in any order
	Name   string // "" in most shapes
	Result private.Text
}

// Customer is the number of the other side, and Ours the tenant's.
func (e CallEvent) Customer() private.Phone {
	if e.Outbound {
		return e.To
	}
	return e.From
}

// Ours is the tenant's number.
func (e CallEvent) Ours() private.Phone {
	if e.Outbound {
		return e.From
	}
	return e.To
}

// ParseCallEvent reads the body of a call webhook: JSON in Telnyx's envelope or without it, or the form of a TeXML status callback.
// fault.Invalid when it is neither; what is odd or missing is tolerated.
func ParseCallEvent(contentType string, body []byte) (CallEvent, error) {
	f, err := parseFields(contentType, body)
	if err != nil {
		return CallEvent{}, err
	}
	e := CallEvent{Type: f.text("data.event_type", "event_type", "data.record_type"), ID: f.text("data.id", "payload.request_id")}
	if e.ID == "" {
		sum := sha256.Sum256(body)
		e.ID = hex.EncodeToString(sum[:12])
	}
	e.ControlID = f.text("payload.call_control_id", "metadata.call_control_id", "CallControlId", "CallSid")
	e.ConversationID = f.text("payload.conversation_id", "conversation_id", "payload.telnyx_conversation_id", "metadata.telnyx_conversation_id")
	e.AssistantID = f.text("payload.assistant_id", "metadata.assistant_id", "assistant_id")
	e.Names = f.names(e)
	e.From = f.phone("payload.from", "metadata.from", "payload.telnyx_end_user_target", "metadata.telnyx_end_user_target", "From")
	e.To = f.phone("payload.to", "metadata.to", "payload.telnyx_agent_target", "metadata.telnyx_agent_target", "To")
	e.Outbound = f.text("payload.direction", "metadata.direction") == "outgoing" || strings.HasPrefix(f.text("Direction"), "outbound")
	e.Directed = f.text("payload.direction", "metadata.direction", "Direction") != "" || e.Type == "assistant.initialization"
	e.OccurredAt = f.time("data.occurred_at", "Timestamp")
	e.StartedAt = f.time("payload.start_time", "AnsweredTime", "CallInitiatedAt")
	e.EndedAt = f.time("payload.end_time", "EndTime")
	e.Duration = f.seconds("payload.duration_sec", "payload.duration_seconds", "CallDuration")
	e.Cause = f.text("payload.hangup_cause", "payload.reason", "HangupCause")
	e.RecordingID = f.text("payload.recording_id", "RecordingSid")
	e.Insights = f.insights()
	e.Kind, e.Channel = f.kind(e), f.channel(e)
	return e, nil
}

// fields are an event's, addressed by path. "data", "payload" and "metadata" mean the same whatever they are wrapped in.
type fields struct {
	root, data, payload, metadata map[string]any
}

func parseFields(contentType string, body []byte) (f fields, err error) {
	media, _, _ := mime.ParseMediaType(contentType)
	trimmed := strings.TrimSpace(string(body))
	if media == "application/x-www-form-urlencoded" && !strings.HasPrefix(trimmed, "{") {
		form, err := url.ParseQuery(trimmed)
		if err != nil || len(form) == 0 {
			return f, fault.New(fault.Invalid, "the body is no form")
		}
		f.root = map[string]any{}
		for name := range form {
			f.root[name] = form.Get(name)
		}
		return f, nil
	}
	decoder := json.NewDecoder(strings.NewReader(trimmed))
	decoder.UseNumber()
	if err := decoder.Decode(&f.root); err != nil || f.root == nil {
		return f, fault.New(fault.Invalid, "the body is not a Telnyx event: it must be a JSON object or a form")
	}
	f.data = object(f.root["data"])
	f.payload = object(f.data["payload"])
	if f.payload == nil {
		f.payload = object(f.root["payload"])
	}
	f.metadata = object(f.payload["metadata"])
	return f, nil
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// at finds what stands at a path: "payload.x", "data.x", "metadata.x", or "x" at the top.
func (f fields) at(path string) any {
	part, name, nested := strings.Cut(path, ".")
	if !nested {
		return f.root[path]
	}
	return map[string]map[string]any{"data": f.data, "payload": f.payload, "metadata": f.metadata}[part][name]
}

// text is the first of the paths with something in it. A number is taken as its digits.
func (f fields) text(paths ...string) string {
	for _, path := range paths {
		if s := strings.TrimSpace(plain(f.at(path))); s != "" {
			return s
		}
	}
	return ""
}

// maxText bounds an id or a word; what is longer is none.
const maxText = 512

func plain(v any) string {
	switch v := v.(type) {
	case string:
		if len(v) <= maxText {
			return strings.ToValidUTF8(strings.ReplaceAll(v, "\x00", ""), "")
		}
	case json.Number:
		return v.String()
	}
	return ""
}

// phone is the first path that holds a number, as text or as an object with phone_number.
func (f fields) phone(paths ...string) private.Phone {
	for _, path := range paths {
		v := f.at(path)
		if o := object(v); o != nil {
			v = o["phone_number"]
		}
		if p, err := private.ParsePhone(plain(v)); err == nil {
			return p
		}
	}
	return private.Phone{}
}

func (f fields) time(paths ...string) time.Time {
	for _, path := range paths {
		if at, err := time.Parse(time.RFC3339Nano, plain(f.at(path))); err == nil {
			return at
		}
	}
	return time.Time{}
}

func (f fields) seconds(paths ...string) time.Duration {
	for _, path := range paths {
		if n, err := strconv.ParseFloat(plain(f.at(path)), 64); err == nil && n > 0 && n < 1e6 {
			return time.Duration(n * float64(time.Second))
		}
	}
	return 0
}

// names gathers what the conversation is called.
func (f fields) names(e CallEvent) []string {
	var all []string
	for _, n := range []struct{ kind, id string }{
		{"control", e.ControlID},
		{"leg", f.text("payload.call_leg_id", "metadata.call_leg_id", "CallLegId")},
		{"session", f.text("payload.call_session_id", "metadata.call_session_id", "CallSessionId")},
		{"conversation", e.ConversationID},
	} {
		if n.id != "" {
			all = append(all, n.kind+":"+n.id)
		}
	}
	return all
}

func (f fields) kind(e CallEvent) CallEventKind {
	switch e.Type {
	case "assistant.initialization":
		return CallInitialize
	case "call.initiated", "call.answered":
		return CallProgress
	case "call.recording.saved":
		return CallRecorded
	case "call.hangup", "call.conversation.ended", "conversation.ended":
		return CallEnded
	case "conversation_insight_result", "call.conversation_insights.generated", "conversation.insights.completed":
		if status := f.text("payload.status", "status"); status != "" && status != "completed" {
			return CallOther // there will be another when the results are there
		}
		return CallInsights
	}
	switch f.text("CallStatus") {
	case "":
		return CallOther
	case "completed", "busy", "failed", "no-answer", "canceled":
		return CallEnded
	default:
		return CallProgress
	}
}

// channel is what the event says, else a call when it has one of a call's ids: types tell nothing, chats have those of calls too.
func (f fields) channel(e CallEvent) Channel {
	switch f.text("payload.telnyx_conversation_channel", "metadata.telnyx_conversation_channel") {
	case "phone_call":
		return PhoneCall
	case "web_call", "web_chat":
		return WebCall
	case "sms_chat", "sms":
		return SMSChat
	}
	if f.text("payload.calling_party_type") == "sip" {
		return WebCall
	}
	if slices.ContainsFunc(e.Names, func(n string) bool { return !strings.HasPrefix(n, "conversation:") }) {
		return PhoneCall
	}
	return ""
}

const maxInsights = 50

// insights reads payload.results, or the insights of the guide's shape. A structured result stays JSON.
func (f fields) insights() []Insight {
	list, ok := f.at("payload.results").([]any)
	if !ok {
		list, _ = f.root["insights"].([]any)
	}
	var all []Insight
	for _, item := range list[:min(len(list), maxInsights)] {
		o := object(item)
		text, isText := o["result"].(string)
		if !isText && o["result"] != nil {
			structured, _ := json.Marshal(o["result"])
			text = string(structured)
		}
		insight := Insight{ID: plain(o["insight_id"]), Name: plain(o["insight_name"]), Result: private.NewText(clean(strings.TrimSpace(text)))}
		if insight.ID != "" && !insight.Result.IsZero() && !slices.ContainsFunc(all, func(i Insight) bool { return i.ID == insight.ID }) {
			all = append(all, insight)
		}
	}
	return all
}

// clean makes text storable.
func clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}
