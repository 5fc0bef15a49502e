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

// replyDeadline leaves the model its 45 seconds and the send its own.
const replyDeadline = 90 * time.Second

// PutReply queues the work on a reply for a time. The same reply for the same time is one task, however often it is put.
func (q *Queue) PutReply(ctx context.Context, id tenant.ID, replyID int64, at time.Time) error {
	sum := sha256.Sum256(fmt.Appendf(nil, "reply:%d:%d", replyID, at.UnixMicro()))
	return q.Put(ctx, Task{
		Name:     hex.EncodeToString(sum[:16]),
		Path:     ReplyPath,
		Body:     Reply{id, replyID},
		At:       at,
		Deadline: replyDeadline,
	})
}
