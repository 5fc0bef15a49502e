package worker_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/hours"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

func TestReply_IsSentOnceHoweverOftenItsTaskComes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.text(t, "What does a lesson cost?")
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() { b.work(t, b.SwimSchool, id) })
	}
	wg.Wait()
	b.drain(t)
	if got := b.phone(); len(got) != 1 || !strings.Contains(got[0], "35 dollars") {
		t.Errorf("the customer received %q; want the price once", got)
	}
	if got := b.state(t, id); got != "accepted" {
		t.Errorf("the reply is %s; want accepted", got)
	}
	b.want(t, id, reply.DoneAlready)
}

func TestReply_SeveralTextsInARowAreAnsweredTogetherOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.SetWait(t, b.SwimSchool, 30*time.Second)
	first, second, third := b.text(t, "Hi"), b.text(t, "I have a question"), b.text(t, "What does a lesson cost?")
	if first != second || second != third {
		t.Fatalf("three texts in a row are owed the replies %d, %d and %d; want one", first, second, third)
	}
	b.want(t, first, reply.DoneNotDue)
	if len(b.phone()) != 0 {
		t.Fatal("the reply did not wait for more")
	}
	b.pass(t, time.Minute)
	b.want(t, first, reply.DoneSent)
	if got := b.phone(); len(got) != 1 {
		t.Errorf("the customer received %q; want one answer", got)
	}
	asked := b.model.Asked()
	if last := asked[len(asked)-1].Turns; len(asked) != 1 || len(last) != 1 || !strings.Contains(last[0].Text, "Hi") || !strings.Contains(last[0].Text, "lesson cost") {
		t.Errorf("the model was asked %v; want once, with all three texts", asked)
	}
}

func TestReply_TheWaitForMoreIsBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.SetWait(t, b.SwimSchool, 10*time.Second)
	id := b.text(t, "one")
	for range 20 {
		b.pass(t, 5*time.Second)
		b.text(t, "and another")
	}
	b.want(t, id, reply.DoneSent)
}

func TestReply_OneAtATimeInAConversation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	release := make(chan struct{})
	asked := make(chan struct{}, 1)
	b.model.Next(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-release
		geminitest.Says(`{"candidates":[{"content":{"role":"model","parts":[{"text":"First."}]},"finishReason":"STOP"}]}`)(w, r)
	})
	first := b.text(t, "first question")
	done := make(chan string)
	go func() {
		outcome, _ := b.work(t, b.SwimSchool, first)
		done <- outcome
	}()
	<-asked
	second := b.text(t, "What does a lesson cost?")
	if second == first {
		t.Fatal("a text that came while the first answer was being written has no reply of its own")
	}
	b.want(t, second, reply.DoneBusy)
	close(release)
	if got := <-done; got != string(reply.DoneSent) {
		t.Fatalf("the first reply came to %s", got)
	}
	b.drain(t) // the second was called when the first was done
	if got := b.phone(); len(got) != 2 || got[0] != "First." {
		t.Errorf("the customer received %q", got)
	}
}

func TestReply_ATenantThatIsClosedWhileTheModelWritesSendsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.model.Next(func(w http.ResponseWriter, r *http.Request) {
		b.Exec(t, `update tenants set is_active = false where id = 1042`)
		geminitest.Says(`{"candidates":[{"content":{"role":"model","parts":[{"text":"First."}]},"finishReason":"STOP"}]}`)(w, r)
	})
	id := b.text(t, "What does a lesson cost?")
	if outcome, _ := b.work(t, b.SwimSchool, id); outcome != string(reply.DoneAlready) || len(b.phone()) != 0 {
		t.Fatalf("the reply came to %s, and the customer received %q", outcome, b.phone())
	}
	b.Exec(t, `update tenants set is_active = true where id = 1042`)
	b.pass(t, 2*time.Minute) // the lease of the claim
	b.want(t, id, reply.DoneSent)
	if got := b.phone(); len(got) != 1 {
		t.Errorf("opened again, the customer received %q", got)
	}
}

func TestReply_KeepsTheQuestionLastWhenAnAnswerCrossedIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.want(t, b.text(t, "Are you open on Saturday?"), reply.DoneSent)
	b.want(t, b.text(t, "What does a lesson cost?"), reply.DoneSent)
	asked := b.model.Asked()
	turns := asked[len(asked)-1].Turns
	if len(turns) != 3 || turns[2].FromModel || turns[2].Text != "What does a lesson cost?" || !turns[1].FromModel {
		t.Errorf("the model was told %v; want question, answer, question", turns)
	}
}

