// Package prompt composes what the model is told: the sections that every tenant inherits, the tenant's own over them, its
// business profile and the style of the channel. It is pure: the same input gives the same bytes.
package prompt

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Section is one part of a prompt.
type Section struct {
	Key      string // names it; a later layer's section replaces an earlier one's of the same key
	Content  string
	Position int
	From     Source
}

// Source is the bundle that a section stands in.
type Source struct {
	Bundle  int64
	Tenant  bool // the tenant's own, not inherited
	Channel Channel
	Version int
}

// Profile is what a business says of itself.
type Profile struct {
	BusinessName string `json:"business_name,omitempty"`
	WebsiteURL   string `json:"website_url,omitempty"`
	Phone        string `json:"phone_number,omitempty"`
	Email        string `json:"email,omitempty"`
}

// Channel is how the answer will reach the customer.
type Channel string

// The channels. Any is that of a bundle which serves them all.
const (
	Any   Channel = "any"
	SMS   Channel = "sms"
	Voice Channel = "voice"
	Email Channel = "email"
)

// Merge lays sections over each other, the later layer over the earlier: global sections, the global ones of the channel, the
// tenant's, the tenant's of the channel. Where keys are equal the later one wins, with its own position. The result is ordered by
// position, then key; the order of a layer's elements does not matter.
func Merge(layers ...[]Section) []Section {
	byKey := map[string]Section{}
	for _, layer := range layers {
		for _, s := range layer {
			byKey[s.Key] = s
		}
	}
	merged := slices.Collect(maps.Values(byKey))
	slices.SortFunc(merged, func(a, b Section) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), strings.Compare(a.Key, b.Key))
	})
	return merged
}

// Text is merged sections written out: the part of a prompt that stays the same until somebody publishes.
type Text string

// Write writes merged sections out, in their order.
func Write(merged []Section) Text {
	var b strings.Builder
	for _, s := range merged {
		if content := strings.TrimSpace(s.Content); content != "" {
			b.WriteString("\n# ")
			b.WriteString(s.Key)
			b.WriteByte('\n')
			b.WriteString(content)
			b.WriteByte('\n')
		}
	}
	return Text(b.String())
}

// Recipe is all that a composed prompt depends on besides the sections of its bundles, which stay as they are once published:
// with it, what the model was told for an answer can be composed again, byte for byte.
type Recipe struct {
	Composer int     `json:"composer"`
	Channel  Channel `json:"channel"`
	Bundles  []int64 `json:"bundles"` // in the order of their layers
	Profile  Profile `json:"profile"`
	Now      string  `json:"now"` // as the prompt says it
}

// NewRecipe is what a prompt is composed of at a moment. now is in the tenant's time zone.
func NewRecipe(c Channel, bundles []int64, p Profile, now time.Time) Recipe {
	return Recipe{Composer: composer, Channel: c, Bundles: bundles, Profile: p, Now: now.Format("Monday, 2 January 2006, 15:04 MST")}
}

// Compose writes the system instruction for one tenant from its merged sections.
func (r Recipe) Compose(sections Text) string {
	style := styles[r.Composer][r.Channel]
	var b strings.Builder
	b.Grow(len(sections) + len(style) + 512)
	b.WriteString("# Business\n")
	for _, line := range r.Profile.lines() {
		if line.value != "" {
			b.WriteString(line.name)
			b.WriteString(": ")
			b.WriteString(line.value)
			b.WriteByte('\n')
		}
	}
	b.WriteString("Now: ")
	b.WriteString(r.Now)
	b.WriteByte('\n')
	b.WriteString(string(sections))
	if style != "" {
		b.WriteString("\n# How to answer\n")
		b.WriteString(style)
		b.WriteByte('\n')
	}
	return b.String()
}

type profileLine struct{ name, value string }

func (p Profile) lines() [4]profileLine {
	return [4]profileLine{{"Business name", p.BusinessName}, {"Website", p.WebsiteURL}, {"Phone", p.Phone}, {"E-mail", p.Email}}
}
