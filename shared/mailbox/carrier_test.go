package mailbox

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
	"github.com/chattercheatah/chattercheatah/shared/mail"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// carried is a carrier on a fake Gmail, for a tenant whose database is away, and an answer to a mail that came in.
type carried struct {
	*Carrier
	fake   *gmailtest.Server
	tenant *store.Tenant
	reply  *store.Reply
}

func newCarried(t *testing.T) *carried {
	t.Helper()
	fake := gmailtest.Start(t)
	fake.Connect(box, "1//box")
	id := fake.Deliver(box, came("Are you open?").Raw)
	thread := fake.Inbox(box)[0].ThreadID
	client, err := gmail.NewClient(google.Config{Base: fake.URL(), ClientID: googletest.ClientID, ClientSecret: private.NewSecret(googletest.ClientSecret)})
	if err != nil {
		t.Fatal(err)
	}
	away, err := boot.Database{URL: private.NewSecret("postgres://nobody@127.0.0.1:1/nothing")}.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(away.Close)
	return &carried{
		Carrier: &Carrier{Gmail: client, Now: func() time.Time { return received }, Log: slog.New(slog.DiscardHandler)},
		fake:    fake, tenant: away.For(tenant.ByCommand(1042)),
		reply: &store.Reply{
			ID: 7, Kind: store.Answer, Token: "token-" + id, Business: prompt.Profile{BusinessName: "Example Swim School"},
			Mail: &store.Envelope{
				To: "pat@customer.test", Subject: "A lesson", InReplyTo: "<m1@customer.test>", References: []string{"<m0@customer.test>"}, ThreadID: thread,
				Box: store.Mailbox{Address: box, RefreshToken: private.NewSecret("1//box")},
			},
		},
	}
}

func (c *carried) send(ctx context.Context) (reply.Sent, error) {
	return c.Send(ctx, c.tenant, c.reply, private.NewText("We are open.\n\nSee you!"))
}

// header is the one of a mail, folded lines joined.
func header(raw []byte) []string {
	text, _, _ := strings.Cut(string(raw), "\r\n\r\n")
	return strings.Split(regexp.MustCompile(`\r\n[ \t]+`).ReplaceAllString(text, " "), "\r\n")
}

func TestCarrier_AnAnswerJoinsTheThreadAndSaysThatItIsAutomatic(t *testing.T) {
	t.Parallel()
	c := newCarried(t)
	sent, err := c.send(t.Context())
	if err != nil || sent.ID == "" || sent.Draft {
		t.Fatalf("Send = %+v, %v", sent, err)
	}
	thread := c.fake.Thread(box, c.reply.Mail.ThreadID)
	if len(thread) != 2 || thread[1].ID != sent.ID || len(c.fake.Outbox("pat@customer.test")) != 1 {
		t.Fatalf("the thread is %+v; want the answer in it, and with the customer", thread)
	}
	want := []string{
		"Date: Thu, 05 Feb 2026 19:33:12 +0000", `From: "Example Swim School" <support@exampleco.test>`, "To: pat@customer.test",
		"Message-ID: " + mail.MessageIDOf(c.reply.Token, "exampleco.test"), "In-Reply-To: <m1@customer.test>", "References: <m0@customer.test> <m1@customer.test>",
		"Subject: Re: A lesson", "Auto-Submitted: auto-replied", "X-Auto-Response-Suppress: All",
		"MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable",
	}
	if diff := cmp.Diff(want, header(thread[1].Raw)); diff != "" {
		t.Errorf("its header (-want +got):\n%s", diff)
	}
	if !strings.HasSuffix(string(thread[1].Raw), "\r\n\r\nWe are open.\r\n\r\nSee you!\r\n") {
		t.Errorf("its text is %q", thread[1].Raw)
	}
}

func TestCarrier_WhatAPersonWritesIsNotAutomatic(t *testing.T) {
	t.Parallel()
	for kind, automatic := range map[store.ReplyKind]bool{store.Answer: true, store.OptOutConfirmation: true, store.StaffReply: false} {
		c := newCarried(t)
		c.reply.Kind = kind
		if _, err := c.send(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Auto-Submitted:", "X-Auto-Response-Suppress:"} {
			if got := strings.Contains(string(c.fake.Sent(box)[0].Raw), name); got != automatic {
				t.Errorf("%s: %s is there: %t; want %t", kind, name, got, automatic)
			}
		}
	}
}

