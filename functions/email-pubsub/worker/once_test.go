package worker_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/mailbox"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/task"
)

func TestRead_EveryPageAndEachMailOnceInWhateverOrderItIsAnnounced(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.gmail.PageSize(2)
	var announced []uint64
	b.gmail.OnNotice(func(_, _ string, historyID uint64) { announced = append(announced, historyID) })
	for i := range 7 {
		id := b.gmail.Deliver(schoolBox, b.mail(fmt.Sprintf("parent%d@customer.test", i), "Question", "Are you open?"))
		b.gmail.Again(schoolBox, id) // it stands in several records
	}
	for i := range announced {
		b.announce(t, schoolBox, announced[len(announced)-1-i])
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { _, _ = b.post(t, task.MailboxPath, `{"tenant_id":1042}`) })
	}
	wg.Wait()
	b.settle(t)
	for i := range 7 {
		if n := len(b.answers(t, fmt.Sprintf("parent%d@customer.test", i))); n != 1 {
			t.Errorf("parent %d got %d answers; want one", i, n)
		}
	}
	if n := len(b.outcomes(t, b.SwimSchool)); n != 7 {
		t.Errorf("%d mails were noticed; want 7", n)
	}
	if got := b.place(t, b.SwimSchool); got < announced[len(announced)-1] {
		t.Errorf("the mailbox was read up to %d; want %d", got, announced[len(announced)-1])
	}
	b.announce(t, schoolBox, announced[0])
	same(t, "what is due after an old announcement", b.Query(t, `select tenant_id::text from tenant_email_configs where read_due_at is not null and tenant_id = 1042`))
}

func TestRead_ThePlaceMovesOnOnlyWhenAllIsRecorded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.place(t, b.SwimSchool)
	b.writes(t, schoolBox, "Are you open?")
	b.gmail.Break(gmailtest.History, gmailtest.ServerError)
	if _, status := b.post(t, task.MailboxPath, `{"tenant_id":1042}`); status != http.StatusServiceUnavailable {
		t.Errorf("while Gmail fails the task is answered %d; want 503, so that it comes again", status)
	}
	if b.place(t, b.SwimSchool) != before {
		t.Error("the place moved on although nothing was read")
	}
	b.gmail.Break(gmailtest.History, gmailtest.Truth)
	b.settle(t)
	if len(b.answers(t, parent)) != 1 || b.place(t, b.SwimSchool) <= before {
		t.Error("the mail was not read later")
	}
}

func TestRead_AHistoryThatIsGoneIsMadeUpForByTheLastDays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.writes(t, schoolBox, "Are you open?")
	b.settle(t)
	b.gmail.PageSize(1)
	b.delivered(t, schoolBox, b.mail("second@customer.test", "Prices", "What does it cost?"))
	b.delivered(t, schoolBox, b.mail("third@customer.test", "Prices", "What does it cost?"))
	b.gmail.ForgetHistory(schoolBox)
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneResynced)
	b.settle(t)
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	if n := len(b.answers(t, "second@customer.test")) + len(b.answers(t, "third@customer.test")); n != 2 || len(b.answers(t, parent)) != 1 {
		t.Errorf("%d answers to what came in the gap and %d to what was answered before; want 2 and 1", n, len(b.answers(t, parent)))
	}
	if got := b.place(t, b.SwimSchool); got != b.gmail.HistoryID(schoolBox) {
		t.Errorf("the mailbox is read from %d on; want %d", got, b.gmail.HistoryID(schoolBox))
	}
}

func TestRead_WhatCameBeforeItWasTurnedOnIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	off, on := store.EmailSettingsChange{Enabled: new(false)}, store.EmailSettingsChange{Enabled: new(true)}
	if _, err := b.SwimSchool.ChangeEmailSettings(t.Context(), off); err != nil {
		t.Fatal(err)
	}
	b.writes(t, schoolBox, "Are you open?")
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneNotConnected)
	if _, err := b.SwimSchool.ChangeEmailSettings(t.Context(), on); err != nil {
		t.Fatal(err)
	}
	b.Exec(t, `update tenant_email_configs set enabled_at = now() + interval '1 second'`) // the mail came before
	b.settle(t)
	same(t, "the outcomes", b.outcomes(t, b.SwimSchool), "ignored: before_it_was_enabled")
}

