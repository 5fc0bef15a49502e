package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral/ephemeraltest"
	"github.com/chattercheatah/chattercheatah/shared/gcal/gcaltest"
	"github.com/chattercheatah/chattercheatah/shared/jackrabbit/jackrabbittest"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

const (
	callTenants   = 50  // in a round each has an organisation that nobody has asked for yet, and one call that uses tools
	callEvents    = 200 // calls that begin and end in a round
	callRounds    = 3
	toolRate      = 10 // requests of a kind a second
	eventRate     = 25
	schoolClasses = 300
	schoolLatency = 150 * time.Millisecond // of Jackrabbit
	callWarmUp    = 10                     // requests of each kind before it counts
)

// What Telnyx waits for: an assistant's variables (functions/ai-call-complete gives up after half of its second), a tool, a webhook.
const (
	variablesLimit = 500 * time.Millisecond
	toolLimit      = 5 * time.Second
	eventLimit     = 2 * time.Second
)

// callSystem is what answers during a call, as it is deployed, beside the system that sends the texts.
type callSystem struct {
	*system
	school *httptest.Server
	google *httptest.Server // every tenant's calendar
	tools  *process         // its links are sent by the worker
	other  *process         // another instance of it, whose queue has no worker
	events *process
}

// calls measures what Telnyx waits for during a call: an assistant's words, each tool with what it knows already and with what it has to
// ask for, and the acknowledgement of the end.
func calls(r *rig) ([]figure, error) {
	s, err := r.startCalls()
	if s != nil {
		defer s.stop()
	}
	if err != nil {
		return nil, err
	}
	kinds := s.kinds()
	for round := range callRounds + 1 {
		if err := s.renew(r, round); err != nil {
			return nil, err
		}
		for _, k := range kinds {
			if err := k.take(s.telnyx, round); err != nil {
				return nil, err
			}
		}
		progress("calls, round %d of %d", round, callRounds)
	}
	var figures []figure
	for _, k := range kinds {
		figures = append(figures, k.figures()...)
	}
	return figures, s.kept(r)
}

func (r *rig) startCalls() (*callSystem, error) {
	base, err := r.startSystem(systemOptions{name: "calls", tenants: callTenants})
	if err != nil {
		return nil, err
	}
	s := &callSystem{system: base}
	if err := seedVoice(r, "calls", callTenants); err != nil {
		return s, err
	}
	state, err := ephemeraltest.Start("127.0.0.1:0")
	if err != nil {
		return s, err
	}
	s.stops = append(s.stops, state.Stop)
	idle, err := tasktest.Start(tasktest.Options{Queues: []string{queue}, Manual: true}) // takes the tasks and runs none
	if err != nil {
		return s, err
	}
	s.stops = append(s.stops, idle.Stop)
	s.school = httptest.NewServer(slowSchool())
	s.stops = append(s.stops, s.school.CloseClientConnections)
	s.google = httptest.NewServer(calendars())
	s.stops = append(s.stops, s.google.CloseClientConnections)
	return s, s.startInstances(r, state.Addr(), idle.Addr())
}

func (s *callSystem) startInstances(r *rig, firestore, idle string) error {
	tools, toolsErr := r.function("telnyx-tools")
	events, eventsErr := r.function("ai-call-complete")
	if err := errors.Join(toolsErr, eventsErr); err != nil {
		return err
	}
	for _, run := range []struct {
		program, target, tasks string
		started                **process
	}{{tools, "TelnyxTools", s.tasks.Addr(), &s.tools}, {tools, "TelnyxTools", idle, &s.other}, {events, "AiCallComplete", idle, &s.events}} {
		env := settings(s.db, run.tasks)
		env["FUNCTION_TARGET"], env["CLOUD_TASKS_WORKER_URL"], env["TOOLS_FALLBACK_TENANT_ID"] = run.target, s.worker.url, ""
		env["JACKRABBIT_BASE_URL"], env["FIRESTORE_EMULATOR_HOST"] = s.school.URL, firestore
		env["GOOGLE_API_BASE"], env["GOOGLE_OAUTH_CLIENT_ID"], env["GOOGLE_OAUTH_CLIENT_SECRET"] = s.google.URL, gcaltest.ClientID, gcaltest.ClientSecret
		p, err := start(r.ctx, run.program, env)
		if err != nil {
			return err
		}
		*run.started = p
		s.stops = append(s.stops, p.stop)
	}
	return nil
}

