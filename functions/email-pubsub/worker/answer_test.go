package worker_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/mailbox"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/task"
)

func TestMail_IsAnsweredInItsThreadOnceHoweverOftenItIsAnnounced(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.SwimSchool.ChangeEmailSettings(t.Context(), store.EmailSettingsChange{Signature: new("The Example Swim School team")}); err != nil {
		t.Fatal(err)
	}
	before := b.gmail.Units(schoolBox)
	thread := b.writes(t, schoolBox, "Are you open on Saturday?\r\n\r\n-- \r\nMaria\r\n+1 555 555 0101")
	b.settle(t)
	if units := b.gmail.Units(schoolBox) - before; units != 2+20+100 {
		t.Errorf("an answered mail cost %d units; want 122", units)
	}
	for range 3 {
		b.announce(t, "Support@ExampleCo.test", b.gmail.HistoryID(schoolBox))
		b.settle(t)
	}
	got := b.answers(t, parent)
	if len(got) != 1 {
		t.Fatalf("%d answers were sent; want one; the log: %s", len(got), b.log.text())
	}
	in := b.gmail.Thread(schoolBox, thread)
	if len(in) != 2 {
		t.Errorf("the thread has %d mails; want the answer in it", len(in))
	}
	a := got[0]
	if a.From.Email != schoolBox || a.From.Name != "Example Swim School" || a.Subject != "Re: Saturday" || !strings.HasPrefix(a.InReplyTo, "<in-") || a.Automatic != "auto_submitted" {
		t.Errorf("the answer's header is %+v", a)
	}
	if text := a.Whole.Reveal(); text != "We are open on Saturday.\n\nThe Example Swim School team" {
		t.Errorf("the answer says %q", text)
	}
	asked := b.model.Asked()
	last := asked[len(asked)-1]
	if said := last.Turns[len(last.Turns)-1].Text; said != "Subject: Saturday\n\nAre you open on Saturday?" {
		t.Errorf("the model was told %q; want it without the signature", said)
	}
	if !strings.Contains(last.System, "You answer by e-mail") || !strings.Contains(last.System, "lessons every half hour") {
		t.Error("the model was not told the tenant's prompt in the e-mail style")
	}
	same(t, "the conversation", b.Query(t, `select m.role || ' ' || m.content from messages m join conversations c on c.id = m.conversation_id where c.channel = 'email' order by m.id`),
		"user Subject: Saturday\n\nAre you open on Saturday?", "assistant We are open on Saturday.\n\nThe Example Swim School team")
	same(t, "the contacts", b.Query(t, `select name || ' ' || email from contacts`), "Maria Garcia "+parent)
	b.silent(t, "Saturday", parent, "customer.test", b.grant[schoolBox])
}

func TestMail_TwoTenantsTwoMailboxesNeverMix(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.model.Answer(func(p geminitest.Prompt) string {
		if strings.Contains(p.System, "Sample Dental Clinic") {
			return "The clinic answers."
		}
		return "The school answers."
	})
	for i := range 4 {
		b.delivered(t, []string{schoolBox, clinicBox}[i%2], b.mail(parent, "Saturday", "Are you open?"))
	}
	b.settle(t)
	for box, words := range map[string]string{schoolBox: "The school answers.", clinicBox: "The clinic answers."} {
		n := 0
		for _, a := range b.answers(t, parent) {
			if a.From.Email == box {
				n++
				if a.Said.Reveal() != words {
					t.Errorf("%s said %q", box, a.Said.Reveal())
				}
			}
		}
		if n != 2 {
			t.Errorf("%s answered %d times; want twice", box, n)
		}
	}
	for of, name := range map[*store.Tenant]string{b.SwimSchool: schoolBox, b.Dentist: clinicBox} {
		if n := b.Query(t, `select count(*)::text from emails where tenant_id = $1 and mailbox <> $2`, int64(of.Scope().ID()), name)[0]; n != "0" {
			t.Errorf("tenant %v has %s mails of another mailbox", of.Scope().ID(), n)
		}
	}
}

