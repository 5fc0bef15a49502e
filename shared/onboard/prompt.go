package onboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/api"
)

// prompt publishes the file's prompt, unless the live one has the same sections.
func (a *applying) prompt(ctx context.Context, name string) error {
	want := a.file.Prompt
	if want == nil {
		return nil
	}
	return a.publish(ctx, name, "any", want.sections(), func(ctx context.Context, inside *api.Client) (string, error) {
		var made struct {
			Message string `json:"message"`
		}
		err := inside.Call(ctx, http.MethodPost, "/tenant-setup/setup-prompt", want, &made)
		return made.Message, err
	})
}

// voicePrompt publishes the prompt of calls, unless the live one has the same sections.
func (a *applying) voicePrompt(ctx context.Context, name string) error {
	want := a.file.VoicePrompt
	if want == nil {
		return nil
	}
	return a.publish(ctx, name, "voice", byKey(want.sections), func(ctx context.Context, inside *api.Client) (string, error) {
		var made, live struct {
			ID      int64 `json:"id"`
			Version int   `json:"version"`
		}
		draft := map[string]any{"name": cmp.Or(want.Name, "Voice prompt"), "channel": "voice", "sections": want.sections}
		if err := inside.Call(ctx, http.MethodPost, "/prompts/bundles", draft, &made); err != nil {
			return "", err
		}
		err := inside.Call(ctx, http.MethodPost, fmt.Sprintf("/prompts/bundles/%d/publish", made.ID), nil, &live)
		return fmt.Sprintf("version %d is live for the channel voice", live.Version), err
	})
}

// publish has the sections made a channel's live prompt, unless they are it already; by tells what became of it.
func (a *applying) publish(ctx context.Context, name, channel string, want map[string]Section, by func(context.Context, *api.Client) (string, error)) error {
	live, err := a.live(ctx, channel)
	if err != nil {
		return err
	}
	step := Step{Name: name, Outcome: Made}
	if live != nil {
		step.Outcome = Changed
		if sameSections(live, want) {
			a.tell(Step{Name: name, Outcome: Unchanged})
			return nil
		}
	}
	if step.Note, err = by(ctx, a.inside); err != nil {
		return err
	}
	a.tell(step)
	return nil
}

// live are the sections of the channel's live bundle; nil when it has none of its own.
func (a *applying) live(ctx context.Context, channel string) ([]Section, error) {
	var current struct {
		BundleID *int64 `json:"bundle_id"`
	}
	if err := a.inside.Call(ctx, http.MethodGet, "/tenant-setup/current-prompt?channel="+channel, nil, &current); err != nil || current.BundleID == nil {
		return nil, err
	}
	var bundle struct {
		Channel  string    `json:"channel"`
		Sections []Section `json:"sections"`
	}
	err := a.inside.Call(ctx, http.MethodGet, fmt.Sprintf("/prompts/bundles/%d", *current.BundleID), nil, &bundle)
	if err != nil || bundle.Channel != channel { // a channel without one of its own goes by that for any
		return nil, err
	}
	return bundle.Sections, nil
}

// sameSections reports whether a bundle has the file's sections and no other. An order that the file leaves out may be any.
func sameSections(live []Section, want map[string]Section) bool {
	if len(live) != len(want) {
		return false
	}
	for _, s := range live {
		w, there := want[s.Key]
		if !there || w.Content != s.Content || w.Order != nil && (s.Order == nil || *w.Order != *s.Order) {
			return false
		}
	}
	return true
}

// sections are what setup-prompt makes of a prompt, by key.
func (p *Prompt) sections() map[string]Section {
	return byKey(append([]Section{
		{Key: "business_info", Content: p.BusinessPrompt}, {Key: "faq", Content: p.FAQ}, {Key: "rules", Content: p.Rules},
	}, p.AdditionalSections...))
}

func byKey(all []Section) map[string]Section {
	keyed := map[string]Section{}
	for _, s := range all {
		if s.Content = strings.TrimSpace(s.Content); s.Content != "" {
			keyed[s.Key] = s
		}
	}
	return keyed
}
