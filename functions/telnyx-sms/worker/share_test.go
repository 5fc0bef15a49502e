package worker_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/task"
)

func TestReply_ThePromptIsReadOnceForAVersion(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	trips := func(words string) int64 {
		id := b.text(t, words)
		before := b.trips.N()
		b.want(t, id, reply.DoneSent)
		return b.trips.N() - before
	}
	trips("What does a lesson cost?") // describes each statement to the connection
	const answered = 4                // claim, begin, accept, and whether another is due
	if n := trips("Are you open on Saturday?"); n != answered {
		t.Errorf("%d round trips with a known prompt; want %d", n, answered)
	}
	if _, err := b.SwimSchool.PublishPrompt(t.Context(), prompt.Any, "new", []prompt.Section{{Key: "prices", Content: "A lesson costs 41 dollars now."}}); err != nil {
		t.Fatal(err)
	}
	if n := trips("And what does a lesson cost?"); n != answered+1 {
		t.Errorf("%d round trips after a new version; want %d", n, answered+1)
	}
	if got := b.phone(); !strings.Contains(got[2], "41 dollars") {
		t.Errorf("after a new version the answer is %q", got[2])
	}
	if _, err := b.Dentist.PublishPrompt(t.Context(), prompt.Any, "new", []prompt.Section{{Key: "prices", Content: "We are the dentist."}}); err != nil {
		t.Fatal(err)
	}
	if n := trips("What does a lesson cost, please?"); n != answered {
		t.Errorf("%d round trips after another tenant's new version; want %d", n, answered)
	}
	if _, err := b.Operator.Operator().PublishGlobalPrompt(t.Context(), prompt.Any, "new", []prompt.Section{{Key: "all", Content: "Everybody swims free on Sunday."}}); err != nil {
		t.Fatal(err)
	}
	if n := trips("Who swims free on Sunday?"); n != answered+1 {
		t.Errorf("%d round trips after a new global version; want %d", n, answered+1)
	}
	if got := b.phone(); !strings.Contains(got[4], "free on Sunday") {
		t.Errorf("after a new global version the answer is %q", got[4])
	}
}

// plan makes n replies of a tenant, each to another customer, all due.
func (b *bench) plan(t *testing.T, of *store.Tenant, number private.Phone, n int) []int64 {
	t.Helper()
	var ids []int64
	for i := range n {
		rec, err := of.RecordInbound(t.Context(), store.Inbound{
			VerifiedWith: new(string), From: private.MustPhone(fmt.Sprintf("+1555%07d", 2_000_000+i)), To: number,
			Text: private.NewText("Hello"), ProviderMessageID: "m", OccurredAt: time.Now(),
		})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, rec.ReplyID)
	}
	return ids
}

func TestClaim_ATenantsRushTakesItsShareAndNoMore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const share = 5
	ours, theirs := b.plan(t, b.SwimSchool, b.SwimSchoolPhone, share+1), b.plan(t, b.Dentist, b.DentistPhone, 1)
	var first *store.Reply
	for i, id := range ours {
		r, standing, err := b.SwimSchool.ClaimReply(t.Context(), prompt.SMS, id, time.Minute, share)
		if err != nil || (r != nil) != (i < share) {
			t.Fatalf("claim %d of %d: %v, %+v, %v", i+1, share, r != nil, standing, err)
		}
		if i == 0 {
			first = r
		}
		if i == share && (standing.State != store.Planned || !standing.Due) {
			t.Errorf("a reply that waits for its tenant stands %+v; want planned and due", standing)
		}
	}
	if r, _, err := b.Dentist.ClaimReply(t.Context(), prompt.SMS, theirs[0], time.Minute, share); err != nil || r == nil {
		t.Errorf("the other tenant's reply was not claimed: %v", err)
	}
	if err := b.SwimSchool.SuppressReply(t.Context(), first, "test"); err != nil {
		t.Fatal(err)
	}
	if r, _, err := b.SwimSchool.ClaimReply(t.Context(), prompt.SMS, ours[share], time.Minute, share); err != nil || r == nil {
		t.Errorf("a reply was not claimed although one of the share is done: %v", err)
	}
}