func TestMail_OneAnswerForWhatCameTogether(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.writes(t, schoolBox, "Are you open on Saturday?")
	first := b.gmail.Inbox(schoolBox)[0]
	b.gmail.Deliver(schoolBox, b.mail(parent, "Re: Saturday", "I mean this Saturday.", "In-Reply-To: <in-3@customer.test>", "References: <in-3@customer.test>"))
	if last := b.gmail.Inbox(schoolBox)[1]; last.ThreadID != first.ThreadID {
		t.Fatal("the second mail is in a thread of its own")
	}
	b.settle(t)
	got := b.answers(t, parent)
	if len(got) != 1 || got[0].InReplyTo != "<in-4@customer.test>" {
		t.Errorf("%d answers; want one, to the last mail; %+v", len(got), got)
	}
	same(t, "the outcomes", b.outcomes(t, b.SwimSchool), "answer", "answer")
}

func TestMail_OfMachinesAndOfOursIsLeftAloneAndNothingOfItIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, raw := range [][]byte{
		b.mail(parent, "Secret subject", "I am away", "Auto-Submitted: auto-replied"),
		b.mail(parent, "Secret subject", "News", "List-Id: <news.customer.test>"),
		b.mail(parent, "Secret subject", "News", "Precedence: bulk"),
		b.mail("MAILER-DAEMON@customer.test", "Undeliverable: Secret subject", "It failed", "Return-Path: <>"),
		b.mail("no-reply@customer.test", "Secret subject", "Your order"),
		b.mail(parent, "Secret subject", "Hi", "Reply-To: noreply@customer.test"),
		b.mail(schoolBox, "Secret subject", "A note to myself"),
		b.mail("Support+tag@ExampleCo.test", "Secret subject", "A note to myself"),
		b.mail(clinicBox, "Secret subject", "From the neighbours"),
		b.mail(parent, "Secret subject", "Hi", "X-Forwarded-For: "+clinicBox+" "+schoolBox),
		b.mail("no-reply@customer.test", "Secret subject", "Hi", "X-Forwarded-For: info@customer.test support+web@exampleco.test"),
		b.mail(parent, "Secret subject", "Hi", "Authentication-Results: mx.google.com; dkim=fail; dmarc=fail (p=REJECT) header.from=customer.test"),
	} {
		b.gmail.Deliver(schoolBox, raw)
	}
	b.gmail.DeliverAs(schoolBox, b.mail(parent, "Secret subject", "spam"), "INBOX", "SPAM")
	b.settle(t)
	same(t, "the outcomes", b.outcomes(t, b.SwimSchool), "ignored: auto_submitted", "ignored: list", "ignored: bulk", "ignored: bounce", "ignored: no_reply", "ignored: no_reply",
		"ignored: our_own", "ignored: mailbox_of_ours", "ignored: mailbox_of_ours", "ignored: passed_on_by_ours", "ignored: no_reply", "ignored: unauthenticated", "ignored: spam")
	if n := len(b.gmail.Sent(schoolBox)); n != 0 {
		t.Errorf("%d mails were sent; want none", n)
	}
	same(t, "the conversations", b.Query(t, `select id::text from conversations where channel = 'email'`))
	same(t, "what is kept", b.Query(t, `select distinct subject || reply_to || message_id from emails`), "")
	b.silent(t, "Secret", "customer.test")
}

func TestMail_TwoOfOurMailboxesDoNotAnswerEachOther(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	thread := b.writes(t, schoolBox, "Are you open?")
	b.settle(t)
	b.gmail.Deliver(clinicBox, b.mail(schoolBox, "Lunch", "Shall we have lunch?"))
	b.gmail.WriteAsOwner(schoolBox, thread, "One more thing")
	b.settle(t)
	b.gmail.Deliver(schoolBox, b.mail(clinicBox, "Re: Lunch", "Yes", "In-Reply-To: <in-4@customer.test>"))
	for range 3 {
		b.settle(t)
	}
	if n := len(b.gmail.Sent(schoolBox)) + len(b.gmail.Sent(clinicBox)); n != 2 {
		t.Errorf("%d mails were sent; want the answer to the parent and the owner's own", n)
	}
}

