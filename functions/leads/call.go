package leads

import (
	"context"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// call is how a call is answered.
type call struct {
	listedCall
	Transcript []utterance `json:"transcript"`
	Insights   []insight   `json:"insights" doc:"what Telnyx has made of it"`
}

// listedCall is how a list tells of a call: what can be long is left out.
type listedCall struct {
	ID              int64        `json:"id"`
	Channel         string       `json:"channel" doc:"phone_call, web_call or sms_chat"`
	Direction       string       `json:"direction" doc:"inbound or outbound"`
	CustomerNumber  *string      `json:"customer_number"`
	OurNumber       *string      `json:"our_number"`
	Ended           bool         `json:"ended"`
	StartedAt       time.Time    `json:"started_at"`
	EndedAt         *time.Time   `json:"ended_at"`
	DurationSeconds int          `json:"duration_seconds"`
	HangupCause     *string      `json:"hangup_cause"`
	HasRecording    bool         `json:"has_recording" doc:"GET /calls/{call_id}/recording has a link to it"`
	Summary         *callSummary `json:"summary" doc:"null until something was made of the call, which is some seconds after its end"`
}

type callSummary struct {
	Text     string  `json:"text"`
	Intent   string  `json:"intent" doc:"pricing_info, hours_location, booking_request, support_request, wrong_number or general_inquiry"`
	Outcome  string  `json:"outcome" doc:"booked, link_sent, lead_created, info_provided or incomplete"`
	Language *string `json:"language" doc:"the customer's, as in ISO 639-1"`
	Name     *string `json:"name"`
	Email    *string `json:"email"`
	LeadID   *int64  `json:"lead_id"`
}

type utterance struct {
	Role string    `json:"role" doc:"user for the customer, or assistant"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

type insight struct {
	ID     string  `json:"id"`
	Name   *string `json:"name"`
	Result string  `json:"result"`
}

func listCall(c store.Call) listedCall {
	shown := listedCall{
		ID: c.ID, Channel: c.Channel, Direction: "inbound", CustomerNumber: nullIfZero(c.Customer.E164()), OurNumber: nullIfZero(c.Ours.E164()),
		Ended: c.Ended, StartedAt: c.StartedAt, EndedAt: nullIfZero(c.EndedAt), DurationSeconds: int(c.Duration.Seconds()),
		HangupCause: nullIfZero(c.Cause), HasRecording: c.RecordingID != "",
	}
	if c.Outbound {
		shown.Direction = "outbound"
	}
	if s := c.Summary; s.Outcome != "" {
		shown.Summary = &callSummary{s.Summary, s.Intent, s.Outcome, nullIfZero(s.Language), nullIfZero(s.Name), nullIfZero(s.Email), nullIfZero(s.LeadID)}
	}
	return shown
}

type listCallsInput struct {
	httpx.PageInput
	Channel     string `query:"channel" enum:"phone_call,web_call,sms_chat"`
	PhoneNumber string `query:"phone_number" maxLength:"16" doc:"the customer's, in E.164 form"`
}

type callsOutput struct{ Body httpx.Page[listedCall] }

// listCalls lists the calls and chats that all of the filters let through, the newest first, without what was said.
func (d Deps) listCalls(ctx context.Context, t *store.Tenant, in *listCallsInput) (*callsOutput, error) {
	var after store.Place
	if err := in.After(&after); err != nil {
		return nil, err
	}
	f := store.CallFilter{Channel: in.Channel}
	var err error
	if f.Customer, err = phoneOf(strings.Replace(in.PhoneNumber, " ", "+", 1)); err != nil { // what an unescaped + arrives as
		return nil, err
	}
	found, err := t.Calls(ctx, f, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &callsOutput{httpx.NewPage(found, in.Limit, listCall, func(c store.Call) any { return store.Place{At: c.StartedAt, ID: c.ID} })}, nil
}

type callInput struct {
	ID int64 `path:"call_id" minimum:"1"`
}

type callOutput struct{ Body call }

// getCall answers with one call and what was said in it.
func (d Deps) getCall(ctx context.Context, t *store.Tenant, in *callInput) (*callOutput, error) {
	c, err := t.Call(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &callOutput{call{listCall(c), []utterance{}, []insight{}}}
	for _, u := range c.Summary.Transcript {
		out.Body.Transcript = append(out.Body.Transcript, utterance{u.Role, u.Text, u.At})
	}
	for _, i := range c.Insights {
		out.Body.Insights = append(out.Body.Insights, insight{i.ID, nullIfZero(i.Name), i.Result.Reveal()})
	}
	return out, nil
}

type recordingOutput struct {
	Body struct {
		URL string `json:"url" doc:"good for about ten minutes"`
	}
}

// askTelnyx bounds the request for a link.
const askTelnyx = 10 * time.Second

// getRecording answers with a link to a call's recording, made at this moment: Telnyx's links end within minutes.
func (d Deps) getRecording(ctx context.Context, t *store.Tenant, in *callInput) (*recordingOutput, error) {
	id, key, err := t.Recording(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if id == "" || key.IsZero() {
		return nil, fault.New(fault.NotFound, "this call has no recording")
	}
	ctx, cancel := context.WithTimeout(ctx, askTelnyx)
	defer cancel()
	out := &recordingOutput{}
	out.Body.URL, err = d.Telnyx.RecordingURL(ctx, key, id)
	return out, err
}
