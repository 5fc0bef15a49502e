package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

// live is the whole system as make run starts it, on a database of its own.
type live struct {
	*stack
	server *httptest.Server
}

// startLive starts the system; settings replace the local defaults.
func startLive(t *testing.T, settings boot.Environment) *live {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	env := boot.Environment{"DATABASE_URL": storetest.Empty(t), "API_BASE_URL": "http://" + server.Listener.Addr().String()}
	for name, value := range settings {
		env[name] = value
	}
	keys := &state{TelnyxSeed: random(), JWTKey: random(), FieldKey: random()}
	s, err := start(t.Context(), "../..", env, keys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	t.Cleanup(s.stop)
	server.Config.Handler = s.handler
	server.Start()
	l := &live{s, server}
	l.answerAtOnce(t)
	return l
}

// answerAtOnce has both tenants answer without waiting for more texts, through the documented calls.
func (l *live) answerAtOnce(t *testing.T) {
	t.Helper()
	status, who := l.call(t, http.MethodPost, "/api/v1/auth/login", nil, `{"email":"admin@chattercheatah.com","password":"admin123"}`)
	token, _ := who["access_token"].(string)
	if status != http.StatusOK {
		t.Fatalf("the documented operator's log-in was answered %d %v", status, who)
	}
	for _, b := range demo.Businesses() {
		h := http.Header{"Authorization": {"Bearer " + token}, "X-Tenant-Id": {b.ID.String()}}
		if status, answer := l.call(t, http.MethodPut, "/api/v1/sms/settings", h, `{"reply_wait_seconds":0}`); status != http.StatusOK {
			t.Fatalf("PUT /sms/settings was answered %d %v", status, answer)
		}
	}
}

func (l *live) call(t *testing.T, method, path string, h http.Header, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, l.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if h != nil {
		r.Header = h.Clone()
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer map[string]any
	_ = json.NewDecoder(response.Body).Decode(&answer)
	return response.StatusCode, answer
}

// received waits until a phone has n texts.
func received(t *testing.T, from *telnyxtest.Server, phone private.Phone, n int) []telnyxtest.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		changed := from.Changed()
		if inbox := from.Inbox(phone); len(inbox) >= n {
			return inbox
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("the phone has %d texts; want %d", len(from.Inbox(phone)), n)
		}
	}
}

var asker = private.MustPhone("+15555550101")

func TestTwoTenants_OneQuestionTwoAnswers(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	if status, _ := l.call(t, http.MethodGet, "/health", nil, ""); status != http.StatusOK {
		t.Fatalf("/health was answered %d", status)
	}
	for _, b := range demo.Businesses() {
		if d, err := l.telnyx.Text(t.Context(), asker, b.Phone, "Are you open on Saturday?"); err != nil || d.Attempts != 1 {
			t.Fatalf("the text to %s was taken as %+v, %v", b.Name, d, err)
		}
	}
	own := map[private.Phone]string{
		demo.SwimSchool().Phone: "Example Swim School here. On Saturday we are open from 8 am to 1 pm, with lessons every half hour.",
		demo.Dentist().Phone:    "Sample Dental Clinic here. On Saturday we are open for emergencies only, from 10 am to noon.",
	}
	for _, answer := range received(t, l.telnyx, asker, 2) {
		if answer.Text.Reveal() != own[answer.From] {
			t.Errorf("%v answered %q; want %q", answer.From, answer.Text.Reveal(), own[answer.From])
		}
	}
}