// grant is what a tenant's calendar is reached with.
func grant(tenant int) string { return fmt.Sprintf("1//grant-bench-%d", tenant) }

// calendars are a Google with a calendar for each tenant, which takes as long as Jackrabbit.
func calendars() http.Handler {
	google := gcaltest.New()
	for i := 1; i <= callTenants; i++ {
		google.Connect(grant(i))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(schoolLatency)
		google.ServeHTTP(w, r)
	})
}

// seedVoice gives tenants 1 to n their assistants, classes and calendars.
func seedVoice(r *rig, name string, n int) error {
	s, err := boot.Database{URL: private.NewSecret(r.postgres.URL("postgres", name)), Key: fieldKey}.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	for i := 1; i <= n; i++ {
		b := demo.SwimSchool()
		b.ID, b.Phone, b.Assistant, b.CalendarGrant = tenant.ID(i), tenantPhone(i), assistant(i), private.NewSecret(grant(i))
		if err := errors.Join(demo.PutVoice(r.ctx, s, b), demo.PutCalendar(r.ctx, s, b)); err != nil {
			return err
		}
	}
	return nil
}

func assistant(tenant int) string { return fmt.Sprintf("assistant-bench-%d", tenant) }

// organisation is a tenant's at Jackrabbit in a round.
func organisation(round, tenant int) int { return 1000*(round+1) + tenant }

// slowSchool is a Jackrabbit whose every organisation has the same list, which is written once: writing it is not what is measured.
func slowSchool() http.Handler {
	var classes []jackrabbittest.Row
	for i := range schoolClasses {
		day, hour := time.Weekday(i%7), 8+i%12
		class := jackrabbittest.Class(i+1, fmt.Sprintf("Starfish %s %d", day, i)).Level(fmt.Sprintf("Starfish %d", i%9))
		classes = append(classes, class.On(fmt.Sprintf("%02d:00", hour), fmt.Sprintf("%02d:30", hour), day).Open(i%4).Ages("P3Y0M", "P12Y0M"))
	}
	school := jackrabbittest.New()
	school.Set("1", classes...)
	list := httptest.NewRecorder()
	school.ServeHTTP(list, httptest.NewRequest(http.MethodGet, schoolPath+"1", nil))
	school.Say(list.Body.String())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(schoolLatency)
		school.ServeHTTP(w, r)
	})
}

const schoolPath = "/jr3.0/Openings/OpeningsJson?OrgID="

// renew gives every tenant an organisation that nobody has asked for, and leaves no text of an earlier round to be sent.
func (s *callSystem) renew(r *rig, round int) error {
	_, err := s.db.owner.Exec(r.ctx, `update tenant_customer_service_configs set jackrabbit_org_id = ($1 + tenant_id)::text`, organisation(round, 0))
	if err == nil {
		_, err = s.db.owner.Exec(r.ctx, `update replies set state = 'suppressed', settled_at = now() where state = 'planned'`)
	}
	return err
}

// kept makes sure that every call that was told of has been recorded from its beginning to its end, and once.
func (s *callSystem) kept(r *rig) error {
	var all, ended int
	err := s.db.owner.QueryRow(r.ctx, `select count(*), count(*) filter (where status = 'ended') from calls`).Scan(&all, &ended)
	if want := callWarmUp + callRounds*callEvents; err == nil && (all != want || ended != want) {
		err = fmt.Errorf("%d calls are recorded, %d of them as ended; want %d", all, ended, want)
	}
	return err
}

// phoneCall is a call of a customer's to a tenant.
type phoneCall struct{ number, tenant int }

func (c phoneCall) control() string { return fmt.Sprintf("v3:bench-%d", c.number) }

// callOf is the i-th call of a round; the first of them are each another tenant's.
func callOf(round, i int) phoneCall {
	return phoneCall{number: round*callEvents + i, tenant: 1 + i%callTenants}
}

