package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Contact is somebody whom a tenant has talked with.
type Contact struct {
	ID        int64
	Name      string // as they named themselves last; "" when they did not
	Email     string // in lower case
	Phone     private.Phone
	CreatedAt time.Time
	UpdatedAt time.Time
}

// ContactFilter narrows a list of contacts; a zero field does not.
type ContactFilter struct {
	Email string // in any case
	Phone private.Phone
}

const contactColumns = `id, name, email, coalesce(phone_number, ''), created_at, updated_at`

func scanContact(row pgx.CollectableRow) (c Contact, err error) {
	var phone string
	if err := row.Scan(&c.ID, &c.Name, &c.Email, &phone, &c.CreatedAt, &c.UpdatedAt); err != nil {
		return c, err
	}
	return c, c.Phone.UnmarshalText([]byte(phone))
}

// Contact reads one. fault.NotFound when it is missing or another tenant's. One round trip.
func (t *Tenant) Contact(ctx context.Context, id int64) (c Contact, err error) {
	err = t.run(ctx, "reading a contact", func(b *pgx.Batch) {
		b.Queue(`select `+contactColumns+` from contacts where tenant_id = $1 and id = $2`, t.id(), id).Query(func(rows pgx.Rows) (err error) {
			c, err = pgx.CollectExactlyOneRow(rows, scanContact)
			return err
		})
	})
	return c, err
}

// Contacts lists those that the filter lets through after a place, the newest first, at most limit. One round trip.
func (t *Tenant) Contacts(ctx context.Context, f ContactFilter, after Place, limit int) (found []Contact, err error) {
	after = after.orNewest()
	where := conditions{`tenant_id = $1 and (created_at, id) < ($2, $3)`, []any{t.id(), after.At, after.ID, limit}}
	if f.Email != "" {
		where.and(`email = lower(?)`, f.Email)
	}
	if !f.Phone.IsZero() {
		where.and(`phone_number = ?`, f.Phone.E164())
	}
	err = t.run(ctx, "listing contacts", func(b *pgx.Batch) {
		b.Queue(`select `+contactColumns+` from contacts where `+where.sql+` order by created_at desc, id desc limit $4`, where.args...).
			Query(func(rows pgx.Rows) (err error) {
				found, err = pgx.CollectRows(rows, scanContact)
				return err
			})
	})
	return found, err
}
