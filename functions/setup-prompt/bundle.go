package setupprompt

import (
	"context"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// promptBundle is a version as a list tells it.
type promptBundle struct {
	ID          int64              `json:"id"`
	Name        string             `json:"name"`
	Channel     prompt.Channel     `json:"channel"`
	Version     int                `json:"version" doc:"counts within the channel"`
	Status      store.BundleStatus `json:"status" enum:"draft,testing,PRODUCTION"`
	CreatedAt   time.Time          `json:"created_at"`
	EditedAt    *time.Time         `json:"edited_at"`
	PublishedAt *time.Time         `json:"published_at" doc:"when it was live first; from then on it never changes"`
	LiveSince   *time.Time         `json:"live_since" doc:"when it went live last; null before, and when a roll-back has taken it back"`
}

type promptBundleWithSections struct {
	promptBundle
	Sections []bundleSection `json:"sections"`
}

func showBundle(u store.Bundle) promptBundle {
	shown := promptBundle{ID: u.ID, Name: u.Name, Channel: u.Channel, Version: u.Version, Status: u.Status, CreatedAt: u.CreatedAt}
	if !u.EditedAt.IsZero() {
		shown.EditedAt = &u.EditedAt
	}
	if !u.PublishedAt.IsZero() {
		shown.PublishedAt = &u.PublishedAt
	}
	if !u.LiveSince.IsZero() {
		shown.LiveSince = &u.LiveSince
	}
	return shown
}

type bundleOutput struct{ Body promptBundleWithSections }

// answer shows a bundle, or passes on why there is none to show.
func answer(u store.Bundle, err error) (*bundleOutput, error) {
	if err != nil {
		return nil, err
	}
	return &bundleOutput{promptBundleWithSections{showBundle(u), showSections(u.Sections)}}, nil
}

type makeBundleInput struct {
	Body struct {
		Name     string          `json:"name" maxLength:"200" example:"Summer hours"`
		Channel  prompt.Channel  `json:"channel,omitempty" enum:"any,sms,voice,email" default:"any"`
		Sections []promptSection `json:"sections" minItems:"1" maxItems:"100"`
	}
}

// ownAt is where a bundle's first section stands when that is not said: after the global ones.
const ownAt = 100

// makeBundle makes a draft, the next version of its channel.
func (d Deps) makeBundle(ctx context.Context, t *store.Tenant, in *makeBundleInput) (*bundleOutput, error) {
	name, err := bundleName(in.Body.Name)
	if err != nil {
		return nil, err
	}
	sections, err := bundleSections(in.Body.Sections)
	if err != nil {
		return nil, err
	}
	return answer(t.MakeBundle(ctx, in.Body.Channel, name, sections))
}

func bundleName(sent string) (string, error) {
	name := strings.TrimSpace(sent)
	if name == "" {
		return "", fault.New(fault.Invalid, "name must not be blank")
	}
	return name, nil
}

func bundleSections(sent []promptSection) ([]prompt.Section, error) {
	if len(sent) == 0 {
		return nil, fault.New(fault.Invalid, "sections must hold one section at least")
	}
	return sectionsOf(sent, ownAt)
}

type bundlesInput struct {
	httpx.PageInput
	Channel prompt.Channel     `query:"channel" enum:"any,sms,voice,email" doc:"those of this channel only"`
	Status  store.BundleStatus `query:"status" enum:"draft,testing,PRODUCTION" doc:"those of this status only"`
}

type bundlesOutput struct{ Body httpx.Page[promptBundle] }

// bundles lists the tenant's own bundles, the newest first.
func (d Deps) bundles(ctx context.Context, t *store.Tenant, in *bundlesInput) (*bundlesOutput, error) {
	var before int64
	if err := in.After(&before); err != nil {
		return nil, err
	}
	found, err := t.Bundles(ctx, store.BundleFilter{Channel: in.Channel, Status: in.Status}, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &bundlesOutput{httpx.NewPage(found, in.Limit, showBundle, func(u store.Bundle) any { return u.ID })}, nil
}

type bundleInput struct {
	BundleID int64 `path:"bundle_id"`
}

// bundle tells one of the tenant's own bundles with its sections.
func (d Deps) bundle(ctx context.Context, t *store.Tenant, in *bundleInput) (*bundleOutput, error) {
	return answer(t.Bundle(ctx, in.BundleID))
}

type changeBundleInput struct {
	BundleID int64 `path:"bundle_id"`
	Body     struct {
		Name     *string             `json:"name,omitempty" maxLength:"200" example:"Summer prices"`
		Status   *store.BundleStatus `json:"status,omitempty" enum:"draft,testing" doc:"a bundle goes into production by POST /prompts/bundles/{bundle_id}/publish"`
		Sections []promptSection     `json:"sections,omitempty" minItems:"1" maxItems:"100" doc:"all of them: they replace those that there are"`
	}
}

// changeBundle changes what was sent of a bundle that has never been published.
func (d Deps) changeBundle(ctx context.Context, t *store.Tenant, in *changeBundleInput) (*bundleOutput, error) {
	change := store.BundleChange{Status: in.Body.Status}
	if in.Body.Name != nil {
		name, err := bundleName(*in.Body.Name)
		if err != nil {
			return nil, err
		}
		change.Name = &name
	}
	if in.Body.Sections != nil {
		sections, err := bundleSections(in.Body.Sections)
		if err != nil {
			return nil, err
		}
		change.Sections = sections
	}
	if change.Name == nil && change.Status == nil && change.Sections == nil {
		return nil, fault.New(fault.Invalid, "nothing is to be changed: send name, status or sections")
	}
	return answer(t.ChangeBundle(ctx, in.BundleID, change))
}

// publish puts a bundle into production in the place of the one before.
func (d Deps) publish(ctx context.Context, t *store.Tenant, in *bundleInput) (*bundleOutput, error) {
	return answer(t.PublishBundle(ctx, in.BundleID))
}

type rollBackInput struct {
	Body struct {
		Channel prompt.Channel `json:"channel,omitempty" enum:"any,sms,voice,email" default:"any"`
		Live    int64          `json:"live_bundle_id,omitempty" minimum:"1" doc:"the version to take back; a repeated call then changes nothing. Left out: whichever is live"`
	}
}

type rollBackOutput struct{ Body promptBundle }

// rollBack publishes again what was live before the live version of a channel.
func (d Deps) rollBack(ctx context.Context, t *store.Tenant, in *rollBackInput) (*rollBackOutput, error) {
	u, err := t.RollBack(ctx, in.Body.Channel, in.Body.Live)
	if err != nil {
		return nil, err
	}
	return &rollBackOutput{showBundle(u)}, nil
}

type diffInput struct {
	BundleID int64 `path:"bundle_id"`
	With     int64 `query:"with" required:"true" doc:"id of the bundle to compare with"`
}

// bundleChange is what became of one section.
type bundleChange struct {
	Key    string            `json:"section_key"`
	Change prompt.ChangeKind `json:"change" enum:"added,removed,changed,moved"`
	Before *bundleSection    `json:"before,omitempty" doc:"in the bundle to compare with; left out when it is not there"`
	After  *bundleSection    `json:"after,omitempty" doc:"in this bundle; left out when it is not there"`
}

type diffOutput struct {
	Body struct {
		BundleID int64          `json:"bundle_id"`
		With     int64          `json:"with"`
		Changes  []bundleChange `json:"changes" doc:"in order of section_key; empty when both say the same"`
	}
}

// diff tells how a bundle's sections differ from those of another, as if the other had been before it.
func (d Deps) diff(ctx context.Context, t *store.Tenant, in *diffInput) (*diffOutput, error) {
	before, after, err := t.BundlePair(ctx, in.With, in.BundleID)
	if err != nil {
		return nil, err
	}
	out := &diffOutput{}
	out.Body.BundleID, out.Body.With, out.Body.Changes = after.ID, before.ID, []bundleChange{}
	for _, c := range prompt.Diff(before.Sections, after.Sections) {
		out.Body.Changes = append(out.Body.Changes, bundleChange{c.Key, c.Kind, showSection(c.Before), showSection(c.After)})
	}
	return out, nil
}

func showSection(s *prompt.Section) *bundleSection {
	if s == nil {
		return nil
	}
	return &bundleSection{s.Key, s.Content, s.Position}
}
