package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
	"github.com/chattercheatah/chattercheatah/shared/mail"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// question is a mail that calls for an answer of its own.
type question struct{ id, mailbox, message string }

// connectMailboxes gives each demo tenant a mailbox of a fake Google, which announces what comes into it.
func (w *world) connectMailboxes(ctx context.Context) error {
	w.gmail = gmailtest.New()
	w.gmail.OnNotice(w.announce)
	config := google.Config{Base: w.serve(w.gmail), ClientID: googletest.ClientID, ClientSecret: private.NewSecret(googletest.ClientSecret)}
	w.env["GOOGLE_API_BASE"], w.env["GOOGLE_OAUTH_CLIENT_ID"], w.env["GOOGLE_OAUTH_CLIENT_SECRET"] = config.Base, config.ClientID, config.ClientSecret.Reveal()
	w.env["PUBSUB_EMULATOR_HOST"] = "none" // announce is the system's Pub/Sub
	client, err := gmail.NewClient(config)
	if err != nil {
		return err
	}
	for _, b := range demo.Businesses() {
		if err := w.connectMailbox(ctx, client, b); err != nil {
			return fmt.Errorf("connecting the mailbox of %s: %w", b.Name, err)
		}
	}
	return nil
}

func (w *world) connectMailbox(ctx context.Context, client *gmail.Client, b demo.Business) error {
	token := private.NewSecret("1//mail-" + b.ID.String())
	w.gmail.Connect(b.Profile.Email, token.Reveal())
	owner := boot.Database{URL: private.NewSecret(w.env["DATABASE_URL"]), Key: private.NewSecret(w.env["FIELD_ENCRYPTION_KEY"])}
	db, err := owner.Open()
	if err != nil {
		return err
	}
	defer db.Close()
	t := db.For(tenant.ByCommand(b.ID))
	if _, err := t.ConnectMailbox(ctx, store.MailboxGrant{Address: b.Profile.Email, RefreshToken: token, HistoryID: w.gmail.HistoryID(b.Profile.Email)}); err != nil {
		return err
	}
	watching, err := client.Watch(ctx, google.Grant{TenantID: b.ID.String(), RefreshToken: token}, localTopic)
	if err != nil {
		return err
	}
	return t.WatchStarted(ctx, b.Profile.Email, watching.Expires)
}

// announce pushes a notice until it is acknowledged, as Pub/Sub does.
func (w *world) announce(_, address string, historyID uint64) {
	m := &pubsub.Message{ID: fmt.Sprint(historyID), Data: announced(address, historyID), PublishTime: time.Now()}
	w.sending.Go(func() {
		for !pushed(w.ctx, w.tasks, w.base, localPusher, m) {
			select {
			case <-time.After(100 * time.Millisecond):
			case <-w.ctx.Done():
				return
			}
		}
	})
}

// loseEvery is which of the mails have a send behind them whose answer is lost.
const loseEvery = 5

// sendMail has another person write to the next tenant's mailbox.
func (w *world) sendMail() {
	n := len(w.mails) + 1
	q := question{id: fmt.Sprintf("m%d", n), mailbox: demo.Businesses()[n%2].Profile.Email}
	raw, err := mail.Outgoing{
		From: mail.Address{Email: q.id + "@customer.test"}, To: mail.Address{Email: q.mailbox}, Subject: "A question",
		MessageID: mail.MessageIDOf(q.id, "customer.test"), Text: private.NewText("Question " + q.id + " please"), Date: time.Now(),
	}.Bytes()
	if err != nil {
		panic("a mail that nobody could write: " + err.Error())
	}
	if n%loseEvery == 0 {
		w.gmail.LoseSends(1)
	}
	q.message = w.gmail.Deliver(q.mailbox, raw)
	w.mails = append(w.mails, q)
}

// mailAnswers are how often each mail was answered in its thread, by its id; astray is how many mails went out besides.
func (w *world) mailAnswers() (answered map[string]int, astray int) {
	answered, asked := map[string]int{}, map[string]string{}
	for _, b := range demo.Businesses() {
		for _, m := range w.gmail.Inbox(b.Profile.Email) {
			if i := slices.IndexFunc(w.mails, func(q question) bool { return q.mailbox == b.Profile.Email && q.message == m.ID }); i >= 0 {
				asked[b.Profile.Email+" "+m.ThreadID] = w.mails[i].id
			}
		}
		for _, m := range w.gmail.Sent(b.Profile.Email) {
			id := asked[b.Profile.Email+" "+m.ThreadID]
			parsed, err := mail.Parse(m.Raw)
			if err != nil || !slices.Contains(strings.Fields(parsed.Said.Reveal()), id) {
				astray++
				continue
			}
			answered[id]++
		}
	}
	return answered, astray
}
