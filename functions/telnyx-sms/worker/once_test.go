package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

func TestSend_LostAnswerIsFoundInTheProvidersRecordAndNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, lost := range []telnyxtest.Failure{telnyxtest.TakenLost, telnyxtest.Taken500, telnyxtest.TakenGarbage} {
		t.Run(string(lost), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.telnyx.Fail(lost)
			id := b.text(t, "Are you open on Saturday?")
			b.want(t, id, reply.DoneUnknown)
			b.want(t, id, reply.DoneBusy)
			b.pass(t, time.Minute)
			b.want(t, id, reply.DoneSettled)
			b.pass(t, time.Hour)
			b.want(t, id, reply.DoneAlready)
			if got := b.phone(); len(got) != 1 {
				t.Errorf("the customer received %q; want one text", got)
			}
			if got := b.state(t, id); got != "accepted answer_lost" {
				t.Errorf("the reply is %s", got)
			}
		})
	}
}

func TestSend_LostAnswerIsSettledByItsDeliveryReport(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.telnyx.Fail(telnyxtest.TakenLost)
	id := b.text(t, "Are you open on Saturday?")
	b.want(t, id, reply.DoneUnknown)
	sent := b.telnyx.Sent()[0]
	_, token, _ := strings.Cut(sent.WebhookURL, "reply=")
	known, _, err := b.SwimSchool.RecordDelivery(t.Context(), store.DeliveryReport{ProviderMessageID: sent.ID, Token: token, To: customer, Text: sent.Text, State: store.Delivered})
	if err != nil || !known {
		t.Fatalf("RecordDelivery = %v, %v; want the reply known", known, err)
	}
	b.pass(t, time.Hour)
	b.want(t, id, reply.DoneAlready)
	if got := b.phone(); len(got) != 1 || !strings.HasPrefix(b.state(t, id), "delivered") {
		t.Errorf("the customer received %q and the reply is %s", got, b.state(t, id))
	}
}

func TestSend_NotTakenIsSentAgainOnceTheProviderHasHadTimeToKnowAndNotBefore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.telnyx.Fail(telnyxtest.Dropped)
	id := b.text(t, "Are you open on Saturday?")
	for range 3 {
		b.want(t, id, reply.DoneUnknown)
		b.pass(t, time.Minute)
	}
	b.pass(t, time.Second)
	b.want(t, id, reply.DonePostponed)
	b.drain(t)
	b.want(t, id, reply.DoneAlready)
	if got := b.phone(); len(got) != 1 {
		t.Errorf("the customer received %q; want one text", got)
	}
}

func TestSend_WhileNobodyCanSayWhetherItWasSentItIsNotSentAgainAndStaffAreTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.telnyx.Fail(telnyxtest.TakenLost)
	b.telnyx.RecordsDown(true)
	id := b.text(t, "Are you open on Saturday?")
	b.want(t, id, reply.DoneUnknown)
	for range 5 {
		b.pass(t, 2*time.Hour)
		b.want(t, id, reply.DoneUnknown)
	}
	if got := b.attention(t); got != "unsure_whether_sent" {
		t.Errorf("the conversation is marked %q", got)
	}
	b.telnyx.RecordsDown(false)
	b.pass(t, 2*time.Hour)
	b.want(t, id, reply.DoneSettled)
	if got := b.phone(); len(got) != 1 {
		t.Errorf("the customer received %q; want one text", got)
	}
}

