package leads

import (
	"context"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// conversation is how a conversation is answered.
type conversation struct {
	ID              int64      `json:"id"`
	Channel         string     `json:"channel"`
	PhoneNumber     *string    `json:"phone_number" doc:"of texts"`
	Email           *string    `json:"email" doc:"of mail: who wrote last"`
	Subject         *string    `json:"subject" doc:"of mail"`
	HandledBy       string     `json:"handled_by" doc:"assistant, or human while a person has taken it over and the assistant is silent"`
	NeedsAttention  bool       `json:"needs_attention"`
	AttentionReason *string    `json:"attention_reason" doc:"why staff should look at it"`
	AttentionAt     *time.Time `json:"attention_at" doc:"since when"`
	LastMessageAt   time.Time  `json:"last_message_at"`
	CreatedAt       time.Time  `json:"created_at"`
}

func showConversation(c store.Conversation) conversation {
	shown := conversation{
		ID: c.ID, Channel: c.Channel, PhoneNumber: nullIfZero(c.Phone.E164()), Email: nullIfZero(c.Email), Subject: nullIfZero(c.Subject), HandledBy: "assistant",
		NeedsAttention: c.Attention != "", AttentionReason: nullIfZero(c.Attention), LastMessageAt: c.LastMessage, CreatedAt: c.CreatedAt,
	}
	if c.ByHuman {
		shown.HandledBy = "human"
	}
	if shown.NeedsAttention {
		shown.AttentionAt = &c.AttentionSince
	}
	return shown
}

type conversationOutput struct{ Body conversation }

func conversationBody(c store.Conversation, err error) (*conversationOutput, error) {
	if err != nil {
		return nil, err
	}
	return &conversationOutput{showConversation(c)}, nil
}

type listConversationsInput struct {
	httpx.PageInput
	Channel        string `query:"channel" enum:"sms,voice,email"`
	NeedsAttention bool   `query:"needs_attention" doc:"true lists only those that staff should look at"`
	HandledBy      string `query:"handled_by" enum:"assistant,human"`
}

type conversationsOutput struct{ Body httpx.Page[conversation] }

// listConversations lists the conversations of every channel that all of the filters let through, the one with the newest message first.
func (d Deps) listConversations(ctx context.Context, t *store.Tenant, in *listConversationsInput) (*conversationsOutput, error) {
	var after store.Place
	if err := in.After(&after); err != nil {
		return nil, err
	}
	f := store.ConversationFilter{Channel: in.Channel, NeedsAttention: in.NeedsAttention, HandledBy: in.HandledBy}
	found, err := t.Conversations(ctx, f, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	placeOf := func(c store.Conversation) any { return store.Place{At: c.LastMessage, ID: c.ID} }
	return &conversationsOutput{httpx.NewPage(found, in.Limit, showConversation, placeOf)}, nil
}

type conversationInput struct {
	ID int64 `path:"conversation_id" minimum:"1"`
}

// getConversation answers with one conversation.
func (d Deps) getConversation(ctx context.Context, t *store.Tenant, in *conversationInput) (*conversationOutput, error) {
	return conversationBody(t.Conversation(ctx, in.ID))
}

// takeOver gives a conversation to a person: what the assistant has not sent yet it does not send.
func (d Deps) takeOver(ctx context.Context, t *store.Tenant, in *conversationInput) (*conversationOutput, error) {
	return conversationBody(t.TakeOver(ctx, in.ID))
}

// handBack gives a conversation back to the assistant.
func (d Deps) handBack(ctx context.Context, t *store.Tenant, in *conversationInput) (*conversationOutput, error) {
	return conversationBody(t.HandBack(ctx, in.ID))
}
