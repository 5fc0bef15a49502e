package operations_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/aftercall"
	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

func TestReplay_ATextPressedTwentyTimesAtOnceIsSentOnce(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	id := b.refusedText(t, "Are you open on Saturday?")
	if diff := cmp.Diff([]string{"text rejected config <nil>"}, b.letters(t)); diff != "" {
		t.Fatalf("the list (-want +got):\n%s", diff)
	}
	if n := b.errors("a reply is given up"); n != 1 {
		t.Errorf("the log says %d times that a reply is given up; want once", n)
	}
	if n := b.pressed(t, store.DeadText, id); n != 1 {
		t.Errorf("%d presses were effective; want one", n)
	}
	b.drain(t)
	if n := b.pressed(t, store.DeadText, id); n != 0 || len(b.letters(t)) != 0 {
		t.Errorf("of what was sent %d presses were effective, and the list holds %q", n, b.letters(t))
	}
	b.drain(t)
	if got := b.phone(); len(got) != 1 {
		t.Errorf("the customer received %q; want one text", got)
	}
	if n := b.presses(t, "replies.update"); n != 1 {
		t.Errorf("the audit log has %d presses; want one", n)
	}
}

func TestReplay_WhatFailsAgainIsListedAgainAndGoesOutOnce(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	id := b.refusedText(t, "Are you open on Saturday?")
	b.telnyx.Fail(telnyxtest.Refused40010)
	b.press(store.DeadText, id)
	b.drain(t)
	if got := b.letters(t); len(got) != 1 || b.errors("a reply is given up") != 2 {
		t.Errorf("the list holds %q after %d lines; want it once, and two lines", got, b.errors("a reply is given up"))
	}
	if status, answer := b.press(store.DeadText, id); status != http.StatusOK || answer["replayed"] != true || answer["state"] != "planned" {
		t.Errorf("the press was answered %d %v", status, answer)
	}
	b.drain(t)
	if got := b.phone(); len(got) != 1 || b.presses(t, "replies.update") != 2 {
		t.Errorf("the customer received %q after %d presses", got, b.presses(t, "replies.update"))
	}
}

func TestReplay_AnAnswerByMailIsSentOnce(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	b.connect(t)
	mail := b.mailed(t)
	b.gmail.Break(gmailtest.Send, gmailtest.TooMany)
	if _, err := b.box.Work(t.Context(), b.SwimSchool, mail); err != nil {
		t.Fatal(err)
	}
	id := b.id(t, `select id::text from replies where channel = 'email'`)
	for range 6 {
		b.Exec(t, `update replies set act_at = now()`)
		if _, err := b.mails.Work(t.Context(), b.SwimSchool, id); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"mail rejected busy <nil>"}, b.letters(t)); diff != "" {
		t.Fatalf("the list (-want +got):\n%s", diff)
	}
	b.gmail.Break(gmailtest.Send, gmailtest.Truth)
	if n := b.pressed(t, store.DeadMail, id); n != 1 {
		t.Errorf("%d presses were effective; want one", n)
	}
	b.drain(t)
	if n := len(b.gmail.Outbox(parent)); n != 1 || len(b.letters(t)) != 0 || b.presses(t, "replies.update") != 1 {
		t.Errorf("%d mails went out, the list holds %q and the audit log %d presses", n, b.letters(t), b.presses(t, "replies.update"))
	}
}

func TestReplay_AMailThatCouldNotBeFetchedIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	b.connect(t)
	b.gmail.Break(gmailtest.Get, gmailtest.ServerError)
	id := b.mailed(t)
	for range 12 {
		b.Exec(t, `update emails set act_at = now()`)
		if _, err := b.box.Work(t.Context(), b.SwimSchool, id); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"incoming_mail failed not_fetched <nil>"}, b.letters(t)); diff != "" || b.errors("a mail is given up") != 1 {
		t.Fatalf("%d lines; the list (-want +got):\n%s", b.errors("a mail is given up"), diff)
	}
	if err := b.SwimSchool.DisconnectMailbox(t.Context(), schoolBox); err != nil {
		t.Fatal(err)
	}
	b.refused(t, store.DeadIncomingMail, id, "mailbox_disconnected") // else it would be ignored, and lost
	b.connect(t)
	b.gmail.Break(gmailtest.Get, gmailtest.Truth)
	if n := b.pressed(t, store.DeadIncomingMail, id); n != 1 {
		t.Errorf("%d presses were effective; want one", n)
	}
	b.drain(t)
	b.Exec(t, `update replies set act_at = now() where state = 'planned'`)
	if _, err := b.mails.Work(t.Context(), b.SwimSchool, b.id(t, `select id::text from replies where channel = 'email'`)); err != nil {
		t.Fatal(err)
	}
	if n := len(b.gmail.Outbox(parent)); n != 1 || len(b.letters(t)) != 0 || b.presses(t, "emails.update") != 1 {
		t.Errorf("%d mails went out, the list holds %q and the audit log %d presses; the log: %s", n, b.letters(t), b.presses(t, "emails.update"), b.log)
	}
}