// kinds are all, in the order in which they take turns. A tool is a line of its own here, beside what it is measured against.
func (s *callSystem) kinds() []*kind {
	onEvents, onTools := health("ai-call-complete", s.events, callEvents, eventRate), health("telnyx-tools", s.tools, callTenants, toolRate)
	school := &kind{what: "Jackrabbit itself, asked from here", method: http.MethodGet, want: `"success":true`, n: callTenants,
		rate: toolRate, address: s.school.URL + schoolPath + "1"}
	words := event("dynamic variables", s.events, "dynamic-variables", "business_prompt", variablesLimit, beginning)
	words.against = []comparison{{kind: onEvents}}
	ended := event("end of a call, acknowledged", s.events, "ai-call-complete", `"status":"ok"`, eventLimit, ending)
	ended.against = []comparison{{kind: onEvents}}
	const saturdays, has = `{"day":"saturday","age":"5"}`, `"class_id"`
	first := tool("get-classes, nobody has asked yet", s.tools, "get-classes", saturdays, has, comparison{kind: school, goal: atMost(1.25),
		reason: "reading a list of 300 classes takes the processor time below, and here it is waited for with everybody else on these processors"})
	shared := tool("get-classes, another instance has asked", s.other, "get-classes", saturdays, has, comparison{kind: first, goal: atMost(0.25)})
	cached := tool("get-classes, it has asked", s.tools, "get-classes", saturdays, has, comparison{kind: first, goal: atMost(0.1)}, comparison{kind: onTools})
	sent := tool("send-link, with a worker at work", s.tools, "send-link", `{"class_id":"1","first_name":"Maria"}`, `"status":"sent"`, comparison{kind: onTools})
	planned := tool("send-link, with none", s.other, "send-link", `{"class_id":"2","first_name":"Maria"}`, `"status":"on_its_way"`, comparison{kind: sent})
	slots := tool("get-available-slots", s.tools, "get-available-slots", `{"date_preference":"tomorrow"}`, `"slots":[{`, comparison{kind: onTools})
	book := tool("book-meeting", s.tools, "book-meeting", "", `"status":"booked"`, comparison{kind: slots})
	book.body = booking
	return []*kind{onEvents, words, onTools, school, first, shared, cached, slots, book, sent, ended, planned}
}

// booking asks for another time of a day next week in each round.
func booking(c phoneCall) string {
	monday := time.Now().AddDate(0, 0, 8-int(time.Now().Weekday()))
	at := time.Date(monday.Year(), monday.Month(), monday.Day(), 9, 45*(c.number/callEvents), 0, 0, time.UTC) // 30 minutes and the 15 after them
	return fmt.Sprintf(`{"slot_start":"%s","customer_name":"Maria Garcia","topic":"Tour"}`, at.Format("2006-01-02T15:04:05"))
}

func health(name string, p *process, n, rate int) *kind {
	return &kind{what: "GET /health of " + name, of: p, method: http.MethodGet, address: p.url + "/health", n: n, rate: rate}
}

// tool is a call of a tool with args as JSON, which is answered with want in it.
func tool(what string, p *process, name, args, want string, against ...comparison) *kind {
	return &kind{what: what, of: p, address: p.url + "/api/v1/telnyx/tools/" + name, want: want, n: callTenants, rate: toolRate, tool: true, limit: toolLimit,
		body: func(phoneCall) string { return args }, against: against}
}

func event(what string, p *process, path, want string, limit time.Duration, body func(phoneCall) string) *kind {
	return &kind{what: what, of: p, address: p.url + "/api/v1/telnyx/" + path, want: want, n: callEvents, rate: eventRate, limit: limit, body: body}
}

func beginning(c phoneCall) string {
	return string(telnyxtest.Event("assistant.initialization", map[string]any{
		"telnyx_conversation_channel": "phone_call", "telnyx_agent_target": tenantPhone(c.tenant).E164(), "telnyx_end_user_target": customerPhone(c.number).E164(),
		"call_control_id": c.control(), "assistant_id": assistant(c.tenant),
	}))
}

func ending(c phoneCall) string {
	return string(telnyxtest.Event("call.conversation.ended", map[string]any{
		"call_control_id": c.control(), "conversation_id": fmt.Sprintf("conversation-%d", c.number), "assistant_id": assistant(c.tenant), "duration_sec": 143,
		"from": customerPhone(c.number).E164(), "to": tenantPhone(c.tenant).E164(),
	}))
}
