package telnyxtools_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	telnyxtools "github.com/chattercheatah/chattercheatah/functions/telnyx-tools"
	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral/ephemeraltest"
	"github.com/chattercheatah/chattercheatah/shared/gcal"
	"github.com/chattercheatah/chattercheatah/shared/gcal/gcaltest"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/jackrabbit"
	"github.com/chattercheatah/chattercheatah/shared/jackrabbit/jackrabbittest"
	"github.com/chattercheatah/chattercheatah/shared/meeting"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

const queue = "projects/p/locations/l/queues/replies"

const dentistSecret = "a tool secret of the dentist's"

// bench is the function with a real database: tenant 1042 is the fallback and offers classes of organisation 1042 at one place, tenant
// 2048 has a tool secret and those of 2048. Tenant 3000 is closed.
type bench struct {
	*storetest.DB
	provider *telnyxtest.Server
	school   *jackrabbittest.Server
	google   *gcaltest.Server
	handler  http.Handler
	log      bytes.Buffer
}

func newBench(t *testing.T, fallback tenant.ID) *bench {
	t.Helper()
	b := &bench{DB: storetest.New(t), provider: telnyxtest.Start(t, telnyxtest.Options{}), school: jackrabbittest.Start(t), google: gcaltest.Start(t)}
	ctx := t.Context()
	b.Exec(t, `insert into tenants (id, name, subdomain, is_active) values (3000, 'Closed', 'closed', false)`)
	for _, c := range []struct {
		of     *store.Tenant
		org    string
		places []string
	}{{b.SwimSchool, "1042", []string{"LAFCypress"}}, {b.Dentist, "2048", nil}} {
		if _, err := c.of.ConfigureCustomerService(ctx, store.CustomerServiceConfigChange{JackrabbitOrgID: &c.org, LocationCodes: c.places}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Dentist.ConfigureVoice(ctx, store.VoiceConfigChange{ToolSecret: new(private.NewSecret(dentistSecret)), AssistantID: new("assistant-2048")}); err != nil {
		t.Fatal(err)
	}
	for of, name := range map[*store.Tenant]string{b.SwimSchool: "control:v3:school", b.Dentist: "control:v3:dentist"} {
		if _, err := of.RecordCall(ctx, store.CallEvent{Names: []string{name}, Channel: "phone_call", Customer: caller}); err != nil {
			t.Fatal(err)
		}
	}
	b.school.Set("1042", jackrabbittest.Class(1, "Starfish"), jackrabbittest.Class(2, "Minnow").On("16:30", "17:00", time.Monday), jackrabbittest.Class(3, "Shark 1").At("24Spring", "Spring"))
	b.school.Set("2048", jackrabbittest.Class(9, "Flossing").At("Dent", "Downtown"))
	key, err := telnyx.ParsePublicKey(b.provider.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	calendars, err := gcal.NewClient(google.Config{Base: b.google.URL(), ClientID: gcaltest.ClientID, ClientSecret: private.NewSecret(gcaltest.ClientSecret)})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(&b.log, nil))
	state := ephemeral.New(ephemeral.Config{Project: "p", EmulatorHost: ephemeraltest.New(t).Addr()}, time.Now)
	t.Cleanup(func() { _ = state.Close() })
	tasks := tasktest.New(t, tasktest.Options{Queues: []string{queue}, Manual: true})
	put := task.NewQueue(task.Config{Queue: queue, WorkerURL: "https://worker.example.test", ServiceAccount: "tasks@p.example.test", EmulatorHost: tasks.Addr()})
	t.Cleanup(func() { _ = put.Close() })
	b.handler = telnyxtools.New(telnyxtools.Deps{
		Queue:    put,
		Log:      log,
		Meetings: &meeting.Meetings{Google: calendars, Now: time.Now, Log: log},
		Tools:    &webhook.Tools{Store: b.Store, Keys: telnyx.PublicKeys{key}, Fallback: fallback, Now: time.Now, Log: log},
		Classes:  &booking.Classes{Client: jackrabbit.NewClient(b.school.URL()), Cache: state.Cache("openings", time.Hour), Now: time.Now, Log: log},
	})
	return b
}

// answer is what an assistant reads.
type answer struct {
	Result  string `json:"result"`
	Status  string `json:"status"`
	Total   int    `json:"total"`
	Classes []struct {
		ID  string `json:"class_id"`
		Say string `json:"say"`
	} `json:"classes"`
	Slots []struct {
		Index               int
		Start, End, Display string
	} `json:"slots"`
	More bool `json:"more_available"`
}

func (a answer) ids() string {
	var all []string
	for _, c := range a.Classes {
		all = append(all, c.ID)
	}
	return strings.Join(all, " ")
}

// call makes a tool call that Telnyx has signed; change may unsign it.
func (b *bench) call(t *testing.T, method, address, body string, change func(h http.Header)) answer {
	t.Helper()
	return b.tool(t, method, "get-classes"+address, body, change)
}

func (b *bench) tool(t *testing.T, method, address, body string, change func(h http.Header)) answer {
	t.Helper()
	r := httptest.NewRequest(method, "/api/v1/telnyx/tools/"+address, strings.NewReader(body))
	r.Header = b.provider.Sign([]byte(body), time.Now())
	if change != nil {
		change(r.Header)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK || a.Result == "" {
		t.Errorf("%s %s was answered %d %s; want 200 and a sentence", method, address, w.Code, w.Body)
	}
	return a
}

func TestGetClasses_WhoseTheyAreByAddressCallAndFallback(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	on := func(control string) func(http.Header) {
		return func(h http.Header) { h.Set(webhook.CallHeader, control) }
	}
	withSecret := func(secret string) func(http.Header) {
		return func(h http.Header) {
			h.Del(telnyx.SignatureHeader)
			h.Set(webhook.SecretHeader, secret)
		}
	}
	withCallAndSecret := func(h http.Header) {
		withSecret(dentistSecret)(h)
		on("v3:dentist")(h)
	}
	const school, dentist, nobody = "2 1", "9", ""
	for name, c := range map[string]struct {
		address, body string
		change        func(http.Header)
		want          string
	}{
		"the address of the school":                                         {"?tenant_id=1042", "{}", nil, school},
		"the address of the school and its call":                            {"?tenant_id=1042", "{}", on("v3:school"), school},
		"the school's call":                                                 {"", "{}", on("v3:school"), school},
		"neither":                                                           {"", "{}", nil, school},
		"neither, and no body":                                              {"", "", nil, school},
		"the dentist's call and secret, without an address":                 {"", "{}", withCallAndSecret, dentist},
		"a signed call with the dentist's, in an unsigned header":           {"", "{}", on("v3:dentist"), nobody},
		"the dentist's address, call and secret":                            {"?tenant_id=2048", "{}", withCallAndSecret, dentist},
		"the same, signed instead":                                          {"?tenant_id=2048", "{}", on("v3:dentist"), nobody},
		"the dentist's assistant in the unsigned address":                   {"?tenant_id=2048&assistant_id=assistant-2048", "{}", nil, nobody},
		"an address that cannot be read":                                    {"?tenant_id=2048%", "{}", nil, nobody},
		"an address without the id":                                         {"?tenant_id=", "{}", nil, nobody},
		"two ids":                                                           {"?tenant_id=1042&tenant_id=2048", "{}", nil, nobody},
		"a call without an id":                                              {"", "{}", on(""), nobody},
		"the dentist's address and secret, unsigned":                        {"?tenant_id=2048", "{}", withSecret(dentistSecret), dentist},
		"the dentist's address and assistant":                               {"?tenant_id=2048", `{"assistant_id":"assistant-2048"}`, nil, dentist},
		"a signed call moved to the dentist's address":                      {"?tenant_id=2048", "{}", nil, nobody},
		"the dentist's address with the school's call":                      {"?tenant_id=2048", "{}", on("v3:school"), nobody},
		"the school's address with the dentist's call":                      {"?tenant_id=1042", "{}", on("v3:dentist"), nobody},
		"the school's address with the dentist's secret":                    {"?tenant_id=1042", "{}", withSecret(dentistSecret), nobody},
		"the dentist's address with a wrong secret":                         {"?tenant_id=2048", "{}", withSecret("wrong"), nobody},
		"the dentist's address with an empty secret":                        {"?tenant_id=2048", "{}", withSecret(""), nobody},
		"a call that nobody knows is no reason to fall back":                {"", "{}", on("v3:unknown"), nobody},
		"a closed tenant":                                                   {"?tenant_id=3000", "{}", nil, nobody},
		"a tenant that there is not":                                        {"?tenant_id=9", "{}", nil, nobody},
		"a word":                                                            {"?tenant_id=school", "{}", nil, nobody},
		"the school's address, and the dentist's assistant among much else": {"?tenant_id=1042", muchElse(`"assistant_id":"assistant-2048"`), nil, nobody},
		"neither, and the dentist's assistant":                              {"", `{"assistant_id":"assistant-2048"}`, nil, nobody},
		"an organisation that the model names":                              {"?tenant_id=1042", `{"org_id":"2048","jackrabbit_org_id":"2048"}`, nil, school},
		"unsigned":                                                          {"?tenant_id=1042", "{}", func(h http.Header) { h.Del(telnyx.SignatureHeader) }, nobody},
	} {
		if got := b.call(t, http.MethodPost, c.address, c.body, c.change); got.ids() != c.want {
			t.Errorf("%s: classes %q, %q; want %q", name, got.ids(), got.Result, c.want)
		}
	}
	if got := b.call(t, http.MethodGet, "?tenant_id=1042&level=minnow", "", nil); got.ids() != "2" {
		t.Errorf("GET: classes %q; want the one that was asked for", got.ids())
	}
	if fell := strings.Count(b.log.String(), "tool call without tenant or call"); fell != 2 {
		t.Errorf("falling back was noted %d times; want 2", fell)
	}
}

// muchElse is a body with an argument among many that nobody knows.
func muchElse(argument string) string {
	body := "{" + argument
	for i := range 500 {
		body += fmt.Sprintf(`,"a%d":"x"`, i)
	}
	return body + "}"
}

func TestGetClasses_TheFallbackCanBeTurnedOff(t *testing.T) {
	t.Parallel()
	b := newBench(t, 0)
	if got := b.call(t, http.MethodPost, "", "{}", nil); got.ids() != "" {
		t.Errorf("classes %q; want none", got.ids())
	}
}

func TestGetClasses_WhatAModelSendsIsUnderstoodOrSaidNotToBe(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	for body, want := range map[string]struct{ ids, says string }{
		`{"day":"Monday"}`:                       {"2", "Minnow"},
		`{"day":"sábado","language":"es"}`:       {"1", "los sábados a las 9"},
		`{"level":"starfish"}`:                   {"1", "Starfish"},
		`{"day":"the blue one"}`:                 {"2 1", "I didn't understand the day"},
		`{"age":"quite young","day":"saturday"}`: {"1", "I didn't understand the age"},
		`{"location":"spring"}`:                  {"", "no"},
		`{"day":null,"age":"null"}`:              {"2 1", "class"},
		`day=monday`:                             {"2", "Minnow"},
	} {
		if got := b.call(t, http.MethodPost, "", body, nil); got.ids() != want.ids || !strings.Contains(got.Result, want.says) {
			t.Errorf("%s: classes %q, %q; want %q and %q", body, got.ids(), got.Result, want.ids, want.says)
		}
	}
}

func TestGetClasses_ATenantWithoutASchoolAndAJackrabbitAwayAreToldHonestly(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	if _, err := b.SwimSchool.ConfigureCustomerService(t.Context(), store.CustomerServiceConfigChange{JackrabbitOrgID: new("")}); err != nil {
		t.Fatal(err)
	}
	if got := b.call(t, http.MethodPost, "", "{}", nil); got.ids() != "" || !strings.Contains(got.Result, "don't have a class schedule") {
		t.Errorf("without a school: %+v", got)
	}
	b.school.Fail(http.StatusBadGateway)
	if got := b.call(t, http.MethodPost, "", "{}", func(h http.Header) {
		h.Set(webhook.CallHeader, "v3:dentist")
		h.Set(webhook.SecretHeader, dentistSecret)
	}); got.ids() != "" || strings.Contains(got.Result, "502") {
		t.Errorf("while Jackrabbit is away: %+v", got)
	}
}
