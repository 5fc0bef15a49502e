package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/prompt"
)

// PromptVersion names a tenant's live prompt by its two live bundles, 0 for one that there is not. What a bundle holds does
// not change while it is live, so the same version is the same prompt.
type PromptVersion struct{ Global, Own int64 }

const promptSQL = `
select b.id, b.tenant_id is not null, coalesce(s.section_key, ''), coalesce(s.content, ''), coalesce(s.sort_order, 0)
  from prompt_bundles b left join prompt_sections s on s.bundle_id = b.id
 where b.status = 'PRODUCTION' and (b.tenant_id = $1 or b.tenant_id is null)`

// Prompt reads the live prompt: the sections that every tenant inherits and the tenant's own. One round trip.
func (t *Tenant) Prompt(ctx context.Context) (v PromptVersion, global, own []prompt.Section, err error) {
	err = t.run(ctx, "reading the prompt", func(b *pgx.Batch) {
		b.Queue(promptSQL, t.id()).Query(func(rows pgx.Rows) error {
			var s prompt.Section
			var bundle int64
			_, err := pgx.ForEachRow(rows, []any{&bundle, &s.Tenant, &s.Key, &s.Content, &s.Position}, func() error {
				if s.Tenant {
					v.Own, own = bundle, appendSection(own, s)
				} else {
					v.Global, global = bundle, appendSection(global, s)
				}
				return nil
			})
			return err
		})
	})
	return v, global, own, err
}

// appendSection leaves out what stands for a bundle without sections.
func appendSection(all []prompt.Section, s prompt.Section) []prompt.Section {
	if s.Key == "" {
		return all
	}
	return append(all, s)
}

// PublishPrompt makes sections the tenant's live prompt, as the next version, in one transaction.
func (t *Tenant) PublishPrompt(ctx context.Context, name string, sections []prompt.Section) error {
	id := t.id()
	return t.run(ctx, "publishing the prompt", func(b *pgx.Batch) { queuePublish(b, &id, name, sections) })
}

// queuePublish retires the bundle in production and puts a new one in its place; tenantID nil is the global bundle.
func queuePublish(b *pgx.Batch, tenantID *int64, name string, sections []prompt.Section) {
	keys, contents, orders := make([]string, len(sections)), make([]string, len(sections)), make([]int, len(sections))
	for i, s := range sections {
		keys[i], contents[i], orders[i] = s.Key, s.Content, s.Position
	}
	b.Queue(`update prompt_bundles set status = 'draft' where tenant_id is not distinct from $1 and status = 'PRODUCTION'`, tenantID)
	b.Queue(`insert into prompt_bundles (tenant_id, name, version, status, published_at)
		select $1, $2, coalesce(max(version), 0) + 1, 'PRODUCTION', now() from prompt_bundles where tenant_id is not distinct from $1`, tenantID, name)
	b.Queue(`insert into prompt_sections (bundle_id, section_key, content, sort_order)
		select b.id, s.key, s.content, s.sort_order
		  from prompt_bundles b, unnest($2::text[], $3::text[], $4::int[]) s (key, content, sort_order)
		 where b.tenant_id is not distinct from $1 and b.status = 'PRODUCTION'`, tenantID, keys, contents, orders)
}

// SaveProfile replaces the tenant's business profile.
func (t *Tenant) SaveProfile(ctx context.Context, p prompt.Profile) error {
	return t.run(ctx, "saving the business profile", func(b *pgx.Batch) {
		b.Queue(`insert into tenant_business_profiles (tenant_id, business_name, website_url, phone_number, email)
			values ($1, $2, $3, nullif($4, ''), $5)
			on conflict (tenant_id) do update set business_name = excluded.business_name, website_url = excluded.website_url,
				phone_number = excluded.phone_number, email = excluded.email, updated_at = now()`,
			t.id(), p.BusinessName, p.WebsiteURL, p.Phone, p.Email)
	})
}