// ended records a call of the customer's that has ended, and lets its turn come.
func (b *system) ended(t *testing.T) int64 {
	t.Helper()
	began := time.Now().Add(-time.Minute)
	b.telnyx.Converse(telnyxtest.Conversation{ID: "talk", ControlID: "v3:a", Began: began, Lines: []telnyxtest.Line{{Role: "user", Text: "A class on Saturday, please."}, {Role: "assistant", Text: "At nine."}}})
	rec, err := b.SwimSchool.RecordCall(t.Context(), store.CallEvent{
		Names: []string{"control:v3:a"}, Channel: "phone_call", Customer: customer, Ours: b.SwimSchoolPhone, ControlID: "v3:a", ConversationID: "talk", Ended: true, StartedAt: began,
	})
	if err != nil {
		t.Fatal(err)
	}
	return rec.ID
}

func (b *system) finish(t *testing.T, call int64, want aftercall.Done) {
	t.Helper()
	b.Exec(t, `update calls set finish_at = now() where finish_at is not null`)
	if got, err := b.calls.Work(t.Context(), b.SwimSchool, call); err != nil || got != want {
		t.Fatalf("working on the call came to %q, %v; want %q", got, err, want)
	}
}

func TestReplay_ACallWithoutASummaryGetsItAndItsOwnerHearsOnce(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	owner := private.MustPhone("+15555550188")
	if _, err := b.SwimSchool.ConfigureVoice(t.Context(), store.VoiceConfigChange{Phone: &b.SwimSchoolPhone, Enabled: new(true), NotifyPhone: &owner}); err != nil {
		t.Fatal(err)
	}
	id := b.ended(t)
	b.model.Next(geminitest.Fails(http.StatusForbidden, "PERMISSION_DENIED", ""))
	b.finish(t, id, aftercall.DoneFinished)
	if diff := cmp.Diff([]string{"call failed no_summary <nil>"}, b.letters(t)); diff != "" || b.errors("a call is given up") != 1 {
		t.Fatalf("%d lines; the list (-want +got):\n%s", b.errors("a call is given up"), diff)
	}
	b.model.Answer(func(geminitest.Prompt) string {
		return `{"summary":"They want a class.","intent":"booking_request","language":"en","name":"","email":""}`
	})
	if n := b.pressed(t, store.DeadCall, id); n != 1 {
		t.Errorf("%d presses were effective; want one", n)
	}
	b.drain(t)
	c, err := b.SwimSchool.Call(t.Context(), id)
	if err != nil || c.Summary.Summary != "They want a class." || len(c.Summary.Transcript) != 2 {
		t.Errorf("the call is %+v, %v; the log: %s", c.Summary, err, b.log)
	}
	if n := b.id(t, `select count(*)::text from replies where kind = 'notice'`); n != 1 || b.id(t, `select count(*)::text from leads`) != 1 {
		t.Errorf("%d notices and %v leads; want one of each", n, b.Query(t, `select count(*)::text from leads`))
	}
	if got := b.letters(t); len(got) != 0 || b.presses(t, "calls.update") != 1 {
		t.Errorf("the list holds %q and the audit log %d presses", got, b.presses(t, "calls.update"))
	}
}

