package telnyxsms_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	telnyxsms "github.com/chattercheatah/chattercheatah/functions/telnyx-sms"
	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
	"github.com/chattercheatah/chattercheatah/shared/twilio"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

const (
	queue   = "projects/p/locations/l/queues/replies"
	baseURL = "https://fn.example.test"
	inbound = "/api/v1/telnyx/sms/inbound"
)

var customer = private.MustPhone("+15555550101")

// bench is the function with a real database and a queue that holds what is put.
type bench struct {
	*storetest.DB
	telnyx  *telnyxtest.Server
	tasks   *tasktest.Server
	tokens  *auth.Tokens
	handler http.Handler
	log     *syncLog
}

// syncLog lets several requests write one log.
type syncLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *syncLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *syncLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{DB: storetest.New(t), log: &syncLog{}}
	b.telnyx = telnyxtest.Start(t, telnyxtest.Options{Silent: true})
	b.tasks = tasktest.New(t, tasktest.Options{Queues: []string{queue}, Manual: true})
	b.handler = b.handlerWith(t, b.tasks.Addr())
	return b
}

func (b *bench) handlerWith(t testing.TB, queueAddr string) http.Handler {
	t.Helper()
	var keys telnyx.PublicKeys
	if err := keys.UnmarshalText([]byte(b.telnyx.PublicKey())); err != nil {
		t.Fatal(err)
	}
	tasks := task.NewQueue(task.Config{Queue: queue, WorkerURL: "https://worker.example.test", ServiceAccount: "tasks@p.example.test", EmulatorHost: queueAddr})
	t.Cleanup(func() { _ = tasks.Close() })
	b.tokens = auth.NewTokens(auth.TokenConfig{Keys: private.NewSecret(strings.Repeat("k", 32))}, time.Now)
	log := slog.New(slog.NewJSONHandler(b.log, nil))
	return telnyxsms.New(telnyxsms.Deps{
		Log:    log,
		Guard:  auth.NewGuard(b.Store, b.tokens),
		Intake: &reply.Intake{Queue: tasks, Now: time.Now, Log: log},
		Telnyx: &webhook.Telnyx{Routes: webhook.NewRoutes(b.Store, time.Now), Keys: keys, Now: time.Now},
		Twilio: &webhook.Twilio{Store: b.Store, BaseURL: baseURL},
	})
}

func (b *bench) post(path string, h http.Header, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header = h
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

// deliver posts an event as Telnyx signs it.
func (b *bench) deliver(path string, body []byte) int {
	return b.post(path, b.telnyx.Sign(body, time.Now()), body).Code
}

func (b *bench) count(t *testing.T, what string) string {
	t.Helper()
	return b.Query(t, `select count(*)::text from `+what)[0]
}

func TestInbound_IsRecordedWithItsReplyAndQueuedUnderEitherSpelling(t *testing.T) {
	t.Parallel()
	for _, path := range []string{inbound, "/telnyx/sms/inbound", "/api/v1/sms/telnyx/inbound", "/sms/telnyx/inbound", "/telnyx/sms/status"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if status := b.deliver(path, b.telnyx.Received(customer, b.SwimSchoolPhone, "Are you open?")); status != http.StatusOK {
				t.Fatalf("answered %d; the log: %s", status, b.log)
			}
			if got := b.Query(t, `select m.content || ' -> ' || r.state from messages m join replies r on r.conversation_id = m.conversation_id`); len(got) != 1 || got[0] != "Are you open? -> planned" {
				t.Errorf("recorded %q", got)
			}
			if got := b.tasks.Tasks(); len(got) != 1 || got[0].URL != "https://worker.example.test/workers/sms/reply" {
				t.Errorf("queued %v; want one task for the worker", got)
			}
		})
	}
}