func TestForm_IsALeadWithItsFieldsAndNoAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	form := "Name: Maria Garcia\r\nEmail: Maria@Customer.test\r\nPhone: (555) 555-0101\r\nType of lessons: Adult\r\nLocation Email: pool@exampleco.test"
	b.gmail.DeliverAs(schoolBox, b.mail(schoolBox, "Fwd: Get In Touch Form Submission", form), "INBOX", "SENT") // the website writes from the mailbox to itself
	b.settle(t)
	b.gmail.Deliver(schoolBox, b.mail("no-reply@forms.test", "get in touch form submission - again", "Name: Maria Garcia\r\nPhone: 555-555-0101\r\nHow did you hear about us: a friend"))
	b.gmail.Deliver(schoolBox, b.mail("no-reply@forms.test", "Email Capture from Booking Page", "nothing that can be read"))
	b.settle(t)
	same(t, "the outcomes", b.outcomes(t, b.SwimSchool), "form", "form", "silent: form_that_names_nobody")
	leads, err := b.SwimSchool.Leads(t.Context(), store.LeadFilter{}, store.Place{}, 10)
	if err != nil || len(leads) != 1 {
		t.Fatalf("%d leads, %v; want one of Maria's", len(leads), err)
	}
	lead, err := b.SwimSchool.Lead(t.Context(), leads[0].ID)
	if err != nil || lead.Name != "Maria Garcia" || lead.Email != "maria@customer.test" || lead.Phone.E164() != "+15555550101" || lead.Source != "email" || lead.ConversationID == 0 {
		t.Errorf("the lead is %+v, %v", lead, err)
	}
	if fmt.Sprint(lead.Details) != "map[How did you hear about us:a friend Location Email:pool@exampleco.test Type of lessons:Adult]" {
		t.Errorf("its details are %v", lead.Details)
	}
	same(t, "the contacts", b.Query(t, `select name || ' ' || email || ' ' || phone_number from contacts`), "Maria Garcia maria@customer.test +15555550101")
	same(t, "for staff", b.attention(t, b.SwimSchool), "form_that_names_nobody")
	if n := len(b.gmail.Outbox("no-reply@forms.test")) + len(b.gmail.Outbox("maria@customer.test")) + len(b.model.Asked()); n != 0 {
		t.Error("a form was answered, or the model asked about it")
	}
}

