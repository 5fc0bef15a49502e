package store

import (
	"context"
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
	err := s.run(ctx, "reading the user", appRole, nobody, strconv.FormatInt(id, 10), func(b *pgx.Batch) {
		b.Queue(userSQL, id, int64(named)).QueryRow(func(row pgx.Row) error {
			var hash string
			err := row.Scan(&u.ID, &u.Tenant, &u.Email, &u.Role, &hash, &u.Active, &u.named)
			u.PasswordHash = private.NewSecret(hash)
			return err
		})
	})
	return u, err
}

// UserByEmail finds a person by address, without regard to case. fault.NotFound when there is none.
func (s *Store) UserByEmail(ctx context.Context, email string) (User, error) {
	var id *int64
	err := s.run(ctx, "finding the user", appRole, nobody, "", func(b *pgx.Batch) {
		b.Queue(`select route_user($1)`, email).QueryRow(func(row pgx.Row) error { return row.Scan(&id) })
	})
	if err != nil {
		return User{}, err
	}
	if id == nil {
		return User{}, fault.New(fault.NotFound, "there is no such user")
	}
	return s.User(ctx, *id, 0)
}
