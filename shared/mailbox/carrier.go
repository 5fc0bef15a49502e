package mailbox

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/crash"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/mail"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Carrier sends replies from the tenant's mailbox. It is a reply.Carrier.
type Carrier struct {
	Gmail *gmail.Client
	Now   func() time.Time
	Log   *slog.Logger
}

// How long a reply waits that was surely not sent.
var (
	busyWait    = crash.Quick(time.Minute)
	refusedWait = crash.Quick(time.Hour)
)

// Send answers in the thread of the mail that r answers, or leaves a draft there. The Message-ID is the same in every attempt.
func (c *Carrier) Send(ctx context.Context, t *store.Tenant, r *store.Reply, text private.Text) (reply.Sent, error) {
	raw, err := c.write(r, text)
	if err != nil {
		return reply.Sent{}, &reply.Unsent{Kind: reply.Refused, Reason: "cannot_be_written", Err: err}
	}
	put := c.Gmail.Send
	if r.Mail.Draft {
		put = c.Gmail.Draft
	}
	sent, err := put(ctx, grantOf(t, r.Mail.Box), raw, r.Mail.ThreadID)
	if err != nil {
		return reply.Sent{}, c.unsent(ctx, t, r, err)
	}
	return reply.Sent{ID: sent.ID, Draft: r.Mail.Draft}, nil
}

func (c *Carrier) write(r *store.Reply, text private.Text) ([]byte, error) {
	m := r.Mail
	if m.To == m.Box.Address {
		return nil, errors.New("it would go to the mailbox that it comes from")
	}
	return mail.Outgoing{
		From: mail.Address{Name: r.Business.BusinessName, Email: m.Box.Address}, To: mail.Address{Email: m.To},
		Subject: mail.ReplySubject(m.Subject), MessageID: messageID(r), InReplyTo: m.InReplyTo, References: m.References,
		Text: text, Date: c.Now(), Automatic: r.Kind != store.StaffReply,
	}.Bytes()
}

func messageID(r *store.Reply) string {
	_, domain, _ := strings.Cut(r.Mail.Box.Address, "@")
	return mail.MessageIDOf(r.Token, domain)
}

// unsent says what is known of a mail that was not taken.
func (c *Carrier) unsent(ctx context.Context, t *store.Tenant, r *store.Reply, err error) *reply.Unsent {
	if is, markErr := refused(ctx, c.Log, t, r.Mail.Box, err); is {
		return &reply.Unsent{Kind: reply.Paused, Reason: "grant_refused", RetryAfter: refusedWait, Err: errors.Join(err, markErr)}
	}
	switch {
	case errors.Is(err, gmail.ErrBusy):
		return &reply.Unsent{Kind: reply.BackOff, Reason: "busy", RetryAfter: busyWait, Err: err}
	case errors.Is(err, gmail.ErrNoThread):
		return &reply.Unsent{Kind: reply.Refused, Reason: "thread_deleted", Err: err}
	case errors.Is(err, gmail.ErrNotSent):
		return &reply.Unsent{Kind: reply.BackOff, Reason: "not_taken", Err: err}
	}
	return &reply.Unsent{Kind: reply.Lost, Reason: "answer_lost", Err: err}
}

// Find looks for the mail in the mailbox by its Message-ID.
func (c *Carrier) Find(ctx context.Context, t *store.Tenant, r *store.Reply, _ time.Time) (reply.Sent, bool, error) {
	sent, found, err := c.Gmail.Find(ctx, grantOf(t, r.Mail.Box), messageID(r))
	_, markErr := refused(ctx, c.Log, t, r.Mail.Box, err)
	return reply.Sent{ID: sent.ID, Draft: sent.Draft}, found, errors.Join(err, markErr)
}
