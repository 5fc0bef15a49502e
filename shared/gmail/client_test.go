package gmail_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/gcal"
	"github.com/chattercheatah/chattercheatah/shared/gcal/gcaltest"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

const (
	desk  = "Desk@exampleco.test" // ours
	other = "front@sampledental.test"
	pat   = "pat@customer.test"
	topic = "projects/p/topics/gmail-push"
	much  = 1 << 20
)

var (
	grant      = google.Grant{TenantID: "1042", RefreshToken: private.NewSecret("1//desk")}
	otherGrant = google.Grant{TenantID: "2048", RefreshToken: private.NewSecret("1//front")}
)

func config(fake *googletest.Server) google.Config {
	return google.Config{Base: fake.URL(), ClientID: googletest.ClientID, ClientSecret: private.NewSecret(googletest.ClientSecret)}
}

func newClient(t *testing.T) (*gmail.Client, *gmailtest.Server) {
	t.Helper()
	fake := gmailtest.Start(t)
	fake.Connect(desk, "1//desk")
	c, err := gmail.NewClient(config(fake.Server))
	if err != nil {
		t.Fatal(err)
	}
	return c, fake
}

// written is a mail. headers are further lines of its header.
func written(from, to, subject, id string, headers ...string) []byte {
	lines := append([]string{"From: " + from, "To: " + to, "Subject: " + subject, "Message-ID: " + id}, headers...)
	return []byte(strings.Join(lines, "\r\n") + "\r\n\r\nSome private words.\r\n")
}

// asked is what came of a call, without its answer.
func ask(c *gmail.Client, call gmailtest.Call) func(context.Context) error {
	raw := written(desk, pat, "Hello", "<ours-1@exampleco.test>")
	return map[gmailtest.Call]func(context.Context) error{
		gmailtest.Profile: func(ctx context.Context) error { _, err := c.Profile(ctx, grant); return err },
		gmailtest.Watch:   func(ctx context.Context) error { _, err := c.Watch(ctx, grant, topic); return err },
		gmailtest.Stop:    func(ctx context.Context) error { return c.Stop(ctx, grant) },
		gmailtest.History: func(ctx context.Context) error { _, err := c.History(ctx, grant, 1000, ""); return err },
		gmailtest.List: func(ctx context.Context) error {
			_, _, err := c.Recent(ctx, grant, "INBOX", "newer_than:2d", "")
			return err
		},
		gmailtest.Get:   func(ctx context.Context) error { _, err := c.Message(ctx, grant, "18c0", much); return err },
		gmailtest.Send:  func(ctx context.Context) error { _, err := c.Send(ctx, grant, raw, ""); return err },
		gmailtest.Draft: func(ctx context.Context) error { _, err := c.Draft(ctx, grant, raw, ""); return err },
	}[call]
}

var (
	reads = []gmailtest.Call{gmailtest.Profile, gmailtest.Watch, gmailtest.Stop, gmailtest.History, gmailtest.List, gmailtest.Get}
	sends = []gmailtest.Call{gmailtest.Send, gmailtest.Draft}
)

