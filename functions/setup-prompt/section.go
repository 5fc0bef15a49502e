package setupprompt

import (
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
)

// promptSection is a section as it is sent.
type promptSection struct {
	Key     string `json:"section_key" example:"opening_hours" doc:"one to 64 of the characters a to z, 0 to 9 and _; one of a global section replaces that"`
	Content string `json:"content" maxLength:"40000" example:"We are open from 9 am to 5 pm."`
	Order   *int   `json:"order,omitempty" minimum:"0" maximum:"1000000" doc:"sections stand in this order, then in that of their keys; global ones begin at 10, a tenant's own at 100. Left out: after those before it"`
}

// step is how far sections whose order is left out stand apart.
const step = 10

// sectionsOf are the sections in the order in which they were sent; the first without an order stands at first. fault.Invalid names
// one that a bundle cannot hold.
func sectionsOf(sent []promptSection, first int) ([]prompt.Section, error) {
	sections := make([]prompt.Section, 0, len(sent))
	for i, s := range sent {
		position := first + i*step
		if s.Order != nil {
			position = *s.Order
		}
		sections = append(sections, prompt.Section{Key: s.Key, Content: strings.TrimSpace(s.Content), Position: position})
	}
	return sections, valid(sections)
}

func valid(sections []prompt.Section) error {
	if err := prompt.Validate(sections); err != nil {
		return fault.New(fault.Invalid, "%v", err)
	}
	return nil
}

// bundleSection is a section of a bundle as it is answered.
type bundleSection struct {
	Key     string `json:"section_key"`
	Content string `json:"content"`
	Order   int    `json:"order"`
}

func showSections(sections []prompt.Section) []bundleSection {
	shown := make([]bundleSection, 0, len(sections))
	for _, s := range sections {
		shown = append(shown, bundleSection{s.Key, s.Content, s.Position})
	}
	return shown
}

// composedSection is a section of a composed prompt, with where it came from.
type composedSection struct {
	Key      string         `json:"section_key"`
	Content  string         `json:"content"`
	Order    int            `json:"order"`
	Origin   string         `json:"origin" enum:"global,tenant"`
	BundleID int64          `json:"bundle_id"`
	Version  int            `json:"version"`
	Channel  prompt.Channel `json:"channel" doc:"of the bundle"`
}

// showComposed are the merged sections that a prompt says; one without words it leaves out.
func showComposed(merged []prompt.Section) []composedSection {
	shown := make([]composedSection, 0, len(merged))
	for _, s := range merged {
		origin := "global"
		if s.From.Tenant {
			origin = "tenant"
		}
		if strings.TrimSpace(s.Content) != "" {
			shown = append(shown, composedSection{s.Key, s.Content, s.Position, origin, s.From.Bundle, s.From.Version, s.From.Channel})
		}
	}
	return shown
}