func TestClaim_ADeadWorkersLeaseIsNotOfTheShare(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.plan(t, b.SwimSchool, b.SwimSchoolPhone, 2)
	if r, _, err := b.SwimSchool.ClaimReply(t.Context(), prompt.SMS, ids[0], time.Minute, 1); err != nil || r == nil {
		t.Fatalf("ClaimReply = %v, %v", r, err)
	}
	b.pass(t, 2*time.Minute)
	if r, _, err := b.SwimSchool.ClaimReply(t.Context(), prompt.SMS, ids[1], time.Minute, 1); err != nil || r == nil {
		t.Errorf("a lease that has run out still counts: %v", err)
	}
}

func TestWork_AReplyBeyondTheShareIsCalledWhenOneOfItIsDone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.plan(t, b.SwimSchool, b.SwimSchoolPhone, reply.TenantShare+3)
	theirs := b.plan(t, b.Dentist, b.DentistPhone, 1)
	for _, id := range ids[1:reply.TenantShare] {
		if r, _, err := b.SwimSchool.ClaimReply(t.Context(), prompt.SMS, id, time.Hour, reply.TenantShare); err != nil || r == nil {
			t.Fatalf("ClaimReply = %v, %v", r, err)
		}
	}
	beyond := ids[reply.TenantShare:]
	b.Exec(t, `update replies set act_at = act_at - interval '1 minute' where state = 'planned' and id = any ($1)`, append(beyond, theirs...))
	full, _, err := b.SwimSchool.ClaimReply(t.Context(), prompt.SMS, ids[0], time.Hour, reply.TenantShare)
	if err != nil || full == nil {
		t.Fatalf("ClaimReply = %v, %v", full, err)
	}
	b.want(t, beyond[0], reply.DoneWaits)
	if got := b.queued(); !slices.Equal(got, []string{`/workers/sms/call {"tenant_id":1042}`}) || time.Until(b.tasks.Tasks()[0].Due) < 20*time.Second {
		t.Errorf("queued are %q; want a call of the tenant, much later", got)
	}
	if outcome, status := b.call(t, task.CallPath, `{"tenant_id":1042}`); status != http.StatusOK || len(b.tasks.Tasks()) != 1 {
		t.Errorf("calling a tenant that has its share at work: %s, status %d, and queued are %q", outcome, status, b.queued())
	}
	if err := b.SwimSchool.SuppressReply(t.Context(), full, "test"); err != nil {
		t.Fatal(err)
	}
	b.want(t, beyond[0], reply.DoneSent)
	b.drain(t)
	sent := b.Query(t, `select id::text from replies where id = any ($1) and accepted_at is not null order by sending_at`, beyond)
	if want := fmt.Sprint(beyond); fmt.Sprint(sent) != want {
		t.Errorf("sent were %v; want %v, each called when the one before was done, which had waited longer", sent, want)
	}
}

// queued lists the paths and bodies of all tasks.
func (b *bench) queued() (all []string) {
	for _, task := range b.tasks.Tasks() {
		all = append(all, strings.TrimPrefix(task.URL, b.url)+" "+string(task.Body))
	}
	return all
}

func TestCall_WhatCannotBeClaimedIsNotNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.plan(t, b.SwimSchool, b.SwimSchoolPhone, 2)
	b.Exec(t, `update replies set act_at = act_at - interval '1 minute' where id = $1`, ids[0])
	if r, _, err := b.SwimSchool.ClaimReply(t.Context(), prompt.SMS, ids[0], time.Hour, reply.TenantShare); err != nil || r == nil {
		t.Fatalf("ClaimReply = %v, %v", r, err)
	}
	again, err := b.SwimSchool.RecordInbound(t.Context(), store.Inbound{
		VerifiedWith: new(string), From: private.MustPhone("+15552000000"), To: b.SwimSchoolPhone, Text: private.NewText("And you?"), ProviderMessageID: "again", OccurredAt: time.Now(),
	})
	if err != nil || again.ReplyID == 0 {
		t.Fatalf("RecordInbound = %+v, %v", again, err)
	}
	b.Exec(t, `update replies set act_at = act_at - interval '1 hour' where id = $1`, again.ReplyID)
	if id, err := b.SwimSchool.NextReply(t.Context(), prompt.SMS, reply.TenantShare); err != nil || id != ids[1] {
		t.Errorf("NextReply = %d, %v; want %d: of %d's conversation another is at work", id, err, ids[1], again.ReplyID)
	}
}