func TestInbound_BehindACrowdATenantHasOneTaskAndNotOneForEachText(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 10 {
		b.deliver(inbound, b.telnyx.Received(private.MustPhone(fmt.Sprintf("+155555501%02d", i)), b.SwimSchoolPhone, "Are you open?"))
	}
	b.Exec(t, `update replies set act_at = now() - interval '1 minute'`)
	before := len(b.tasks.Tasks())
	b.SetWait(t, b.SwimSchool, 10*time.Second)
	for i := range 10 {
		b.deliver(inbound, b.telnyx.Received(private.MustPhone(fmt.Sprintf("+155555501%02d", 30+i)), b.SwimSchoolPhone, "Are you open?"))
	}
	b.deliver(inbound, b.telnyx.Received(customer, b.DentistPhone, "Are you open?"))
	calls, replies := 0, 0
	for _, task := range b.tasks.Tasks()[before:] {
		switch strings.TrimPrefix(task.URL, "https://worker.example.test") + string(task.Body) {
		case `/workers/sms/call{"tenant_id":1042}`:
			calls++
		default:
			replies++
		}
		if wait := time.Until(task.Due); wait < 5*time.Second && !strings.Contains(string(task.Body), "2048") {
			t.Errorf("a task is due in %v, before the answers are", wait)
		}
	}
	if calls == 0 || calls > 5 || replies != 1 { // a text takes milliseconds, and the calls of a second are one
		t.Errorf("ten texts behind a crowd put %d calls, and they and another tenant's put %d tasks for a reply; want few and one", calls, replies)
	}
}

func TestInbound_DuplicatesReorderingAndSimultaneousDeliveriesChangeNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var bodies [][]byte
	for i := range 12 {
		from := private.MustPhone(fmt.Sprintf("+155555501%02d", i%4+1))
		to := []private.Phone{b.SwimSchoolPhone, b.DentistPhone}[i%2]
		body := b.telnyx.Received(from, to, fmt.Sprintf("question %d", i))
		bodies = append(bodies, body, body, body, body)
	}
	rand.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] })
	var wg sync.WaitGroup
	for _, body := range bodies {
		wg.Go(func() {
			if status := b.deliver(inbound, body); status != http.StatusOK {
				t.Errorf("answered %d", status)
			}
		})
	}
	wg.Wait()
	if messages, conversations, replies := b.count(t, "messages"), b.count(t, "conversations"), b.count(t, "replies"); messages != "12" || conversations != "4" || replies != "4" {
		t.Errorf("12 texts from 4 phones, each delivered four times, made %s messages, %s conversations and %s replies; want 12, 4, 4", messages, conversations, replies)
	}
	wrong := b.Query(t, `select m.content from messages m join conversations c on c.id = m.conversation_id
		where (substring(m.content from '\d+')::int % 2 = 0) <> (c.tenant_id = 1042)`)
	if len(wrong) > 0 {
		t.Errorf("recorded for the wrong tenant: %q", wrong)
	}
}

func TestInbound_AReplyThatCannotBeQueuedIsRecordedAndAcknowledged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.handler = b.handlerWith(t, "127.0.0.1:1")
	if status := b.deliver(inbound, b.telnyx.Received(customer, b.SwimSchoolPhone, "Are you open?")); status != http.StatusOK {
		t.Fatalf("answered %d", status)
	}
	if got := b.count(t, "replies where state = 'planned'"); got != "1" {
		t.Errorf("%s replies are planned; want 1, for the sweeper to find", got)
	}
}

func TestInbound_WhatCannotBeRecordedIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	body := b.telnyx.Received(customer, b.SwimSchoolPhone, "Are you open?")
	b.Exec(t, `revoke insert on messages from chattercheatah_app`)
	if status := b.deliver(inbound, body); status < 500 {
		t.Errorf("answered %d although nothing was recorded; want 5xx, so that it is delivered again", status)
	}
	b.Exec(t, `grant insert on messages to chattercheatah_app`)
	if status := b.deliver(inbound, body); status != http.StatusOK || b.count(t, "messages") != "1" {
		t.Errorf("the repeat was answered %d; want 200 and one message", status)
	}
}