func TestOptOut_HoldsAcrossChannelsUntilTheyComeBackOnAny(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	phone := private.MustPhone("+15555550101")
	b.SetWait(t, b.SwimSchool, 0)
	b.gmail.Deliver(schoolBox, b.mail("no-reply@forms.test", "Get In Touch Form Submission", "Name: Maria Garcia\r\nEmail: "+parent+"\r\nPhone: "+phone.E164()))
	b.writes(t, schoolBox, "Please stop e-mailing me. Unsubscribe me.")
	b.settle(t)
	same(t, "the outcomes", b.outcomes(t, b.SwimSchool), "form", "opted_out")
	optedOut := func() []string {
		return b.Query(t, `select phone_number from opt_outs where opted_in_at is null union all select email from mail_opt_outs where opted_in_at is null`)
	}
	same(t, "who opted out", optedOut(), phone.E164(), parent)
	if rec := b.Receive(t, b.SwimSchool, phone, "hello?", "sms-1"); rec.ReplyID != 0 {
		t.Error("a text to somebody who opted out by mail is planned")
	}
	b.writes(t, schoolBox, "And yet, what does it cost?")
	b.settle(t)
	same(t, "for staff", b.attention(t, b.SwimSchool), "not_answered: opted_out")
	rec, err := b.SwimSchool.RecordInbound(t.Context(), store.Inbound{
		VerifiedWith: new(string), From: phone, To: b.SwimSchoolPhone, Text: private.NewText("START"), Keyword: store.Start, ProviderMessageID: "sms-2", OccurredAt: time.Now(),
	})
	if err != nil || rec.ReplyID == 0 {
		t.Fatalf("START by text: %+v, %v", rec, err)
	}
	same(t, "who opted out, after START by text: what an address has said only it ends", optedOut(), parent)
	b.writes(t, schoolBox, "START")
	b.settle(t)
	same(t, "who opted out, after START by mail too", optedOut())
	b.writes(t, schoolBox, "What does it cost?")
	b.settle(t)
	if n := len(b.answers(t, parent)); n != 1 {
		t.Errorf("%d answers; want one, after they came back", n)
	}
	if _, err := b.SwimSchool.RecordInbound(t.Context(), store.Inbound{
		VerifiedWith: new(string), From: phone, To: b.SwimSchoolPhone, Text: private.NewText("STOP"), Keyword: store.Stop, ProviderMessageID: "sms-3", OccurredAt: time.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	same(t, "who opted out, after STOP by text", optedOut(), phone.E164(), parent)
}

func TestOptOut_ThatComesWhileTheAnswerIsWrittenIsStillHeard(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.model.Answer(func(geminitest.Prompt) string {
		b.Exec(t, `insert into mail_opt_outs (tenant_id, email, source, opted_out_at) values (1042, $1, 'message', now())`, parent)
		return "We are open on Saturday."
	})
	b.writes(t, schoolBox, "Are you open?")
	b.settle(t)
	if n := len(b.answers(t, parent)); n != 0 {
		t.Errorf("%d answers; want none", n)
	}
	same(t, "the reply", b.Query(t, `select state || ': ' || reason from replies where channel = 'email'`), "suppressed: opted_out")
}

func TestMail_AnsweredByHandIsNotAnsweredAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	thread := b.writes(t, schoolBox, "Are you open?")
	b.want(t, task.MailboxPath, b.SwimSchool, "read")
	b.drain(t)
	b.gmail.WriteAsOwner(schoolBox, thread, "Yes, from eight.")
	b.settle(t)
	if n := len(b.answers(t, parent)); n != 1 {
		t.Errorf("%d mails were sent to the parent; want the owner's alone", n)
	}
	same(t, "the outcomes", b.outcomes(t, b.SwimSchool), "answer", "staff")
	same(t, "the conversation", b.Query(t, `select m.role from messages m join conversations c on c.id = m.conversation_id where c.channel = 'email' order by m.id`), "user", "staff")
	same(t, "the reply", b.Query(t, `select state || ': ' || reason from replies where channel = 'email'`), "suppressed: answered_by_hand")
}

func TestMail_AsADraftWaitsForAPerson(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.SwimSchool.ChangeEmailSettings(t.Context(), store.EmailSettingsChange{AnswerMode: new(store.AnswerByDraft)}); err != nil {
		t.Fatal(err)
	}
	thread := b.writes(t, schoolBox, "Are you open?")
	b.settle(t)
	drafts := b.gmail.Drafts(schoolBox)
	if len(drafts) != 1 || drafts[0].ThreadID != thread || len(b.answers(t, parent)) != 0 {
		t.Errorf("%d drafts and %d mails; want one draft in the thread", len(drafts), len(b.answers(t, parent)))
	}
	same(t, "for staff", b.attention(t, b.SwimSchool), "draft_waits")
	same(t, "the reply", b.Query(t, `select state || ': ' || reason from replies where channel = 'email'`), "accepted: draft")
	same(t, "the conversation", b.Query(t, `select m.role from messages m join conversations c on c.id = m.conversation_id where c.channel = 'email'`), "user")
}

func TestMail_AThreadHasFewAnswersADay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 8 {
		b.gmail.Deliver(schoolBox, b.mail(parent, "Re: Saturday", fmt.Sprint("Really? ", i), "In-Reply-To: <in-3@customer.test>", "References: <in-3@customer.test>"))
		b.settle(t)
	}
	if n := len(b.answers(t, parent)); n != 5 {
		t.Errorf("%d answers in one thread and day; want 5", n)
	}
	same(t, "for staff", b.attention(t, b.SwimSchool), "not_answered: answered_often")
}

