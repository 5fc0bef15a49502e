package mailbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/crash"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// What is looked through when Gmail's history does not reach back to where a mailbox was read to.
const (
	resyncQuery = "newer_than:2d"
	resyncPages = 20 // of 500
)

// lagWait is for a history that does not show yet what was announced. It may never: what was announced may be an operator's invention.
var lagWait = crash.Quick(15 * time.Second)

func notFound(err error) bool { return err != nil && fault.KindOf(err) == fault.NotFound }

// Read lists what is new in the tenant's mailbox, records it, and queues it. The place that it was read to moves on only when all of that is
// recorded. An error means that the same task should come again.
func (w *Worker) Read(ctx context.Context, t *store.Tenant) (Done, error) {
	m, ok, err := open(ctx, t)
	if err != nil || !ok {
		return DoneNotConnected, err
	}
	done, err := w.read(ctx, t, m)
	if is, markErr := refused(ctx, w.Log, t, m, err); is {
		return DoneGrantRefused, markErr
	}
	return done, err
}

func (w *Worker) read(ctx context.Context, t *store.Tenant, m store.Mailbox) (Done, error) {
	g := grantOf(t, m)
	done, until, err := w.list(ctx, t, m, g)
	if err != nil {
		return "", err
	}
	crash.Point("mailbox.listed")
	access, expires := w.Gmail.Tokens.Current(g)
	again, noticed, err := t.MailboxRead(ctx, m, until, done == DoneResynced, access, expires)
	if err != nil {
		return "", err
	}
	crash.Point("mailbox.read")
	now := w.Now()
	for _, id := range noticed {
		if err := w.Queue.PutMail(ctx, t.Scope().ID(), id, now); err != nil {
			return "", err
		}
	}
	if again {
		wait := time.Second
		if until <= m.HistoryID {
			wait = lagWait
		}
		return done, w.Queue.PutMailbox(ctx, t.Scope().ID(), now.Truncate(wait).Add(wait))
	}
	return done, nil
}

// list records all that is new, and tells up to where that is.
func (w *Worker) list(ctx context.Context, t *store.Tenant, m store.Mailbox, g google.Grant) (Done, uint64, error) {
	if m.HistoryID == 0 {
		return w.resync(ctx, t, m, g)
	}
	var until uint64
	for page, first := "", true; first || page != ""; first = false {
		h, err := w.Gmail.History(ctx, g, m.HistoryID, page)
		if errors.Is(err, gmail.ErrHistoryGone) {
			return w.resync(ctx, t, m, g)
		}
		if err != nil {
			return "", 0, err
		}
		if err := w.notice(ctx, t, m, h.Added); err != nil {
			return "", 0, err
		}
		page, until = h.Next, max(until, h.HistoryID)
	}
	return DoneRead, until, nil
}

// resync looks through the mail of the last days. It asks first up to where that will be: what comes while it looks is in the history then.
func (w *Worker) resync(ctx context.Context, t *store.Tenant, m store.Mailbox, g google.Grant) (Done, uint64, error) {
	now, err := w.Gmail.Profile(ctx, g)
	if err != nil {
		return "", 0, err
	}
	for _, label := range []string{"INBOX", "SENT"} {
		if err := w.lookThrough(ctx, t, m, g, label); err != nil {
			return "", 0, err
		}
	}
	return DoneResynced, now.HistoryID, nil
}

func (w *Worker) lookThrough(ctx context.Context, t *store.Tenant, m store.Mailbox, g google.Grant, label string) error {
	page := ""
	for range resyncPages {
		added, next, err := w.Gmail.Recent(ctx, g, label, resyncQuery, page)
		if err != nil {
			return err
		}
		if err := w.notice(ctx, t, m, added); err != nil {
			return err
		}
		if page = next; page == "" {
			return nil
		}
	}
	w.Log.ErrorContext(ctx, "a mailbox has more recent mail than is looked through", "tenant_id", t.Scope().ID())
	return nil
}

// notice records what came in, and what people of the tenant have sent by hand. What is in the inbox came in, whoever sent it: a website's
// form may write from the mailbox to itself.
func (w *Worker) notice(ctx context.Context, t *store.Tenant, m store.Mailbox, added []gmail.Added) error {
	var listed []store.Listed
	for _, a := range added {
		in, sent := slices.Contains(a.Labels, "INBOX"), slices.Contains(a.Labels, "SENT")
		if in || sent {
			listed = append(listed, store.Listed{ID: a.ID, ThreadID: a.ThreadID, ByHand: sent && !in})
		}
	}
	if len(listed) == 0 {
		return nil
	}
	return t.NoticeMails(ctx, m.Address, listed)
}
