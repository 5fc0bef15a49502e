package store

import (
	"context"
	"log/slog"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// User is a person who can log in, as their row is at this moment.
type User struct {
	ID           int64
	Tenant       tenant.ID // 0 for a global admin
	Email        string
	Role         tenant.Role
	PasswordHash private.Secret
	Active       bool // the person may log in and, unless a global admin, their tenant is active

	named tenant.ID
}

// IsGlobalAdmin reports whether the person belongs to no tenant and may act in each.
func (u User) IsGlobalAdmin() bool { return u.Role == tenant.GlobalAdmin }

// LogAttrs says in the log line of a request who asks.
func (u User) LogAttrs() []slog.Attr { return Actor{ID: u.ID}.LogAttrs() }

// TenantActive reports whether id is the person's own tenant or the one they named, and active.
func (u User) TenantActive(id tenant.ID) bool {
	return id > 0 && (id == u.named || u.Active && id == u.Tenant)
}

const userSQL = `
select u.id, coalesce(u.tenant_id, 0), u.email, u.role, u.password_hash,
       u.is_active and (u.tenant_id is null or route_active_tenant(u.tenant_id) is not null),
       coalesce(route_active_tenant($2), 0)
  from users u where u.id = $1`

// User reads a person's row, and whether the tenant that they name (0 for none) is active. fault.NotFound when there is
// no such person. One round trip.
func (s *Store) User(ctx context.Context, id int64, named tenant.ID) (User, error) {
	var u User
	err := s.run(ctx, "reading the user", session{role: appRole, tenant: nobody, user: strconv.FormatInt(id, 10)}, func(b *pgx.Batch) {
		// A row that is not there is no error within the batch: after one, pgx describes the batch's statements anew, and the next
		// question on this connection would tell by its time that there was none.
		b.Queue(userSQL, id, int64(named)).Query(func(rows pgx.Rows) error {
			var hash string
			_, err := pgx.ForEachRow(rows, []any{&u.ID, &u.Tenant, &u.Email, &u.Role, &hash, &u.Active, &u.named}, func() error {
				u.PasswordHash = private.NewSecret(hash)
				return nil
			})
			return err
		})
	})
	if err == nil && u.ID == 0 {
		return u, fault.New(fault.NotFound, "")
	}
	return u, err
}

// UserByEmail finds a person by address, without regard to case. fault.NotFound when there is none. Two round trips, either way.
func (s *Store) UserByEmail(ctx context.Context, email string) (User, error) {
	var id int64
	err := s.run(ctx, "finding the user", session{role: appRole, tenant: nobody}, func(b *pgx.Batch) {
		b.Queue(`select coalesce(route_user($1), 0)`, email).QueryRow(func(row pgx.Row) error { return row.Scan(&id) })
	})
	if err != nil {
		return User{}, err
	}
	return s.User(ctx, id, 0) // for 0 too: whether an address is known must not show in how long this takes
}
