package store

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Person is somebody of a tenant who can log in, as others of the tenant may see them.
type Person struct {
	ID        int64
	Email     string
	Role      tenant.Role
	Active    bool // their account is open
	CreatedAt time.Time
}

// PersonChange names what to change; the nil fields stay as they are.
type PersonChange struct {
	Role         *tenant.Role
	Active       *bool
	PasswordHash *private.Secret // makes the tokens of before worthless
}

const personColumns = `id, email, role, is_active, created_at`

func scanPerson(row pgx.CollectableRow) (p Person, err error) {
	return p, row.Scan(&p.ID, &p.Email, &p.Role, &p.Active, &p.CreatedAt)
}

// into reads the one person that a statement returns.
func (p *Person) into(rows pgx.Rows) (err error) {
	*p, err = pgx.CollectExactlyOneRow(rows, scanPerson)
	return err
}

// CreatePerson makes somebody of the tenant. fault.Conflict when anybody has that address already, in whatever case. One round trip.
func (t *Tenant) CreatePerson(ctx context.Context, email string, role tenant.Role, passwordHash private.Secret) (p Person, err error) {
	err = t.change(ctx, "creating a person", func(b *pgx.Batch) {
		b.Queue(`insert into users (tenant_id, email, role, password_hash) values ($1, $2, $3, $4) returning `+personColumns,
			t.id(), email, string(role), passwordHash.Reveal()).Query(p.into)
	})
	return p, err
}

// Person reads somebody of the tenant. fault.NotFound when they are missing or another tenant's. One round trip.
func (t *Tenant) Person(ctx context.Context, id int64) (p Person, err error) {
	err = t.run(ctx, "reading a person", func(b *pgx.Batch) {
		b.Queue(`select `+personColumns+` from users where tenant_id = $1 and id = $2`, t.id(), id).Query(p.into)
	})
	return p, err
}

// People lists the tenant's people by id, those after one, at most limit. One round trip.
func (t *Tenant) People(ctx context.Context, after int64, limit int) (found []Person, err error) {
	err = t.run(ctx, "listing people", func(b *pgx.Batch) {
		b.Queue(`select `+personColumns+` from users where tenant_id = $1 and id > $2 order by id limit $3`, t.id(), after, limit).
			Query(func(rows pgx.Rows) (err error) {
				found, err = pgx.CollectRows(rows, scanPerson)
				return err
			})
	})
	return found, err
}

// ChangePerson changes somebody of the tenant. fault.NotFound when they are missing or another tenant's. One round trip.
func (t *Tenant) ChangePerson(ctx context.Context, id int64, c PersonChange) (p Person, err error) {
	var hash *string
	if c.PasswordHash != nil {
		text := c.PasswordHash.Reveal()
		hash = &text
	}
	err = t.change(ctx, "changing a person", func(b *pgx.Batch) {
		b.Queue(`update users set role = coalesce($3, role), is_active = coalesce($4, is_active), password_hash = coalesce($5, password_hash),
			updated_at = now()
			where tenant_id = $1 and id = $2 returning `+personColumns, t.id(), id, c.Role, c.Active, hash).Query(p.into)
	})
	return p, err
}

// ChangePassword gives a person another password. The change is put down to the person, who came from an address. fault.Conflict when u's password is not the present one any more. One round trip.
func (s *Store) ChangePassword(ctx context.Context, u User, passwordHash private.Secret, from string) error {
	as := session{
		role: appRole, tenant: strconv.FormatInt(int64(u.Tenant), 10), user: strconv.FormatInt(u.ID, 10),
		actor: Actor{ID: u.ID, Name: u.Email, Address: from}.setting(),
	}
	err := s.run(ctx, "changing a password", as, func(b *pgx.Batch) {
		b.Queue(`update users set password_hash = $2, updated_at = now() where id = $1 and password_hash = $3 returning id`,
			u.ID, passwordHash.Reveal(), u.PasswordHash.Reveal()).QueryRow(func(row pgx.Row) error { return row.Scan(&u.ID) })
	})
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return fault.Wrap(fault.Conflict, err, "the password was changed at the same moment; log in with the new one")
	}
	return err
}
