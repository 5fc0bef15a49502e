package emailpubsub_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

func TestPush_IsRecordedAndQueuedUnderEitherSpellingOfThePath(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if status, outcome := b.push(pushed(notice(swimBox, 1710))); status != http.StatusOK || outcome != "ok queued" {
		t.Fatalf("answered %d %s; the log: %s", status, outcome, b.log)
	}
	if got := b.state(t, b.SwimSchool); got != "1710, due" {
		t.Errorf("recorded %s", got)
	}
	b.wantQueued(t, b.SwimSchool)
	if got, want := b.tasks.Tasks()[0].Due.Sub(b.now), time.Second; got <= 0 || got > want {
		t.Errorf("it is to be read %v from now; want within %v", got, want)
	}
	for _, word := range []string{`"tenant_id":"1042"`, `"via":"mailbox"`, `"event_id":"m-1"`, `"outcome":"queued"`} {
		if !strings.Contains(b.log.String(), word) {
			t.Errorf("%s is not in the log:\n%s", word, b.log)
		}
	}
}

// shapes are pushes that are taken, each in its way naming history id 1710 of the swim school's mailbox.
func shapes() map[string]string {
	good := notice(swimBox, 1710)
	// Three bytes of padding's worth, and signs that differ between the alphabets.
	odd := `{"emailAddress":"support@exampleco.test","historyId":1710,"x":"~~~???>>>` + "\u00ff" + `"}`
	all := map[string]string{
		"a number":              pushed(good),
		"a string":              pushed(notice(swimBox, `"1710"`)),
		"mixed case":            pushed(notice("Support@EXAMPLECO.test", 1710)),
		"more than is known":    pushed(`{"emailAddress":"support@exampleco.test","historyId":1710,"more":[{}]}`),
		"no messageId":          fmt.Sprintf(`{"message":{"data":%q}}`, base64.StdEncoding.EncodeToString([]byte(good))),
		"a null messageId":      fmt.Sprintf(`{"message":{"data":%q,"messageId":null}}`, base64.StdEncoding.EncodeToString([]byte(good))),
		"a messageId for pages": fmt.Sprintf(`{"message":{"data":%q,"messageId":%q}}`, base64.StdEncoding.EncodeToString([]byte(good)), strings.Repeat("é", 5000)),
		"white space":           "\n " + pushed("\n "+good+"\t") + "\r\n",
	}
	for name, alphabet := range map[string]*base64.Encoding{
		"standard": base64.StdEncoding, "standard unpadded": base64.RawStdEncoding, "URL-safe": base64.URLEncoding, "URL-safe unpadded": base64.RawURLEncoding,
	} {
		for pad := range 3 {
			all[fmt.Sprint(name, pad)] = pushedIn(alphabet, odd+strings.Repeat(" ", pad))
		}
	}
	return all
}

func TestPush_EveryShapeOfANoticeIsTaken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, body := range shapes() {
		b.Exec(t, `update tenant_email_configs set noticed_history_id = 0, read_due_at = null`)
		if status, outcome := b.push(body); status != http.StatusOK || outcome != "ok queued" {
			t.Errorf("%s was answered %d %s", name, status, outcome)
		}
		if got := b.state(t, b.SwimSchool); got != "1710, due" {
			t.Errorf("%s: recorded %s", name, got)
		}
	}
}

func TestPush_AHistoryIDMayBeAsHighAsGmailsCan(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if status, outcome := b.push(pushed(notice(swimBox, "18446744073709551615"))); status != http.StatusOK || outcome != "ok queued" {
		t.Errorf("answered %d %s", status, outcome)
	}
	if got := b.state(t, b.SwimSchool); got != "18446744073709551615, due" {
		t.Errorf("recorded %s", got)
	}
}

// unreadable are pushes that no repeat can mend.
func unreadable() map[string]string {
	all := map[string]string{
		"empty": "", "white space": " ", "not JSON": "secret words", "half of it": `{"message":{"data":"`, "null": "null", "an array": "[]", "a number": "7",
		"no message": "{}", "a null message": `{"message":null}`, "a message that is none": `{"message":"secret words"}`, "two": pushed(notice(swimBox, 1710)) + pushed(notice(swimBox, 1710)),
		"a megabyte":    `{"message":{"data":"` + strings.Repeat("A", 1<<20) + `"}}`,
		"no data":       `{"message":{"messageId":"m-1"}}`,
		"data a number": `{"message":{"data":7,"messageId":"m-1"}}`, "messageId a number": `{"message":{"data":"","messageId":7}}`,
		"data not base64": `{"message":{"data":"secret words!","messageId":"m-1"}}`, "both alphabets": `{"message":{"data":"++__","messageId":"m-1"}}`,
		"data not JSON": pushed("secret words"), "data null": pushed("null"), "data an array": pushed("[]"), "data with more": pushed(notice(swimBox, 1710) + "x"),
		"no emailAddress": pushed(`{"historyId":1710}`), "an empty emailAddress": pushed(notice("", 1710)), "a null emailAddress": pushed(`{"emailAddress":null,"historyId":1710}`),
		"emailAddress a number": pushed(`{"emailAddress":7,"historyId":1710}`), "no historyId": pushed(`{"emailAddress":"support@exampleco.test"}`),
		"nested deeply": pushed(strings.Repeat("[", 20_000)),
	}
	for _, id := range []string{"0", "-1", "1710.5", "1710.0", "1e3", "18446744073709551616", `"18446744073709551616"`, `""`, `"secret words"`, "null", "true", "{}", "[1710]", `"-1"`, `"+1710"`, `" 1710"`, `"0x10"`} {
		all["historyId "+id] = pushed(notice(swimBox, id))
	}
	return all
}

