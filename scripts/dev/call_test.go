package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

// event delivers an event of a call, signed as the local Telnyx signs.
func (l *live) event(t *testing.T, path, kind string, payload map[string]any) map[string]any {
	t.Helper()
	body := telnyxtest.Event(kind, payload)
	status, answer := l.call(t, http.MethodPost, "/api/v1/telnyx/"+path, l.telnyx.Sign(body, time.Now()), string(body))
	if status != http.StatusOK {
		t.Errorf("%s was answered %d %v", kind, status, answer)
	}
	return answer
}

func TestAcceptance_ACallIsToldItsTenantsWordsAndItsToolAnswersForIt(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	customer := private.MustPhone("+15555550101")
	for _, c := range []struct {
		of                    demo.Business
		words, foreign, class string
	}{
		{demo.SwimSchool(), "35 dollars", "check-up", "Starfish"},
		{demo.Dentist(), "check-up", "35 dollars", ""},
	} {
		control := "v3:call-of-" + c.of.ID.String()
		ids := map[string]any{"call_control_id": control, "from": customer.E164(), "to": c.of.Phone.E164(), "direction": "incoming"}
		l.event(t, "call-progress", "call.initiated", ids)
		told, _ := json.Marshal(l.event(t, "dynamic-variables", "assistant.initialization", map[string]any{
			"call_control_id": control, "assistant_id": c.of.Assistant, "telnyx_agent_target": c.of.Phone.E164(), "telnyx_end_user_target": customer.E164(),
			"telnyx_conversation_channel": "phone_call",
		}))
		if !strings.Contains(string(told), c.words) || strings.Contains(string(told), c.foreign) {
			t.Errorf("tenant %v's assistant is told %s", c.of.ID, told)
		}
		// Without an address the call says whose it is, never the fallback.
		h := l.telnyx.Sign([]byte(`{"age":"4"}`), time.Now())
		h.Set("x-telnyx-call-control-id", control)
		status, answer := l.call(t, http.MethodPost, "/api/v1/telnyx/tools/get-classes", h, `{"age":"4"}`)
		if result, _ := answer["result"].(string); status != http.StatusOK || result == "" || !strings.Contains(result, c.class) || c.class == "" && strings.Contains(result, "Starfish") {
			t.Errorf("tenant %v's tool answered %d %v", c.of.ID, status, answer)
		}
		l.event(t, "ai-call-complete", "call.conversation.ended", ids)
	}
	for range 3 { // as assistants do
		h := l.telnyx.Sign([]byte(`{"class_id":"1"}`), time.Now())
		h.Set("x-telnyx-call-control-id", "v3:call-of-1042")
		if status, answer := l.call(t, http.MethodPost, "/api/v1/telnyx/tools/send-link", h, `{"class_id":"1"}`); status != http.StatusOK || answer["status"] == "not_sent" {
			t.Errorf("send-link was answered %d %v", status, answer)
		}
	}
	inbox := received(t, l.telnyx, customer, 1)
	if len(inbox) != 1 || inbox[0].From != demo.SwimSchool().Phone || !strings.Contains(inbox[0].Text.Reveal(), "https://app.jackrabbitclass.com/regv2.asp?id="+demo.SwimSchool().JackrabbitOrg+"&") {
		t.Errorf("the customer's phone has %v; want one link, from the school", inbox)
	}
}
