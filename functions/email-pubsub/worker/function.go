// Package worker is the function that reads mailboxes and answers mail.
//
// Cloud Tasks calls /workers/email/read to have a tenant's mailbox read, /workers/email/mail with the ids of a mail, /workers/email/reply with
// those of a reply, /workers/email/call for a crowded tenant's next and /workers/email/watch to have a watch renewed. Cloud Scheduler calls
// /workers/email/sweep each minute and /workers/email/renew each day. Each is proven by Google's token for this service's audience and account;
// nobody else may. The task says which tenant's data it is. 200 means done, or queued for later; 5xx means the same task again, which does no
// harm.
//
// Settings: DATABASE_URL, FIELD_ENCRYPTION_KEY, GMAIL_TOPIC, GEMINI_MODEL, GEMINI_API_KEY, AI_INTEGRATIONS_GEMINI_API_KEY,
// GOOGLE_GEMINI_BASE_URL, GOOGLE_API_BASE, GOOGLE_OAUTH_CLIENT_ID, GOOGLE_OAUTH_CLIENT_SECRET, CLOUD_TASKS_*, OIDC_ISSUER, OIDC_KEYS_URL.
package worker

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/mailbox"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/reply/endpoint"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Deps is what the function works with.
type Deps struct {
	Log       *slog.Logger
	Callers   *task.Verifier
	Mailboxes *mailbox.Worker
	Replies   *reply.Worker
}

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	google := httpx.Access[task.Call]{Name: "Cloud Tasks or Cloud Scheduler, by token", Caller: httpx.Provider, Proof: httpx.GoogleToken, Admit: d.Callers.Verify}
	return append(endpoint.Routes(task.MailReplyPath, task.MailCallPath, google, d.Replies),
		httpx.JSON("POST", task.MailboxPath, google, d.ofMailbox(d.Mailboxes.Read)),
		httpx.JSON("POST", task.WatchPath, google, d.ofMailbox(d.Mailboxes.Renew)),
		httpx.JSON("POST", task.MailPath, google, d.mail),
		httpx.JSON("POST", "/workers/email/renew", google, d.renew),
		httpx.JSON("POST", "/workers/email/sweep", google, d.sweep),
	)
}

type mailboxInput struct{ Body task.Mailbox }

type doneOutput struct {
	Body struct {
		Outcome mailbox.Done `json:"outcome"`
	}
}

func doneBody(ctx context.Context, done mailbox.Done, err error) (*doneOutput, error) {
	if err != nil {
		return nil, err
	}
	httpx.Note(ctx, slog.String("outcome", string(done)))
	out := &doneOutput{}
	out.Body.Outcome = done
	return out, nil
}

// ofMailbox does a piece of work on a tenant's mailbox.
func (d Deps) ofMailbox(work func(context.Context, *store.Tenant) (mailbox.Done, error)) func(context.Context, task.Call, *mailboxInput) (*doneOutput, error) {
	return func(ctx context.Context, call task.Call, in *mailboxInput) (*doneOutput, error) {
		t := d.Mailboxes.Store.For(tenant.ByTask(in.Body.TenantID))
		httpx.Note(ctx, call.Noted(t.Scope())...)
		done, err := work(ctx, t)
		return doneBody(ctx, done, err)
	}
}

type mailInput struct{ Body task.Mail }

// mail makes something of one mail.
func (d Deps) mail(ctx context.Context, call task.Call, in *mailInput) (*doneOutput, error) {
	t := d.Mailboxes.Store.For(tenant.ByTask(in.Body.TenantID))
	httpx.Note(ctx, call.Noted(t.Scope(), slog.Int64("email_id", in.Body.EmailID))...)
	done, err := d.Mailboxes.Work(ctx, t, in.Body.EmailID)
	return doneBody(ctx, done, err)
}

type renewOutput struct {
	Body struct {
		Queued  int `json:"queued"`
		Stopped int `json:"stopped" doc:"mailboxes that are to be answered and are not; each is an error in the log"`
	}
}

// renew queues the renewal of every watch and reports the mailboxes that have stopped.
func (d Deps) renew(ctx context.Context, call task.Call, _ *struct{}) (*renewOutput, error) {
	out := &renewOutput{}
	var err error
	if out.Body.Queued, out.Body.Stopped, err = d.Mailboxes.RenewAll(ctx); err != nil {
		return nil, err
	}
	httpx.Note(ctx, slog.String("actor", call.Email), slog.Int("queued", out.Body.Queued), slog.Int("stopped", out.Body.Stopped))
	return out, nil
}

type sweepOutput struct {
	Body struct {
		Queued int `json:"queued"`
	}
}

// sweep queues what is overdue.
func (d Deps) sweep(ctx context.Context, call task.Call, _ *struct{}) (*sweepOutput, error) {
	mails, mailErr := d.Mailboxes.Sweep(ctx)
	replies, replyErr := d.Replies.Sweep(ctx)
	if err := errors.Join(mailErr, replyErr); err != nil {
		return nil, err
	}
	httpx.Note(ctx, slog.String("actor", call.Email), slog.Int("queued", mails+replies))
	out := &sweepOutput{}
	out.Body.Queued = mails + replies
	return out, nil
}
