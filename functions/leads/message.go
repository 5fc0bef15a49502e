package leads

import (
	"context"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// conversationMessage is how one message of a conversation is answered.
type conversationMessage struct {
	ID         int64     `json:"id"`
	Role       string    `json:"role" doc:"user for the customer, assistant, or staff for a person of the tenant"`
	Text       string    `json:"text"`
	MediaCount int       `json:"media_count" doc:"how many attachments came with it"`
	OccurredAt time.Time `json:"occurred_at"`
}

func showMessage(e store.Entry) conversationMessage {
	return conversationMessage{ID: e.ID, Role: e.Role, Text: e.Text.Reveal(), MediaCount: e.Media, OccurredAt: e.At}
}

type listMessagesInput struct {
	ID int64 `path:"conversation_id" minimum:"1"`
	httpx.PageInput
}

type messagesOutput struct {
	Body httpx.Page[conversationMessage]
}

// listMessages lists the messages of a conversation, the newest first.
func (d Deps) listMessages(ctx context.Context, t *store.Tenant, in *listMessagesInput) (*messagesOutput, error) {
	var after store.Place
	if err := in.After(&after); err != nil {
		return nil, err
	}
	found, err := t.Messages(ctx, in.ID, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &messagesOutput{httpx.NewPage(found, in.Limit, showMessage, func(e store.Entry) any { return store.Place{At: e.At, ID: e.ID} })}, nil
}

type sendTextInput struct {
	ID   int64  `path:"conversation_id" minimum:"1"`
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"the same text with the same key is sent once, however often it is posted"`
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"10000" example:"We have a place for you on Saturday at 9." doc:"sent as it is; 1,600 characters at most in a text message"`
	}
}

type sendTextOutput struct {
	Body struct {
		ReplyID int64            `json:"reply_id"`
		State   store.ReplyState `json:"state" doc:"planned, until it is on its way"`
	}
}

// sendText has a person's words sent to the customer of a conversation, on its channel. Once it is answered the text is recorded, and goes out within
// seconds; it appears among the messages when the provider has taken it. Nothing is sent to somebody who has opted out.
func (d Deps) sendText(ctx context.Context, t *store.Tenant, in *sendTextInput) (*sendTextOutput, error) {
	if strings.TrimSpace(in.Body.Text) == "" {
		return nil, fault.New(fault.Invalid, "text: write something")
	}
	planned, err := t.PlanStaffText(ctx, store.StaffText{ConversationID: in.ID, Text: private.NewText(in.Body.Text), Key: in.Key})
	if err != nil {
		return nil, err
	}
	if planned.State == store.Planned {
		d.queue(ctx, t, planned)
	}
	out := &sendTextOutput{}
	out.Body.ReplyID, out.Body.State = planned.ReplyID, planned.State
	return out, nil
}

// queueWait bounds the time that queueing may add to an answer.
const queueWait = time.Second

// queue has the worker called for a text. One that is not queued is recorded all the same, and the sweeper finds it.
func (d Deps) queue(ctx context.Context, t *store.Tenant, p store.PlannedReply) {
	ctx, cancel := context.WithTimeout(ctx, queueWait)
	defer cancel()
	put := d.Queue.PutReply
	if p.Channel == prompt.Email {
		put = d.Mail.PutReply
	}
	if err := put(ctx, t.Scope().ID(), p.ReplyID, p.ActAt); err != nil {
		d.Log.WarnContext(ctx, "text not queued; the sweeper will", "tenant_id", t.Scope().ID(), "reply_id", p.ReplyID, "error", err)
	}
}