func TestMail_OutsideTheHours(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.SwimSchool.ChangeEmailSettings(t.Context(), store.EmailSettingsChange{HoursEnabled: new(true), AutoReplyMessage: new("We are closed and will write tomorrow."), Signature: new("The team")})
	if err != nil {
		t.Fatal(err)
	}
	b.writes(t, schoolBox, "Are you open?")
	b.settle(t)
	b.gmail.Deliver(schoolBox, b.mail(parent, "Re: Saturday", "Hello?", "In-Reply-To: <in-3@customer.test>"))
	b.settle(t)
	if got := b.answers(t, parent); len(got) != 1 || got[0].Whole.Reveal() != "We are closed and will write tomorrow.\n\nThe team" || len(b.model.Asked()) != 0 {
		t.Errorf("%d answers; want the after-hours text once, without asking the model", len(got))
	}
	if _, err := b.SwimSchool.ChangeEmailSettings(t.Context(), store.EmailSettingsChange{AutoReplyOutsideHours: new(false)}); err != nil {
		t.Fatal(err)
	}
	b.delivered(t, schoolBox, b.mail("other@customer.test", "Prices", "What does it cost?"))
	b.settle(t)
	if n := len(b.answers(t, "other@customer.test")); n != 0 {
		t.Errorf("%d answers; want silence", n)
	}
	same(t, "for staff", b.attention(t, b.SwimSchool), "not_sent: outside_hours")
}

func TestMail_WithAnEscalationKeywordIsAnsweredAndShownToStaff(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.writes(t, schoolBox, "This is a COMPLAINT: the pool was cold.")
	b.delivered(t, schoolBox, b.mail("other@customer.test", "Paralegal course", "Do you teach paralegals to swim?"))
	b.settle(t)
	same(t, "for staff", b.attention(t, b.SwimSchool), "mentions: complaint")
	if n := len(b.answers(t, parent)) + len(b.answers(t, "other@customer.test")); n != 2 {
		t.Errorf("%d answers; want both", n)
	}
}

func TestMail_WhenTheModelFailsTheCustomerAndTheStaffAreTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.model.Next(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	b.writes(t, schoolBox, "Are you open?")
	b.settle(t)
	if got := b.answers(t, parent); len(got) != 1 || !strings.Contains(got[0].Said.Reveal(), "someone will get back to you") {
		t.Errorf("%d answers; want the apology", len(got))
	}
	same(t, "for staff", b.attention(t, b.SwimSchool), "model_failed")
}

func TestMail_AForeignAddressInAnAnswerIsNotSent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.model.Answer(func(geminitest.Prompt) string {
		return "Hello Maria,\n\nwe are open. Pay at https://evil.test/pay now.\n\nRegister at https://swim.exampleco.test/register please."
	})
	b.writes(t, schoolBox, "Are you open?")
	b.settle(t)
	if got := b.answers(t, parent); len(got) != 1 || got[0].Whole.Reveal() != "Hello Maria,\n\nwe are open. Register at https://swim.exampleco.test/register please." {
		t.Errorf("the answer is %q", got[0].Whole.Reveal())
	}
}

func TestStaff_WriteInTheThreadWithoutTheMarksOfAMachine(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	thread := b.writes(t, schoolBox, "Are you open?")
	b.settle(t)
	c, err := b.SwimSchool.Conversations(t.Context(), store.ConversationFilter{Channel: "email"}, store.Place{}, 10)
	if err != nil || len(c) != 1 || c[0].Email != parent || c[0].Subject != "Saturday" {
		t.Fatalf("the conversations are %+v, %v", c, err)
	}
	for range 2 {
		if _, err := b.SwimSchool.PlanStaffText(t.Context(), store.StaffText{ConversationID: c[0].ID, Text: private.NewText("Bring a towel."), Key: "k"}); err != nil {
			t.Fatal(err)
		}
	}
	b.settle(t)
	got := b.answers(t, parent)
	if len(got) != 2 || got[1].Whole.Reveal() != "Bring a towel." || got[1].Automatic != "" || len(b.gmail.Thread(schoolBox, thread)) != 3 {
		t.Fatalf("%d mails; want the person's words once, as they are, in the thread", len(got))
	}
	same(t, "the conversation", b.Query(t, `select m.role from messages m join conversations c on c.id = m.conversation_id where c.channel = 'email' order by m.id`), "user", "assistant", "staff")
	if _, err := b.SwimSchool.TakeOver(t.Context(), c[0].ID); err != nil {
		t.Fatal(err)
	}
	b.gmail.Deliver(schoolBox, b.mail(parent, "Re: Saturday", "Thank you", "In-Reply-To: <in-3@customer.test>"))
	b.settle(t)
	if n := len(b.answers(t, parent)); n != 2 {
		t.Error("the assistant answered in a conversation that a person has taken over")
	}
}