func TestDeadLetters_ACallWhoseTranscriptCouldNotBeAskedForIsOne(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	b.model.Answer(func(geminitest.Prompt) string {
		return `{"summary":"","intent":"general_inquiry","language":"","name":"","email":""}`
	})
	id := b.ended(t)
	b.telnyx.ConversationsDown(12)
	for range 11 {
		b.finish(t, id, aftercall.DonePostponed)
	}
	b.finish(t, id, aftercall.DoneFinished)
	if diff := cmp.Diff([]string{"call failed no_transcript <nil>"}, b.letters(t)); diff != "" {
		t.Fatalf("the list (-want +got):\n%s", diff)
	}
	if n := b.pressed(t, store.DeadCall, id); n != 1 {
		t.Errorf("%d presses were effective; want one", n)
	}
	b.drain(t)
	if c, err := b.SwimSchool.Call(t.Context(), id); err != nil || len(c.Summary.Transcript) != 2 || len(b.letters(t)) != 0 {
		t.Errorf("the call has %d lines, %v, and the list holds %q", len(c.Summary.Transcript), err, b.letters(t))
	}
}

func TestReplay_AnOptOutThatCameBetweenHolds(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	id := b.refusedText(t, "Are you open on Saturday?")
	b.telnyx.Fail(telnyxtest.Refused40010)
	stop, err := b.SwimSchool.RecordInbound(t.Context(), store.Inbound{
		VerifiedWith: new(string), From: customer, To: b.SwimSchoolPhone, Text: private.NewText("STOP"), ProviderMessageID: "stop", OccurredAt: time.Now(), Keyword: store.Stop,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.refused(t, store.DeadText, id, "opted_out")
	b.workOn(t, stop.ReplyID, reply.DoneEnded)
	b.refused(t, store.DeadText, stop.ReplyID, "opted_out")
	b.drain(t)
	if got := b.phone(); len(got) != 0 {
		t.Errorf("the customer received %q after STOP", got)
	}
	if diff := cmp.Diff([]string{"text rejected config opted_out", "text rejected config opted_out"}, b.letters(t)); diff != "" {
		t.Errorf("the list (-want +got):\n%s", diff)
	}
}

func TestReplay_AnOptOutAfterThePressHolds(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	id := b.refusedText(t, "Are you open on Saturday?")
	b.Exec(t, `create function hold() returns trigger language plpgsql as 'begin new.act_at := now() + interval ''1 hour''; return new; end';
		create trigger hold before update on replies for each row when (new.state = 'planned') execute function hold()`) // so that it waits
	if status, answer := b.press(store.DeadText, id); status != http.StatusOK {
		t.Fatalf("the press was answered %d %v", status, answer)
	}
	b.n++
	if _, err := b.SwimSchool.RecordInbound(t.Context(), store.Inbound{
		VerifiedWith: new(string), From: customer, To: b.SwimSchoolPhone, Text: private.NewText("STOP"), ProviderMessageID: "stop", OccurredAt: time.Now(), Keyword: store.Stop,
	}); err != nil {
		t.Fatal(err)
	}
	b.refused(t, store.DeadText, id, "opted_out")
	b.workOn(t, id, reply.DoneAlready)
	if got := b.phone(); len(got) != 0 {
		t.Errorf("the customer received %q after STOP", got)
	}
}

func TestReplay_WhatMayHaveBeenSentIsRefused(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	b.telnyx.RecordsDown(true)
	b.telnyx.Fail(telnyxtest.Dropped)
	id := b.text(t, "Are you open on Saturday?", reply.DoneUnknown)
	b.refused(t, store.DeadText, id, "may_have_been_sent")
	if got := b.letters(t); len(got) != 0 {
		t.Errorf("while it is looked for, the list holds %q", got)
	}
	b.Exec(t, `update replies set act_at = now() - interval '1 minute', sending_at = sending_at - interval '25 hours'`)
	for range 3 { // a stray task says it no second time
		if _, err := b.texts.Work(t.Context(), b.SwimSchool, id); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"text unknown never_found_out may_have_been_sent"}, b.letters(t)); diff != "" || b.errors("a reply is given up") != 1 {
		t.Errorf("%d lines; the list (-want +got):\n%s", b.errors("a reply is given up"), diff)
	}
	b.telnyx.RecordsDown(false)
	b.refused(t, store.DeadText, id, "may_have_been_sent")
	b.drain(t)
	if sent := b.telnyx.Sent(); len(sent) != 0 {
		t.Errorf("%d texts were sent", len(sent))
	}
}

func TestReplay_WhatTheCarrierCouldNotDeliverIsRefused(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	id := b.text(t, "Are you open on Saturday?", reply.DoneSent)
	report := store.DeliveryReport{ProviderMessageID: b.telnyx.Sent()[0].ID, To: customer, State: store.Undelivered, Reason: "40002"}
	for n, want := range []int64{id, 0} {
		if known, failed, err := b.SwimSchool.RecordDelivery(t.Context(), report); err != nil || !known || failed != want {
			t.Errorf("report %d: known %v, failed %d, %v; want it to fail %d", n, known, failed, err, want)
		}
	}
	b.refused(t, store.DeadText, id, "was_sent")
	if diff := cmp.Diff([]string{"text undelivered 40002 was_sent"}, b.letters(t)); diff != "" {
		t.Errorf("the list (-want +got):\n%s", diff)
	}
}

func TestReplay_WhatHasBeenOvertakenIsRefused(t *testing.T) {
	t.Parallel()
	for code, overtake := range map[string]func(t *testing.T, b *system, id, conversation int64){
		"superseded": func(t *testing.T, b *system, _, _ int64) { b.refusedText(t, "Hello?") },
		"answered_by_people": func(t *testing.T, b *system, _, conversation int64) {
			p, err := b.SwimSchool.By(store.ByCommand("desk")).PlanStaffText(t.Context(), store.StaffText{ConversationID: conversation, Text: private.NewText("Yes, from nine.")})
			if err != nil {
				t.Fatal(err)
			}
			b.workOn(t, p.ReplyID, reply.DoneSent)
		},
		"human_takeover": func(t *testing.T, b *system, _, conversation int64) {
			if _, err := b.SwimSchool.TakeOver(t.Context(), conversation); err != nil {
				t.Fatal(err)
			}
		},
		"texting_disabled": func(t *testing.T, b *system, _, _ int64) {
			if _, err := b.SwimSchool.ChangeSMSSettings(t.Context(), store.SMSSettingsChange{Enabled: new(false)}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			b := newSystem(t)
			id := b.refusedText(t, "Are you open on Saturday?")
			overtake(t, b, id, b.id(t, `select conversation_id::text from replies where id = $1`, id))
			before := b.phone()
			b.refused(t, store.DeadText, id, code)
			b.drain(t)
			if !slices.Equal(before, b.phone()) {
				t.Errorf("the customer received %q; want %q", b.phone(), before)
			}
			if got := b.letters(t); !slices.Contains(got, "text rejected config "+code) {
				t.Errorf("the list holds %q", got)
			}
		})
	}
}

func TestReplay_AnAnswerTriedOnceIsComposedAnewAndAnOlderOneSaysTheSame(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	b.model.Answer(func(geminitest.Prompt) string { return "The first words." })
	id := b.refusedText(t, "Are you open on Saturday?")
	b.model.Answer(func(geminitest.Prompt) string { return "The second words." })
	b.Exec(t, `update replies set attempts = 2`) // one before the last may have been lost, and been taken after all
	b.press(store.DeadText, id)
	b.drain(t)
	b.model.Answer(func(geminitest.Prompt) string { return "The third words." })
	next := b.refusedText(t, "And on Sunday?")
	b.model.Answer(func(geminitest.Prompt) string { return "The fourth words." })
	b.press(store.DeadText, next)
	b.drain(t)
	if diff := cmp.Diff([]string{"The first words.", "The fourth words."}, b.phone()); diff != "" {
		t.Errorf("the customer received (-want +got):\n%s", diff)
	}
}

func TestDeadLetters_AMailAnswerThatCameTooLateIsOneAndIsRefused(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	b.connect(t)
	if _, err := b.box.Work(t.Context(), b.SwimSchool, b.mailed(t)); err != nil {
		t.Fatal(err)
	}
	b.Exec(t, `update emails set received_at = now() - interval '25 hours'`)
	b.Exec(t, `update replies set act_at = now()`)
	id := b.id(t, `select id::text from replies`)
	for range 2 {
		if _, err := b.mails.Work(t.Context(), b.SwimSchool, id); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"mail suppressed too_late too_late"}, b.letters(t)); diff != "" || b.errors("a reply is given up") != 1 {
		t.Errorf("%d lines; the list (-want +got):\n%s", b.errors("a reply is given up"), diff)
	}
	b.refused(t, store.DeadMail, id, "too_late")
}