func TestInbound_ABadSignatureIsRefusedAndNothingRecorded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	body := b.telnyx.Received(customer, b.SwimSchoolPhone, "Are you open?")
	stranger := telnyxtest.New(telnyxtest.Options{})
	for name, h := range map[string]http.Header{
		"none":           {},
		"a stranger's":   stranger.Sign(body, time.Now()),
		"another body's": b.telnyx.Sign([]byte("{}"), time.Now()),
		"an old one":     b.telnyx.Sign(body, time.Now().Add(-301*time.Second)),
		"a future one":   b.telnyx.Sign(body, time.Now().Add(302*time.Second)),
	} {
		if w := b.post(inbound, h, body); w.Code != http.StatusUnauthorized {
			t.Errorf("%s signature was answered %d; want 401", name, w.Code)
		}
	}
	if n := b.count(t, "messages"); n != "0" {
		t.Errorf("%s messages recorded", n)
	}
}

func TestInbound_SignedBytesThatAreNoEventAre400(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, body := range []string{"", "{", "[]", `{"data":{"event_type":"message.received","payload":{}}}`} {
		if status := b.deliver(inbound, []byte(body)); status != http.StatusBadRequest {
			t.Errorf("%q was answered %d; want 400", body, status)
		}
	}
}

func TestInbound_ATenantsOwnKeyReplacesThePlatforms(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	body := b.telnyx.Received(customer, b.SwimSchoolPhone, "Are you open?")
	if status := b.deliver(inbound, body); status != http.StatusOK {
		t.Fatalf("before it has a key of its own: %d", status)
	}
	public, own, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Operator.For(b.SwimSchool.Scope()).ConfigureSMS(t.Context(), store.SMSConfigChange{TelnyxPublicKey: new(base64.StdEncoding.EncodeToString(public))}); err != nil {
		t.Fatal(err)
	}
	next := b.telnyx.Received(customer, b.SwimSchoolPhone, "And on Sunday?")
	if status := b.deliver(inbound, next); status < 400 {
		t.Errorf("a text under the platform's key was answered %d after the tenant got its own", status)
	}
	theirs := telnyxtest.New(telnyxtest.Options{PrivateKey: own})
	if w := b.post(inbound, theirs.Sign(next, time.Now()), next); w.Code != http.StatusOK {
		t.Errorf("a text under the tenant's own key was answered %d", w.Code)
	}
	elsewhere := theirs.Received(customer, b.DentistPhone, "hello")
	if w := b.post(inbound, theirs.Sign(elsewhere, time.Now()), elsewhere); w.Code != http.StatusUnauthorized {
		t.Errorf("one tenant's key signed a text to another's number: %d; want 401", w.Code)
	}
}

func TestInbound_AnUnknownNumberIs200AndLogged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if status := b.deliver(inbound, b.telnyx.Received(customer, private.MustPhone("+15555550199"), "Hello")); status != http.StatusOK {
		t.Errorf("answered %d; want 200", status)
	}
	if !strings.Contains(b.log.String(), `"outcome":"unknown_number"`) || b.count(t, "messages") != "0" {
		t.Errorf("the log is %s", b.log)
	}
}

func TestInbound_WithoutADatabaseConnectionIs503AndCountedAndTakenWhenItComesAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	body := b.telnyx.Received(customer, b.SwimSchoolPhone, "Are you open?")
	b.LimitConnections(t, 0)
	if status := b.deliver(inbound, body); status != http.StatusServiceUnavailable {
		t.Errorf("answered %d; want 503", status)
	}
	if log := b.log.String(); !strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, "no database connection was free") || strings.Contains(log, "chattercheatah_app") {
		t.Errorf("the log is %s", log)
	}
	b.LimitConnections(t, -1)
	if status := b.deliver(inbound, body); status != http.StatusOK || b.count(t, "messages") != "1" {
		t.Errorf("delivered again it was answered %d, and there are %s messages", status, b.count(t, "messages"))
	}
}

