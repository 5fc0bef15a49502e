package telnyx_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

var (
	caller = private.MustPhone("+15555550101")
	called = private.MustPhone("+15555550142")
)

// told is what of an event is compared here, with its insights revealed.
type told struct {
	Type, ID string
	Kind     telnyx.CallEventKind
	Channel  telnyx.Channel
	Names    []string
	From, To private.Phone
	Outbound bool
	Seconds  float64
	Insights []string
}

func tell(e telnyx.CallEvent) told {
	t := told{e.Type, e.ID, e.Kind, e.Channel, e.Names, e.From, e.To, e.Outbound, e.Duration.Seconds(), nil}
	for _, i := range e.Insights {
		t.Insights = append(t.Insights, i.ID+"="+i.Result.Reveal())
	}
	return t
}

const ids = `"call_control_id":"v3:c1","call_leg_id":"l1","call_session_id":"s1"`

var allNames = []string{"control:v3:c1", "leg:l1", "session:s1"}

func TestParseCallEvent_EveryShapeOnTheWire(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want told
	}{
		"a call begins": {
			`{"data":{"event_type":"call.initiated","id":"e1","payload":{` + ids + `,"direction":"incoming","from":"+15555550101","to":"+15555550142"}}}`,
			told{"call.initiated", "e1", telnyx.CallProgress, telnyx.PhoneCall, allNames, caller, called, false, 0, nil},
		},
		"we call": {
			`{"data":{"event_type":"call.answered","id":"e1","payload":{` + ids + `,"direction":"outgoing","from":"+15555550142","to":"+15555550101"}}}`,
			told{"call.answered", "e1", telnyx.CallProgress, telnyx.PhoneCall, allNames, called, caller, true, 0, nil},
		},
		"the conversation has ended": {
			`{"data":{"event_type":"call.conversation.ended","id":"e2","payload":{` + ids + `,"conversation_id":"k1","assistant_id":"assistant-1","duration_sec":95,"from":"+15555550101","to":"+15555550142","calling_party_type":"pstn"}}}`,
			told{"call.conversation.ended", "e2", telnyx.CallEnded, telnyx.PhoneCall, append(allNames[:3:3], "conversation:k1"), caller, called, false, 95, nil},
		},
		"a web call has ended": {
			`{"data":{"event_type":"call.conversation.ended","id":"e2","payload":{"conversation_id":"k1","from":"x@assistant.sip.test","to":"y@sip.test","calling_party_type":"sip"}}}`,
			told{"call.conversation.ended", "e2", telnyx.CallEnded, telnyx.WebCall, []string{"conversation:k1"}, private.Phone{}, private.Phone{}, false, 0, nil},
		},
		"insights, generated": {
			`{"data":{"event_type":"call.conversation_insights.generated","id":"e3","payload":{` + ids + `,"results":[{"insight_id":"i1","result":"Asked for prices."},{"insight_id":"i2","result":{"score":8}}]}}}`,
			told{"call.conversation_insights.generated", "e3", telnyx.CallInsights, telnyx.PhoneCall, allNames, private.Phone{}, private.Phone{}, false, 0, []string{"i1=Asked for prices.", `i2={"score":8}`}},
		},
		"insights, as in production, without an envelope": {
			`{"event_type":"conversation_insight_result","payload":{"request_id":"r1","status":"completed","conversation_id":"k1","metadata":{` + ids + `,"telnyx_end_user_target":"+15555550101","telnyx_agent_target":"+15555550142","telnyx_conversation_channel":"phone_call"},"results":[{"insight_id":"i1","result":"{\"name\":\"Pat\"}"}]}}`,
			told{"conversation_insight_result", "r1", telnyx.CallInsights, telnyx.PhoneCall, append(allNames[:3:3], "conversation:k1"), caller, called, false, 0, []string{`i1={"name":"Pat"}`}},
		},
		"the same in an envelope": {
			`{"data":{"event_type":"conversation_insight_result","payload":{"request_id":"r1","status":"completed","conversation_id":"k1","results":[{"insight_id":"i1","result":"x"}]}}}`,
			told{"conversation_insight_result", "r1", telnyx.CallInsights, "", []string{"conversation:k1"}, private.Phone{}, private.Phone{}, false, 0, []string{"i1=x"}},
		},
		"insights that are not there yet": {
			`{"event_type":"conversation_insight_result","payload":{"request_id":"r1","status":"pending","conversation_id":"k1","results":[]}}`,
			told{"conversation_insight_result", "r1", telnyx.CallOther, "", []string{"conversation:k1"}, private.Phone{}, private.Phone{}, false, 0, nil},
		},
		"insights of a chat": {
			`{"event_type":"conversation_insight_result","payload":{"request_id":"r1","status":"completed","conversation_id":"k1","metadata":{"telnyx_conversation_channel":"sms_chat","telnyx_agent_target":"+15555550142","telnyx_end_user_target":"+15555550101"},"results":[{"insight_id":"i1","result":"x"}]}}`,
			told{"conversation_insight_result", "r1", telnyx.CallInsights, telnyx.SMSChat, []string{"conversation:k1"}, caller, called, false, 0, []string{"i1=x"}},
		},
		"insights, as the guide prints them": {
			`{"event_type":"conversation.insights.completed","conversation_id":"k1","insights":[{"insight_id":"i1","insight_name":"Mood","result":{"score":8}},{"insight_id":"i1","result":"again"},{"result":"nameless"}]}`,
			told{"conversation.insights.completed", "", telnyx.CallInsights, "", []string{"conversation:k1"}, private.Phone{}, private.Phone{}, false, 0, []string{`i1={"score":8}`}},
		},
		"an assistant asks for its words": {
			`{"data":{"event_type":"assistant.initialization","id":"e4","payload":{"telnyx_conversation_channel":"phone_call","telnyx_agent_target":"+15555550142","telnyx_end_user_target":"+15555550101","call_control_id":"v3:c1","assistant_id":"assistant-1"}}}`,
			told{"assistant.initialization", "e4", telnyx.CallInitialize, telnyx.PhoneCall, []string{"control:v3:c1"}, caller, called, false, 0, nil},
		},
		"odd types everywhere": {
			`{"data":{"event_type":"call.hangup","id":7,"payload":{"call_control_id":{"x":1},"call_leg_id":"l1","from":["+15555550101"],"to":{"phone_number":"+15555550142"},"duration_sec":"-3","results":"none"}}}`,
			told{"call.hangup", "7", telnyx.CallEnded, telnyx.PhoneCall, []string{"leg:l1"}, private.Phone{}, called, false, 0, nil},
		},
	} {
		e, err := telnyx.ParseCallEvent("application/json; charset=utf-8", []byte(c.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := tell(e)
		if c.want.ID == "" {
			if len(got.ID) != 24 {
				t.Errorf("%s: the id is %q; want a digest of the body", name, got.ID)
			}
			got.ID = ""
		}
		if diff := cmp.Diff(c.want, got, cmp.Comparer(func(a, b private.Phone) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseCallEvent_TheFormOfAStatusCallback(t *testing.T) {
	t.Parallel()
	form := url.Values{
		"CallSid": {"v3:c1"}, "CallLegId": {"l1"}, "CallSessionId": {"s1"}, "CallStatus": {"completed"}, "From": {"+15555550101"}, "To": {"+15555550142"},
		"CallDuration": {"143"}, "EndTime": {"2026-02-05T19:35:38Z"}, "HangupCause": {"normal_clearing"},
	}
	e, err := telnyx.ParseCallEvent("application/x-www-form-urlencoded", []byte(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	got := tell(e)
	got.ID = ""
	want := told{"", "", telnyx.CallEnded, telnyx.PhoneCall, allNames, caller, called, false, 143, nil}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b private.Phone) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !e.EndedAt.Equal(time.Date(2026, 2, 5, 19, 35, 38, 0, time.UTC)) || e.Cause != "normal_clearing" {
		t.Errorf("it ended at %v for %q", e.EndedAt, e.Cause)
	}
}

func TestParseCallEvent_WhatIsNoEventIsInvalid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ contentType, body string }{
		{"application/json", ``}, {"application/json", `[]`}, {"application/json", `null`}, {"application/json", `{"data"`},
		{"application/x-www-form-urlencoded", ``}, {"application/x-www-form-urlencoded", `%zz`}, {"", `CallSid=x`},
	} {
		if _, err := telnyx.ParseCallEvent(c.contentType, []byte(c.body)); err == nil || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s %q: %v; want invalid", c.contentType, c.body, err)
		}
	}
}

func FuzzParseCallEvent(f *testing.F) {
	f.Add("application/json", `{"data":{"event_type":"call.hangup","payload":{"results":[{"insight_id":"i","result":{}}]}}}`)
	f.Add("application/x-www-form-urlencoded", `CallSid=x&CallStatus=completed`)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		e, err := telnyx.ParseCallEvent(contentType, []byte(body))
		if err != nil {
			return
		}
		for _, n := range e.Names {
			if len(n) > 600 || strings.ContainsRune(n, 0) {
				t.Errorf("a name of %d bytes, or one that cannot be stored: %q", len(n), n)
			}
		}
	})
}
