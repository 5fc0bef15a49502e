package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Operator is what operators' commands may do apart from any tenant: make tenants and global admins, set the global prompt.
// It needs a log-in that is a member of chattercheatah_operator, which the functions' is not.
type Operator struct{ store *Store }

// Operator returns the handle of the operators' commands.
func (s *Store) Operator() *Operator { return &Operator{s} }

func (o *Operator) run(ctx context.Context, doing string, queue func(b *pgx.Batch)) error {
	return o.store.run(ctx, doing, operatorRole, nobody, "", queue)
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

// PutTenant makes the tenant with this id, or renames it.
func (o *Operator) PutTenant(ctx context.Context, id tenant.ID, name, subdomain string) error {
	return o.run(ctx, "making a tenant", func(b *pgx.Batch) {
		b.Queue(`insert into tenants (id, name, subdomain) values ($1, $2, $3)
			on conflict (id) do update set name = excluded.name, subdomain = excluded.subdomain, updated_at = now()`, int64(id), name, subdomain)
		b.Queue(`select setval(pg_get_serial_sequence('tenants', 'id'), greatest($1, (select max(id) from tenants)))`, int64(id))
	})
}

// SetTenantActive opens or closes a tenant: a closed one can neither log in, nor be texted, nor have queued work done. What
// is queued stays and goes on when it is opened again.
func (o *Operator) SetTenantActive(ctx context.Context, id tenant.ID, active bool) error {
	return o.run(ctx, "changing a tenant's activity", func(b *pgx.Batch) {
		b.Queue(`update tenants set is_active = $2, updated_at = now() where id = $1`, int64(id), active)
	})
}

// PublishGlobalPrompt makes sections the prompt that every tenant inherits, as its next version.
func (o *Operator) PublishGlobalPrompt(ctx context.Context, name string, sections []prompt.Section) error {
	return o.run(ctx, "publishing the global prompt", func(b *pgx.Batch) { queuePublish(b, nil, name, sections) })
}

// HasGlobalPrompt reports whether a global prompt is live.
func (o *Operator) HasGlobalPrompt(ctx context.Context) (has bool, err error) {
	err = o.run(ctx, "looking for the global prompt", func(b *pgx.Batch) {
		b.Queue(`select exists (select from prompt_bundles where tenant_id is null and status = 'PRODUCTION')`).
			QueryRow(func(row pgx.Row) error { return row.Scan(&has) })
	})
	return has, err
}
