package operations

import (
	"context"

	"github.com/chattercheatah/chattercheatah/shared/store"
)

type retentionBody struct {
	ConversationsDays *int `json:"conversations_days" minimum:"30" maximum:"36500" example:"730" doc:"conversations, their messages and mails, and contacts; null keeps them for ever"`
	CallsDays         *int `json:"calls_days" minimum:"30" maximum:"36500" example:"365" doc:"what was said in calls, and by whom; null keeps it for ever"`
	LeadsDays         *int `json:"leads_days" minimum:"30" maximum:"36500" example:"1095" doc:"null keeps them for ever"`
}

type retentionOutput struct{ Body retentionBody }

// retention is after how many days without anything new the tenant's data is erased.
func (d Deps) retention(ctx context.Context, t *store.Tenant, _ *struct{}) (*retentionOutput, error) {
	r, err := t.Retention(ctx)
	return &retentionOutput{retentionBody(r)}, err
}

type keepForInput struct{ Body retentionBody }

// keepFor changes that, all of it.
func (d Deps) keepFor(ctx context.Context, t *store.Tenant, in *keepForInput) (*retentionOutput, error) {
	return &retentionOutput{in.Body}, t.KeepFor(ctx, store.Retention(in.Body))
}