func TestToken_ThatEndsInTheMiddleIsFetchedAgainAndTheNewOneKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.writes(t, schoolBox, "Are you open?")
	b.gmail.Expire()
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	b.gmail.Expire()
	b.settle(t)
	b.gmail.Expire()
	b.writes(t, schoolBox, "And on Sunday?")
	b.settle(t)
	if n := len(b.answers(t, parent)); n != 2 {
		t.Errorf("%d answers; want two; the log: %s", n, b.log.text())
	}
	m, err := b.SwimSchool.Mailbox(t.Context())
	if err != nil || m.AccessToken.IsZero() || m.TokenExpires.IsZero() {
		t.Errorf("the access token is not kept: %v, %v", m.TokenExpires, err)
	}
}

func TestGrant_ThatIsRevokedStopsAllTellsTheOwnerOnceAndGoesOnWhenConnectedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	owner := private.MustPhone("+15555550188")
	if _, err := b.SwimSchool.ConfigureVoice(t.Context(), store.VoiceConfigChange{NotifyPhone: &owner}); err != nil {
		t.Fatal(err)
	}
	b.writes(t, schoolBox, "Are you open?")
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead) // and what it queued is done while the grant is gone
	b.gmail.Revoke(b.grant[schoolBox])
	b.gmail.Expire()
	b.drain(t)
	b.delivered(t, schoolBox, b.mail("second@customer.test", "Prices", "What does it cost?"))
	for range 3 {
		b.settle(t)
	}
	asked := b.gmail.Asked(schoolBox, gmailtest.History) + b.gmail.Server.Asked().Refresh
	b.settle(t)
	if now := b.gmail.Asked(schoolBox, gmailtest.History) + b.gmail.Server.Asked().Refresh; now != asked {
		t.Error("Google is asked on although it refuses the grant")
	}
	same(t, "the notices", b.Query(t, `select c.phone_number from replies r join conversations c on c.id = r.conversation_id where r.kind = 'notice'`), owner.E164())
	s, err := b.SwimSchool.EmailSettings(t.Context())
	if err != nil || !s.NeedsReconnect || !s.Enabled {
		t.Errorf("the settings are %+v, %v; want that it is to be connected again", s, err)
	}
	if n := strings.Count(b.log.text(), `"why":"grant"`); n != 1 {
		t.Errorf("the log tells %d times that the mailbox has stopped; want once", n)
	}
	if got, _ := b.post(t, "/workers/email/renew", `{}`); got["stopped"] != float64(1) {
		t.Errorf("the daily renewal reports %v", got)
	}
	b.writes(t, clinicBox, "Are you open?")
	b.settle(t)

	b.connect(t, b.SwimSchool, schoolBox)
	b.Exec(t, `update emails set act_at = now()`)
	b.Exec(t, `update replies set act_at = now() where state = 'planned' and channel = 'email'`)
	if _, status := b.post(t, "/workers/email/sweep", `{}`); status != http.StatusOK {
		t.Fatal(status)
	}
	b.settle(t)
	if first, second := len(b.answers(t, parent)), len(b.answers(t, "second@customer.test")); first != 2 || second != 1 {
		t.Errorf("%d and %d answers; want the clinic's, and the school's to both who had waited; %v", first, second, b.outcomes(t, b.SwimSchool))
	}
}

