package setupprompt_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/gemini"
	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/reply/model"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

const queue = "projects/p/locations/l/queues/replies"

// answers has the worker answer the texts of a customer of the swim school; the fake model keeps what it was told.
type answers struct {
	*bench
	worker *reply.Worker
	model  *geminitest.Server
	texts  int
}

func newAnswers(t *testing.T) *answers {
	t.Helper()
	a := &answers{bench: newBench(t), model: geminitest.Start(t, geminitest.Options{})}
	a.SetWait(t, a.SwimSchool, 0)
	tasks := tasktest.New(t, tasktest.Options{Queues: []string{queue}, Manual: true})
	put := task.NewQueue(task.Config{Queue: queue, WorkerURL: "https://worker.example.test", ServiceAccount: "tasks@p.example.test", EmulatorHost: tasks.Addr()})
	t.Cleanup(func() { _ = put.Close() })
	provider := telnyxtest.Start(t, telnyxtest.Options{Silent: true, Keys: map[string]string{demo.SwimSchool().APIKey.Reveal(): ""}})
	a.worker = &reply.Worker{
		Store: a.Store, Channel: prompt.SMS, Queue: put,
		Carrier: reply.Texts{Client: telnyx.NewClient(provider.URL()), ReportURL: "https://fn.example.test/api/v1/telnyx/sms/status"},
		Model:   model.Gemini(gemini.New(gemini.Config{Model: "gemini-2.5-flash", APIKey: private.NewSecret("k"), BaseURL: a.model.URL()})),
		Now:     func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	}
	return a
}

// text is answered. It returns the id of the answer and what the model was told.
func (a *answers) text(t *testing.T, words string) (messageID, told string) {
	t.Helper()
	a.texts++
	rec := a.Receive(t, a.SwimSchool, private.MustPhone("+15555550101"), words, fmt.Sprintf("in-%d", a.texts))
	if done, err := a.worker.Work(t.Context(), a.SwimSchool, rec.ReplyID); done != reply.DoneSent || err != nil {
		t.Fatalf("Work = %v, %v", done, err)
	}
	asked := a.model.Asked()
	return a.Query(t, `select id::text from messages where role = 'assistant' order by id desc limit 1`)[0], asked[len(asked)-1].System
}

func TestCompose_IsWhatTheModelIsToldAndSaysWhereItCameFrom(t *testing.T) {
	t.Parallel()
	a := newAnswers(t)
	a.call(t, a.admin, "PUT", "/tenant/profile", `{"business_name":"Swimming for All"}`)
	a.Exec(t, `update tenant_sms_configs set timezone = 'Asia/Kolkata' where tenant_id = 1042`)
	a.publish(t, idOf(a.call(t, a.admin, "POST", "/prompts/bundles", `{"name":"Texts","channel":"sms","sections":[
		{"section_key":"prices","content":"Prices by text only.","order":50},{"section_key":"care","content":"Our own care.","order":5}]}`)))
	composed := a.call(t, a.admin, "GET", "/prompts/compose?channel=sms", "")
	_, told := a.text(t, "What does a lesson cost?")
	if diff := cmp.Diff(told, composed["prompt"]); diff != "" {
		t.Errorf("the model was told otherwise (-told +composed):\n%s", diff)
	}
	if !strings.Contains(told, "Swimming for All") || !strings.Contains(told, "Now: Tuesday, 24 November 2026, 23:30 IST") {
		t.Errorf("the profile and the tenant's own time are missing:\n%s", told)
	}
	var from []string
	for _, s := range composed["sections"].([]any) {
		s := s.(object)
		from = append(from, fmt.Sprintf("%v %v %v %v %v", s["section_key"], s["order"], s["origin"], s["channel"], s["version"]))
	}
	want := []string{"care 5 tenant sms 1", "role 10 global any 1", "truth 20 global any 1", "prices 50 tenant sms 1", "business 100 tenant any 1", "registration 120 tenant any 1"}
	if diff := cmp.Diff(want, from); diff != "" {
		t.Errorf("where the sections came from (-want +got):\n%s", diff)
	}
	voice := a.call(t, a.admin, "GET", "/prompts/compose?channel=voice", "")["prompt"].(string)
	if strings.Contains(voice, "by text only") || !strings.Contains(voice, "You speak on the telephone.") {
		t.Errorf("the voice prompt is\n%s", voice)
	}
	a.refused(t, a.admin, "GET", "/prompts/compose?channel=any", "", 422, "channel")
}

func TestComposed_StaysByteForByteWhateverIsPublishedSince(t *testing.T) {
	t.Parallel()
	a := newAnswers(t)
	ofFirst, first := a.text(t, "What does a lesson cost?")

	a.call(t, a.admin, "POST", "/tenant-setup/setup-prompt", `{"business_prompt":"We teach adults only now.","channel":"sms"}`)
	a.call(t, a.admin, "POST", "/tenant-setup/setup-prompt", `{"business_prompt":"We have moved."}`)
	if _, err := a.Operator.Operator().PublishGlobalPrompt(t.Context(), prompt.Any, "new", []prompt.Section{{Key: "role", Content: "You are somebody else.", Position: 10}}); err != nil {
		t.Fatal(err)
	}
	a.call(t, a.admin, "PUT", "/tenant/profile", `{"business_name":"Another Name","email":null}`)
	a.Exec(t, `update tenant_sms_configs set timezone = 'Asia/Kolkata' where tenant_id = 1042`)
	ofSecond, second := a.text(t, "And where are you?")

	if first == second || !strings.Contains(second, "You are somebody else.") {
		t.Fatalf("the second prompt is\n%s", second)
	}
	for id, told := range map[string]string{ofFirst: first, ofSecond: second} {
		composed := a.call(t, a.admin, "GET", "/prompts/composed/"+id, "")
		if diff := cmp.Diff(told, composed["prompt"]); diff != "" || composed["channel"] != "sms" {
			t.Errorf("message %s (-told the model +composed again):\n%s", id, diff)
		}
	}
	if status, theirs := a.send(a.dentist, "GET", "/prompts/composed/"+ofFirst, ""); status != 404 || strings.Contains(theirs, "lesson") {
		t.Errorf("another tenant was answered %d %s", status, theirs)
	}
	asked := a.Query(t, `select id::text from messages where role = 'user' limit 1`)[0]
	a.refused(t, a.admin, "GET", "/prompts/composed/"+asked, "", 404, "no such thing") // nobody composed what the customer wrote
}
