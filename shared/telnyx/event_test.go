package telnyx_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

var (
	customer = private.MustPhone("+15555550142")
	ours     = private.MustPhone("+15555550101")
	revealed = cmp.AllowUnexported(private.Phone{}, private.Text{})
)

const statusURL = "https://fn.example.test/api/v1/telnyx/sms/status?reply=7"

func TestParseEvent_ReadsWhatTelnyxSends(t *testing.T) {
	t.Parallel()
	none := []telnyx.MessageError{}
	tests := map[string]telnyx.Event{
		"received.json": {
			ID: "5ed9ec04-0000-4000-8000-000000000001", Type: "message.received", OccurredAt: time.Date(2026, 5, 15, 18, 47, 40, 731e6, time.UTC),
			Message: telnyx.Message{
				ID: "84cca175-0000-4000-8000-000000000002", From: customer, To: ours, ToStatus: "webhook_delivered", Text: private.NewText("Do you have Saturday classes?"),
				WebhookURL: "https://fn.example.test/api/v1/telnyx/sms/inbound", Errors: none,
			},
		},
		"received_stop.json": {
			ID: "5ed9ec04-0000-4000-8000-000000000011", Type: "message.received", OccurredAt: time.Date(2026, 5, 15, 18, 49, 59, 500e6, time.UTC),
			Message: telnyx.Message{
				ID: "84cca175-0000-4000-8000-000000000012", From: customer, To: ours, ToStatus: "webhook_delivered", Text: private.NewText("Stop"),
				AutoresponseType: "STOP", Errors: none,
			},
		},
		"received_group_mms.json": {
			ID: "5ed9ec04-0000-4000-8000-000000000021", Type: "message.received", OccurredAt: time.Date(2026, 5, 15, 19, 0, 0, 0, time.UTC),
			Message: telnyx.Message{ID: "84cca175-0000-4000-8000-000000000022", From: customer, To: ours, ToStatus: "webhook_delivered", Media: 2, Errors: none},
		},
		"sent.json": {
			ID: "4ee8c3a6-0000-4000-8000-000000000031", Type: "message.sent", OccurredAt: time.Date(2026, 1, 15, 21, 32, 13, 596e6, time.UTC),
			Message: telnyx.Message{
				ID: "ac012cbf-0000-4000-8000-000000000032", From: ours, To: customer, ToStatus: "sent", Text: private.NewText("Hello there!"), WebhookURL: statusURL, Errors: none,
			},
		},
		"finalized.json": {
			ID: "4ee8c3a6-0000-4000-8000-000000000041", Type: "message.finalized", OccurredAt: time.Date(2026, 1, 15, 21, 32, 14, 148e6, time.UTC),
			Message: telnyx.Message{
				ID: "ac012cbf-0000-4000-8000-000000000032", From: ours, To: customer, ToStatus: "delivery_failed", Text: private.NewText("Hello there!"), WebhookURL: statusURL,
				Errors: []telnyx.MessageError{{Code: "40008", Title: "Undeliverable"}},
			},
		},
		"link_clicked.json": {Type: "link_clicked"},
		"call_hangup.json":  {ID: "0ccc7b54-0000-4000-8000-000000000051", Type: "call.hangup", OccurredAt: time.Date(2026, 2, 2, 22, 25, 27, 521992e3, time.UTC)},
	}
	for _, path := range files(t) {
		want, ok := tests[filepath.Base(path)]
		if !ok {
			t.Errorf("%s is expected to be nothing", path)
			continue
		}
		got, err := telnyx.ParseEvent(content(t, path))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if diff := cmp.Diff(want, got, revealed); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func files(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil || len(paths) != 7 {
		t.Fatalf("%d payloads, %v", len(paths), err)
	}
	return paths
}

func content(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseEvent_ReadsWhatTheFakeSends(t *testing.T) {
	t.Parallel()
	fake := telnyxtest.New(telnyxtest.Options{})
	e, err := telnyx.ParseEvent(fake.Received(customer, ours, " help "))
	if err != nil || e.Type != "message.received" || e.Message.From != customer || e.Message.To != ours || e.Message.AutoresponseType != "HELP" {
		t.Errorf("received: %+v, %v", e, err)
	}
	m := telnyxtest.Message{ID: "m1", From: ours, To: customer, Text: private.NewText("hi"), WebhookURL: statusURL}
	e, err = telnyx.ParseEvent(fake.Report(m, "message.finalized", "delivery_failed", "40008"))
	if err != nil || e.Message.ID != "m1" || e.Message.WebhookURL != statusURL || len(e.Message.Errors) != 1 || e.Message.Errors[0].Code != "40008" {
		t.Errorf("finalized: %+v, %v", e, err)
	}
}

// event puts a payload into an envelope.
func event(eventType, payload string) string {
	return `{"data":{"event_type":"` + eventType + `","id":"e1","payload":` + payload + `}}`
}

func TestParseEvent_RefusesWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", " ", "<html>", "null", "true", "7", `"event"`, "[]", "{}", "{", `{"data"`, `{"data":null}`, `{"data":[]}`, `{"data":"x"}`, `{"data":{}}`,
		`{"data":{"id":"e1"}}`, `{"event_type":"message.received"}`, `{"data":{"event_type":""}}`, `{"data":{"event_type":7}}`,
		`{"sms_id":"1","direction":"inbound","from":"+15555550142","to":"+15555550101","body":"version 1"}`,
		event("message.received", "null"), event("message.received", "{}"), event("message.received", "[]"), event("message.received", `"x"`),
		event("message.received", `{"id":""}`), event("message.received", `{"id":null}`), event("message.received", `{"id":7}`), event("message.finalized", `{"text":"hi"}`),
		event("message.received", `{"id":"m1"}`) + "x", `{"data":{"event_type":"message.received"}}`,
	} {
		e, err := telnyx.ParseEvent([]byte(body))
		if err == nil || fault.KindOf(err) != fault.Invalid {
			t.Errorf("ParseEvent(%s) = %v, want invalid", body, err)
		}
		if diff := cmp.Diff(telnyx.Event{}, e, revealed); diff != "" {
			t.Errorf("ParseEvent(%s) gave an event with its error:\n%s", body, diff)
		}
	}
}

func TestParseEvent_ToleratesOddParts(t *testing.T) {
	t.Parallel()
	message := telnyx.Message{ID: "m1", Errors: []telnyx.MessageError{}}
	with := func(change func(*telnyx.Message)) telnyx.Message { m := message; change(&m); return m }
	from := with(func(m *telnyx.Message) { m.From = customer })
	tests := []struct {
		name, payload string
		want          telnyx.Message
	}{
		{"the id alone", `{"id":"m1"}`, message},
		{"all null", `{"id":"m1","from":null,"to":null,"text":null,"media":null,"errors":null,"autoresponse_type":null,"received_at":null,"webhook_url":null}`, message},
		{"from in a list", `{"id":"m1","from":[{"phone_number":"+15555550142"}]}`, from},
		{"to an object", `{"id":"m1","to":{"phone_number":"+15555550142","status":"sent"}}`, with(func(m *telnyx.Message) { m.To, m.ToStatus = customer, "sent" })},
		{"empty lists", `{"id":"m1","from":[],"to":[]}`, message},
		{"lists of null", `{"id":"m1","from":[null],"to":[null],"media":[null]}`, with(func(m *telnyx.Message) { m.Media = 1 })},
		{"parties that are strings", `{"id":"m1","from":"+15555550142","to":["+15555550101"]}`, message},
		{"a short code", `{"id":"m1","from":{"phone_number":"24273"},"to":[{"phone_number":"EXAMPLE"}]}`, message},
		{"not E.164", `{"id":"m1","from":{"phone_number":"5555550142"},"to":[{"phone_number":"+1 555 555 0101"}]}`, message},
		{"new fields", `{"id":"m1","is_spam":"maybe","later":{"a":[1]},"from":{"phone_number":"+15555550142","line_type":9}}`, from},
		{"an unknown autoresponse", `{"id":"m1","autoresponse_type":"INFO"}`, with(func(m *telnyx.Message) { m.AutoresponseType = "INFO" })},
		{"an autoresponse that is no text", `{"id":"m1","autoresponse_type":false,"from":{"phone_number":"+15555550142"}}`, from},
		{"a text that is no text", `{"id":"m1","text":{"body":"x"},"from":{"phone_number":"+15555550142"}}`, from},
		{"media that is no list", `{"id":"m1","media":{"url":"https://media.example.test/1"},"from":{"phone_number":"+15555550142"}}`, from},
		{"a time that is none", `{"id":"m1","received_at":"yesterday"}`, message},
		{"a time that is a number", `{"id":"m1","received_at":1700000000,"from":{"phone_number":"+15555550142"}}`, from},
		{"errors that are no list", `{"id":"m1","errors":{"code":"40008"}}`, message},
		{"an error without a title", `{"id":"m1","errors":[{"code":"40008","title":null}]}`, with(func(m *telnyx.Message) { m.Errors = []telnyx.MessageError{{Code: "40008"}} })},
		{"NUL in the text", `{"id":"m1","text":"a\u0000b"}`, with(func(m *telnyx.Message) { m.Text = private.NewText("ab") })},
		{"half a pair in the text", `{"id":"m1","text":"a\ud83d"}`, with(func(m *telnyx.Message) { m.Text = private.NewText("a\uFFFD") })},
		{"no UTF-8 in the text", "{\"id\":\"m1\",\"text\":\"a\xff\"}", with(func(m *telnyx.Message) { m.Text = private.NewText("a\uFFFD") })},
	}
	for _, tt := range tests {
		e, err := telnyx.ParseEvent([]byte(event("message.received", tt.payload)))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		want := telnyx.Event{ID: "e1", Type: "message.received", Message: tt.want}
		if diff := cmp.Diff(want, e, revealed); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestParseEvent_PassesEventsThatAreNotOursToReadWhateverTheyHold(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{"null", "{}", "[]", `"x"`, "7", `{"id":7,"text":[],"media":"x","from":"+15555550142"}`, `{"id":"m1","text":"hi"}`} {
		for _, eventType := range []string{"call.hangup", "10dlc.brand.update", "messages", "Message.received"} {
			e, err := telnyx.ParseEvent([]byte(event(eventType, payload)))
			if err != nil {
				t.Errorf("%s with %s: %v", eventType, payload, err)
			}
			if diff := cmp.Diff(telnyx.Event{ID: "e1", Type: eventType}, e, revealed); diff != "" {
				t.Errorf("%s with %s (-want +got):\n%s", eventType, payload, diff)
			}
		}
	}
}

func TestParseEvent_AnInboundTextOccurredWhenItArrived(t *testing.T) {
	t.Parallel()
	const envelope = `{"data":{"event_type":"TYPE","occurred_at":"2026-05-15T12:00:05Z","payload":{"id":"m1","received_at":"2026-05-15T12:00:00Z"}}}`
	for eventType, second := range map[string]int{"message.received": 0, "message.sent": 5, "message.finalized": 5} {
		e, err := telnyx.ParseEvent([]byte(strings.Replace(envelope, "TYPE", eventType, 1)))
		if err != nil || e.OccurredAt.Second() != second {
			t.Errorf("%s: occurred at %v, %v; want second %d", eventType, e.OccurredAt, err, second)
		}
	}
}

func TestDelivery_TellsWhichStatusIsFinal(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{
		"queued": false, "sending": false, "sent": false, "webhook_delivered": false, "": false, "something_new": false, "DELIVERED": false,
		"delivered": true, "sending_failed": true, "delivery_failed": true, "delivery_unconfirmed": true, "expired": true,
	} {
		got, final := telnyx.Event{Type: "message.finalized", Message: telnyx.Message{ToStatus: status}}.Delivery()
		if got != status || final != want {
			t.Errorf("%q: Delivery = %q, %v", status, got, final)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	for _, path := range files(f) {
		f.Add(content(f, path))
	}
	f.Add([]byte(event("message.received", `{"id":"m1","text":"a\u0000\ud83d","from":[null],"to":{"phone_number":"+15555550101"},"errors":[{"code":7}]}`)))
	f.Add([]byte(`{"data":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := telnyx.ParseEvent(body)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || e.Type != "" {
				t.Fatalf("%v with %+v", err, e)
			}
			return
		}
		if e.Type == "" || strings.HasPrefix(e.Type, "message.") != (e.Message.ID != "") {
			t.Errorf("type %q, message %q", e.Type, e.Message.ID)
		}
		if text := e.Message.Text.Reveal(); !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			t.Errorf("the text %q cannot be stored", text)
		}
		for _, p := range []private.Phone{e.Message.From, e.Message.To} {
			if _, err := private.ParsePhone(p.E164()); err != nil && !p.IsZero() {
				t.Errorf("%q is no number", p.E164())
			}
		}
	})
}
