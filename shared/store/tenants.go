package store

import (
	"context"
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

const tenantColumns = `id, name, subdomain, is_active, created_at`

func scanTenant(row pgx.CollectableRow) (r TenantRow, err error) {
	return r, row.Scan(&r.ID, &r.Name, &r.Subdomain, &r.Active, &r.CreatedAt)
}

// MakeTenant makes a tenant with the next id. fault.Conflict when the subdomain is taken. One round trip.
func (o *Operator) MakeTenant(ctx context.Context, name, subdomain string, active bool) (TenantRow, error) {
	return o.oneTenant(ctx, "making a tenant",
		`insert into tenants (name, subdomain, is_active) values ($1, $2, $3) returning `+tenantColumns, name, subdomain, active)
}

// Tenant reads a tenant, closed or not. fault.NotFound when there is none. One round trip.
func (o *Operator) Tenant(ctx context.Context, id tenant.ID) (TenantRow, error) {
	return o.oneTenant(ctx, "reading a tenant", `select `+tenantColumns+` from tenants where id = $1`, int64(id))
}

// ChangeTenant changes the named fields and returns all of them. Closing a tenant acts at once and loses nothing: what is queued
// stays, and goes on when the tenant is opened again. fault.NotFound when there is no such tenant, fault.Conflict when the
// subdomain is taken. One round trip.
func (o *Operator) ChangeTenant(ctx context.Context, id tenant.ID, c TenantChange) (TenantRow, error) {
	return o.oneTenant(ctx, "changing a tenant", `
update tenants set name = coalesce($2, name), subdomain = coalesce($3, subdomain), is_active = coalesce($4, is_active), updated_at = now()
 where id = $1 returning `+tenantColumns, int64(id), c.Name, c.Subdomain, c.Active)
}

func (o *Operator) oneTenant(ctx context.Context, doing, sql string, args ...any) (found TenantRow, err error) {
	err = o.run(ctx, doing, func(b *pgx.Batch) {
		b.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectExactlyOneRow(rows, scanTenant)
			return err
		})
	})
	return found, err
}

// Tenants lists tenants by id, those after a given one, at most limit; closed ones too when withClosed. One round trip.
func (o *Operator) Tenants(ctx context.Context, after tenant.ID, withClosed bool, limit int) (found []TenantRow, err error) {
	err = o.run(ctx, "listing tenants", func(b *pgx.Batch) {
		b.Queue(`select `+tenantColumns+` from tenants where id > $1 and (is_active or $2) order by id limit $3`, int64(after), withClosed, limit).
			Query(func(rows pgx.Rows) (err error) {
				found, err = pgx.CollectRows(rows, scanTenant)
				return err
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