func TestWatch_IsRenewedDailyAndThePlaceStays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.gmail.OnNotice(nil)
	b.writes(t, schoolBox, "Are you open?")
	before := b.place(t, b.SwimSchool)
	renew := func(queued, stopped float64) {
		t.Helper()
		if got, status := b.post(t, "/workers/email/renew", `{}`); status != http.StatusOK || got["queued"] != queued || got["stopped"] != stopped {
			t.Errorf("renewing came to %v, %d; want %v queued and %v stopped", got, status, queued, stopped)
		}
	}
	b.gmail.Break(gmailtest.History, gmailtest.ServerError) // nothing is read meanwhile
	b.Exec(t, `update tenant_email_configs set last_read_at = now()`)
	renew(0, 0)
	b.gmail.Break(gmailtest.Watch, gmailtest.ServerError)
	b.Exec(t, `update tenant_email_configs set watch_expires_at = now() + interval '6 days'`)
	renew(2, 0)
	b.Exec(t, `update tenant_email_configs set watch_expires_at = now() - interval '1 day' where tenant_id = 2048`)
	renew(2, 1)
	b.gmail.Break(gmailtest.Watch, gmailtest.Truth)
	b.want(t, task.WatchPath, b.SwimSchool, mailbox.DoneRenewed)
	if b.place(t, b.SwimSchool) != before {
		t.Error("renewing a watch moved the place that the mailbox was read to")
	}
	b.gmail.Break(gmailtest.History, gmailtest.Truth)
	if _, expires := b.gmail.Watched(schoolBox); b.Query(t, `select (watch_expires_at > now() + interval '6 days 23 hours')::text from tenant_email_configs where tenant_id = 1042`)[0] != "true" || expires.IsZero() {
		t.Error("the new end of the watch is not recorded")
	}
	b.settle(t)
	if len(b.answers(t, parent)) != 1 {
		t.Error("the mail that came before the renewal was skipped")
	}
}

func TestSend_WhoseAnswerIsLostIsFoundInTheMailboxAndNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, draft := range []bool{false, true} {
		t.Run(fmt.Sprint("draft=", draft), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if draft {
				if _, err := b.SwimSchool.ChangeEmailSettings(t.Context(), store.EmailSettingsChange{AnswerMode: new(store.AnswerByDraft)}); err != nil {
					t.Fatal(err)
				}
			}
			b.gmail.LoseSends(1)
			b.writes(t, schoolBox, "Are you open?")
			b.settle(t)
			same(t, "the reply", b.Query(t, `select state from replies where channel = 'email'`), "unknown")
			b.settleUnknown(t, "settled")
			if n := len(b.gmail.Sent(schoolBox)) + len(b.gmail.Drafts(schoolBox)); n != 1 {
				t.Errorf("%d mails; want one", n)
			}
			same(t, "the reply", b.Query(t, `select state from replies where channel = 'email'`), "accepted")
		})
	}
}

// settleUnknown lets the time come at which an unknown reply is looked for, and requires what comes of it.
func (b *bench) settleUnknown(t *testing.T, outcome string) {
	t.Helper()
	b.Exec(t, `update replies set act_at = now() - interval '1 second', sending_at = sending_at - interval '10 minutes' where channel = 'email'`)
	for _, id := range b.Query(t, `select tenant_id || ' ' || id from replies where channel = 'email' and state in ('unknown', 'sending') order by id`) {
		if got := b.reply(t, id); got != outcome {
			t.Errorf("looking for the mail came to %q; want %q; the log: %s", got, outcome, b.log.text())
		}
	}
}

func TestSend_KilledBetweenSendingAndRecordingIsSettled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.writes(t, schoolBox, "Are you open?")
	b.settle(t)
	b.Exec(t, `delete from messages where role = 'assistant'`)
	b.Exec(t, `update replies set state = 'sending', accepted_at = null, provider_message_id = null, act_at = now() - interval '1 second' where channel = 'email'`)
	id := b.Query(t, `select tenant_id || ' ' || id from replies where channel = 'email'`)[0]
	b.reply(t, id) // finds that its worker died
	b.settleUnknown(t, "settled")
	if n := len(b.answers(t, parent)); n != 1 {
		t.Errorf("%d answers; want the one that was sent", n)
	}
	same(t, "the conversation", b.Query(t, `select m.role from messages m join conversations c on c.id = m.conversation_id where c.channel = 'email' order by m.id`), "user", "assistant")
}

