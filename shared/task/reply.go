package task

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// ReplyPath is where telnyx-sms/worker takes a Reply.
const ReplyPath = "/workers/sms/reply"

// Reply is the work of composing and sending one reply. It carries ids alone: what it is about is read from the database
// when its turn comes.
type Reply struct {
	TenantID tenant.ID `json:"tenant_id"`
	ReplyID  int64     `json:"reply_id"`
}

// CallPath is where telnyx-sms/worker takes a NextReply.
const CallPath = "/workers/sms/call"

// NextReply is the work of queueing a tenant's next reply, when it has so many that not each has a task.
type NextReply struct {
	TenantID tenant.ID `json:"tenant_id"`
}

// replyDeadline leaves the model its 45 seconds and the send its own.
const replyDeadline = 90 * time.Second

const callDeadline = 15 * time.Second

// PutReply queues the work on a reply for a time. The same reply for the same time is one task, however often it is put.
func (q *Queue) PutReply(ctx context.Context, id tenant.ID, replyID int64, at time.Time) error {
	return q.Put(ctx, Task{
		Name:     nameOf("reply", replyID, at),
		Path:     ReplyPath,
		Body:     Reply{id, replyID},
		At:       at,
		Deadline: replyDeadline,
	})
}

// PutCall queues the calling of a tenant's next reply for a time. For the same time it is one task, however often it is put.
func (q *Queue) PutCall(ctx context.Context, id tenant.ID, at time.Time) error {
	return q.Put(ctx, Task{Name: nameOf("call", int64(id), at), Path: CallPath, Body: NextReply{id}, At: at, Deadline: callDeadline})
}

// nameOf spreads names evenly, as Cloud Tasks asks for.
func nameOf(work string, id int64, at time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s:%d:%d", work, id, at.UnixMicro()))
	return hex.EncodeToString(sum[:16])
}
