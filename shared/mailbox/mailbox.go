// Package mailbox answers a tenant's mail: its Gmail mailbox is read, something is made of each mail once, and what is owed is sent from
// it. email-pubsub/worker calls it for each task.
//
// A mailbox is read from where it was read to; what is listed is recorded before that place moves on. A mail is fetched, taken for what it
// is, and recorded together with the reply or the lead that it calls for. Replies go the way of every reply: Carrier is Gmail's part of it.
// All of it may happen any number of times, at the same time too.
package mailbox

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/task"
)

// Worker reads mailboxes and makes something of what is in them.
type Worker struct {
	Store *store.Store
	Queue task.MailQueue
	Gmail *gmail.Client
	Topic string // where Gmail announces mail: projects/P/topics/T
	Now   func() time.Time
	Log   *slog.Logger
}

// Done says what came of a piece of work, as the log tells it.
type Done string

// What can come of reading a mailbox and of renewing its watch.
const (
	DoneRead         Done = "read"
	DoneResynced     Done = "resynced" // Gmail's history did not reach back far enough; the last days were looked through
	DoneRenewed      Done = "renewed"
	DoneNotConnected Done = "not_connected" // there is no mailbox, or it is not to be answered
	DoneGrantRefused Done = "grant_refused" // the tenant has to connect it again
)

// grantOf is the leave to use a mailbox.
func grantOf(t *store.Tenant, m store.Mailbox) google.Grant {
	return google.Grant{TenantID: t.Scope().ID().String(), RefreshToken: m.RefreshToken, AccessToken: m.AccessToken, Expires: m.TokenExpires}
}

// grantRefused is what the owner of a mailbox is texted once.
var grantRefused = private.NewText("Google no longer lets us into your e-mail, so your mail is not being answered. Please connect the mailbox again in your e-mail settings.")

// refused marks a mailbox whose grant Google refuses, tells the tenant the first time, and reports whether err was that.
func refused(ctx context.Context, log *slog.Logger, t *store.Tenant, m store.Mailbox, err error) (bool, error) {
	if !errors.Is(err, google.ErrGrant) && !errors.Is(err, gmail.ErrScope) {
		return false, nil
	}
	first, markErr := t.MailboxGrantFailed(context.WithoutCancel(ctx), m, grantRefused)
	if first {
		log.ErrorContext(ctx, "a mailbox has stopped: Google refuses its grant", "tenant_id", t.Scope().ID(), "why", "grant", "error", err)
	}
	return true, markErr
}

// open reads the tenant's mailbox; ok is false when there is none that is to be read.
func open(ctx context.Context, t *store.Tenant) (m store.Mailbox, ok bool, err error) {
	m, err = t.Mailbox(ctx)
	if notFound(err) {
		return m, false, nil
	}
	return m, err == nil && m.Enabled && m.GrantFailed.IsZero(), err
}
