package telnyxtools_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

var caller = private.MustPhone("+15555550101")

func onCall(h http.Header) { h.Set(webhook.CallHeader, "v3:school") }

// atWork sends what is planned of the school's, as its worker would, until the test ends.
func (b *bench) atWork(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	t.Cleanup(func() { stop(); wg.Wait() })
	wg.Go(func() {
		for ctx.Err() == nil {
			b.sendNext(ctx, t)
		}
	})
}

func (b *bench) sendNext(ctx context.Context, t *testing.T) {
	id, err := b.SwimSchool.NextReply(ctx, prompt.SMS, 40)
	if err != nil || id == 0 {
		return
	}
	r, _, err := b.SwimSchool.ClaimReply(ctx, prompt.SMS, id, time.Minute, 40)
	if err != nil || r == nil {
		return
	}
	if err := b.SwimSchool.BeginSend(ctx, r, store.Composed{Text: r.Body}, time.Minute); err != nil {
		return
	}
	if err := b.SwimSchool.AcceptReply(ctx, id, fmt.Sprint("sent-", id)); err != nil && ctx.Err() == nil {
		t.Error(err)
	}
}

// texts are those that are planned or sent, with whom they go to.
func (b *bench) texts(t *testing.T) []string {
	t.Helper()
	return b.Query(t, `select r.tenant_id || ' ' || c.phone_number || ' ' || r.body from replies r join conversations c on c.id = r.conversation_id order by r.id`)
}

const classLink = "https://app.jackrabbitclass.com/regv2.asp?id=1042&"

func TestSendLink_OneLinkPerCallerAndClassWhateverIsRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	b.atWork(t)
	const family = `{"class_id":"1","first_name":"Maria","last_name":"Garcia","email":"maria at example dot test","students":[{"first":"Emma","last":"Garcia","gender":"girl","bdate":"05/14/2020"}],"org_id":"9","to":"+15555550177"}`
	for _, call := range []struct{ path, body string }{
		{"send-link", family}, {"send-link?tenant_id=1042", family}, {"send-registration-link", `{"class_id":"1"}`}, {"send-link", `{"class_id":1,"email":"other@example.test"}`},
	} {
		if a := b.tool(t, http.MethodPost, call.path, call.body, onCall); a.Status != "sent" || a.Result != "I've texted you the link." {
			t.Errorf("%s %s: %+v; want that it was sent", call.path, call.body, a)
		}
	}
	if a := b.tool(t, http.MethodPost, "send-link", `{"class_id":"2","language":"es"}`, onCall); a.Status != "sent" || !strings.Contains(a.Result, "enlace") {
		t.Errorf("another class: %+v", a)
	}
	got := b.texts(t)
	if len(got) != 2 {
		t.Fatalf("the texts are %v; want one for each class", got)
	}
	for i, want := range []string{"1042 +15555550101 Here is your registration link: " + classLink, "1042 +15555550101 Aquí está su enlace de inscripción: " + classLink} {
		if !strings.HasPrefix(got[i], want) {
			t.Errorf("text %d is %q; want %q", i, got[i], want)
		}
	}
	if !strings.Contains(got[0], "MEmail=maria%40example.test") || !strings.Contains(got[0], "S1FName=Emma") || strings.Contains(got[0], "0177") {
		t.Errorf("the link is %q; want it filled in for the caller", got[0])
	}
}

func TestSendLink_RepetitionsAtOneMomentSendOne(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	b.atWork(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { b.tool(t, http.MethodPost, "send-link", `{"class_id":"1"}`, onCall) })
	}
	wg.Wait()
	if got := b.texts(t); len(got) != 1 {
		t.Errorf("%d texts; want one", len(got))
	}
}

func TestSendLink_SuccessIsNotClaimedBeforeTheProviderHasTakenIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042) // nobody works
	if a := b.tool(t, http.MethodPost, "send-link", `{"class_id":"1"}`, onCall); a.Status != "on_its_way" || strings.Contains(a.Result, "I've texted") {
		t.Errorf("%+v; want that it is on its way", a)
	}
	b.Exec(t, `update replies set state = 'rejected', settled_at = now()`)
	if a := b.tool(t, http.MethodPost, "send-link", `{"class_id":"1"}`, onCall); a.Status != "not_sent" || !strings.Contains(a.Result, "couldn't") {
		t.Errorf("%+v; want that it could not be sent", a)
	}
}