func TestManyTexts_DuplicatedShuffledAndConcurrentAreAnsweredOnceEach(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	var wg sync.WaitGroup
	phones := map[private.Phone]bool{}
	for i := range 10 {
		phone := private.MustPhone(fmt.Sprintf("+1555555011%d", i))
		phones[phone] = true
		for _, b := range demo.Businesses() {
			body := l.telnyx.Received(phone, b.Phone, "Are you open on Saturday?")
			for range 3 {
				wg.Go(func() {
					if _, err := l.telnyx.Deliver(t.Context(), l.base+"/api/v1/telnyx/sms/inbound", body); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
	wg.Wait()
	for phone := range phones {
		for i, answer := range received(t, l.telnyx, phone, 2) {
			if i > 1 {
				t.Errorf("%v received a third text from %v", phone, answer.From)
			}
		}
	}
	if n := len(l.telnyx.Sent()); n != 20 {
		t.Errorf("20 texts, each delivered three times, were answered with %d", n)
	}
}

func TestAcknowledgement_DoesNotWaitForTheModel(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}, 10), make(chan struct{})
	model := geminitest.Start(t, geminitest.Options{})
	model.Answer(func(geminitest.Prompt) string {
		asked <- struct{}{}
		<-release
		return "We are open."
	})
	l := startLive(t, boot.Environment{"GEMINI_API_KEY": "another-key", "GOOGLE_GEMINI_BASE_URL": model.URL()})
	for range 3 {
		if _, err := l.telnyx.Text(t.Context(), asker, demo.SwimSchool().Phone, "Are you open?"); err != nil {
			t.Fatal(err)
		}
	}
	<-asked
	if _, err := l.telnyx.Text(t.Context(), asker, demo.Dentist().Phone, "And you?"); err != nil {
		t.Errorf("a text was not acknowledged while the model hangs: %v", err)
	}
	close(release)
	received(t, l.telnyx, asker, 2)
}

func TestSomebodyElsesTelnyx_DrivesTheSystem(t *testing.T) {
	t.Parallel()
	keys := map[string]string{demo.SwimSchool().APIKey.Reveal(): "", demo.Dentist().APIKey.Reveal(): ""}
	theirs := telnyxtest.Start(t, telnyxtest.Options{Keys: keys})
	l := startLive(t, boot.Environment{"TELNYX_API_BASE": theirs.URL(), "TELNYX_PUBLIC_KEY": theirs.PublicKey()})
	body := theirs.Received(asker, demo.Dentist().Phone, "Are you open on Saturday?")
	if _, err := theirs.Deliver(t.Context(), l.base+"/api/v1/telnyx/sms/inbound", body); err != nil {
		t.Fatal(err)
	}
	if got := received(t, theirs, asker, 1); !strings.HasPrefix(got[0].Text.Reveal(), "Sample Dental Clinic") {
		t.Errorf("the answer is %q", got[0].Text.Reveal())
	}
	if l.telnyx != nil {
		t.Error("the local fake runs beside somebody else's")
	}
}

func TestSettings_AllThatAreWrongAreReportedTogetherAndNoValueOfThem(t *testing.T) {
	t.Parallel()
	wrong := boot.Environment{
		"PORT": "wrong-1", "JWT_SECRET_KEY": "wrong-2", "FIELD_ENCRYPTION_KEY": "wrong-3", "TELNYX_PUBLIC_KEY": "wrong-4", "DATABASE_URL": "wrong-5",
		"ENVIRONMENT": "wrong-6", "CLOUD_TASKS_QUEUE": "wrong-7", "ADMIN_PASSWORD": "wrong-8"[:7], "ADMIN_EMAIL": "wrong-9", "TELNYX_API_BASE": "wrong-10",
		"GOOGLE_GEMINI_BASE_URL": "wrong-11", "GEMINI_API_KEY": "k", "CLOUD_TASKS_SERVICE_ACCOUNT": "wrong-12", "CLOUD_TASKS_WORKER_URL": "wrong-13",
	}
	keys := &state{TelnyxSeed: random(), JWTKey: random(), FieldKey: random()}
	_, err := start(t.Context(), "../..", wrong, keys)
	if err == nil {
		t.Fatal("the system started")
	}
	for name := range wrong {
		if name != "GEMINI_API_KEY" && !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not reported", name)
		}
	}
	if strings.Contains(err.Error(), "wrong-") {
		t.Errorf("the report holds values:\n%v", err)
	}
	for line := range strings.Lines(err.Error()) {
		if strings.Count(err.Error(), strings.TrimSpace(line)) > 1 {
			t.Errorf("reported twice: %s", line)
		}
	}
}

func TestPhones_TellHowToUseThem(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	for _, body := range []string{"", "{}", `{"to":"nobody","text":"x"}`} {
		response, err := http.Post(l.server.URL+"/local/phones/+15555550101", "application/json", bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%q was answered %d; want 400", body, response.StatusCode)
		}
	}
}
