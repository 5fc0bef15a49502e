package mailbox

import (
	"context"
	"errors"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/crash"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

const (
	// A watch lasts seven days. Whoever has one that was renewed within half a day is left alone, so that renewing twice costs nothing.
	watchFresh = 6*24*time.Hour + 12*time.Hour

	silence     = time.Hour     // without an announcement: one may have been lost
	unreadFor   = 6 * time.Hour // then reading does not work
	sweepAtMost = 1000
	sweepOfEach = 100
	mostBoxes   = 10_000
)

// In the crash test's build these are shorter.
var (
	sweepLate  = crash.Quick(30 * time.Second) // a task that is on time has begun by then
	sweepNamed = crash.Quick(time.Minute)      // what is swept in it is one task, however often it is swept
)

// Renew has Gmail go on announcing what comes into the tenant's mailbox, and has the mailbox read, in case an announcement was lost. How far
// it was read stays as it is.
func (w *Worker) Renew(ctx context.Context, t *store.Tenant) (Done, error) {
	m, ok, err := open(ctx, t)
	if err != nil || !ok {
		return DoneNotConnected, err
	}
	watching, err := w.Gmail.Watch(ctx, grantOf(t, m), w.Topic)
	if is, markErr := refused(ctx, w.Log, t, m, err); is {
		return DoneGrantRefused, markErr
	}
	if err != nil {
		return "", err
	}
	if err := t.WatchStarted(ctx, m.Address, watching.Expires); err != nil {
		return "", err
	}
	return DoneRenewed, w.Queue.PutMailbox(ctx, t.Scope().ID(), w.Now())
}

// RenewAll queues the renewal of every watch, and logs each mailbox that has stopped with an error: alerts are made of it. It returns how many
// of either there are.
func (w *Worker) RenewAll(ctx context.Context) (queued, stopped int, err error) {
	boxes, err := w.Store.StoppedMailboxes(ctx, unreadFor, mostBoxes)
	if err != nil {
		return 0, 0, err
	}
	for _, b := range boxes {
		w.Log.ErrorContext(ctx, "a mailbox has stopped", "tenant_id", b.Scope.ID(), "why", b.Why)
	}
	expiring, err := w.Store.ExpiringWatches(ctx, watchFresh, mostBoxes)
	if err != nil {
		return 0, len(boxes), err
	}
	for i, scope := range expiring {
		if err := w.Queue.PutWatch(ctx, scope.ID(), w.Now()); err != nil {
			return i, len(boxes), err
		}
	}
	return len(expiring), len(boxes), nil
}

// Sweep queues what is overdue: mailboxes of which something was announced and which were not read, or of which nothing was announced for
// long, and mail that nothing was made of. It returns how many it queued.
func (w *Worker) Sweep(ctx context.Context) (int, error) {
	boxes, boxErr := w.Store.UnreadMailboxes(ctx, sweepLate, silence, sweepAtMost)
	for _, scope := range boxes {
		boxErr = errors.Join(boxErr, w.Queue.PutMailbox(ctx, scope.ID(), w.Now().Truncate(sweepNamed)))
	}
	mails, mailErr := w.Store.NoticedMails(ctx, sweepLate, sweepAtMost, sweepOfEach)
	for _, n := range mails {
		mailErr = errors.Join(mailErr, w.Queue.PutMail(ctx, n.Scope.ID(), n.EmailID, w.Now().Truncate(sweepNamed)))
	}
	return len(boxes) + len(mails), errors.Join(boxErr, mailErr)
}
