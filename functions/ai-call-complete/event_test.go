package aicallcomplete_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	aicallcomplete "github.com/chattercheatah/chattercheatah/functions/ai-call-complete"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

const (
	customer  = "+15555550101"
	assistant = "assistant-of-the-school"
	queue     = "projects/p/locations/l/queues/calls"
)

// bench is the function with a real database, called by a provider that signs.
type bench struct {
	*storetest.DB
	provider *telnyxtest.Server
	tasks    *tasktest.Server
	handler  http.Handler
	log      bytes.Buffer
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{DB: storetest.New(t), provider: telnyxtest.Start(t, telnyxtest.Options{})}
	if _, err := b.SwimSchool.ConfigureVoice(t.Context(), store.VoiceConfigChange{Phone: &b.SwimSchoolPhone, AssistantID: new(assistant), Enabled: new(true)}); err != nil {
		t.Fatal(err)
	}
	key, err := telnyx.ParsePublicKey(b.provider.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	b.tasks = tasktest.New(t, tasktest.Options{Queues: []string{queue}, Manual: true})
	tasks := task.NewQueue(task.Config{Queue: queue, WorkerURL: "https://worker.example.test", ServiceAccount: "tasks@p.example.test", EmulatorHost: b.tasks.Addr()})
	t.Cleanup(func() { _ = tasks.Close() })
	b.handler = aicallcomplete.New(aicallcomplete.Deps{
		Log: slog.New(slog.NewJSONHandler(&b.log, nil)), Now: time.Now,
		Calls: &webhook.Calls{Store: b.Store, Keys: telnyx.PublicKeys{key}, Now: time.Now},
		Queue: tasks,
	})
	return b
}

// deliver posts a signed event.
func (b *bench) deliver(path, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/api/v1/telnyx/"+path, strings.NewReader(body))
	r.Header = b.provider.Sign([]byte(body), time.Now())
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

func (b *bench) want(t *testing.T, status int, path, body string) {
	t.Helper()
	if w := b.deliver(path, "application/json", body); w.Code != status {
		t.Errorf("%s was answered %d %s; want %d", body, w.Code, w.Body, status)
	}
}

// untilTaken delivers events in order, and once more at the end what was not taken: an event that names nothing but the conversation is
// whose the conversation is, once that is known.
func (b *bench) untilTaken(t *testing.T, events []string) {
	t.Helper()
	var again []string
	for _, event := range events {
		switch w := b.deliver("ai-call-complete", "application/json", event); w.Code {
		case http.StatusOK:
		case http.StatusServiceUnavailable:
			again = append(again, event)
		default:
			t.Errorf("%s was answered %d %s", event, w.Code, w.Body)
		}
	}
	for _, event := range again {
		b.want(t, http.StatusOK, "ai-call-complete", event)
	}
}

func (b *bench) calls(t *testing.T, of *store.Tenant) []store.Call {
	t.Helper()
	found, err := of.Calls(t.Context(), store.CallFilter{}, store.Place{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// wholeCall are the events of one call, in every shape, each named by another of its ids.
func (b *bench) wholeCall(n int) []string {
	control, session, conversation := fmt.Sprintf("v3:c%d", n), fmt.Sprintf("s%d", n), fmt.Sprintf("k%d", n)
	numbers := fmt.Sprintf(`"from":"%s","to":"%s"`, customer, b.SwimSchoolPhone.E164())
	return []string{
		fmt.Sprintf(`{"data":{"event_type":"call.initiated","id":"a%d","occurred_at":"2026-02-05T19:33:12Z","payload":{"call_control_id":%q,"call_session_id":%q,"start_time":"2026-02-05T19:33:12Z","direction":"incoming",%s}}}`, n, control, session, numbers),
		fmt.Sprintf(`{"data":{"event_type":"call.answered","id":"b%d","occurred_at":"2026-02-05T19:33:15Z","payload":{"call_control_id":%q,"call_session_id":%q,%s}}}`, n, control, session, numbers),
		fmt.Sprintf(`{"data":{"event_type":"assistant.initialization","id":"c%d","occurred_at":"2026-02-05T19:33:14Z","payload":{"telnyx_agent_target":%q,"telnyx_end_user_target":%q,"call_control_id":%q,"assistant_id":%q}}}`, n, b.SwimSchoolPhone.E164(), customer, control, assistant),
		fmt.Sprintf(`{"data":{"event_type":"call.conversation.ended","id":"d%d","occurred_at":"2026-02-05T19:35:38Z","payload":{"call_control_id":%q,"conversation_id":%q,"assistant_id":%q,"duration_sec":143,%s}}}`, n, control, conversation, assistant, numbers),
		fmt.Sprintf(`{"data":{"event_type":"call.hangup","id":"e%d","occurred_at":"2026-02-05T19:35:38Z","payload":{"call_control_id":%q,"call_session_id":%q,"hangup_cause":"normal_clearing",%s}}}`, n, control, session, numbers),
		fmt.Sprintf(`{"event_type":"conversation_insight_result","payload":{"request_id":"f%d","status":"completed","conversation_id":%q,"assistant_id":%q,"metadata":{"call_session_id":%q},"results":[{"insight_id":"i1","result":"Asked for prices."}]}}`, n, conversation, assistant, session),
		fmt.Sprintf(`{"data":{"event_type":"call.conversation_insights.generated","id":"g%d","payload":{"call_control_id":%q,"call_session_id":%q,"results":[{"insight_id":"i2","result":{"score":8}}]}}}`, n, control, session),
		fmt.Sprintf(`{"event_type":"conversation.insights.completed","conversation_id":%q,"insights":[{"insight_id":"i3","result":"x"}]}`, conversation),
		fmt.Sprintf(`{"data":{"event_type":"call.recording.saved","id":"h%d","payload":{"call_session_id":%q,"recording_id":"rec-%d","to":%q}}}`, n, session, n, b.SwimSchoolPhone.E164()),
	}
}

// isWhole checks that the only call is the one that all events tell of.
func (b *bench) isWhole(t *testing.T, n int, how string) {
	t.Helper()
	found := b.calls(t, b.SwimSchool)
	if len(found) != 1 {
		t.Fatalf("%s: %d calls; want 1", how, len(found))
	}
	c, err := b.SwimSchool.Call(t.Context(), found[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	insights := ""
	for _, i := range c.Insights {
		insights += i.ID + "=" + i.Result.Reveal() + " "
	}
	got := []any{c.Channel, c.Customer.E164(), c.Ours.E164(), c.AssistantID, c.ControlID, c.ConversationID, c.Ended, c.StartedAt.UTC().Format(time.RFC3339), c.Duration, c.Cause, c.RecordingID, insights}
	want := []any{"phone_call", customer, b.SwimSchoolPhone.E164(), assistant, fmt.Sprintf("v3:c%d", n), fmt.Sprintf("k%d", n), true, "2026-02-05T19:33:12Z", 143 * time.Second, "normal_clearing", fmt.Sprintf("rec-%d", n), `i1=Asked for prices. i2={"score":8} i3=x `}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", how, diff)
	}
}

func TestCall_ItsEventsJoinInAnyOrderAndHoweverOften(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for round := range 12 {
		events := b.wholeCall(round)
		events = append(events, events...)
		rand.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		b.untilTaken(t, events)
		b.isWhole(t, round, fmt.Sprintf("round %d: %s", round, strings.Join(events, "\n")))
		b.Exec(t, `delete from calls`)
	}
}

func TestCall_EventsAtOneMomentMakeOneCall(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var again []string // as Telnyx would deliver them
	for _, event := range b.wholeCall(1) {
		for range 3 {
			wg.Go(func() {
				if w := b.deliver("call-progress", "application/json", event); w.Code != http.StatusOK {
					mu.Lock()
					defer mu.Unlock()
					again = append(again, event)
				}
			})
		}
	}
	wg.Wait()
	b.untilTaken(t, again)
	b.isWhole(t, 1, "at one moment")
}

func TestCall_AFormAndAChatAreKnownForWhatTheyAre(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	form := "CallSid=v3%3Ac1&CallStatus=completed&CallDuration=12&From=%2B15555550101&To=" + strings.Replace(b.SwimSchoolPhone.E164(), "+", "%2B", 1)
	if w := b.deliver("ai-call-complete", "application/x-www-form-urlencoded", form); w.Code != http.StatusOK {
		t.Errorf("a form was answered %d %s", w.Code, w.Body)
	}
	chat := fmt.Sprintf(`{"event_type":"conversation_insight_result","payload":{"request_id":"r1","status":"completed","conversation_id":"k9","metadata":{"telnyx_conversation_channel":"sms_chat","telnyx_agent_target":%q,"telnyx_end_user_target":%q},"results":[{"insight_id":"i1","result":"x"}]}}`, b.SwimSchoolPhone.E164(), customer)
	b.want(t, http.StatusOK, "ai-call-complete", chat)
	var got []string
	for _, c := range b.calls(t, b.SwimSchool) {
		got = append(got, fmt.Sprint(c.Channel, " ended ", c.Ended, " after ", c.Duration))
	}
	if diff := cmp.Diff([]string{"sms_chat ended false after 0s", "phone_call ended true after 12s"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCall_EachGoesToItsOwnTenant(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	numbers := func(to private.Phone) string { return fmt.Sprintf(`"from":"%s","to":"%s"`, customer, to.E164()) }
	event := func(control, rest string) string {
		return `{"data":{"event_type":"call.initiated","id":"` + control + `","payload":{"call_control_id":"` + control + `",` + rest + `}}}`
	}
	b.want(t, http.StatusOK, "call-progress", event("v3:school", numbers(b.SwimSchoolPhone)))
	b.want(t, http.StatusOK, "call-progress", event("v3:dentist", numbers(b.DentistPhone)))
	b.want(t, http.StatusOK, "call-progress", event("v3:assistant", `"assistant_id":"`+assistant+`"`))
	b.want(t, http.StatusOK, "call-progress", event("v3:nobody", numbers(private.MustPhone("+15555550177"))))
	// The number of one tenant and the assistant, or a call, of another: neither is believed, and a repeat cannot help.
	b.want(t, http.StatusOK, "call-progress", event("v3:mixed", numbers(b.DentistPhone)+`,"assistant_id":"`+assistant+`"`))
	b.want(t, http.StatusOK, "call-progress", event("v3:school", numbers(b.DentistPhone)))
	var got []string
	for name, of := range map[string]*store.Tenant{"school": b.SwimSchool, "dentist": b.Dentist} {
		for _, c := range b.calls(t, of) {
			got = append(got, name+" "+c.ControlID)
		}
	}
	for _, want := range []string{"school v3:school", "school v3:assistant", "dentist v3:dentist"} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s is missing among %v", want, got)
		}
	}
	if len(got) != 3 {
		t.Errorf("the calls are %v; want three", got)
	}
}

func TestCall_AnUnsignedEventDoesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	event := b.wholeCall(1)[0]
	for name, change := range map[string]func(h http.Header){
		"no signature": func(h http.Header) { h.Del(telnyx.SignatureHeader) },
		"another's":    func(h http.Header) { h.Set(telnyx.SignatureHeader, strings.Repeat("A", 86)+"==") },
		"an old one":   func(h http.Header) { h.Set(telnyx.TimestampHeader, "1700000000") },
		"no timestamp": func(h http.Header) { h.Del(telnyx.TimestampHeader) },
	} {
		r := httptest.NewRequest(http.MethodPost, "/telnyx/call-progress", strings.NewReader(event))
		r.Header = b.provider.Sign([]byte(event), time.Now())
		change(r.Header)
		w := httptest.NewRecorder()
		b.handler.ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%s was answered %d; want 401", name, w.Code)
		}
	}
	if found := b.calls(t, b.SwimSchool); len(found) != 0 {
		t.Errorf("there are calls: %+v", found)
	}
}

func TestVariables_ATenantsAssistantIsToldItsWordsAndTheCallIsKnown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.deliver("dynamic-variables", "application/json", b.wholeCall(1)[2])
	var told struct {
		Variables    map[string]string `json:"dynamic_variables"`
		Conversation struct {
			Metadata map[string]string `json:"metadata"`
		} `json:"conversation"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil || w.Code != http.StatusOK {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	if p := told.Variables["business_prompt"]; !strings.Contains(p, "lesson") || strings.Contains(p, "filling") {
		t.Errorf("the words are %q; want the school's and nobody else's", p)
	}
	if told.Variables["business_name"] == "" || told.Conversation.Metadata["tenant_id"] != "1042" {
		t.Errorf("told %+v", told)
	}
	if found := b.calls(t, b.SwimSchool); len(found) != 1 || found[0].ControlID != "v3:c1" || found[0].Customer.E164() != customer {
		t.Errorf("the calls are %+v; want the one that begins", found)
	}
	if strings.Contains(b.log.String(), customer) {
		t.Error("a number stands in the log")
	}
}

func TestVariables_AnUnknownAssistantIsToldNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.deliver("dynamic-variables", "application/json", `{"data":{"event_type":"assistant.initialization","id":"e","payload":{"telnyx_agent_target":"+15555550177","assistant_id":"assistant-of-nobody"}}}`)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"dynamic_variables":{}`) {
		t.Errorf("answered %d %s; want no variables", w.Code, w.Body)
	}
}

func TestCall_OneOfOursIsTheCustomersWhicheverEventComesFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	numbers := fmt.Sprintf(`"from":"%s","to":"%s"`, b.SwimSchoolPhone.E164(), customer)
	b.want(t, http.StatusOK, "call-progress", `{"data":{"event_type":"call.answered","id":"a","payload":{"call_control_id":"v3:o",`+numbers+`}}}`)
	b.want(t, http.StatusOK, "call-progress", `{"data":{"event_type":"call.initiated","id":"b","payload":{"call_control_id":"v3:o","direction":"outgoing",`+numbers+`}}}`)
	if found := b.calls(t, b.SwimSchool); len(found) != 1 || !found[0].Outbound || found[0].Customer.E164() != customer || found[0].Ours != b.SwimSchoolPhone {
		t.Errorf("the calls are %+v; want one of ours to the customer", found)
	}
}

func TestCall_ALegThatIsHandedOnEndsForItself(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.want(t, http.StatusOK, "call-progress", b.wholeCall(1)[0])
	leg := `{"data":{"event_type":%q,"id":%q,"payload":{"call_control_id":"v3:other","call_session_id":"s1","direction":"outgoing","hangup_cause":"user_busy","from":"` + b.SwimSchoolPhone.E164() + `","to":"+15555550109"}}}`
	b.want(t, http.StatusOK, "call-progress", fmt.Sprintf(leg, "call.initiated", "x"))
	b.want(t, http.StatusOK, "call-progress", fmt.Sprintf(leg, "call.hangup", "y"))
	if found := b.calls(t, b.SwimSchool); len(found) != 1 || found[0].Ended || found[0].Outbound || found[0].Cause != "" || found[0].Customer.E164() != customer {
		t.Errorf("the calls are %+v; want the customer's, which goes on", found)
	}
	if due := b.Query(t, `select id::text from calls where finish_at is not null`); len(due) != 0 {
		t.Error("something is to be made of a call that goes on")
	}
	b.want(t, http.StatusOK, "call-progress", b.wholeCall(1)[4])
	if found := b.calls(t, b.SwimSchool); len(found) != 1 || !found[0].Ended || found[0].Cause != "normal_clearing" {
		t.Errorf("the calls are %+v; want it ended as it did", found)
	}
}

func TestVariables_NoOtherEventIsToldATenantsWords(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, event := range []string{
		b.wholeCall(1)[0],
		`{"data":{"event_type":"assistant.initialization","id":"e","payload":{"telnyx_agent_target":"+15555550177","telnyx_end_user_target":"` + b.SwimSchoolPhone.E164() + `"}}}`,
	} {
		if w := b.deliver("dynamic-variables", "application/json", event); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"dynamic_variables":{}`) {
			t.Errorf("%s was answered %d %s", event, w.Code, w.Body)
		}
	}
}
