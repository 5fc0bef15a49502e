package setupprompt

import (
	"context"

	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

type composeInput struct {
	Channel prompt.Channel `query:"channel" enum:"sms,voice,email" default:"sms"`
}

type composeOutput struct {
	Body struct {
		Channel  prompt.Channel    `json:"channel"`
		Prompt   string            `json:"prompt"`
		Sections []composedSection `json:"sections" doc:"what of the prompt stands in bundles, in its order"`
	}
}

// compose tells what the model would be told now.
func (d Deps) compose(ctx context.Context, t *store.Tenant, in *composeInput) (*composeOutput, error) {
	live, err := t.Composition(ctx, in.Channel, 0)
	if err != nil {
		return nil, err
	}
	return composedOf(live.Recipe(d.Now()), live.Prompt), nil
}

type composedInput struct {
	MessageID int64 `path:"message_id"`
}

// composed tells what the model was told when it wrote a message, byte for byte, whatever has been published since.
func (d Deps) composed(ctx context.Context, t *store.Tenant, in *composedInput) (*composeOutput, error) {
	recipe, then, err := t.Composed(ctx, in.MessageID)
	if err != nil {
		return nil, err
	}
	return composedOf(recipe, then), nil
}

func composedOf(recipe prompt.Recipe, p store.Prompt) *composeOutput {
	merged := p.Merged()
	out := &composeOutput{}
	out.Body.Channel, out.Body.Prompt, out.Body.Sections = recipe.Channel, recipe.Compose(prompt.Write(merged)), showComposed(merged)
	return out
}