func TestOptOut_OfSomebodyElseCannotBeSaidOrTakenBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	phone := private.MustPhone("+15555550101")
	b.gmail.Deliver(schoolBox, b.mail("no-reply@forms.test", "Get In Touch Form Submission", "Name: Maria Garcia\r\nEmail: "+parent+"\r\nPhone: "+phone.E164()))
	b.settle(t)
	optedOut := func() []string {
		return b.Query(t, `select phone_number from opt_outs where opted_in_at is null union all select email from mail_opt_outs where opted_in_at is null order by 1`)
	}
	b.delivered(t, schoolBox, b.mail("mallory@evil.test", "Hi", "STOP", "Reply-To: "+parent))
	b.settle(t)
	same(t, "who opted out by another's Reply-To", optedOut(), "mallory@evil.test")
	b.delivered(t, schoolBox, b.mail(parent, "Hi", "STOP"))
	b.settle(t)
	b.delivered(t, schoolBox, b.mail("other@evil.test", "Hi", "START", "Reply-To: "+parent))
	b.gmail.Deliver(schoolBox, b.mail("mallory@evil.test", "Get In Touch Form Submission", "Name: Mallory\r\nEmail: mallory@evil.test\r\nPhone: "+phone.E164()))
	b.settle(t)
	b.delivered(t, schoolBox, b.mail("mallory@evil.test", "Hi", "START"))
	b.settle(t)
	same(t, "who opted out, after others said START", optedOut(), phone.E164(), parent)
	same(t, "the contact", b.Query(t, `select name || ' ' || email from contacts where phone_number is not null`), "Maria Garcia "+parent)
	b.delivered(t, schoolBox, b.mail(parent, "Hi", "START"))
	b.settle(t)
	same(t, "who opted out, after START by mail, which anybody can write", optedOut(), phone.E164())
}

func TestMail_ThatPeopleAnsweredBeforeItWasReadIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	thread := b.writes(t, schoolBox, "Are you open?")
	b.gmail.WriteAsOwner(schoolBox, thread, "Yes, from eight.")
	other := b.delivered(t, schoolBox, b.mail("second@customer.test", "Prices", "What does it cost?"))
	b.settle(t)
	for range 2 {
		b.Exec(t, `update emails set act_at = now() where state = 'noticed'`)
		_, _ = b.post(t, "/workers/email/sweep", `{}`)
		b.settle(t)
	}
	if n, m := len(b.answers(t, parent)), len(b.answers(t, "second@customer.test")); n != 1 || m != 1 {
		t.Errorf("%d and %d mails; want the owner's alone in the first thread, and ours in the second; %v", n, m, b.outcomes(t, b.SwimSchool))
	}
	_ = other
	same(t, "the outcomes", b.Query(t, `select outcome || coalesce(': ' || reason, '') from emails order by outcome`), "answer", "silent: answered_by_hand", "staff")
}

func TestMail_AnsweredByHandWhileOursWaitsIsNotAnsweredAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.gmail.Break(gmailtest.Send, gmailtest.TooMany)
	thread := b.writes(t, schoolBox, "Are you open?")
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	b.drain(t)
	b.Exec(t, `update replies set act_at = now() where channel = 'email'`)
	id := b.Query(t, `select tenant_id || ' ' || id from replies where channel = 'email'`)[0]
	if got := b.reply(t, id); got != "postponed" {
		t.Fatalf("the first attempt came to %q", got)
	}
	b.gmail.WriteAsOwner(schoolBox, thread, "Yes, from eight.")
	b.Exec(t, `update replies set state = 'unknown' where channel = 'email'`) // as if its answer had been lost
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	b.drain(t)
	b.gmail.Break(gmailtest.Send, gmailtest.Truth)
	b.settleUnknown(t, "postponed")
	b.settle(t)
	if n := len(b.answers(t, parent)); n != 1 {
		t.Errorf("%d mails; want the owner's alone", n)
	}
	same(t, "the reply", b.Query(t, `select state || ': ' || reason from replies where channel = 'email'`), "suppressed: answered_by_hand")
}

func TestMail_OfDaysAgoIsNotAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec(t, `update tenant_email_configs set enabled_at = now() - interval '5 days'`)
	b.gmail.SetClock(func() time.Time { return time.Now().Add(-25 * time.Hour) })
	b.writes(t, schoolBox, "Are you open?")
	b.gmail.SetClock(time.Now)
	b.settle(t)
	same(t, "the outcomes", b.outcomes(t, b.SwimSchool), "silent: too_late")
	same(t, "for staff", b.attention(t, b.SwimSchool), "not_answered: too_late")
}

func TestMail_FromALongNameIsAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.delivered(t, schoolBox, b.mail(strings.Repeat("x", 400)+" <"+parent+">", "Saturday", "Are you open?"))
	b.settle(t)
	if n := len(b.answers(t, parent)); n != 1 {
		t.Errorf("%d answers; want one; %v", n, b.outcomes(t, b.SwimSchool))
	}
}

func TestMail_ToOneAddressInManyThreadsHasAnEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 13 {
		b.delivered(t, schoolBox, b.mail(parent, fmt.Sprint("Ticket ", i), "We have received your message."))
	}
	b.settle(t)
	if n := len(b.answers(t, parent)); n != 10 {
		t.Errorf("%d answers in a day; want 10", n)
	}
}

func TestMail_AnotherProgramThatSendsFromTheMailboxSilencesNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.writes(t, schoolBox, "Are you open?")
	b.gmail.DeliverAs(schoolBox, b.mail(schoolBox, "Re: Saturday", "We have got your message.", "In-Reply-To: <in-3@customer.test>", "References: <in-3@customer.test>", "Auto-Submitted: auto-generated"), "SENT")
	b.settle(t)
	b.Exec(t, `update emails set act_at = now() where state = 'noticed'`)
	_, _ = b.post(t, "/workers/email/sweep", `{}`)
	b.settle(t)
	if n := len(b.answers(t, parent)); n != 1 {
		t.Errorf("%d answers; want ours; %v", n, b.outcomes(t, b.SwimSchool))
	}
}

func TestMail_ForwardedToOurOwnAliasIsAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.delivered(t, schoolBox, b.mail(parent, "Saturday", "Are you open?", "X-Forwarded-For: info@customer.test support+web@exampleco.test"))
	b.settle(t)
	if n := len(b.answers(t, parent)); n != 1 {
		t.Errorf("%d answers; want one; %v", n, b.outcomes(t, b.SwimSchool))
	}
}

func TestOptOut_AlsoStopsWhatGoesToTheReplyAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.delivered(t, schoolBox, b.mail(parent, "Saturday", "Are you open?", "Reply-To: other@customer.test"))
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	b.drain(t)
	b.gmail.Deliver(schoolBox, b.mail(parent, "Re: Saturday", "STOP", "In-Reply-To: <in-3@customer.test>"))
	b.settle(t)
	same(t, "the outcomes", b.outcomes(t, b.SwimSchool), "answer", "opted_out")
	if n := len(b.answers(t, "other@customer.test")) + len(b.answers(t, parent)); n != 0 {
		t.Errorf("%d answers after STOP; want none", n)
	}
}

func TestMail_WhoseAnswerByHandCannotBeFetchedIsLeftToPeople(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.gmail.Break(gmailtest.Get, gmailtest.ServerError)
	thread := b.writes(t, schoolBox, "Are you open?")
	b.gmail.WriteAsOwner(schoolBox, thread, "Yes, from eight.")
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	b.drain(t)
	b.gmail.Break(gmailtest.Get, gmailtest.Truth)
	b.Exec(t, `update emails set attempts = 3, act_at = case when by_hand then now() + interval '1 hour' else now() end`)
	_, _ = b.post(t, task.MailPath, `{"tenant_id":1042,"email_id":`+b.Query(t, `select id::text from emails where not by_hand`)[0]+`}`)
	if n := len(b.answers(t, parent)); n != 1 {
		t.Errorf("%d mails; want the owner's alone", n)
	}
	same(t, "the outcome", b.Query(t, `select outcome || ': ' || reason from emails where not by_hand`), "silent: perhaps_answered_by_hand")
	same(t, "for staff", b.attention(t, b.SwimSchool), "not_answered: perhaps_answered_by_hand")
}