func TestWatch_AnnouncesWhatComesInUntilItEnds(t *testing.T) {
	t.Parallel()
	c, fake := newClient(t)
	now := time.Now().Truncate(time.Millisecond)
	fake.SetClock(func() time.Time { return now })
	var notices []string
	fake.OnNotice(func(topic, address string, historyID uint64) {
		notices = append(notices, fmt.Sprint(topic, " ", address, " ", historyID))
	})
	fake.Deliver(desk, written(pat, desk, "Before", "<m0@customer.test>"))
	p, err := c.Profile(t.Context(), grant)
	if err != nil || p.Address != desk || p.HistoryID != fake.HistoryID(desk) {
		t.Errorf("%+v, %v", p, err)
	}
	w, err := c.Watch(t.Context(), grant, topic)
	if err != nil || w.HistoryID != p.HistoryID || !w.Expires.Equal(now.Add(7*24*time.Hour)) {
		t.Errorf("%+v, %v; want seven days from the present history", w, err)
	}
	fake.Deliver(desk, written(pat, desk, "One", "<m1@customer.test>"))
	fake.DeliverAs(desk, written(pat, desk, "Spam", "<m2@customer.test>"), "SPAM")
	fake.Touch(desk)
	if err := c.Stop(t.Context(), grant); err != nil {
		t.Error(err)
	}
	fake.Deliver(desk, written(pat, desk, "Two", "<m3@customer.test>"))
	if _, err := c.Watch(t.Context(), grant, topic); err != nil {
		t.Error(err)
	}
	now = w.Expires
	fake.Deliver(desk, written(pat, desk, "Three", "<m4@customer.test>"))
	var want []string
	for _, id := range []uint64{1007, 1014, 1028, 1035} {
		want = append(want, fmt.Sprint(topic, " ", desk, " ", id))
	}
	if !slices.Equal(notices, want) {
		t.Errorf("%v; want %v", notices, want)
	}
	if n := fake.Units(desk); n != 1+100+50+100 {
		t.Errorf("%d units", n)
	}
}

func TestWatch_ASloppyTopicIsRefusedAndSeen(t *testing.T) {
	t.Parallel()
	c, fake := newClient(t)
	if _, err := c.Watch(t.Context(), grant, "gmail-push"); fault.KindOf(err) != fault.Unavailable || len(fake.Faults()) != 1 {
		t.Errorf("%v; want it refused, and a fault", err)
	}
}

