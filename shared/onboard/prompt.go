package onboard

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// prompt publishes the file's prompt, unless the live one has the same sections.
func (a *applying) prompt(ctx context.Context, name string) error {
	want := a.file.Prompt
	if want == nil {
		return nil
	}
	var live struct {
		BundleID *int64 `json:"bundle_id"`
	}
	if err := a.inside.Call(ctx, http.MethodGet, "/tenant-setup/current-prompt?channel=any", nil, &live); err != nil {
		return err
	}
	step := Step{Name: name, Outcome: Made}
	if live.BundleID != nil {
		same, err := a.isLive(ctx, *live.BundleID)
		if err != nil {
			return err
		}
		if same {
			a.tell(Step{Name: name, Outcome: Unchanged})
			return nil
		}
		step.Outcome = Changed
	}
	var made struct {
		Message string `json:"message"`
	}
	if err := a.inside.Call(ctx, http.MethodPost, "/tenant-setup/setup-prompt", want, &made); err != nil {
		return err
	}
	step.Note = made.Message
	a.tell(step)
	return nil
}

// isLive reports whether a bundle has the file's sections and no other. An order that the file leaves out may be any.
func (a *applying) isLive(ctx context.Context, bundle int64) (bool, error) {
	var live struct {
		Sections []Section `json:"sections"`
	}
	if err := a.inside.Call(ctx, http.MethodGet, fmt.Sprintf("/prompts/bundles/%d", bundle), nil, &live); err != nil {
		return false, err
	}
	want := a.file.Prompt.sections()
	if len(live.Sections) != len(want) {
		return false, nil
	}
	for _, s := range live.Sections {
		w, there := want[s.Key]
		if !there || w.Content != s.Content || w.Order != nil && (s.Order == nil || *w.Order != *s.Order) {
			return false, nil
		}
	}
	return true, nil
}

// sections are what setup-prompt makes of a prompt, by key.
func (p *Prompt) sections() map[string]Section {
	all := append([]Section{
		{Key: "business_info", Content: p.BusinessPrompt}, {Key: "faq", Content: p.FAQ}, {Key: "rules", Content: p.Rules},
	}, p.AdditionalSections...)
	byKey := map[string]Section{}
	for _, s := range all {
		if s.Content = strings.TrimSpace(s.Content); s.Content != "" {
			byKey[s.Key] = s
		}
	}
	return byKey
}
