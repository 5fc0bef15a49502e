package worker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/hours"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

// write plans a person's text to the customer, who has texted before, and returns its reply.
func (b *bench) write(t testing.TB, words string) int64 {
	t.Helper()
	c, err := b.SwimSchool.ConversationWith(t.Context(), customer)
	if err != nil {
		t.Fatal(err)
	}
	planned, err := b.SwimSchool.PlanStaffText(t.Context(), store.StaffText{ConversationID: c.ID, Text: private.NewText(words)})
	if err != nil {
		t.Fatal(err)
	}
	return planned.ReplyID
}

// takeOver has a person take the customer's conversation over.
func (b *bench) takeOver(t testing.TB) {
	t.Helper()
	c, err := b.SwimSchool.ConversationWith(t.Context(), customer)
	if err == nil {
		_, err = b.SwimSchool.TakeOver(t.Context(), c.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// roles lists who has said what, in order.
func (b *bench) roles(t *testing.T) []string {
	t.Helper()
	return b.Query(t, `select role || ': ' || content from messages order by occurred_at, id`)
}

func TestStaffText_GoesOutOnceAsWrittenAfterATakeOver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.text(t, "Are you open?")
	b.takeOver(t)
	id := b.write(t, "**Yes**, see https://elsewhere.test or call +1 555 555 0199")
	b.want(t, id, reply.DoneSent)
	b.want(t, id, reply.DoneAlready)
	if got := b.phone(); !slices.Equal(got, []string{"**Yes**, see https://elsewhere.test or call +1 555 555 0199"}) {
		t.Errorf("the customer received %q; want the person's words once, as they are", got)
	}
	if got := b.roles(t); len(got) != 2 || !strings.HasPrefix(got[1], "staff: **Yes**") {
		t.Errorf("the conversation holds %q; want the text as the staff's", got)
	}
	if n := len(b.model.Asked()); n != 0 {
		t.Errorf("the model was asked %d times", n)
	}
}

func TestStaffText_IsTheStaffsWhoeverTellsFirstThatItWasTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.text(t, "Are you open?")
	b.takeOver(t)
	b.telnyx.Fail(telnyxtest.TakenLost)
	b.want(t, b.write(t, "Yes."), reply.DoneUnknown)
	sent := b.telnyx.Sent()[0]
	_, token, _ := strings.Cut(sent.WebhookURL, "reply=")
	known, _, err := b.SwimSchool.RecordDelivery(t.Context(), store.DeliveryReport{ProviderMessageID: sent.ID, Token: token, To: customer, Text: sent.Text, State: store.Delivered})
	if err != nil || !known {
		t.Fatalf("RecordDelivery = %v, %v; want the text known", known, err)
	}
	if got := b.roles(t); !slices.Equal(got, []string{"user: Are you open?", "staff: Yes."}) {
		t.Errorf("the conversation holds %q", got)
	}
}

func TestStaffText_IsWhatTheModelIsToldWasSaid(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.want(t, b.text(t, "Are you open on Saturday?"), reply.DoneSent)
	b.want(t, b.write(t, "This is Kim. I have kept a place for you."), reply.DoneSent)
	b.want(t, b.text(t, "What does a lesson cost?"), reply.DoneSent)
	asked := b.model.Asked()
	turns := asked[len(asked)-1].Turns
	if said := turns[len(turns)-2]; !said.FromModel || !strings.Contains(said.Text, "This is Kim.") {
		t.Errorf("the model was told %v; want the person's words as our side's", turns)
	}
}

func TestStaffText_WaitsForNoHoursAndNoShare(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	text := "We are closed."
	if _, err := b.SwimSchool.ChangeSMSSettings(t.Context(), store.SMSSettingsChange{HoursEnabled: new(true), AutoReplyEnabled: new(true), AutoReplyMessage: &text, Hours: &hours.Week{}}); err != nil {
		t.Fatal(err)
	}
	b.want(t, b.text(t, "Are you open?"), reply.DoneSent)
	for _, id := range b.plan(t, b.SwimSchool, b.SwimSchoolPhone, reply.TenantShare) {
		if r, _, err := b.SwimSchool.ClaimReply(t.Context(), prompt.SMS, id, time.Hour, reply.TenantShare); err != nil || r == nil {
			t.Fatalf("ClaimReply = %v, %v", r, err)
		}
	}
	b.want(t, b.write(t, "I am here."), reply.DoneSent)
	if got := b.phone(); !slices.Equal(got, []string{text, "I am here."}) {
		t.Errorf("the customer received %q", got)
	}
}

func TestStaffText_OfSomebodyWhoOptsOutMeanwhileIsNotSent(t *testing.T) {
	t.Parallel()
	for name, optOut := range map[string]func(t *testing.T, b *bench){
		"by text": func(t *testing.T, b *bench) { b.text(t, "STOP") },
		"in another way": func(t *testing.T, b *bench) {
			b.Exec(t, `insert into opt_outs (tenant_id, phone_number, source, opted_out_at) values (1042, $1, 'message', now())`, customer.E164())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.text(t, "Are you open?")
			b.takeOver(t)
			id := b.write(t, "Yes.")
			optOut(t, b)
			b.work(t, b.SwimSchool, id)
			if got := b.state(t, id); got != "suppressed opted_out" || len(b.phone()) != 0 {
				t.Errorf("the text is %s and the customer received %q", got, b.phone())
			}
		})
	}
}

func TestStaffText_IsNotSentWhileTextingIsOff(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.text(t, "Are you open?")
	id := b.write(t, "Yes.")
	if _, err := b.SwimSchool.ChangeSMSSettings(t.Context(), store.SMSSettingsChange{Enabled: new(false)}); err != nil {
		t.Fatal(err)
	}
	b.want(t, id, reply.DoneAlready)
	if got := b.state(t, id); got != "suppressed texting_disabled" || len(b.phone()) != 0 {
		t.Errorf("the text is %s and the customer received %q", got, b.phone())
	}
}

func TestStaffText_RefusedByTheProviderMarksTheConversation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.text(t, "Are you open?")
	b.takeOver(t)
	b.telnyx.Fail(telnyxtest.Refused40001)
	b.want(t, b.write(t, "Yes."), reply.DoneEnded)
	if got := b.attention(t); got != "not_sent: permanent" {
		t.Errorf("the conversation is marked %q", got)
	}
}
