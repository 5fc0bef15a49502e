package store

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Operator is what the operators' commands may do apart from any tenant: make global admins, set the global prompt. It needs a log-in that
// is a member of chattercheatah_operator, which no function has.
type Operator struct {
	store *Store
	actor Actor
}

// Operator returns the handle of the operators' commands.
func (s *Store) Operator() *Operator { return &Operator{store: s} }

// By returns the same handle, whose changes the audit log puts down to a.
func (o *Operator) By(a Actor) *Operator { return &Operator{o.store, a} }

func (o *Operator) run(ctx context.Context, doing string, queue func(b *pgx.Batch)) error {
	return o.store.run(ctx, doing, session{role: operatorRole, tenant: nobody, actor: o.actor.setting()}, queue)
}

// SeedAdmin makes the global admin, or does nothing when somebody has that address. made says which.
func (o *Operator) SeedAdmin(ctx context.Context, email string, passwordHash private.Secret) (made bool, err error) {
	err = o.run(ctx, "seeding the global admin", func(b *pgx.Batch) {
		b.Queue(`insert into users (email, password_hash, role) values ($1, $2, 'admin') on conflict do nothing returning id`, email, passwordHash.Reveal()).
			Query(func(rows pgx.Rows) error {
				made = rows.Next()
				return rows.Err()
			})
	})
	return made, err
}

// PublishGlobalPrompt makes sections the prompt that every tenant inherits for a channel, or for any, as its next version.
func (o *Operator) PublishGlobalPrompt(ctx context.Context, c prompt.Channel, name string, sections []prompt.Section) (made Bundle, err error) {
	err = o.run(ctx, "publishing the global prompt", func(b *pgx.Batch) { queuePublish(b, nil, c, name, sections, &made) })
	return made, err
}

// RollBackGlobalPrompt is Tenant.RollBack for the prompt that every tenant inherits.
func (o *Operator) RollBackGlobalPrompt(ctx context.Context, c prompt.Channel) (u Bundle, err error) {
	err = o.run(ctx, "rolling the global prompt back", func(b *pgx.Batch) { queueRollBack(b, nil, c, 0, &u) })
	return u, orNothingBefore(u, c, err)
}

// GlobalPrompts lists the versions of the prompt that every tenant inherits, the newest first. Those that are live come with their
// sections.
func (o *Operator) GlobalPrompts(ctx context.Context) (found []Bundle, err error) {
	err = o.run(ctx, "listing the global prompts", func(b *pgx.Batch) {
		b.Queue(`select ` + bundleColumns + ` from prompt_bundles where tenant_id is null order by id desc`).Query(func(rows pgx.Rows) (err error) {
			found, err = collectBundles(rows)
			return err
		})
		b.Queue(`select ` + sectionColumns + ` from prompt_bundles b join prompt_sections s on s.bundle_id = b.id
			where b.tenant_id is null and b.status = 'PRODUCTION' order by s.sort_order, s.section_key collate "C"`).Query(func(rows pgx.Rows) error {
			return eachSection(rows, func(of prompt.Source, s prompt.Section) {
				at := slices.IndexFunc(found, func(u Bundle) bool { return u.ID == of.Bundle })
				found[at].Sections = append(found[at].Sections, s)
			})
		})
	})
	return found, err
}

// PutTenant makes the tenant with this id, or renames it.
func (o *Operator) PutTenant(ctx context.Context, id tenant.ID, name, subdomain string) error {
	return o.run(ctx, "making a tenant", func(b *pgx.Batch) {
		b.Queue(`insert into tenants (id, name, subdomain) values ($1, $2, $3)
			on conflict (id) do update set name = excluded.name, subdomain = excluded.subdomain, updated_at = now()`, int64(id), name, subdomain)
		b.Queue(`select setval(pg_get_serial_sequence('tenants', 'id'), greatest($1, (select max(id) from tenants)))`, int64(id))
	})
}