func TestHistory_PagesListEachMessageOnceWithItsLabels(t *testing.T) {
	t.Parallel()
	c, fake := newClient(t)
	if h, err := c.History(t.Context(), grant, 1000, ""); err != nil || h.Added != nil || h.Next != "" || h.HistoryID != 1000 {
		t.Errorf("%+v, %v; want nothing", h, err)
	}
	var want []gmail.Added
	for i := range 5 {
		id := fake.Deliver(desk, written(pat, desk, "Hello", fmt.Sprintf("<m%d@customer.test>", i)))
		want = append(want, gmail.Added{ID: id, ThreadID: id, Labels: []string{"UNREAD", "INBOX"}})
		fake.Again(desk, id)
	}
	spam := fake.DeliverAs(desk, written(pat, desk, "Spam", "<m9@customer.test>"), "SPAM")
	want = append(want, gmail.Added{ID: spam, ThreadID: spam, Labels: []string{"SPAM"}})
	fake.PageSize(4)
	var got []gmail.Added
	pages, page := 0, ""
	for {
		h, err := c.History(t.Context(), grant, 1000, page)
		if err != nil || h.HistoryID != fake.HistoryID(desk) {
			t.Fatalf("%+v, %v", h, err)
		}
		got, page, pages = append(got, h.Added...), h.Next, pages+1
		if page == "" {
			break
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || pages != 3 {
		t.Errorf("%v on %d pages; want %v on 3", got, pages, want)
	}
	if h, err := c.History(t.Context(), grant, fake.HistoryID(desk), ""); err != nil || len(h.Added) != 0 {
		t.Errorf("from the end: %+v, %v; want nothing", h, err)
	}
}

func TestHistory_OneThatIsGoneIsMadeUpForByTheRecentMail(t *testing.T) {
	t.Parallel()
	c, fake := newClient(t)
	now := time.Now()
	fake.SetClock(func() time.Time { return now })
	fake.Deliver(desk, written(pat, desk, "Old", "<old@customer.test>"))
	now = now.Add(72 * time.Hour)
	var want []string
	for i := range 3 {
		want = append([]string{fake.Deliver(desk, written(pat, desk, "New", fmt.Sprintf("<new%d@customer.test>", i)))}, want...)
	}
	fake.DeliverAs(desk, written(pat, desk, "Spam", "<spam@customer.test>"), "SPAM")
	fake.ForgetHistory(desk)
	if _, err := c.History(t.Context(), grant, 1000, ""); !errors.Is(err, gmail.ErrHistoryGone) || errors.Is(err, google.ErrGrant) {
		t.Errorf("%v; want ErrHistoryGone", err)
	}
	fake.PageSize(2)
	first, next, err := c.Recent(t.Context(), grant, "INBOX", "newer_than:2d", "")
	if err != nil || next == "" {
		t.Fatal(first, next, err)
	}
	second, next, err := c.Recent(t.Context(), grant, "INBOX", "newer_than:2d", next)
	var got []string
	for _, a := range append(first, second...) {
		got = append(got, a.ID)
	}
	if err != nil || next != "" || !slices.Equal(got, want) {
		t.Errorf("%v, %q, %v; want %v", got, next, err, want)
	}
	if fresh, err := c.Profile(t.Context(), grant); err != nil || fresh.HistoryID != fake.HistoryID(desk) {
		t.Errorf("%+v, %v", fresh, err)
	}
}

func TestMessage_IsWhatCameOrItsBeginning(t *testing.T) {
	t.Parallel()
	c, fake := newClient(t)
	now := time.Now().Truncate(time.Millisecond).UTC()
	fake.SetClock(func() time.Time { return now })
	raw := written(pat, desk, "Hello", "<m1@customer.test>")
	id := fake.Deliver(desk, raw)
	size := int64(len(raw))
	for _, most := range []int64{much, size, size - 1, 10, 0} {
		m, err := c.Message(t.Context(), grant, id, most)
		want := raw[:min(most, size)]
		if err != nil || m.ID != id || m.ThreadID != id || !slices.Equal(m.Labels, []string{"UNREAD", "INBOX"}) || !m.Received.Equal(now) || m.Size != size ||
			string(m.Raw) != string(want) || m.Truncated != (most < size) {
			t.Errorf("at most %d: %d bytes, truncated %t, %v, of %s", most, len(m.Raw), m.Truncated, err, m.ID)
		}
	}
	fake.Remove(desk, id)
	for _, gone := range []string{id, "../../profile", "18c0/../x?y"} {
		if m, err := c.Message(t.Context(), grant, gone, much); !errors.Is(err, gmail.ErrNoMessage) && gone == id || err == nil || m.Raw != nil {
			t.Errorf("%s: %+v, %v; want ErrNoMessage", gone, m, err)
		}
	}
	fake.Faults()
}

func TestSend_JoinsTheThreadThatItAnswersAndReachesAnotherMailbox(t *testing.T) {
	t.Parallel()
	c, fake := newClient(t)
	fake.Connect(other, "1//front")
	question, err := c.Send(t.Context(), otherGrant, written(other, desk, "A lesson?", "<q@sampledental.test>"), "")
	if err != nil {
		t.Fatal(err)
	}
	arrived := fake.Inbox(desk)
	if len(arrived) != 1 || arrived[0].ID == question.ID {
		t.Fatalf("%d arrived", len(arrived))
	}
	thread := arrived[0].ThreadID
	answer := []string{"In-Reply-To: <q@sampledental.test>", "References: <q@sampledental.test>"}
	sent, err := c.Send(t.Context(), grant, written(desk, other, "Re: A lesson?", "<a@exampleco.test>", answer...), thread)
	if err != nil || sent.ThreadID != thread || len(fake.Thread(desk, thread)) != 2 || len(fake.Thread(other, question.ThreadID)) != 2 {
		t.Errorf("%+v, %v; want it in both threads", sent, err)
	}
	for what, raw := range map[string][]byte{
		"another subject": written(desk, pat, "Re: Something else", "<b@exampleco.test>", answer...),
		"no reference":    written(desk, pat, "Re: A lesson?", "<c@exampleco.test>"),
	} {
		if s, err := c.Send(t.Context(), grant, raw, thread); err != nil || s.ThreadID == thread || s.ThreadID != s.ID {
			t.Errorf("%s: %+v, %v; want a thread of its own", what, s, err)
		}
	}
	if _, err := c.Send(t.Context(), grant, written(desk, pat, "Re: A lesson?", "<d@exampleco.test>", answer...), "18c0nothing"); !errors.Is(err, gmail.ErrNoThread) || !errors.Is(err, gmail.ErrNotSent) {
		t.Errorf("no thread: %v; want ErrNoThread and ErrNotSent", err)
	}
	if n := len(fake.Outbox(pat)); n != 2 || len(fake.Sent(desk)) != 3 {
		t.Errorf("%d reached the customer; want 2", n)
	}
	if id := fake.WriteAsOwner(desk, thread, "I have seen to it."); fake.Thread(desk, thread)[2].ID != id || len(fake.Inbox(other)) != 2 {
		t.Error("the owner's own answer is not in the thread and with the other")
	}
}

func TestSend_SaysWhatIsKnownOfTheMail(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		how           gmailtest.How
		notSent, busy bool
	}{
		{gmailtest.RateLimited, true, true}, {gmailtest.UserRateLimited, true, true}, {gmailtest.TooMany, true, true},
		{gmailtest.Refused, true, false}, {gmailtest.Forbidden, true, false},
		{gmailtest.ServerError, false, false}, {gmailtest.Garbage, false, false}, {gmailtest.Empty, false, false},
		{gmailtest.NoConnection, false, false}, {gmailtest.NoAnswer, false, false},
	} {
		for _, call := range sends {
			c, fake := newClient(t)
			if err := ask(c, gmailtest.Profile)(t.Context()); err != nil {
				t.Fatal(err)
			}
			fake.Break(call, tt.how)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			err := ask(c, call)(ctx)
			cancel()
			if fault.KindOf(err) != fault.Unavailable || errors.Is(err, gmail.ErrNotSent) != tt.notSent || errors.Is(err, gmail.ErrBusy) != tt.busy || indiscreet(err) {
				t.Errorf("%s, way %d: %v; want not sent %t, busy %t", call, tt.how, err, tt.notSent, tt.busy)
			}
			if n := fake.Asked(desk, call); n != 1 {
				t.Errorf("%s, way %d: it was asked %d times; want once", call, tt.how, n)
			}
		}
	}
}

// indiscreet tells of an error that says what it must not.
func indiscreet(err error) bool {
	said := strings.ToLower(err.Error())
	return slices.ContainsFunc([]string{"invented", "words", "exampleco", "customer", "1//", "ya29", "18c0", "http://", "hello"}, func(s string) bool { return strings.Contains(said, s) })
}

func TestSend_NobodyThereOrNoTokenMeansNotSent(t *testing.T) {
	t.Parallel()
	c, fake := newClient(t)
	fake.RefuseTokens(http.StatusServiceUnavailable)
	if err := ask(c, gmailtest.Send)(t.Context()); !errors.Is(err, gmail.ErrNotSent) || errors.Is(err, google.ErrGrant) {
		t.Errorf("no token: %v; want ErrNotSent", err)
	}
	fake.RefuseTokens(0)
	fake.Revoke("1//desk")
	if err := ask(c, gmailtest.Send)(t.Context()); !errors.Is(err, gmail.ErrNotSent) || !errors.Is(err, google.ErrGrant) {
		t.Errorf("revoked: %v; want ErrNotSent and ErrGrant", err)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	there, err := gmail.NewClient(google.Config{Base: gone.URL})
	if err != nil {
		t.Fatal(err)
	}
	kept := google.Grant{AccessToken: private.NewSecret("ya29.kept"), Expires: time.Now().Add(time.Hour)}
	if _, err := there.Send(t.Context(), kept, written(desk, pat, "Hello", "<x@exampleco.test>"), ""); !errors.Is(err, gmail.ErrNotSent) || indiscreet(err) {
		t.Errorf("nobody there: %v; want ErrNotSent", err)
	}
}

func TestFind_SettlesASendWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	c, fake := newClient(t)
	fake.LoseSends(2)
	for _, call := range sends {
		if err := ask(c, call)(t.Context()); err == nil || errors.Is(err, gmail.ErrNotSent) {
			t.Errorf("%s: %v; want that it is open", call, err)
		}
	}
	if len(fake.Sent(desk)) != 1 || len(fake.Drafts(desk)) != 1 {
		t.Error("want both done")
	}
	for _, id := range []string{"<ours-1@exampleco.test>", "ours-1@exampleco.test"} {
		if s, found, err := c.Find(t.Context(), grant, id); err != nil || !found || s.ID == "" || s.ThreadID == "" {
			t.Errorf("%s: %+v, %t, %v", id, s, found, err)
		}
	}
	if s, found, err := c.Find(t.Context(), grant, "<ours-2@exampleco.test>"); err != nil || found || s.ID != "" {
		t.Errorf("another: %+v, %t, %v; want nothing", s, found, err)
	}
	id := fake.Sent(desk)[0].ID
	fake.Remove(desk, fake.Drafts(desk)[0].ID)
	fake.Trash(desk, id)
	if s, found, err := c.Find(t.Context(), grant, "<ours-1@exampleco.test>"); err != nil || !found || s.ID != id {
		t.Errorf("in the trash: %+v, %t, %v; want it all the same, or it would be sent again", s, found, err)
	}
	for _, id := range []string{"", "<>", "a b", `x" OR in:inbox`, "a@b)(c"} {
		if _, found, err := c.Find(t.Context(), grant, id); err == nil || found {
			t.Errorf("%q was searched for", id)
		}
	}
}

func TestReads_FailAsUnavailableAndSayNothingOfTheMailbox(t *testing.T) {
	t.Parallel()
	for _, call := range reads {
		for _, how := range []gmailtest.How{gmailtest.RateLimited, gmailtest.UserRateLimited, gmailtest.TooMany, gmailtest.Refused, gmailtest.Forbidden, gmailtest.ServerError, gmailtest.Garbage, gmailtest.Empty, gmailtest.NoConnection, gmailtest.NoAnswer} {
			if call == gmailtest.Stop && (how == gmailtest.Garbage || how == gmailtest.Empty) || call == gmailtest.List && how == gmailtest.Empty {
				continue // which say nothing either when all is well
			}
			c, fake := newClient(t)
			fake.Break(gmailtest.Any, how)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			err := ask(c, call)(ctx)
			cancel()
			busy := how == gmailtest.RateLimited || how == gmailtest.UserRateLimited || how == gmailtest.TooMany
			if fault.KindOf(err) != fault.Unavailable || errors.Is(err, gmail.ErrBusy) != busy || errors.Is(err, gmail.ErrNoMessage) || errors.Is(err, gmail.ErrHistoryGone) || indiscreet(err) {
				t.Errorf("%s, way %d: %v", call, how, err)
			}
		}
	}
}

func TestScopes_AnUntickedOneIsToldApart(t *testing.T) {
	t.Parallel()
	if u := gmail.Unticked([]string{gmailtest.Readonly}); !slices.Equal(u, []string{gmailtest.Compose}) || len(gmail.Unticked(gmail.Scopes())) != 0 {
		t.Errorf("unticked %v", u)
	}
	c, fake := newClient(t)
	fake.Connect(desk, "1//desk", gmailtest.Readonly)
	for _, call := range slices.Concat(reads, sends) {
		err := ask(c, call)(t.Context())
		sending := slices.Contains(sends, call)
		if errors.Is(err, gmail.ErrScope) != sending || errors.Is(err, gmail.ErrNotSent) != sending {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func TestTokens_ARefusedOneIsReplacedForWhatMayBeAskedAgain(t *testing.T) {
	t.Parallel()
	c, fake := newClient(t)
	kept := grant
	kept.AccessToken, kept.Expires = private.NewSecret("ya29.kept-too-long"), time.Now().Add(time.Hour)
	if _, err := c.Profile(t.Context(), kept); err != nil || fake.Server.Asked().Refresh != 1 {
		t.Errorf("%v, %d refreshes; want another token", err, fake.Server.Asked().Refresh)
	}
	if token, _ := c.Tokens.Current(kept); token.IsZero() || token.Equal(kept.AccessToken) {
		t.Error("the current token is not the fetched one")
	}
	fake.Expire()
	if err := ask(c, gmailtest.Send)(t.Context()); !errors.Is(err, gmail.ErrNotSent) || fake.Asked(desk, gmailtest.Send) != 0 {
		t.Errorf("%v; want that it was not sent, and not asked again", err)
	}
	if err := ask(c, gmailtest.Send)(t.Context()); err != nil {
		t.Errorf("the next attempt: %v", err)
	}
}

func TestTokens_FiftyAtOnceFetchOne(t *testing.T) {
	t.Parallel()
	c, fake := newClient(t)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := c.Profile(t.Context(), grant); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := fake.Server.Asked().Refresh; n != 1 || fake.Units(desk) != 50 {
		t.Errorf("%d were fetched; want one", n)
	}
}

func TestGrant_RevokingTheCalendarEndsTheMailboxOfTheAccount(t *testing.T) {
	t.Parallel()
	fake := googletest.Start(t)
	mail, calendars := gmailtest.On(fake), gcaltest.On(fake)
	mail.Connect(desk, "1//desk")
	fake.Connect(desk, "1//calendar", gcaltest.Scope)
	c, err := gmail.NewClient(config(fake))
	if err != nil {
		t.Fatal(err)
	}
	diary, err := gcal.NewClient(config(fake))
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, time.February, 6, 12, 0, 0, 0, time.UTC)
	calendars.Occupy("1//calendar", noon, noon.Add(time.Hour))
	calendarGrant := google.Grant{TenantID: "1042", RefreshToken: private.NewSecret("1//calendar")}
	_, profileErr := c.Profile(t.Context(), grant)
	taken, busyErr := diary.FreeBusy(t.Context(), calendarGrant, "primary", noon, noon.Add(time.Hour))
	if profileErr != nil || busyErr != nil || len(taken) != 1 {
		t.Fatal(profileErr, busyErr, taken)
	}
	if _, err := c.Profile(t.Context(), calendarGrant); !errors.Is(err, gmail.ErrScope) && err != nil {
		t.Errorf("the calendar's grant at the mailbox: %v; want ErrScope", err)
	}
	if err := google.NewOAuth(config(fake)).Revoke(t.Context(), calendarGrant.RefreshToken); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Profile(t.Context(), grant); !errors.Is(err, google.ErrGrant) {
		t.Errorf("%v; want ErrGrant, although an access token was kept", err)
	}
}

func TestFake_LetsNoMailOutThatGmailWouldChangeOrNobodyShouldSend(t *testing.T) {
	t.Parallel()
	c, fake := newClient(t)
	good := string(written(desk, pat, "Hello", "<g@exampleco.test>"))
	for what, raw := range map[string]string{
		"another sender":  strings.Replace(good, "From: "+desk, "From: boss@exampleco.test", 1),
		"nobody":          strings.Replace(good, "To: "+pat+"\r\n", "", 1),
		"no address":      strings.Replace(good, "To: "+pat, "To: everybody", 1),
		"a bare LF":       strings.Replace(good, "Hello\r\n", "Hello\nX-Smuggled: 1\r\n", 1),
		"a bare CR":       strings.Replace(good, "Hello\r\n", "Hello\rX-Smuggled: 1\r\n", 1),
		"a second header": strings.Replace(good, "Hello\r\n", "Hello\r\nTo: evil@customer.test\r\n", 1),
		"a blind copy":    strings.Replace(good, "Hello\r\n", "Hello\r\nBcc: evil@customer.test\r\n", 1),
		"no ASCII":        strings.Replace(good, "Hello", "Grüße", 1),
		"no header":       "Hello",
		"a long line":     good + strings.Repeat("x", 999) + "\r\n",
	} {
		if _, err := c.Send(t.Context(), grant, []byte(raw), ""); !errors.Is(err, gmail.ErrNotSent) || len(fake.Faults()) != 1 {
			t.Errorf("%s: %v; want it refused, and a fault", what, err)
		}
	}
	if len(fake.Sent(desk)) != 0 || len(fake.Outbox(pat)) != 0 {
		t.Error("something went out")
	}
}