func TestDeadLetters_ABookingThatWasGivenUpIsOneAndIsRefused(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	at := time.Now().Add(24 * time.Hour)
	k, _, _, err := b.SwimSchool.HoldBooking(t.Context(), store.BookingRequest{Start: at, End: at.Add(time.Hour), Customer: customer, Name: "Pat", Topic: "A class", Language: "en", ControlID: "v3:a", Most: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SwimSchool.ReleaseBooking(t.Context(), k, "gave_up", private.Text{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"booking released gave_up customer_was_told"}, b.letters(t)); diff != "" {
		t.Errorf("the list (-want +got):\n%s", diff)
	}
	b.refused(t, store.DeadBooking, k.ID, "customer_was_told")
}

func TestDeadLetters_AnothersAnswersAsAMissingOne(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	text, call := b.refusedText(t, "Are you open on Saturday?"), b.ended(t)
	before := b.Snapshot(t, 1042)
	for _, kind := range []store.DeadLetterKind{store.DeadText, store.DeadMail, store.DeadIncomingMail, store.DeadCall, store.DeadBooking} {
		for _, id := range []int64{text, call} {
			theirs, got := b.call(http.MethodPost, fmt.Sprintf("/dead-letters/%s/%d/replay", kind, id), b.dentist)
			missing, want := b.call(http.MethodPost, fmt.Sprintf("/dead-letters/%s/%d/replay", kind, 1<<40), b.dentist)
			if diff := cmp.Diff(want, got); diff != "" || theirs != http.StatusNotFound || missing != theirs {
				t.Errorf("%s %d is answered %d, a missing one %d (-missing +theirs):\n%s", kind, id, theirs, missing, diff)
			}
		}
	}
	if status, answer := b.call(http.MethodGet, "/dead-letters", b.dentist); status != http.StatusOK || len(answer["items"].([]any)) != 0 {
		t.Errorf("the dentist is shown %v", answer)
	}
	if diff := cmp.Diff(before, b.Snapshot(t, 1042)); diff != "" {
		t.Errorf("tenant 1042's rows changed:\n%s", diff)
	}
	for _, path := range []string{"/dead-letters", "/admin/dead-letters"} {
		if status, _ := b.call(http.MethodGet, path, b.member); status != http.StatusForbidden {
			t.Errorf("%s answers somebody who is no admin %d; want 403", path, status)
		}
	}
	if status, answer := b.call(http.MethodPost, fmt.Sprintf("/dead-letters/text/%d/replay", text), b.operator, "X-Tenant-Id", "1042"); status != http.StatusOK || answer["replayed"] != true {
		t.Errorf("a global admin who acts in the tenant is answered %d %v", status, answer)
	}
}

func TestDeadLetters_ArePagedNewestFirstAndOfOneKind(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	for range 3 {
		b.refusedText(t, "Are you open on Saturday?")
	}
	var ids []any
	path := "/dead-letters?kind=text&limit=1"
	for cursor := ""; ; {
		_, answer := b.call(http.MethodGet, path+cursor, b.school)
		for _, item := range answer["items"].([]any) {
			ids = append(ids, item.(map[string]any)["id"])
		}
		next, more := answer["next_cursor"].(string)
		if !more {
			break
		}
		cursor = "&cursor=" + next
	}
	if fmt.Sprint(ids) != fmt.Sprint(b.Query(t, `select id::text from replies order by id desc`)) {
		t.Errorf("the pages hold %v", ids)
	}
	if _, answer := b.call(http.MethodGet, "/dead-letters?kind=call", b.school); len(answer["items"].([]any)) != 0 {
		t.Errorf("among calls there are %v", answer["items"])
	}
}

func TestDeadLetters_TheOperatorSeesCountsAndNothingElse(t *testing.T) {
	t.Parallel()
	b := newSystem(t)
	b.refusedText(t, "unmistakable words")
	b.refusedText(t, "unmistakable words")
	status, answer := b.call(http.MethodGet, "/admin/dead-letters", b.operator)
	items := answer["items"].([]any)
	if status != http.StatusOK || len(items) != 1 {
		t.Fatalf("the counts were answered %d %v", status, answer)
	}
	c := items[0].(map[string]any)
	if c["tenant_id"] != 1042.0 || c["kind"] != "text" || c["reason"] != "config" || c["count"] != 2.0 || c["oldest_failed_at"] == nil {
		t.Errorf("the count is %v", c)
	}
	_, list := b.call(http.MethodGet, "/dead-letters", b.school)
	for _, secret := range []string{"unmistakable", customer.E164(), "5555550101"} {
		if strings.Contains(fmt.Sprint(answer, list), secret) || strings.Contains(b.log.String(), secret) {
			t.Errorf("an answer or the log holds %q", secret)
		}
	}
}
