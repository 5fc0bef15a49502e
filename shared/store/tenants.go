package store

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// TenantRow is a tenant as operators see it.
type TenantRow struct {
	ID        tenant.ID
	Name      string
	Subdomain string
	Active    bool // a closed one can neither log in, nor be texted, nor have queued work done; what is queued waits
	CreatedAt time.Time
}

// TenantChange names what to change; the nil fields stay as they are.
type TenantChange struct {
	Name      *string
	Subdomain *string // a DNS label in lower case
	Active    *bool
}

// Registry is the register of tenants, and the audit log of them all. It needs a log-in that is a member of
// chattercheatah_registrar, which may do nothing else: that of admin-tenants.
type Registry struct {
	store *Store
	actor Actor
}

// Registry returns the register, whose changes the audit log puts down to a.
func (s *Store) Registry(a Actor) *Registry {
	a.Impersonating = false // who acts on the register acts as themselves
	return &Registry{s, a}
}

// LogAttrs says in the log line of a request who asks.
func (r *Registry) LogAttrs() []slog.Attr { return r.actor.LogAttrs() }

func (r *Registry) run(ctx context.Context, doing string, queue func(b *pgx.Batch)) error {
	return r.store.run(ctx, doing, session{role: registrarRole, tenant: nobody, actor: r.actor.setting()}, queue)
}

const tenantColumns = `id, name, subdomain, is_active, created_at`

func scanTenant(row pgx.CollectableRow) (r TenantRow, err error) {
	return r, row.Scan(&r.ID, &r.Name, &r.Subdomain, &r.Active, &r.CreatedAt)
}

// MakeTenant makes a tenant with the next id. fault.Conflict when the subdomain is taken. One round trip.
func (r *Registry) MakeTenant(ctx context.Context, name, subdomain string, active bool) (TenantRow, error) {
	return r.oneTenant(ctx, "making a tenant",
		`insert into tenants (name, subdomain, is_active) values ($1, $2, $3) returning `+tenantColumns, name, subdomain, active)
}

// Tenant reads a tenant, closed or not. fault.NotFound when there is none. One round trip.
func (r *Registry) Tenant(ctx context.Context, id tenant.ID) (TenantRow, error) {
	return r.oneTenant(ctx, "reading a tenant", `select `+tenantColumns+` from tenants where id = $1`, int64(id))
}

// ChangeTenant changes the named fields and returns all of them. Closing a tenant acts at once and loses nothing: what is queued
// stays, and goes on when the tenant is opened again. fault.NotFound when there is no such tenant, fault.Conflict when the
// subdomain is taken. One round trip.
func (r *Registry) ChangeTenant(ctx context.Context, id tenant.ID, c TenantChange) (TenantRow, error) {
	return r.oneTenant(ctx, "changing a tenant", `
update tenants set name = coalesce($2, name), subdomain = coalesce($3, subdomain), is_active = coalesce($4, is_active), updated_at = now()
 where id = $1 returning `+tenantColumns, int64(id), c.Name, c.Subdomain, c.Active)
}

func (r *Registry) oneTenant(ctx context.Context, doing, sql string, args ...any) (found TenantRow, err error) {
	err = r.run(ctx, doing, func(b *pgx.Batch) {
		b.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectExactlyOneRow(rows, scanTenant)
			return err
		})
	})
	return found, err
}

// Tenants lists tenants by id, those after a given one, at most limit; closed ones too when withClosed. One round trip.
func (r *Registry) Tenants(ctx context.Context, after tenant.ID, withClosed bool, limit int) (found []TenantRow, err error) {
	err = r.run(ctx, "listing tenants", func(b *pgx.Batch) {
		b.Queue(`select `+tenantColumns+` from tenants where id > $1 and (is_active or $2) order by id limit $3`, int64(after), withClosed, limit).
			Query(func(rows pgx.Rows) (err error) {
				found, err = pgx.CollectRows(rows, scanTenant)
				return err
			})
	})
	return found, err
}