func TestPush_WhatCannotBeReadIsAcknowledgedAndLogged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, body := range unreadable() {
		before := len(b.log.String())
		if status, outcome := b.push(body); status != http.StatusOK || outcome != "ignored invalid_format" {
			t.Errorf("%s was answered %d %s; want it acknowledged, so that it does not come again", name, status, outcome)
		}
		if said := b.log.String()[before:]; !strings.Contains(said, `"level":"WARN"`) || !strings.Contains(said, `"outcome":"invalid_format"`) {
			t.Errorf("%s: the log says %s", name, said)
		}
	}
	b.wantNothing(t, "after what cannot be read")
}

// broken is a body that ends too soon.
func broken() io.Reader {
	return io.MultiReader(strings.NewReader(`{"message":`), breaks{})
}

type breaks struct{}

func (breaks) Read([]byte) (int, error) { return 0, errors.New("the connection broke") }

func TestPush_ABodyThatBrokeOffIsToComeAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if w := b.post(broken(), "Bearer "+b.token); w.Code != http.StatusServiceUnavailable {
		t.Errorf("answered %d %s; want 503", w.Code, w.Body)
	}
	b.wantNothing(t, "after half a body")
}

func TestPush_AMailboxOfNobodyIsAcknowledgedAndLogged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, mailbox := range map[string]string{
		"a stranger's": "stranger@nowhere.test", "with spaces": " " + swimBox + " ", "with a tag": "support+tag@exampleco.test", "of the domain": "exampleco.test",
		"with more": swimBox + ".test", "a pattern": "%", "a quote": "'; --@exampleco.test", "long": strings.Repeat("a", 30_000) + "@exampleco.test",
	} {
		if status, outcome := b.push(pushed(notice(mailbox, 1710))); status != http.StatusOK || outcome != "ignored unknown_mailbox" {
			t.Errorf("%s was answered %d %s", name, status, outcome)
		}
	}
	for _, text := range []string{`support\u0000@exampleco.test`, `\u0000`, `\ud800@exampleco.test`, "\xff\xfe@exampleco.test"} {
		if status, outcome := b.push(pushed(`{"emailAddress":"` + text + `","historyId":1710}`)); status != http.StatusOK || outcome != "ignored unknown_mailbox" {
			t.Errorf("%q was answered %d %s", text, status, outcome)
		}
	}
	if !strings.Contains(b.log.String(), `"outcome":"unknown_mailbox"`) || strings.Contains(b.log.String(), "nowhere.test") {
		t.Errorf("the log is %s", b.log)
	}
	b.wantNothing(t, "after mailboxes of nobody")
}

func TestPush_WhatIsNotAnsweredIsAcknowledgedAndNotQueued(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ change, outcome string }{
		"switched off":   {`update tenant_email_configs set is_enabled = false where tenant_id = 1042`, "ignored not_answered"},
		"grant refused":  {`update tenant_email_configs set grant_failed_at = now() where tenant_id = 1042`, "ignored not_answered"},
		"tenant closed":  {`update tenants set is_active = false where id = 1042`, "ignored unknown_mailbox"},
		"already read":   {`update tenant_email_configs set last_history_id = 1710 where tenant_id = 1042`, "ok read_already"},
		"read long past": {`update tenant_email_configs set last_history_id = 18446744073709551615 where tenant_id = 1042`, "ok read_already"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.Exec(t, c.change)
			before := b.mailboxes(t)
			if status, outcome := b.push(pushed(notice(swimBox, 1710))); status != http.StatusOK || outcome != c.outcome {
				t.Errorf("answered %d %s; want %s", status, outcome, c.outcome)
			}
			if diff := cmp.Diff(before, b.mailboxes(t)); diff != "" {
				t.Errorf("it changed (-before +after):\n%s", diff)
			}
			b.wantNothing(t, name)
		})
	}
}

func TestPush_OneTenantsNoticeChangesNothingOfTheOther(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, c := range []struct {
		mailbox string
		other   int64
	}{{swimBox, 2048}, {denBox, 1042}} {
		before := b.Snapshot(t, c.other)
		if status, outcome := b.push(pushed(notice(c.mailbox, 1710))); status != http.StatusOK || outcome != "ok queued" {
			t.Errorf("%s was answered %d %s", c.mailbox, status, outcome)
		}
		if diff := cmp.Diff(before, b.Snapshot(t, c.other)); diff != "" {
			t.Errorf("a notice of %s changed tenant %d (-before +after):\n%s", c.mailbox, c.other, diff)
		}
	}
	b.wantQueued(t, b.SwimSchool, b.Dentist)
}

