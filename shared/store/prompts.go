package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/hours"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
)

// PromptVersion names a tenant's live prompt for a channel by its live bundles, 0 for one that there is not, in the order of their
// layers. A published bundle stays as it is, so the same version is the same prompt.
type PromptVersion [4]int64

// The layers: every tenant's, every tenant's for the channel, the tenant's own, the tenant's own for the channel.
const (
	globalLayer = iota
	globalChannelLayer
	ownLayer
	ownChannelLayer
)

func layerOf(s prompt.Source) int {
	layer := globalLayer
	if s.Tenant {
		layer = ownLayer
	}
	if s.Channel != prompt.Any {
		layer++
	}
	return layer
}

// Bundles are the ids of the bundles that there are.
func (v PromptVersion) Bundles() []int64 {
	var ids []int64
	for _, id := range v {
		if id != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// Prompt is the live prompt of a tenant for a channel.
type Prompt struct {
	Version PromptVersion
	Layers  [4][]prompt.Section

	bundles [4]prompt.Source
}

// Own is the tenant's own bundle of the prompt, the channel's before the one for any; false when it has none.
func (p Prompt) Own() (prompt.Source, bool) {
	if own := p.bundles[ownChannelLayer]; own.Bundle != 0 {
		return own, true
	}
	return p.bundles[ownLayer], p.bundles[ownLayer].Bundle != 0
}

// Merged are the sections that the model is told.
func (p Prompt) Merged() []prompt.Section { return prompt.Merge(p.Layers[:]...) }

// read makes it of rows of sectionColumns.
func (p *Prompt) read(rows pgx.Rows) error {
	*p = Prompt{}
	return eachSection(rows, p.add)
}

func (p *Prompt) add(bundle prompt.Source, s prompt.Section) {
	layer := layerOf(bundle)
	p.Version[layer], p.bundles[layer] = bundle.Bundle, bundle
	if s.Key != "" { // a bundle without sections has one without a key
		s.From = bundle
		p.Layers[layer] = append(p.Layers[layer], s)
	}
}

const sectionColumns = `b.id, b.tenant_id is not null, b.channel, b.version, coalesce(s.section_key, ''), coalesce(s.content, ''), coalesce(s.sort_order, 0)`

// eachSection hands each row of sectionColumns to add.
func eachSection(rows pgx.Rows, add func(prompt.Source, prompt.Section)) error {
	var from prompt.Source
	var s prompt.Section
	_, err := pgx.ForEachRow(rows, []any{&from.Bundle, &from.Tenant, &from.Channel, &from.Version, &s.Key, &s.Content, &s.Position}, func() error {
		add(from, s)
		return nil
	})
	return err
}

const promptSQL = `
select ` + sectionColumns + `
  from prompt_bundles b left join prompt_sections s on s.bundle_id = b.id
 where b.status = 'PRODUCTION' and (b.tenant_id = $1 or b.tenant_id is null) and b.channel in ('any', $2)`

// Prompt reads the live prompt: the sections that every tenant inherits and the tenant's own. One round trip.
func (t *Tenant) Prompt(ctx context.Context, c prompt.Channel) (p Prompt, err error) {
	err = t.run(ctx, "reading the prompt", func(b *pgx.Batch) {
		b.Queue(promptSQL, t.id(), string(c)).Query(p.read)
	})
	return p, err
}

// Composition is a prompt with all else that it is composed of.
type Composition struct {
	Prompt
	Channel  prompt.Channel
	Business prompt.Profile
	Zone     string // IANA name
}

// Recipe is what the model would be told at a moment.
func (c Composition) Recipe(now time.Time) prompt.Recipe {
	return prompt.NewRecipe(c.Channel, c.Version.Bundles(), c.Business, hours.In(now, c.Zone))
}

// zoneSQL reads the tenant's time zone; one without settings has that of a new tenant.
const zoneSQL = `select coalesce((select timezone from tenant_sms_configs where tenant_id = $1), 'America/Chicago')`

const draftSQL = `
select ` + sectionColumns + `
  from prompt_bundles b left join prompt_sections s on s.bundle_id = b.id where b.tenant_id = $1 and b.id = $2`

// Composition reads what a channel's prompt is composed of. One of the tenant's bundles, unless 0, is laid in the place of the live one
// of its channel: fault.NotFound when there is none with that id, fault.Invalid for another channel's. One round trip.
func (t *Tenant) Composition(ctx context.Context, c prompt.Channel, bundle int64) (Composition, error) {
	all := Composition{Channel: c}
	var laid Prompt
	err := t.run(ctx, "reading what a prompt is composed of", func(b *pgx.Batch) {
		b.Queue(promptSQL, t.id(), string(c)).Query(all.read)
		b.Queue(draftSQL, t.id(), bundle).Query(laid.read)
		b.Queue(zoneSQL, t.id()).QueryRow(func(row pgx.Row) error { return row.Scan(&all.Zone) })
		t.queueProfile(b, &all.Business)
	})
	if err != nil || bundle == 0 {
		return all, err
	}
	of, there := laid.Own()
	switch {
	case !there:
		return all, fault.New(fault.NotFound, "")
	case of.Channel != prompt.Any && of.Channel != c:
		return all, fault.New(fault.Invalid, "this bundle is for the channel %q; try it with that one", of.Channel)
	}
	layer := layerOf(of)
	all.Version[layer], all.bundles[layer], all.Layers[layer] = of.Bundle, of, laid.Layers[layer]
	return all, nil
}

const recipeSQL = `
select coalesce(r.recipe, 'null')
  from conversations c
  join messages m on m.conversation_id = c.id
  join replies r on r.tenant_id = $1 and r.provider_message_id = m.provider_message_id
 where c.tenant_id = $1 and m.id = $2`

const recipeSectionsSQL = `
select ` + sectionColumns + `
  from (` + recipeSQL + `) made (recipe)
  join prompt_bundles b on (b.tenant_id = $1 or b.tenant_id is null) and made.recipe -> 'bundles' @> to_jsonb(b.id)
  left join prompt_sections s on s.bundle_id = b.id`

// Composed reads what the model was told when it wrote one of the tenant's messages. fault.NotFound for a message that is missing,
// another tenant's, or not written by the model. One round trip.
func (t *Tenant) Composed(ctx context.Context, messageID int64) (r prompt.Recipe, p Prompt, err error) {
	var made *prompt.Recipe
	err = t.run(ctx, "reading what an answer was composed of", func(b *pgx.Batch) {
		b.Queue(recipeSQL, t.id(), messageID).Query(func(rows pgx.Rows) error {
			var text []byte
			_, err := pgx.ForEachRow(rows, []any{&text}, func() error { return json.Unmarshal(text, &made) })
			return err
		})
		b.Queue(recipeSectionsSQL, t.id(), messageID).Query(p.read)
	})
	if err != nil {
		return r, p, err
	}
	if made == nil {
		return r, p, fault.New(fault.NotFound, "")
	}
	return *made, p, nil
}
