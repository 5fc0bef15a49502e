package task

import (
	"context"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Where email-pubsub/worker takes its work.
const (
	MailboxPath   = "/workers/email/read"
	MailPath      = "/workers/email/mail"
	MailReplyPath = "/workers/email/reply"
	MailCallPath  = "/workers/email/call"
	WatchPath     = "/workers/email/watch"
)

// Mailbox is the work of reading a tenant's mailbox, and that of having Gmail announce what comes into it.
type Mailbox struct {
	TenantID tenant.ID `json:"tenant_id" minimum:"1"`
}

// Mail is the work of making something of one mail.
type Mail struct {
	TenantID tenant.ID `json:"tenant_id" minimum:"1"`
	EmailID  int64     `json:"email_id" minimum:"1"`
}

// How long the work may take: a mailbox has pages, a mail may be large, and Gmail has both.
const (
	mailboxDeadline = 3 * time.Minute
	mailDeadline    = 2 * time.Minute
)

// MailQueue puts the work on mail. Its replies are worked on by email-pubsub/worker.
type MailQueue struct{ *Queue }

// PutReply queues a reply by mail for a time. The same reply for the same time is one task.
func (q MailQueue) PutReply(ctx context.Context, id tenant.ID, replyID int64, at time.Time) error {
	return q.Put(ctx, Task{Name: nameOf("mail-reply", replyID, at), Path: MailReplyPath, Body: Reply{id, replyID}, At: at, Deadline: replyDeadline})
}

// PutCall queues the calling of a tenant's next reply by mail for a time.
func (q MailQueue) PutCall(ctx context.Context, id tenant.ID, at time.Time) error {
	return q.Put(ctx, Task{Name: nameOf("mail-call", int64(id), at), Path: MailCallPath, Body: NextReply{id}, At: at, Deadline: callDeadline})
}

// PutMailbox queues the reading of a tenant's mailbox for a time. For the same time it is one task, however often it is put.
func (q MailQueue) PutMailbox(ctx context.Context, id tenant.ID, at time.Time) error {
	return q.Put(ctx, Task{Name: nameOf("mailbox", int64(id), at), Path: MailboxPath, Body: Mailbox{id}, At: at, Deadline: mailboxDeadline})
}

// PutMail queues one mail for a time.
func (q MailQueue) PutMail(ctx context.Context, id tenant.ID, emailID int64, at time.Time) error {
	return q.Put(ctx, Task{Name: nameOf("mail", emailID, at), Path: MailPath, Body: Mail{id, emailID}, At: at, Deadline: mailDeadline})
}

// PutWatch queues the renewal of a mailbox's watch.
func (q MailQueue) PutWatch(ctx context.Context, id tenant.ID, at time.Time) error {
	return q.Put(ctx, Task{Name: nameOf("watch", int64(id), at), Path: WatchPath, Body: Mailbox{id}, At: at, Deadline: mailDeadline})
}
