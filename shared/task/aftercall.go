package task

import (
	"context"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// AfterCallPath is where ai-call-complete/worker takes an AfterCall.
const AfterCallPath = "/workers/calls/finish"

// AfterCall is the work of making something of a call that is over.
type AfterCall struct {
	TenantID tenant.ID `json:"tenant_id"`
	CallID   int64     `json:"call_id"`
}

// afterCallDeadline leaves Telnyx its 20 seconds and the model its 60.
const afterCallDeadline = 2 * time.Minute

// PutAfterCall queues the work on a call for a time. The same call for the same time is one task, however often it is put.
func (q *Queue) PutAfterCall(ctx context.Context, id tenant.ID, callID int64, at time.Time) error {
	return q.Put(ctx, Task{Name: nameOf("aftercall", callID, at), Path: AfterCallPath, Body: AfterCall{id, callID}, At: at, Deadline: afterCallDeadline})
}