func TestInbound_ANumberThatMovedGoesToItsNewTenant(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.deliver(inbound, b.telnyx.Received(customer, b.SwimSchoolPhone, "first"))
	b.Exec(t, `update tenant_sms_configs set is_enabled = false, telnyx_phone_number = null where tenant_id in (1042, 2048)`)
	b.Exec(t, `update tenant_sms_configs set telnyx_phone_number = $1, is_enabled = true where tenant_id = 2048`, b.SwimSchoolPhone.E164())
	body := b.telnyx.Received(customer, b.SwimSchoolPhone, "second")
	if status := b.deliver(inbound, body); status != http.StatusServiceUnavailable {
		t.Fatalf("the delivery that found the old route was answered %d; want 503", status)
	}
	if status := b.deliver(inbound, body); status != http.StatusOK {
		t.Fatalf("the repeat was answered %d", status)
	}
	got := b.Query(t, `select c.tenant_id || ' ' || m.content from messages m join conversations c on c.id = m.conversation_id order by m.id`)
	if len(got) != 2 || got[0] != "1042 first" || got[1] != "2048 second" {
		t.Errorf("recorded %q", got)
	}
}

func TestInbound_WhatTelnyxHasAnsweredIsNotAnsweredAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, keyword := range []string{"STOP", "HELP", "START"} {
		if status := b.deliver(inbound, b.telnyx.Received(customer, b.SwimSchoolPhone, keyword)); status != http.StatusOK {
			t.Fatal(status)
		}
		if keyword == "STOP" && b.count(t, "opt_outs where opted_in_at is null") != "1" {
			t.Error("the STOP that Telnyx answered opted nobody out")
		}
	}
	if n := b.count(t, "replies"); n != "0" {
		t.Errorf("%s replies are owed for keywords that Telnyx has answered", n)
	}
	if n := b.count(t, "opt_outs where opted_in_at is not null"); n != "1" {
		t.Error("the START that Telnyx answered brought nobody back")
	}
}

func TestInbound_ANumberThatItsAssistantAnswersIsRecordedOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	on := true
	if _, err := b.SwimSchool.ChangeSMSSettings(t.Context(), store.SMSSettingsChange{AnsweredByAssistant: &on}); err != nil {
		t.Fatal(err)
	}
	b.deliver(inbound, b.telnyx.Received(customer, b.SwimSchoolPhone, "Are you open?"))
	if b.count(t, "messages") != "1" || b.count(t, "replies") != "0" {
		t.Errorf("%s messages and %s replies; want 1 and 0", b.count(t, "messages"), b.count(t, "replies"))
	}
}

func TestInbound_WordsNumbersAndSignaturesStayOutOfTheLog(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	body := b.telnyx.Received(customer, b.SwimSchoolPhone, "my unmistakable words")
	b.deliver(inbound, body)
	b.post(inbound, http.Header{telnyx.SignatureHeader: {"unmistakable-signature"}}, body)
	for _, secret := range []string{"unmistakable", customer.E164(), b.SwimSchoolPhone.E164()} {
		if strings.Contains(b.log.String(), secret) {
			t.Errorf("the log holds %q: %s", secret, b.log)
		}
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(strings.SplitN(b.log.String(), "\n", 2)[0]), &line); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"request_id", "tenant_id", "via", "event_id", "outcome", "duration_ms"} {
		if line[key] == nil {
			t.Errorf("the request's line has no %s: %v", key, line)
		}
	}
}

func TestTwilio_LegacyTextsAreRoutedByNumberThenAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	legacy := private.MustPhone("+15555550160")
	_, err := b.Operator.For(b.Dentist.Scope()).ConfigureSMS(t.Context(), store.SMSConfigChange{
		TwilioPhone: &legacy, TwilioAccount: new("AC00000000000000000000000000000001"), TwilioAuthToken: new(private.NewSecret("twilio-token")),
	})
	if err != nil {
		t.Fatal(err)
	}
	form := func(to, id string) url.Values {
		return url.Values{"MessageSid": {id}, "AccountSid": {"AC00000000000000000000000000000001"}, "From": {customer.E164()}, "To": {to}, "Body": {"Are you open?"}, "NumMedia": {"0"}}
	}
	byNumber, byAccount, forged := form(legacy.E164(), "SM1"), form("+15555550161", "SM3"), form(legacy.E164(), "SM2")
	if w := b.twilio("twilio-token", byNumber); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<Response") {
		t.Errorf("answered %d %s; want 200 with empty TwiML", w.Code, w.Body)
	}
	if w := b.twilio("twilio-token", byAccount); w.Code != http.StatusOK {
		t.Errorf("a text to a number that only the account tells the tenant of was answered %d", w.Code)
	}
	if w := b.twilio("another-token", forged); w.Code != http.StatusUnauthorized {
		t.Errorf("a forged text was answered %d; want 401", w.Code)
	}
	if got := b.Query(t, `select c.tenant_id || ' ' || m.provider_message_id from messages m join conversations c on c.id = m.conversation_id order by m.id`); len(got) != 2 || got[0] != "2048 SM1" || got[1] != "2048 SM3" {
		t.Errorf("recorded %q; want tenant 2048's two texts", got)
	}
}