func TestCarrier_ADraftWaitsInTheThreadAndReachesNobody(t *testing.T) {
	t.Parallel()
	c := newCarried(t)
	c.reply.Mail.Draft = true
	sent, err := c.send(t.Context())
	drafts := c.fake.Drafts(box)
	if err != nil || !sent.Draft || len(drafts) != 1 || drafts[0].ID != sent.ID || drafts[0].ThreadID != c.reply.Mail.ThreadID {
		t.Errorf("Send = %+v, %v; the drafts are %+v", sent, err, drafts)
	}
	if len(c.fake.Sent(box))+len(c.fake.Outbox("pat@customer.test")) != 0 {
		t.Error("a draft was sent")
	}
	if found, ok, err := c.Find(t.Context(), c.tenant, c.reply, received); err != nil || !ok || found != sent {
		t.Errorf("Find = %+v, %t, %v", found, ok, err)
	}
}

func TestCarrier_EveryAttemptHasTheSameIDAndOneWhoseAnswerWasLostIsFound(t *testing.T) {
	t.Parallel()
	c := newCarried(t)
	if _, ok, err := c.Find(t.Context(), c.tenant, c.reply, received); ok || err != nil {
		t.Errorf("before it was sent: found %t, %v", ok, err)
	}
	c.fake.LoseSends(1)
	var unsent *reply.Unsent
	if _, err := c.send(t.Context()); !errors.As(err, &unsent) || unsent.Kind != reply.Lost {
		t.Fatalf("Send = %v; want it lost", err)
	}
	found, ok, err := c.Find(t.Context(), c.tenant, c.reply, received)
	if err != nil || !ok || found.ID != c.fake.Sent(box)[0].ID {
		t.Errorf("Find = %+v, %t, %v", found, ok, err)
	}
	c.Now = func() time.Time { return received.Add(time.Hour) }
	if _, err := c.send(t.Context()); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, m := range c.fake.Sent(box) {
		ids[header(m.Raw)[3]] = true
	}
	if len(ids) != 1 || !ids["Message-ID: "+mail.MessageIDOf(c.reply.Token, "exampleco.test")] {
		t.Errorf("the attempts have %v", ids)
	}
}

func TestCarrier_WhatCannotBeWrittenIsRefusedAndNothingAsked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *store.Reply){
		"to the mailbox itself":      func(r *store.Reply) { r.Mail.To = box },
		"to nobody":                  func(r *store.Reply) { r.Mail.To = "" },
		"to two":                     func(r *store.Reply) { r.Mail.To = "a@customer.test, b@customer.test" },
		"a line break in an address": func(r *store.Reply) { r.Mail.To = "a@customer.test\r\nBcc: b@customer.test" },
		"a line break in a name":     func(r *store.Reply) { r.Business.BusinessName = "Example\r\nBcc: b@customer.test" },
		"an id that is none":         func(r *store.Reply) { r.Mail.InReplyTo = "m1" },
	} {
		c := newCarried(t)
		change(c.reply)
		_, err := c.send(t.Context())
		var unsent *reply.Unsent
		if !errors.As(err, &unsent) || unsent.Kind != reply.Refused || unsent.Reason != "cannot_be_written" {
			t.Errorf("%s: %v; want it refused", name, err)
		}
		if strings.Contains(err.Error(), "customer.test") || c.fake.Asked(box, gmailtest.Send) != 0 {
			t.Errorf("%s: it was asked for, or the error tells an address: %v", name, err)
		}
	}
}