func TestSendLink_NobodyElseIsTexted(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	texter := private.MustPhone("+15555550103")
	b.Receive(t, b.SwimSchool, texter, "hello", "m1")
	b.Receive(t, b.Dentist, private.MustPhone("+15555550104"), "hello", "m2")
	b.Exec(t, `delete from replies`)
	b.atWork(t)
	for body, want := range map[string]string{
		`{"class_id":"1","to":"+15555550177"}`: "not_sent", // nobody we know
		`{"class_id":"1","to":"+15555550104"}`: "not_sent", // another tenant's customer
		`{"class_id":"1"}`:                     "not_sent",
		`{"class_id":"1","to":"+15555550103"}`: "sent", // who has texted this tenant today
	} {
		if a := b.tool(t, http.MethodPost, "send-link?tenant_id=1042", body, nil); a.Status != want {
			t.Errorf("%s in a chat: %+v; want %s", body, a, want)
		}
	}
	want := []string{"1042 +15555550103"}
	var got []string
	for _, text := range b.texts(t) {
		got = append(got, text[:len(want[0])])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("texted (-want +got):\n%s", diff)
	}
	if strings.Contains(b.log.String(), "5555550103") {
		t.Error("a number stands in the log")
	}
}

func TestSendLink_WhoHasOptedOutAndWhatCannotBeLinkedIsSaid(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	for body, want := range map[string]string{
		`{"class_id":"one"}`: "class",
		`{}`:                 "class",
		`{"location":"cypress","level":"starfish"}`: "class", // the tenant has no franchise
	} {
		if a := b.tool(t, http.MethodPost, "send-link", body, onCall); a.Status == "sent" || !strings.Contains(strings.ToLower(a.Result), want) {
			t.Errorf("%s: %+v; want a sentence about the %s", body, a, want)
		}
	}
	b.Exec(t, `insert into opt_outs (tenant_id, phone_number, source, opted_out_at) values (1042, $1, 'provider', now())`, caller.E164())
	if a := b.tool(t, http.MethodPost, "send-link", `{"class_id":"1"}`, onCall); a.Status != "not_sent" || !strings.Contains(a.Result, "START") {
		t.Errorf("opted out: %+v", a)
	}
	b.Exec(t, `delete from opt_outs`)
	if _, err := b.SwimSchool.ChangeSMSSettings(t.Context(), store.SMSSettingsChange{Enabled: new(false)}); err != nil {
		t.Fatal(err)
	}
	if a := b.tool(t, http.MethodPost, "send-link", `{"class_id":"1"}`, onCall); a.Status != "not_sent" {
		t.Errorf("texting off: %+v", a)
	}
	if got := b.texts(t); len(got) != 0 {
		t.Errorf("there are texts: %v", got)
	}
}

func TestSendLink_AFranchisesPageForAPlaceAndALevel(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1042)
	if _, err := b.SwimSchool.ConfigureCustomerService(t.Context(), store.CustomerServiceConfigChange{Franchise: new("cypress-spring")}); err != nil {
		t.Fatal(err)
	}
	b.atWork(t)
	if a := b.tool(t, http.MethodPost, "send-link", `{"location":"Langham Creek","level":"turtle two"}`, onCall); a.Status != "sent" {
		t.Errorf("%+v", a)
	}
	if got := b.texts(t); len(got) != 1 || !strings.HasSuffix(got[0], " https://britishswimschool.com/cypress-spring/register/?loc=LALANG&type=Turtle%202") {
		t.Errorf("the texts are %v", got)
	}
	if a := b.tool(t, http.MethodPost, "send-link", `{"location":"the moon","level":"turtle two"}`, onCall); !strings.Contains(a.Result, "Langham") {
		t.Errorf("an unknown place: %+v; want the places that there are", a)
	}
}