func TestReply_ModelFailsOrBlocks_OneHonestSentenceAndAMark(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]http.HandlerFunc{
		"refused": geminitest.Fails(http.StatusBadRequest, "INVALID_ARGUMENT", ""),
		"blocked": geminitest.Says(`{"promptFeedback":{"blockReason":"SAFETY"}}`),
		"empty":   geminitest.Says(`{"candidates":[{"content":{"role":"model","parts":[{"text":"  "}]},"finishReason":"STOP"}]}`),
		"only a foreign address": geminitest.Says(
			`{"candidates":[{"content":{"role":"model","parts":[{"text":"See https://elsewhere.test/x now"}]},"finishReason":"STOP"}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.model.Next(failure)
			b.want(t, b.text(t, "Are you open?"), reply.DoneSent)
			if got := b.phone(); len(got) != 1 || !strings.HasPrefix(got[0], "Sorry, I can't answer that right now.") {
				t.Errorf("the customer received %q; want one honest sentence", got)
			}
			if got := b.attention(t); got != "model_failed" {
				t.Errorf("the conversation is marked %q; want model_failed", got)
			}
		})
	}
}

func TestReply_TakenOverConversationIsLeftToThePerson(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.text(t, "Are you open?")
	c, err := b.SwimSchool.ConversationWith(t.Context(), customer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.SwimSchool.TakeOver(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	b.want(t, id, reply.DoneAlready)
	if again := b.text(t, "Hello?"); again != 0 {
		t.Errorf("a text in a conversation that a person has taken over is owed reply %d", again)
	}
	if _, err := b.SwimSchool.HandBack(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	b.want(t, b.text(t, "Are you open on Saturday?"), reply.DoneSent)
	if got := b.phone(); len(got) != 1 {
		t.Errorf("the customer received %q; want the answer after the hand-back only", got)
	}
}

func TestReply_TakeoverWhileTheModelWritesWins(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.text(t, "Are you open?")
	b.model.Answer(func(geminitest.Prompt) string {
		c, err := b.SwimSchool.ConversationWith(t.Context(), customer)
		if err == nil {
			_, err = b.SwimSchool.TakeOver(t.Context(), c.ID)
		}
		if err != nil {
			t.Error(err)
		}
		return "We are open."
	})
	b.want(t, id, reply.DoneAlready)
	if len(b.phone()) != 0 {
		t.Errorf("the customer received %q after the takeover", b.phone())
	}
}

func TestReply_AfterHoursTextOnceInTwelveHours(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	on, text := true, "We are closed. We will answer in the morning."
	if _, err := b.SwimSchool.ChangeSMSSettings(t.Context(), store.SMSSettingsChange{HoursEnabled: &on, AutoReplyEnabled: &on, AutoReplyMessage: &text, Hours: &hours.Week{}}); err != nil {
		t.Fatal(err)
	}
	b.want(t, b.text(t, "Are you open?"), reply.DoneSent)
	b.want(t, b.text(t, "Hello?"), reply.DoneEnded)
	if got := b.phone(); len(got) != 1 || got[0] != text {
		t.Errorf("the customer received %q; want the after-hours text once", got)
	}
	if n := len(b.model.Asked()); n != 0 {
		t.Errorf("the model was asked %d times outside the hours", n)
	}
	b.pass(t, 13*time.Hour)
	b.want(t, b.text(t, "And now?"), reply.DoneSent)
	if got := b.phone(); len(got) != 2 {
		t.Errorf("after 13 hours the customer has received %q; want the text again", got)
	}
}

func TestReply_AClosedTenantSendsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.text(t, "Are you open on Saturday?")
	if _, err := b.Operator.Registry(store.Actor{}).ChangeTenant(t.Context(), 1042, store.TenantChange{Active: new(false)}); err != nil {
		t.Fatal(err)
	}
	b.want(t, id, reply.DoneClosed)
	b.pass(t, time.Minute)
	b.call(t, "/workers/sms/sweep", "{}")
	if got := b.phone(); len(got) != 0 || len(b.tasks.Tasks()) != 0 {
		t.Errorf("a closed tenant sent %q and queued %d task(s)", got, len(b.tasks.Tasks()))
	}
	if _, err := b.Operator.Registry(store.Actor{}).ChangeTenant(t.Context(), 1042, store.TenantChange{Active: new(true)}); err != nil {
		t.Fatal(err)
	}
	b.call(t, "/workers/sms/sweep", "{}")
	b.drain(t)
	if got := b.phone(); len(got) != 1 {
		t.Errorf("opened again it sent %q; want the answer that was owed", got)
	}
}

func TestReply_ComposesFromItsTenantsPromptAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for of, own := range map[*store.Tenant]string{b.SwimSchool: "Example Swim School", b.Dentist: "Sample Dental Clinic"} {
		if _, status := b.work(t, of, b.textTo(t, of, "Are you open on Saturday?")); status != http.StatusOK {
			t.Fatal(status)
		}
		asked := b.model.Asked()
		system := asked[len(asked)-1].System
		other := map[string]string{"Example Swim School": "Sample Dental", "Sample Dental Clinic": "Swim School"}[own]
		if !strings.Contains(system, own) || strings.Contains(system, other) {
			t.Errorf("%s's prompt is\n%s", own, system)
		}
	}
}

func TestReply_NumbersTokensAndWordsStayOutOfTheLog(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.telnyx.Fail(telnyxtest.Refused40010)
	b.model.Next(geminitest.Fails(http.StatusBadRequest, "INVALID_ARGUMENT", ""))
	b.want(t, b.text(t, "my unmistakable words"), reply.DoneEnded)
	for _, secret := range []string{"unmistakable", customer.E164(), b.SwimSchoolPhone.E164(), "model-key", "KEY-demo", "Bearer", "Sorry"} {
		if strings.Contains(b.log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, b.log)
		}
	}
	if !strings.Contains(b.log.String(), `"tenant_id":"1042"`) {
		t.Errorf("the log does not say whose work this was:\n%s", b.log)
	}
}

func TestReply_WhatTheModelTookIsWrittenDownOnceAndLogged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.text(t, "What does a lesson cost?")
	b.want(t, id, reply.DoneSent)
	b.want(t, id, reply.DoneAlready)
	if got := b.Query(t, `select tenant_id || ' ' || purpose || ' ' || (prompt_tokens > 0 and output_tokens > 0) || ' ' || (model <> '') from model_calls`); len(got) != 1 || got[0] != "1042 answer true true" {
		t.Errorf("the model's calls are %q", got)
	}
	if log := b.log.String(); !strings.Contains(log, `"prompt_tokens":`) || !strings.Contains(log, `"output_tokens":`) {
		t.Errorf("the log does not say what it took: %s", log)
	}
}