func TestCarrier_EachFailureIsOfItsKind(t *testing.T) {
	t.Parallel()
	broken := func(how gmailtest.How) func(*carried) {
		return func(c *carried) { c.fake.Break(gmailtest.Send, how) }
	}
	for name, tt := range map[string]struct {
		change func(*carried)
		kind   reply.UnsentKind
		reason string
		after  time.Duration
	}{
		"the project asked too often": {broken(gmailtest.RateLimited), reply.BackOff, "busy", time.Minute},
		"the user asked too often":    {broken(gmailtest.UserRateLimited), reply.BackOff, "busy", time.Minute},
		"too many requests":           {broken(gmailtest.TooMany), reply.BackOff, "busy", time.Minute},
		"a bad request":               {broken(gmailtest.Refused), reply.BackOff, "not_taken", 0},
		"forbidden":                   {broken(gmailtest.Forbidden), reply.BackOff, "not_taken", 0},
		"an error of the server":      {broken(gmailtest.ServerError), reply.Lost, "answer_lost", 0},
		"an answer that is none":      {broken(gmailtest.Garbage), reply.Lost, "answer_lost", 0},
		"an empty answer":             {broken(gmailtest.Empty), reply.Lost, "answer_lost", 0},
		"no answer":                   {broken(gmailtest.NoAnswer), reply.Lost, "answer_lost", 0},
		"a broken connection":         {broken(gmailtest.NoConnection), reply.Lost, "answer_lost", 0},
		"the thread was deleted":      {func(c *carried) { c.fake.Remove(box, c.reply.Mail.ThreadID) }, reply.Refused, "thread_deleted", 0},
		"the grant was revoked":       {func(c *carried) { c.fake.Revoke("1//box") }, reply.Paused, "grant_refused", time.Hour},
		"the grant reaches not so far": {func(c *carried) { c.fake.Connect(box, "1//box", gmailtest.Readonly) },
			reply.Paused, "grant_refused", time.Hour},
		"no token for now": {func(c *carried) { c.fake.RefuseTokens(http.StatusServiceUnavailable) }, reply.BackOff, "not_taken", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCarried(t)
			tt.change(c)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := c.send(ctx)
			var unsent *reply.Unsent
			if !errors.As(err, &unsent) || unsent.Kind != tt.kind || unsent.Reason != tt.reason || unsent.RetryAfter != tt.after {
				t.Fatalf("Send = %+v (%v); want kind %d, %s after %v", unsent, err, tt.kind, tt.reason, tt.after)
			}
			for _, private := range []string{"pat@", box, "We are open", "1//", "ya29", "A lesson"} {
				if strings.Contains(err.Error(), private) {
					t.Errorf("the error tells %q: %v", private, err)
				}
			}
			if len(c.fake.Sent(box)) != 0 {
				t.Error("it was sent")
			}
		})
	}
}

func TestCarrier_AGrantThatIsRevokedWhileItsTokenIsInUsePausesTheNextAttempt(t *testing.T) {
	t.Parallel()
	c := newCarried(t)
	if _, _, err := c.Find(t.Context(), c.tenant, c.reply, received); err != nil {
		t.Fatal(err)
	}
	c.fake.Revoke("1//box")
	var unsent *reply.Unsent
	for _, want := range []string{"not_taken", "grant_refused"} {
		if _, err := c.send(t.Context()); !errors.As(err, &unsent) || unsent.Reason != want {
			t.Errorf("Send = %v; want %s", err, want)
		}
	}
}

func TestCarrier_AGmailThatCannotSayIsAnErrorAndNotAbsence(t *testing.T) {
	t.Parallel()
	c := newCarried(t)
	for _, how := range []gmailtest.How{gmailtest.ServerError, gmailtest.Garbage, gmailtest.NoConnection, gmailtest.TooMany, gmailtest.Forbidden} {
		c.fake.Break(gmailtest.List, how)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if _, found, err := c.Find(ctx, c.tenant, c.reply, received); found || err == nil {
			t.Errorf("way %d: found %t, %v; want an error", how, found, err)
		}
		cancel()
	}
	c.fake.Break(gmailtest.List, gmailtest.Truth)
	c.fake.Revoke("1//box")
	if _, found, err := c.Find(t.Context(), c.tenant, c.reply, received); found || !errors.Is(err, google.ErrGrant) {
		t.Errorf("revoked: found %t, %v; want ErrGrant", found, err)
	}
}
