package telnyxtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Turn is what comes next in a call: the customer's words, the assistant's, or a tool that the assistant calls.
type Turn struct {
	Customer  string         `json:"customer,omitempty"`
	Assistant string         `json:"assistant,omitempty"`
	Tool      string         `json:"tool,omitempty"` // the last part of its address, such as get-classes
	Args      map[string]any `json:"args,omitempty"` // {{first_slot}} stands for the first that a tool has offered
}

// Call is a call that a customer makes to one of our numbers.
type Call struct {
	From, To  private.Phone
	Assistant string // the id of the one that answers
	Turns     []Turn
	ToolQuery string // of each tool's address, such as tenant_id=1042; "" for none
	Repeat    int    // how often each tool is called; once when 0
}

// Step is one request of a call and its answer.
type Step struct {
	What   string         `json:"what"` // the event or the tool
	Status int            `json:"status"`
	Answer map[string]any `json:"answer"`
}

// Place plays a whole call against the functions at base, which ends in /api/v1, as Telnyx does: progress, the assistant's variables, each
// tool, and at the end what was said is kept, and the end, the recording, the status callback and the insights in all three shapes are
// delivered, each twice and in any order, again while they are not acknowledged. It returns what was answered, in order.
func (s *Server) Place(ctx context.Context, base string, c Call) ([]Step, error) {
	p := &placed{server: s, base: base, call: c, control: "v3:" + newID(), conversation: newID(), session: newID(), began: time.Now()}
	for _, step := range []struct {
		path, event string
		payload     map[string]any
	}{
		{"call-progress", "call.initiated", p.ids("direction", "incoming", "state", "parked")},
		{"dynamic-variables", "assistant.initialization", map[string]any{
			"telnyx_conversation_channel": "phone_call", "telnyx_agent_target": c.To.E164(), "telnyx_end_user_target": c.From.E164(),
			"call_control_id": p.control, "assistant_id": c.Assistant,
		}},
		{"call-progress", "call.answered", p.ids("state", "answered")},
	} {
		if err := p.send(ctx, step.event, step.path, "application/json", Event(step.event, step.payload), nil); err != nil {
			return p.steps, err
		}
	}
	if err := p.talk(ctx); err != nil {
		return p.steps, err
	}
	return p.steps, p.end(ctx)
}

type placed struct {
	server                         *Server
	base                           string
	call                           Call
	control, conversation, session string
	began                          time.Time
	firstSlot                      string
	steps                          []Step
}

// ids are what most events call a call by, and more fields as name and value in turn.
func (p *placed) ids(more ...any) map[string]any {
	payload := map[string]any{
		"call_control_id": p.control, "call_session_id": p.session, "call_leg_id": "leg-" + p.session, "connection_id": "1",
		"from": p.call.From.E164(), "to": p.call.To.E164(), "start_time": p.began.UTC(),
	}
	for i := 0; i < len(more); i += 2 {
		payload[more[i].(string)] = more[i+1]
	}
	return payload
}

func (p *placed) talk(ctx context.Context) error {
	said := Conversation{ID: p.conversation, ControlID: p.control, Began: p.began, Recording: "recording-" + p.session}
	for _, turn := range p.call.Turns {
		switch {
		case turn.Customer != "":
			said.Lines = append(said.Lines, Line{"user", turn.Customer})
		case turn.Assistant != "":
			said.Lines = append(said.Lines, Line{"assistant", turn.Assistant})
		default:
			said.Lines = append(said.Lines, Line{"assistant", ""})
			for range max(p.call.Repeat, 1) {
				if err := p.tool(ctx, turn); err != nil {
					return err
				}
			}
		}
	}
	p.server.Converse(said)
	return nil
}

func (p *placed) tool(ctx context.Context, turn Turn) error {
	if turn.Args == nil {
		turn.Args = map[string]any{}
	}
	body, err := json.Marshal(turn.Args)
	if err != nil {
		return err
	}
	body = bytes.ReplaceAll(body, []byte("{{first_slot}}"), []byte(p.firstSlot))
	path := "tools/" + turn.Tool
	if p.call.ToolQuery != "" {
		path += "?" + p.call.ToolQuery
	}
	if err := p.send(ctx, turn.Tool, path, "application/json", body, http.Header{"X-Telnyx-Call-Control-Id": {p.control}}); err != nil {
		return err
	}
	if slots, _ := p.steps[len(p.steps)-1].Answer["slots"].([]any); len(slots) > 0 {
		first, _ := slots[0].(map[string]any)
		p.firstSlot, _ = first["start"].(string)
	}
	return nil
}

// closing is one delivery after a call.
type closing struct {
	what, contentType string
	body              []byte
}

// end delivers what comes when a call is over.
func (p *placed) end(ctx context.Context) error {
	results := []map[string]any{{"insight_id": "insight-1", "result": "The caller asked about classes."}}
	metadata := p.ids("assistant_id", p.call.Assistant, "telnyx_conversation_channel", "phone_call",
		"telnyx_agent_target", p.call.To.E164(), "telnyx_end_user_target", p.call.From.E164())
	bare := func(v map[string]any) []byte {
		body, _ := json.Marshal(v)
		return body
	}
	form := url.Values{
		"CallSid": {p.control}, "CallControlId": {p.control}, "CallSessionId": {p.session}, "CallStatus": {"completed"}, "CallDuration": {"61"},
		"From": {p.call.From.E164()}, "To": {p.call.To.E164()}, "HangupCause": {"normal_clearing"},
	}
	all := []closing{
		{"call.conversation.ended", "application/json", Event("call.conversation.ended", p.ids("assistant_id", p.call.Assistant, "conversation_id", p.conversation, "duration_sec", 61))},
		{"call.hangup", "application/json", Event("call.hangup", p.ids("state", "hangup", "hangup_cause", "normal_clearing"))},
		{"call.recording.saved", "application/json", Event("call.recording.saved", p.ids("recording_id", "recording-"+p.session))},
		{"status callback", "application/x-www-form-urlencoded", []byte(form.Encode())},
		{"call.conversation_insights.generated", "application/json", Event("call.conversation_insights.generated", p.ids("insight_group_id", "group", "results", results))},
		{"conversation_insight_result", "application/json", bare(map[string]any{"record_type": "event", "event_type": "conversation_insight_result", "payload": map[string]any{
			"request_id": p.conversation, "status": "completed", "conversation_id": p.conversation, "metadata": metadata, "results": results}})},
		{"conversation.insights.completed", "application/json", bare(map[string]any{"event_type": "conversation.insights.completed", "conversation_id": p.conversation, "insights": results})},
	}
	all = append(all, all...)
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for len(all) > 0 {
		next := all[0]
		if err := p.send(ctx, next.what, "ai-call-complete", next.contentType, next.body, nil); err != nil {
			return err
		}
		all = all[1:]
		if p.steps[len(p.steps)-1].Status == http.StatusServiceUnavailable {
			all = append(all, next) // Telnyx delivers it again
		}
		if len(p.steps) > 200 {
			return fmt.Errorf("%s is never acknowledged", next.what)
		}
	}
	return nil
}

func (p *placed) send(ctx context.Context, what, path, contentType string, body []byte, header http.Header) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+"/telnyx/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = p.server.Sign(body, time.Now())
	r.Header.Set("Content-Type", contentType)
	for name, values := range header {
		r.Header[name] = values
	}
	response, err := p.server.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	step := Step{What: what, Status: response.StatusCode}
	_ = json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&step.Answer)
	p.steps = append(p.steps, step)
	return nil
}
