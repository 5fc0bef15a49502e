package setupprompt

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// promptSetUp is a whole prompt in a few fields.
type promptSetUp struct {
	Name               string          `json:"name,omitempty" maxLength:"200" doc:"Prompt when left out"`
	BusinessPrompt     string          `json:"business_prompt" maxLength:"40000" example:"ExampleCo sells widgets, Monday to Friday from 9 am to 5 pm." doc:"the section business_info"`
	FAQ                string          `json:"faq,omitempty" maxLength:"40000" doc:"the section faq"`
	Rules              string          `json:"rules,omitempty" maxLength:"40000" doc:"the section rules"`
	AdditionalSections []promptSection `json:"additional_sections,omitempty" maxItems:"100"`
	Channel            prompt.Channel  `json:"channel,omitempty" enum:"any,sms,voice,email" default:"any" doc:"a channel's own prompt lies over the one for any"`
}

type setUpInput struct{ Body promptSetUp }

type setUpOutput struct {
	Body struct {
		BundleID int64          `json:"bundle_id"`
		Version  int            `json:"version"`
		Channel  prompt.Channel `json:"channel"`
		Message  string         `json:"message"`
	}
}

// Where the parts of a set-up stand: after the global sections, in this order.
const (
	businessAt   = 100
	faqAt        = 110
	rulesAt      = 120
	additionalAt = 130
)

// reserved is the key of what only a global bundle may say; a set-up that used it would replace that without meaning to.
const reserved = "system"

// setUp makes what was sent the tenant's live prompt, as its next version.
func (d Deps) setUp(ctx context.Context, t *store.Tenant, in *setUpInput) (*setUpOutput, error) {
	sections, err := in.Body.sections()
	if err != nil {
		return nil, err
	}
	name := cmp.Or(strings.TrimSpace(in.Body.Name), "Prompt")
	made, err := t.PublishPrompt(ctx, in.Body.Channel, name, sections)
	if err != nil {
		return nil, err
	}
	out := &setUpOutput{}
	out.Body.BundleID, out.Body.Version, out.Body.Channel, out.Body.Message = made.ID, made.Version, made.Channel, whatIsLive(made)
	return out, nil
}

func (b promptSetUp) sections() ([]prompt.Section, error) {
	if strings.TrimSpace(b.BusinessPrompt) == "" {
		return nil, fault.New(fault.Invalid, "business_prompt must say something about the business")
	}
	var own []prompt.Section
	for _, part := range []prompt.Section{
		{Key: "business_info", Content: strings.TrimSpace(b.BusinessPrompt), Position: businessAt},
		{Key: "faq", Content: strings.TrimSpace(b.FAQ), Position: faqAt},
		{Key: "rules", Content: strings.TrimSpace(b.Rules), Position: rulesAt},
	} {
		if part.Content != "" {
			own = append(own, part)
		}
	}
	additional, err := sectionsOf(b.AdditionalSections, additionalAt)
	if err != nil {
		return nil, err
	}
	for _, s := range additional {
		if s.Key == reserved {
			return nil, fault.New(fault.Invalid, "section_key %q is kept for the global prompt; choose another", s.Key)
		}
	}
	own = append(own, additional...)
	return own, valid(own)
}

// whatIsLive tells of a new version, and which global sections it replaces, so that nobody does so unawares.
func whatIsLive(made store.Published) string {
	message := fmt.Sprintf("version %d is live", made.Version)
	if made.Channel != prompt.Any {
		message += " for the channel " + string(made.Channel)
	}
	if len(made.Replaced) > 0 {
		message += "; of the global prompt it replaces: " + strings.Join(made.Replaced, ", ")
	}
	return message
}

type currentInput struct {
	Channel prompt.Channel `query:"channel" enum:"any,sms,voice,email" default:"any" doc:"any: what is the same for every channel"`
}

type currentOutput struct {
	Body struct {
		TenantID int64          `json:"tenant_id"`
		Channel  prompt.Channel `json:"channel"`
		Prompt   *string        `json:"prompt" doc:"null while the tenant has no live bundle of its own"`
		BundleID *int64         `json:"bundle_id" doc:"the tenant's own; one of the channel before one for any"`
		Version  *int           `json:"version"`
	}
}

// current tells the tenant's live prompt.
func (d Deps) current(ctx context.Context, t *store.Tenant, in *currentInput) (*currentOutput, error) {
	live, err := t.Composition(ctx, in.Channel, 0)
	if err != nil {
		return nil, err
	}
	out := &currentOutput{}
	out.Body.TenantID, out.Body.Channel = int64(t.Scope().ID()), in.Channel
	if own, there := live.Own(); there {
		text := live.Recipe(d.Now()).Compose(prompt.Write(live.Merged()))
		out.Body.Prompt, out.Body.BundleID, out.Body.Version = &text, &own.Bundle, &own.Version
	}
	return out, nil
}