func (b *bench) twilio(token string, form url.Values) *httptest.ResponseRecorder {
	const path = "/api/v1/sms/inbound"
	h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	h.Set("X-Twilio-Signature", twilio.Sign(private.NewSecret(token), baseURL+path, form))
	return b.post(path, h, []byte(form.Encode()))
}

func TestStatus_ReportsUpdateTheReplyInAnyOrder(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][2]string{"as it happened": {"message.sent", "message.finalized"}, "the other way round": {"message.finalized", "message.sent"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			sent := b.sentReply(t)
			for _, event := range order {
				status := map[string]string{"message.sent": "sent", "message.finalized": "delivered"}[event]
				if code := b.deliver("/api/v1/telnyx/sms/status", b.telnyx.Report(sent, event, status, "")); code != http.StatusOK {
					t.Fatal(code)
				}
			}
			if got := b.Query(t, `select state from replies`); got[0] != "delivered" {
				t.Errorf("the reply is %s; want delivered", got[0])
			}
		})
	}
}

func TestStatus_AnUndeliveredTextMarksTheConversation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sent := b.sentReply(t)
	b.deliver("/api/v1/telnyx/sms/status", b.telnyx.Report(sent, "message.finalized", "delivery_failed", "40002"))
	if got := b.Query(t, `select r.state || ' ' || r.reason || ' / ' || c.needs_attention_reason from replies r join conversations c on c.id = r.conversation_id`); got[0] != "undelivered 40002 / undelivered: 40002" {
		t.Errorf("after a failed delivery: %s", got[0])
	}
}

func TestStatus_AReportOfATextThatIsNotOursChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sent := b.sentReply(t)
	sent.ID, sent.WebhookURL, sent.Text = "11111111-0000-4000-8000-000000000000", "", private.NewText("a text of somebody else")
	if code := b.deliver("/api/v1/telnyx/sms/status", b.telnyx.Report(sent, "message.finalized", "delivered", "")); code != http.StatusOK {
		t.Errorf("answered %d; want 200", code)
	}
	if got := b.Query(t, `select state from replies`); got[0] != "accepted" || !strings.Contains(b.log.String(), "not_our_text") {
		t.Errorf("the reply is %s", got[0])
	}
}

// sentReply makes a reply that Telnyx has taken.
func (b *bench) sentReply(t *testing.T) telnyxtest.Message {
	t.Helper()
	b.SetWait(t, b.SwimSchool, 0)
	rec := b.Receive(t, b.SwimSchool, customer, "Are you open?", "in-1")
	r, _, err := b.SwimSchool.ClaimReply(t.Context(), prompt.SMS, rec.ReplyID, time.Minute, 40)
	if err != nil || r == nil {
		t.Fatalf("ClaimReply = %v, %v", r, err)
	}
	body := private.NewText("We are.")
	if err := b.SwimSchool.BeginSend(t.Context(), r, store.Composed{Text: body}, time.Minute); err != nil {
		t.Fatal(err)
	}
	const id = "22222222-0000-4000-8000-000000000000"
	if err := b.SwimSchool.AcceptReply(t.Context(), r.ID, id); err != nil {
		t.Fatal(err)
	}
	return telnyxtest.Message{ID: id, From: b.SwimSchoolPhone, To: customer, Text: body, At: time.Now(), WebhookURL: baseURL + "/api/v1/telnyx/sms/status?reply=" + r.Token}
}
