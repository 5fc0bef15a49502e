package worker_test

import (
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

const goodbye = "Example Swim School: You are unsubscribed and will get no more texts from us. Reply START to get texts again."

func TestOptOut_IsConfirmedOnceAndThenNothingIsSentUntilStart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.want(t, b.text(t, "STOP"), reply.DoneSent)
	for _, words := range []string{"Are you open?", "STOP", "HELP", "please stop texting me"} {
		if id := b.text(t, words); id != 0 {
			t.Errorf("%q from somebody who has opted out is owed reply %d", words, id)
		}
	}
	if got := b.phone(); len(got) != 1 || got[0] != goodbye {
		t.Errorf("the customer received %q; want one confirmation", got)
	}
	b.want(t, b.text(t, "START"), reply.DoneSent)
	b.want(t, b.text(t, "Are you open on Saturday?"), reply.DoneSent)
	if got := b.phone(); len(got) != 3 || !strings.Contains(got[1], "again") {
		t.Errorf("after START the customer has received %q; want a welcome back and an answer", got)
	}
}

func TestOptOut_OfOneTenantIsNotAnothers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.want(t, b.text(t, "STOP"), reply.DoneSent)
	if outcome, _ := b.work(t, b.Dentist, b.textTo(t, b.Dentist, "Are you open on Saturday?")); outcome != "sent" {
		t.Errorf("the other tenant's answer came to %q; want sent", outcome)
	}
}

func TestOptOut_HushesWhatIsQueued(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.text(t, "Are you open?")
	b.text(t, "STOP")
	b.want(t, id, reply.DoneAlready)
	if got := b.state(t, id); got != "suppressed opted_out" {
		t.Errorf("the queued answer is %s", got)
	}
}

func TestOptOut_WhileTheModelWritesIsObeyed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.text(t, "Are you open?")
	b.model.Answer(func(geminitest.Prompt) string {
		b.text(t, "stop")
		return "We are open."
	})
	b.want(t, id, reply.DoneAlready)
	if got := b.phone(); len(got) != 0 {
		t.Errorf("the customer received %q after opting out", got)
	}
}

func TestOptOut_IsRefusedByTheDatabaseWhoeverAsks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.text(t, "Are you open?")
	b.Exec(t, `insert into opt_outs (tenant_id, phone_number, source, opted_out_at) values (1042, $1, 'message', now())`, customer.E164())
	b.want(t, id, reply.DoneEnded)
	if got := b.state(t, id); got != "suppressed opted_out" || len(b.phone()) != 0 {
		t.Errorf("the reply is %s and the customer received %q", got, b.phone())
	}
}

func TestOptOut_KnownToTheProviderAloneIsLearned(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.telnyx.Fail(telnyxtest.Refused40300)
	b.want(t, b.text(t, "Are you open?"), reply.DoneEnded)
	if id := b.text(t, "Hello?"); id != 0 {
		t.Errorf("a text from somebody whom Telnyx knows to have opted out is owed reply %d", id)
	}
}

func TestHelp_NamesTheBusinessAndHowToReachIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.want(t, b.text(t, "HELP"), reply.DoneSent)
	got := b.phone()
	if len(got) != 1 {
		t.Fatalf("the customer received %q; want one text", got)
	}
	for _, part := range []string{"Example Swim School", "+15555550123", "support@exampleco.test", "STOP"} {
		if !strings.Contains(got[0], part) {
			t.Errorf("the help text %q lacks %s", got[0], part)
		}
	}
	if len(b.model.Asked()) != 0 {
		t.Error("the model was asked for the help text")
	}
}

func TestYes_IsAStartOnlyForSomebodyWhoHasOptedOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.want(t, b.text(t, "YES"), reply.DoneSent)
	if len(b.model.Asked()) != 1 {
		t.Error("a YES to a question was not answered by the model")
	}
	b.want(t, b.text(t, "STOP"), reply.DoneSent)
	b.want(t, b.text(t, "YES"), reply.DoneSent)
	if got := b.phone(); len(got) != 3 || !strings.Contains(got[2], "again") {
		t.Errorf("the customer received %q; want a welcome back last", got)
	}
}
