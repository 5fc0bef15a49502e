package operations_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

const (
	theirNumber = "+15555550101"
	eraseThem   = `{"phone_number":"` + theirNumber + `"}`
	eraseBoth   = `{"phone_number":"` + theirNumber + `","email":"` + theirEmail + `"}`
)

var they = private.MustPhone(theirNumber)

// answer claims the answer to a text of theirs.
func (b *bench) answer(t testing.TB) *store.Reply {
	t.Helper()
	b.SetWait(t, b.SwimSchool, 0)
	rec := b.Receive(t, b.SwimSchool, they, "I like "+theirWords, "in-1")
	r, standing, err := b.SwimSchool.ClaimReply(t.Context(), prompt.SMS, rec.ReplyID, time.Minute, 10)
	if err != nil || r == nil {
		t.Fatalf("the reply was not claimed: %+v %v", standing, err)
	}
	return r
}

func (b *bench) send(t testing.TB, r *store.Reply) error {
	return b.SwimSchool.BeginSend(t.Context(), r, store.Composed{Text: private.NewText("You like " + theirWords)}, time.Minute)
}

func TestErase_OfAMessageOnItsWayNothingComesBack(t *testing.T) {
	t.Parallel()
	for name, stage := range map[string]int{"claimed": 0, "sending": 1, "accepted": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			r := b.answer(t)
			if stage >= 1 {
				if err := b.send(t, r); err != nil {
					t.Fatal(err)
				}
			}
			if stage >= 2 {
				if err := b.SwimSchool.AcceptReply(t.Context(), r.ID, "out-1"); err != nil {
					t.Fatal(err)
				}
			}
			b.want(t, http.MethodPost, "/people/erase", b.swimmer, eraseThem)
			before := b.Snapshot(t, 1042)
			if err := b.send(t, r); !errors.Is(err, store.ErrLostClaim) {
				t.Errorf("it may be sent all the same: %v", err)
			}
			if err := b.SwimSchool.AcceptReply(t.Context(), r.ID, "out-1"); !errors.Is(err, store.ErrLostClaim) {
				t.Errorf("the provider's answer was recorded: %v", err)
			}
			known, _, err := b.SwimSchool.RecordDelivery(t.Context(), store.DeliveryReport{
				ProviderMessageID: "out-1", To: they, Text: private.NewText("You like " + theirWords), State: store.Undelivered, Reason: "40001",
			})
			if known || err != nil {
				t.Errorf("the delivery report came to %v %v", known, err)
			}
			if diff := cmp.Diff(before, b.Snapshot(t, 1042)); diff != "" {
				t.Errorf("something came back (-erased +now):\n%s", diff)
			}
		})
	}
}