func TestPush_AMailboxThatMovedIsItsNewTenants(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := b.SwimSchool.DisconnectMailbox(t.Context(), swimBox); err != nil {
		t.Fatal(err)
	}
	if status, outcome := b.push(pushed(notice(swimBox, 1710))); status != http.StatusOK || outcome != "ignored unknown_mailbox" {
		t.Errorf("of nobody for now: %d %s", status, outcome)
	}
	connect(t, b.Dentist, swimBox)
	if status, outcome := b.push(pushed(notice(swimBox, 1710))); status != http.StatusOK || outcome != "ok queued" {
		t.Errorf("of its new tenant: %d %s", status, outcome)
	}
	b.wantQueued(t, b.Dentist)
}

func TestPush_DuplicatesAndDisorderAreOneStateWithTheHighestID(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if status, _ := b.push(pushed(notice(swimBox, 1500))); status != http.StatusOK {
		t.Fatal(status)
	}
	b.Exec(t, `update tenant_email_configs set read_due_at = '2026-02-05T19:33:12Z' where tenant_id = 1042`)
	var bodies []string
	for id := 1400; id <= 1710; id += 10 {
		bodies = append(bodies, pushed(notice(swimBox, id)), pushed(notice(swimBox, fmt.Sprintf("%q", fmt.Sprint(id)))))
	}
	rand.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] })
	var wg sync.WaitGroup
	for _, body := range bodies {
		wg.Go(func() {
			if status, outcome := b.push(body); status != http.StatusOK || outcome != "ok queued" {
				t.Errorf("answered %d %s", status, outcome)
			}
		})
	}
	wg.Wait()
	got := b.Query(t, `select noticed_history_id || ' ' || last_history_id || ' ' || to_char(read_due_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') from tenant_email_configs where tenant_id = 1042`)[0]
	if got != "1710 1000 2026-02-05 19:33:12" {
		t.Errorf("recorded %s; want the highest id, and due since the first", got)
	}
	b.wantQueued(t, b.SwimSchool)
}

func TestPush_WhatCannotBeRecordedIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec(t, `revoke update on tenant_email_configs from chattercheatah_app`)
	if status, _ := b.push(pushed(notice(swimBox, 1710))); status < 500 {
		t.Errorf("answered %d although nothing was recorded", status)
	}
	b.Exec(t, `grant update on tenant_email_configs to chattercheatah_app`)
	b.wantNothing(t, "after what could not be recorded")
	b.Store.Close()
	if status, _ := b.push(pushed(notice(swimBox, 1710))); status != http.StatusServiceUnavailable {
		t.Errorf("without a database: answered %d; want 503", status)
	}
}

func TestPush_WhatCannotBeQueuedIsRecordedForTheSweeper(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.handler = b.build(t, setting{queueAddr: "127.0.0.1:1"})
	if found := b.unread(t); found != "" {
		t.Fatalf("%s is to be read before anything was announced", found)
	}
	if status, outcome := b.push(pushed(notice(swimBox, 1710))); status != http.StatusOK || outcome != "ok recorded_not_queued" {
		t.Errorf("answered %d %s", status, outcome)
	}
	if found := b.unread(t); found != "1042 " {
		t.Errorf("the sweeper finds %q; want tenant 1042", found)
	}
}

// unread are the tenants whose mailboxes the sweeper would queue.
func (b *bench) unread(t *testing.T) (found string) {
	t.Helper()
	scopes, err := b.Store.UnreadMailboxes(t.Context(), 0, time.Hour, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scopes {
		found += s.ID().String() + " "
	}
	return found
}

func TestPush_AfterReadingWhatCameMeanwhileIsDueStill(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, id := range []int{1500, 1710} {
		if status, outcome := b.push(pushed(notice(swimBox, id))); status != http.StatusOK || outcome != "ok queued" {
			t.Fatalf("answered %d %s", status, outcome)
		}
	}
	for _, c := range []struct {
		upTo  uint64
		again bool
		state string
	}{{1500, true, "1710, due"}, {1710, false, "1710, read"}} {
		again, err := b.read(t, b.SwimSchool, c.upTo)
		if err != nil || again != c.again || b.state(t, b.SwimSchool) != c.state {
			t.Errorf("read up to %d: again %v, %v, %s", c.upTo, again, err, b.state(t, b.SwimSchool))
		}
	}
}

func (b *bench) read(t *testing.T, of *store.Tenant, upTo uint64) (again bool, err error) {
	t.Helper()
	m, err := of.Mailbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, _, err = of.MailboxRead(t.Context(), m, upTo, false, private.Secret{}, time.Time{})
	return again, err
}