func TestSend_AWorkerThatDiedInFlightLeavesTheUnknownNotAnotherText(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.text(t, "Are you open on Saturday?")
	r, _, err := b.SwimSchool.ClaimReply(t.Context(), prompt.SMS, id, time.Minute, 40)
	if err != nil || r == nil {
		t.Fatalf("ClaimReply = %v, %v", r, err)
	}
	if err := b.SwimSchool.BeginSend(t.Context(), r, store.Composed{Text: r.AfterHours}, time.Minute); err == nil {
		t.Fatal("an empty text may be sent")
	}
	b.want(t, id, reply.DoneBusy)
	b.pass(t, time.Hour)
	b.want(t, id, reply.DoneSent)
	next := b.text(t, "What does a lesson cost?")
	r, _, err = b.SwimSchool.ClaimReply(t.Context(), prompt.SMS, next, time.Minute, 40)
	if err != nil || r == nil {
		t.Fatalf("ClaimReply = %v, %v", r, err)
	}
	if err := b.SwimSchool.BeginSend(t.Context(), r, store.Composed{Text: r.History[0].Text}, time.Minute); err != nil {
		t.Fatal(err)
	}
	b.want(t, next, reply.DoneBusy)
	b.pass(t, 2*time.Minute)
	b.want(t, next, reply.DoneUnknown)
	if got := b.phone(); len(got) != 1 {
		t.Errorf("the customer received %q; the second text's fate was to be found out first", got)
	}
}

func TestSend_ABusyProviderIsTriedAgainWithTheSameWords(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.telnyx.Fail(telnyxtest.Refused429)
	id := b.text(t, "Are you open on Saturday?")
	b.want(t, id, reply.DonePostponed)
	b.want(t, id, reply.DoneNotDue)
	b.pass(t, time.Hour)
	b.want(t, id, reply.DoneSent)
	if asked := b.model.Asked(); len(asked) != 1 || len(b.phone()) != 1 {
		t.Errorf("the model was asked %d times and the customer received %q; want one answer, composed once", len(asked), b.phone())
	}
}

func TestSend_AnUnreachableProviderIsTriedAgainSixTimesThenStaffAreTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.text(t, "Are you open on Saturday?")
	for range 5 {
		b.telnyx.Fail(telnyxtest.Refused429)
		b.want(t, id, reply.DonePostponed)
		b.pass(t, time.Hour)
	}
	b.telnyx.Fail(telnyxtest.Refused429)
	b.want(t, id, reply.DoneEnded)
	if got := b.attention(t); got != "not_sent: back_off" || len(b.phone()) != 0 {
		t.Errorf("the conversation is marked %q and the customer received %q", got, b.phone())
	}
}

func TestSend_ARefusedTextIsNotTriedAgainAndStaffAreTold(t *testing.T) {
	t.Parallel()
	for failure, reason := range map[telnyxtest.Failure]string{telnyxtest.Refused40001: "permanent", telnyxtest.Refused40010: "config"} {
		t.Run(string(failure), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.telnyx.Fail(failure)
			id := b.text(t, "Are you open on Saturday?")
			b.want(t, id, reply.DoneEnded)
			b.pass(t, time.Hour)
			b.want(t, id, reply.DoneAlready)
			if got := b.state(t, id); got != "rejected "+reason || b.attention(t) != "not_sent: "+reason {
				t.Errorf("the reply is %q and the mark %q; want rejected for %s", got, b.attention(t), reason)
			}
		})
	}
}

func TestSweep_FindsWhatWasRecordedAndNeverQueued(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.text(t, "Are you open on Saturday?")
	b.textTo(t, b.Dentist, "Are you open on Saturday?")
	b.call(t, "/workers/sms/sweep", "{}")
	if n := len(b.tasks.Tasks()); n != 0 {
		t.Errorf("the sweeper queued %d replies whose own tasks may be on their way", n)
	}
	b.pass(t, time.Minute)
	if _, status := b.call(t, "/workers/sms/sweep", "{}"); status != 200 {
		t.Fatalf("the sweep was answered %d", status)
	}
	b.drain(t)
	if got := b.phone(); len(got) != 2 {
		t.Errorf("the customer received %q; want both tenants' answers", got)
	}
}

func TestSweep_FindsWhatADeadWorkerLeftBehind(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.text(t, "Are you open on Saturday?")
	if r, _, err := b.SwimSchool.ClaimReply(t.Context(), prompt.SMS, id, time.Minute, 40); err != nil || r == nil {
		t.Fatalf("ClaimReply = %v, %v", r, err)
	}
	b.pass(t, time.Hour)
	b.call(t, "/workers/sms/sweep", "{}")
	b.drain(t)
	if got := b.phone(); len(got) != 1 {
		t.Errorf("the customer received %q; want the answer that the dead worker owed", got)
	}
}