func TestWork_ThoseWhoAskAgainAskTogether(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.text(t, "What does a lesson cost?")
	if r, _, err := b.SwimSchool.ClaimReply(t.Context(), prompt.SMS, id, time.Hour, reply.TenantShare); err != nil || r == nil {
		t.Fatalf("ClaimReply = %v, %v", r, err)
	}
	for range 10 {
		b.want(t, id, reply.DoneBusy)
	}
	if n := len(b.tasks.Tasks()); n > 2 { // two when a multiple of the wait has passed meanwhile
		t.Errorf("%d tasks ask again for one reply", n)
	}
}

func TestWork_ABurstIsCalledThroughToItsEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.plan(t, b.SwimSchool, b.SwimSchoolPhone, 4) // due now; only the first has a task
	b.want(t, ids[0], reply.DoneSent)
	b.drain(t)
	if got := b.Query(t, `select state from replies where state <> 'accepted'`); len(got) > 0 {
		t.Errorf("replies are left %v; each that is done calls the next", got)
	}
}

func TestRecord_BehindACrowdAnAnswerIsQueuedLate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	take := func(of *store.Tenant, number, from string) bool {
		rec, err := of.RecordInbound(t.Context(), store.Inbound{
			VerifiedWith: new(string), From: private.MustPhone(from), To: private.MustPhone(number), Text: private.NewText("Hello"),
			ProviderMessageID: "m", OccurredAt: time.Now(), Crowd: 3,
		})
		if err != nil {
			t.Fatal(err)
		}
		return rec.Crowded
	}
	ours, theirs := b.SwimSchoolPhone.E164(), b.DentistPhone.E164()
	b.plan(t, b.SwimSchool, b.SwimSchoolPhone, 3)
	b.Exec(t, `update replies set act_at = now() + interval '1 minute'`)
	if take(b.SwimSchool, ours, "+15555550111") {
		t.Error("a tenant whose answers wait for more texts is crowded")
	}
	b.Exec(t, `update replies set act_at = now() - interval '1 minute'`)
	if !take(b.SwimSchool, ours, "+15555550112") {
		t.Error("a tenant with overdue answers is not crowded")
	}
	if take(b.Dentist, theirs, "+15555550112") {
		t.Error("another tenant is crowded too")
	}
}

func TestSweep_OneTenantsBacklogHidesNobodyElses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.plan(t, b.SwimSchool, b.SwimSchoolPhone, 9)
	b.pass(t, time.Hour)
	b.plan(t, b.Dentist, b.DentistPhone, 1)
	b.pass(t, time.Hour)
	overdue, err := b.Store.OverdueReplies(t.Context(), prompt.SMS, time.Minute, 5, 4)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, o := range overdue {
		counts[o.Scope.ID().String()]++
	}
	if counts["1042"] != 4 || counts["2048"] != 1 {
		t.Errorf("overdue are %v; want 4 of 1042 and the one of 2048", counts)
	}
}

// BenchmarkReply answers one text, from the task's call to the provider's acceptance, with a model that answers at once.
func BenchmarkReply(b *testing.B) {
	bench := newBench(b)
	for b.Loop() {
		b.StopTimer()
		id := bench.text(b, "What does a lesson cost?")
		b.StartTimer()
		bench.want(b, id, reply.DoneSent)
	}
}