// called records the end of a call of theirs.
func (b *bench) called(t testing.TB, names ...string) store.RecordedCall {
	t.Helper()
	rec, err := b.SwimSchool.RecordCall(t.Context(), store.CallEvent{
		Names: names, Customer: they, Ended: true, OccurredAt: time.Now(), RecordingID: "rec-1",
		Insights: []store.CallInsight{{ID: "i-1", Name: "likes", Result: private.NewText(theirWords)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestErase_OfACallThatIsBeingSummedUpNothingComesBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	rec := b.called(t, "control:a")
	b.Exec(t, `update calls set finish_at = now()`)
	w, _, err := b.SwimSchool.ClaimCall(t.Context(), rec.ID, time.Minute)
	if err != nil || w == nil {
		t.Fatalf("the call was not claimed: %v", err)
	}
	b.want(t, http.MethodPost, "/people/erase", b.swimmer, eraseThem)
	before := b.Snapshot(t, 1042)
	if _, err := b.SwimSchool.FinishCall(t.Context(), w, store.CallMade{
		CallSummary: store.CallSummary{Summary: theirWords, Intent: "general_inquiry", Outcome: "incomplete", Name: "Maria", Email: theirEmail}, IsLead: true,
	}); !errors.Is(err, store.ErrLostClaim) {
		t.Errorf("what was made of it was kept: %v", err)
	}
	if again := b.called(t, "control:a"); again.ID != rec.ID || !again.DueAt.IsZero() {
		t.Errorf("its event again came to %+v", again)
	}
	if diff := cmp.Diff(before, b.Snapshot(t, 1042)); diff != "" {
		t.Errorf("something came back (-erased +now):\n%s", diff)
	}
}

func TestErase_ReachesWhatTurnsOutToBeTheSameCall(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][]string{"known before": {"conversation:x", "control:a"}, "known after": {"control:a", "conversation:x"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			for _, is := range order {
				if is == "control:a" {
					b.called(t, is)
					continue
				}
				// Of this one nobody knows yet whose it is.
				if _, err := b.SwimSchool.RecordCall(t.Context(), store.CallEvent{Names: []string{is}, OccurredAt: time.Now(),
					Insights: []store.CallInsight{{ID: "i-2", Name: "likes", Result: private.NewText(theirWords)}}}); err != nil {
					t.Fatal(err)
				}
			}
			b.want(t, http.MethodPost, "/people/erase", b.swimmer, eraseThem)
			b.called(t, "control:a", "conversation:x")
			if held := b.heldBy(t, 1042, "5555550101", theirWords, "rec-1"); len(held) != 0 {
				t.Errorf("left of the person: %q", held)
			}
		})
	}
}

func TestExport_HoldsOfASharedThreadWhatErasingTakesFromIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec(t, `insert into conversations (tenant_id, channel, mailbox, thread_id, email) values (1042, 'email', 'support@exampleco.test', 'forms', 'other@customer.test')`)
	for i, said := range []string{"Maria, call (555) 555-0101", "of " + theirEmail, "Otto other@customer.test"} {
		b.Exec(t, `insert into messages (conversation_id, role, content, provider_message_id, occurred_at) select id, 'user', $1, $2, now() from conversations where thread_id = 'forms'`, said, fmt.Sprint("form-", i))
	}
	b.Exec(t, `insert into leads (tenant_id, name, email, phone_number, conversation_id) select 1042, 'Maria', $1, $2, id from conversations where thread_id = 'forms'`, theirEmail, theirNumber)
	shown := fmt.Sprint(b.want(t, http.MethodPost, "/people/export", b.swimmer, eraseBoth)["messages"])
	if !strings.Contains(shown, "555-0101") || !strings.Contains(shown, theirEmail) || strings.Contains(shown, "Otto") {
		t.Errorf("shown of the thread: %s", shown)
	}
	if n := b.want(t, http.MethodPost, "/people/erase", b.swimmer, eraseBoth)["erased"].(map[string]any)["messages"]; n != 2.0 {
		t.Errorf("%v messages were erased; want the two that were shown", n)
	}
}

// together does things at the same time, each so many times, and returns what went wrong with each.
func together(times int, things map[string]func(i int) error) (wrong []string) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for doing, do := range things {
		all.Go(func() {
			for i := range times {
				if err := do(i); err != nil && !errors.Is(err, store.ErrLostClaim) {
					mu.Lock()
					wrong = append(wrong, doing+": "+err.Error())
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return wrong
}

// mailbox connects a mailbox to the swim school and notices so many mails in one thread; it returns their ids.
func (b *bench) mailbox(t testing.TB, mails int) (ids []int64) {
	t.Helper()
	b.Exec(t, `insert into tenant_email_configs as c (tenant_id, gmail_email, gmail_refresh_token, connected_at, is_enabled, enabled_at) values (1042, 'support@exampleco.test', 'x', now(), true, now() - interval '1 day')
		on conflict (tenant_id) do update set gmail_email = excluded.gmail_email, gmail_refresh_token = 'x', connected_at = now(), is_enabled = true, enabled_at = excluded.enabled_at`)
	listed := make([]store.Listed, mails)
	for i := range listed {
		listed[i] = store.Listed{ID: fmt.Sprint("m-", i), ThreadID: fmt.Sprint("t-", i%3)}
	}
	if err := b.SwimSchool.NoticeMails(t.Context(), "support@exampleco.test", listed); err != nil {
		t.Fatal(err)
	}
	for _, id := range b.Query(t, `select id::text from emails order by id`) {
		var n int64
		_, _ = fmt.Sscan(id, &n)
		ids = append(ids, n)
	}
	return ids
}

// sendOne takes a text of theirs and answers it, as far as it is let.
func (b *bench) sendOne(t testing.TB, i int) error {
	of, ctx, out := b.SwimSchool, t.Context(), fmt.Sprint("out-", i)
	rec, err := of.RecordInbound(ctx, store.Inbound{VerifiedWith: new(string), From: they, To: b.SwimSchoolPhone, Text: private.NewText("hi"), ProviderMessageID: fmt.Sprint("in-", i), OccurredAt: time.Now()})
	if err != nil || rec.ReplyID == 0 {
		return err
	}
	r, _, err := of.ClaimReply(ctx, prompt.SMS, rec.ReplyID, time.Minute, 100)
	if err != nil || r == nil {
		return err
	}
	if err := b.send(t, r); err != nil {
		return err
	}
	if err := of.AcceptReply(ctx, r.ID, out); err != nil {
		return err
	}
	report := store.DeliveryReport{ProviderMessageID: out, To: they, Text: private.NewText("hi"), State: store.Undelivered, Reason: "40001"}
	if _, _, err = of.RecordDelivery(ctx, report); err != nil && !strings.Contains(err.Error(), "deadlock") {
		_, _, err = of.RecordDelivery(ctx, report) // of a reply that went at that moment: the provider tells of it again
	}
	return err
}

// finishOne records a call of theirs and what was made of it.
func (b *bench) finishOne(t testing.TB, i int) error {
	of, ctx := b.SwimSchool, t.Context()
	rec, err := of.RecordCall(ctx, store.CallEvent{Names: []string{fmt.Sprint("control:", i)}, Customer: they, Ended: true, OccurredAt: time.Now()})
	if err != nil {
		return err
	}
	b.Exec(t, `update calls set finish_at = now() where id = $1 and finish_at is not null`, rec.ID)
	w, _, err := of.ClaimCall(ctx, rec.ID, time.Minute)
	if err != nil || w == nil {
		return err
	}
	_, err = of.FinishCall(ctx, w, store.CallMade{CallSummary: store.CallSummary{Intent: "general_inquiry", Outcome: "incomplete", Name: "Maria", Email: theirEmail}, IsLead: true})
	return err
}

// mailOne makes of a noticed mail what it calls for.
func (b *bench) mailOne(t testing.TB, id int64, m store.MailMade) error {
	m.MessageID, m.Text, m.Received = fmt.Sprintf("<%d@customer.test>", id), private.NewText("hi"), time.Now()
	_, err := b.SwimSchool.RecordMail(t.Context(), id, m, store.MailLimits{InThread: 500, ToOne: 1000})
	return err
}

// eraseOne erases them. It may be told to try again, as long as it has not waited in a circle.
func (b *bench) eraseOne(t testing.TB) func(int) error {
	return func(int) error {
		_, err := b.SwimSchool.ErasePerson(t.Context(), store.Customer{Phone: they, Email: theirEmail})
		if fault.KindOf(err) == fault.Unavailable && !strings.Contains(err.Error(), "deadlock") {
			return nil
		}
		return err
	}
}

// TestErase_NobodyWaitsInACircleWithIt erases somebody of whom everything comes in meanwhile. Postgres ends a transaction that waits in a circle.
// A form and a call of one person can wait for each other without any erasure, so each comes with the rest.
func TestErase_NobodyWaitsInACircleWithIt(t *testing.T) {
	t.Parallel()
	for _, with := range []string{"a call", "a form"} {
		t.Run("with "+with, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.SetWait(t, b.SwimSchool, 0)
			const times = 40
			mails := b.mailbox(t, 2*times)
			coming := map[string]func(i int) error{
				"erasing": b.eraseOne(t), "erasing too": b.eraseOne(t),
				"a text": func(i int) error { return b.sendOne(t, i) }, "another text": func(i int) error { return b.sendOne(t, i+times) },
				"a mail": func(i int) error {
					return b.mailOne(t, mails[i], store.MailMade{Kind: store.MailWritten, From: theirEmail, Name: "Maria"})
				},
			}
			switch with {
			case "a call":
				coming["a call"], coming["another call"] = func(i int) error { return b.finishOne(t, i) }, func(i int) error { return b.finishOne(t, i+times) }
			case "a form":
				coming["a form"] = func(i int) error {
					return b.mailOne(t, mails[times+i], store.MailMade{Kind: store.MailForm, From: "forms@site.test", Lead: store.MailLead{Name: "Maria", Email: theirEmail, Phone: they}})
				}
			}
			for _, wrong := range together(times, coming) {
				t.Error(wrong)
			}
			b.want(t, http.MethodPost, "/people/erase", b.swimmer, eraseBoth)
			if held := b.heldBy(t, 1042, "5555550101", theirEmail, "Maria"); len(held) != 0 {
				t.Errorf("left of the person: %q", held)
			}
		})
	}
}

// TestErase_KnowsWhoWroteBeforeTheyCalled erases somebody who is two contacts: one without a number, from when they wrote a mail.
func TestErase_KnowsWhoWroteBeforeTheyCalled(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"by both": eraseBoth, "by address": `{"email":"` + theirEmail + `"}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if err := b.mailOne(t, b.mailbox(t, 1)[0], store.MailMade{Kind: store.MailWritten, From: theirEmail, Name: "Maria"}); err != nil {
				t.Fatal(err)
			}
			if err := b.finishOne(t, 1); err != nil {
				t.Fatal(err)
			}
			if n := b.want(t, http.MethodPost, "/people/erase", b.swimmer, body)["erased"].(map[string]any)["contacts"]; n != 2.0 {
				t.Errorf("%v contacts were erased; want both", n)
			}
			if held := b.heldBy(t, 1042, "5555550101", theirEmail, "Maria"); len(held) != 0 {
				t.Errorf("left of the person: %q", held)
			}
		})
	}
}
