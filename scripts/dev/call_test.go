package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/api"
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
	l.bookFirstSlot(t, "v3:call-of-1042")
	inbox := received(t, l.telnyx, customer, 2)
	if len(inbox) != 2 || !strings.HasPrefix(inbox[1].Text.Reveal(), "Example Swim School: your appointment (Trial lesson) is booked for ") {
		t.Errorf("the customer's phone has %v; want a link and a meeting", inbox)
	}
	inbox = inbox[:1]
	if len(inbox) != 1 || inbox[0].From != demo.SwimSchool().Phone || !strings.Contains(inbox[0].Text.Reveal(), "https://app.jackrabbitclass.com/regv2.asp?id="+demo.SwimSchool().JackrabbitOrg+"&") {
		t.Errorf("the customer's phone has %v; want one link, from the school", inbox)
	}
}

func TestAcceptance_AWholeCallIsOneCallOneLeadOneSummaryOneLink(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	admin, err := api.Operator{Base: l.base + "/api/v1", Email: "admin@chattercheatah.com", Password: private.NewSecret("admin123")}.LogIn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	school, dentist := admin.In(int64(demo.SwimSchool().ID)), admin.In(int64(demo.Dentist().ID))
	const owner = "+15555550188"
	put := map[string]string{"notify_phone_number": owner}
	if err := admin.Call(t.Context(), http.MethodPut, fmt.Sprintf("/admin/tenants/%v/voice-config", demo.SwimSchool().ID), put, nil); err != nil {
		t.Fatal(err)
	}
	if err := school.Call(t.Context(), http.MethodPut, "/sms/settings", map[string]string{"timezone": whereItIsNoon()}, nil); err != nil {
		t.Fatal(err) // an owner is not texted at night
	}
	began, placed := time.Now(), demoCall(demo.SwimSchool().Phone.E164())
	steps, err := l.telnyx.Place(t.Context(), l.base+"/api/v1", telnyxtest.Call{
		From: private.MustPhone(placed.From), To: demo.SwimSchool().Phone, Assistant: demo.SwimSchool().Assistant, Turns: placed.Turns, Repeat: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if s.Status != http.StatusOK && s.What != "conversation.insights.completed" { // which names the conversation alone, and waits until it is known
			t.Errorf("%s was answered %d %v", s.What, s.Status, s.Answer)
		}
	}
	kept, err := keptOf(t.Context(), school, began)
	if err != nil {
		t.Fatal(err)
	}
	if kept.Summary.Outcome != "booked" || kept.Summary.LeadID == 0 || !strings.Contains(kept.Summary.Text, "four year old") || len(kept.Transcript) != 4 {
		t.Errorf("the call is kept as %+v", kept)
	}
	received(t, l.telnyx, private.MustPhone(owner), 1)
	for path, want := range map[string]int{"/calls": 1, "/leads": 1, "/contacts": 1} {
		if n := itemsOf(t, school, path); n != want {
			t.Errorf("the school has %d at %s; want %d", n, path, want)
		}
		if n := itemsOf(t, dentist, path); n != 0 {
			t.Errorf("the dentist has %d at %s; want none", n, path)
		}
	}
	received(t, l.telnyx, private.MustPhone(placed.From), 2)
	if texts, notices := l.telnyx.Inbox(private.MustPhone(placed.From)), l.telnyx.Inbox(private.MustPhone(owner)); len(texts) != 2 || len(notices) != 1 || !strings.Contains(notices[0].Text.Reveal(), "Maria Garcia") {
		t.Errorf("the caller has %d texts and the owner %v; want a link and what was booked, and a notice", len(texts), notices)
	}
}

// whereItIsNoon is a time zone in which it is between noon and one.
func whereItIsNoon() string {
	return fmt.Sprintf("Etc/GMT%+d", time.Now().UTC().Hour()-12)
}

func itemsOf(t *testing.T, c *api.Client, path string) int {
	t.Helper()
	var page struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := c.Call(t.Context(), http.MethodGet, path, nil, &page); err != nil {
		t.Fatal(err)
	}
	return len(page.Items)
}

// bookFirstSlot has a call's assistant ask for free times and book the first, twice.
func (l *live) bookFirstSlot(t *testing.T, control string) {
	t.Helper()
	tool := func(name, body string) map[string]any {
		h := l.telnyx.Sign([]byte(body), time.Now())
		h.Set("x-telnyx-call-control-id", control)
		_, answer := l.call(t, http.MethodPost, "/api/v1/telnyx/tools/"+name, h, body)
		return answer
	}
	slots, _ := tool("get-available-slots", `{"date_preference":"tomorrow"}`)["slots"].([]any)
	if len(slots) != 3 {
		t.Fatalf("the slots are %v; want three", slots)
	}
	first, _ := slots[0].(map[string]any)
	for range 2 {
		body, _ := json.Marshal(map[string]any{"slot_start": first["start"], "customer_name": "Maria Garcia", "topic": "Trial lesson"})
		if answer := tool("book-meeting", string(body)); answer["status"] != "booked" {
			t.Errorf("book-meeting was answered %v", answer)
		}
	}
}