func TestSend_KilledBeforeSendingIsSentOnceGmailSaysThatItIsNotThere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.gmail.Break(gmailtest.Send, gmailtest.NoConnection)
	b.writes(t, schoolBox, "Are you open?")
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	b.drain(t)
	b.Exec(t, `update replies set act_at = now() where channel = 'email'`)
	b.reply(t, b.Query(t, `select tenant_id || ' ' || id from replies where channel = 'email'`)[0])
	b.gmail.Break(gmailtest.Send, gmailtest.Truth)
	if state := b.Query(t, `select state from replies where channel = 'email'`)[0]; state == "unknown" {
		b.settleUnknown(t, "postponed")
	}
	b.Exec(t, `update replies set act_at = now() where channel = 'email' and state = 'planned'`)
	b.settle(t)
	if n := len(b.answers(t, parent)); n != 1 {
		t.Errorf("%d answers; want one", n)
	}
}

func TestSend_ThatGmailIsTooBusyForIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	for _, how := range []gmailtest.How{gmailtest.RateLimited, gmailtest.UserRateLimited, gmailtest.TooMany} {
		b := newBench(t)
		b.gmail.Break(gmailtest.Send, how)
		b.writes(t, schoolBox, "Are you open?")
		b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
		b.drain(t)
		b.Exec(t, `update replies set act_at = now() where channel = 'email'`)
		id := b.Query(t, `select tenant_id || ' ' || id from replies where channel = 'email'`)[0]
		if got := b.reply(t, id); got != "postponed" {
			t.Errorf("%v: %q; want postponed", how, got)
		}
		b.gmail.Break(gmailtest.Send, gmailtest.Truth)
		b.Exec(t, `update replies set act_at = now() where channel = 'email'`)
		if got := b.reply(t, id); got != "sent" || len(b.answers(t, parent)) != 1 {
			t.Errorf("%v: %q later, %d answers", how, got, len(b.answers(t, parent)))
		}
	}
}

func TestMail_ThatCannotBeFetchedIsGivenUpAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.gmail.Break(gmailtest.Get, gmailtest.ServerError)
	b.writes(t, schoolBox, "Are you open?")
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	for range 12 {
		b.drain(t)
		b.Exec(t, `update emails set act_at = now()`)
		_, _ = b.post(t, task.MailPath, `{"tenant_id":1042,"email_id":`+b.Query(t, `select id::text from emails`)[0]+`}`)
	}
	same(t, "the outcomes", b.outcomes(t, b.SwimSchool), "failed: not_fetched")
	b.gmail.Break(gmailtest.Get, gmailtest.Truth)
	b.delivered(t, schoolBox, b.mail("second@customer.test", "Prices", "What does it cost?"))
	b.settle(t)
	same(t, "the outcomes", b.outcomes(t, b.SwimSchool), "failed: not_fetched", "answer")
}

func TestMail_DeletedBeforeItIsFetchedIsNoError(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.gmail.Break(gmailtest.Get, gmailtest.ServerError) // its task comes at once
	id := b.gmail.Deliver(schoolBox, b.mail(parent, "Saturday", "Are you open?"))
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	b.gmail.Remove(schoolBox, id)
	b.gmail.Break(gmailtest.Get, gmailtest.Truth)
	b.settle(t)
	same(t, "the outcomes", b.outcomes(t, b.SwimSchool), "ignored: deleted")
}

func TestMail_ThatHasWaitedForADayIsLeftToPeople(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.writes(t, schoolBox, "Are you open?")
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	b.drain(t)
	b.Exec(t, `update emails set received_at = now() - interval '25 hours'`)
	b.settle(t)
	if n := len(b.answers(t, parent)); n != 0 {
		t.Errorf("%d answers; want none so late", n)
	}
	same(t, "for staff", b.attention(t, b.SwimSchool), "not_answered: too_late")
}

func TestMail_WhoseMailboxIsNoLongerConnectedIsNotAnsweredFromAnother(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.writes(t, schoolBox, "Are you open?")
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	b.drain(t)
	b.gmail.Break(gmailtest.Get, gmailtest.ServerError)
	b.delivered(t, schoolBox, b.mail("second@customer.test", "Prices", "What does it cost?"))
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	b.drain(t)
	b.gmail.Break(gmailtest.Get, gmailtest.Truth)
	b.gmail.Add("new@exampleco.test")
	b.connect(t, b.SwimSchool, "new@exampleco.test")
	b.Exec(t, `update emails set act_at = now() where state = 'noticed'`)
	b.settle(t)
	same(t, "the outcomes", b.outcomes(t, b.SwimSchool), "answer", "ignored: not_connected")
	if n := len(b.answers(t, parent)) + len(b.answers(t, "second@customer.test")); n != 0 {
		t.Errorf("%d answers; want none", n)
	}
	same(t, "for staff", b.attention(t, b.SwimSchool), "not_answered: mailbox_disconnected")
}

func TestSweep_FindsWhatWasRecordedAndNeverQueued(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.writes(t, schoolBox, "Are you open?")
	b.Exec(t, `update tenant_email_configs set read_due_at = now() - interval '1 minute', last_read_at = now()`)
	sweep := func() float64 {
		t.Helper()
		got, status := b.post(t, "/workers/email/sweep", `{}`)
		if status != http.StatusOK {
			t.Fatal(status)
		}
		b.drain(t)
		return got["queued"].(float64)
	}
	if n := sweep(); n != 2 { // both mailboxes are due
		t.Errorf("%v were queued; want the mailboxes", n)
	}
	b.Exec(t, `update replies set act_at = now() - interval '1 minute' where channel = 'email'`)
	if n := sweep(); n != 1 {
		t.Errorf("%v were queued; want the reply", n)
	}
	if len(b.answers(t, parent)) != 1 {
		t.Error("the mail was not answered")
	}
	b.Exec(t, `update tenant_email_configs set last_read_at = now() - interval '2 hours' where tenant_id = 2048`)
	if n := sweep(); n != 1 {
		t.Errorf("%v were queued; want the mailbox that nothing was announced of for an hour", n)
	}
}

func TestMail_LeftByADisconnectedMailboxIsClosed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.gmail.Break(gmailtest.Get, gmailtest.ServerError)
	b.writes(t, schoolBox, "Are you open?")
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	b.drain(t)
	if err := b.SwimSchool.DisconnectMailbox(t.Context(), schoolBox); err != nil {
		t.Fatal(err)
	}
	b.Exec(t, `update emails set act_at = now() - interval '1 hour'`)
	_, _ = b.post(t, "/workers/email/sweep", `{}`)
	b.drain(t)
	same(t, "the outcomes", b.outcomes(t, b.SwimSchool), "ignored: not_connected")
	got, _ := b.post(t, "/workers/email/sweep", `{}`)
	if got["queued"] != float64(0) {
		t.Errorf("%v are still queued", got["queued"])
	}
}

func TestRead_AnInventedAnnouncementIsNotLookedForForEver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.announce(t, schoolBox, 1<<63-1)
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	same(t, "what is due", b.Query(t, `select tenant_id::text from tenant_email_configs where read_due_at is not null and tenant_id = 1042`), "1042")
	b.Exec(t, `update tenant_email_configs set read_due_at = now() - interval '11 minutes' where tenant_id = 1042`)
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	b.want(t, task.MailboxPath, b.SwimSchool, mailbox.DoneRead)
	same(t, "what is due later", b.Query(t, `select tenant_id::text from tenant_email_configs where read_due_at is not null and tenant_id = 1042`))
	b.writes(t, schoolBox, "Are you open?")
	b.settle(t)
	if n := len(b.answers(t, parent)); n != 1 {
		t.Errorf("%d answers afterwards; want one", n)
	}
}
