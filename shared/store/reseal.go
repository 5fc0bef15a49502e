package store

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// sealedColumns are all columns that hold credentials, each in a table with one row a tenant.
var sealedColumns = []string{telnyxKeyColumn, twilioTokenColumn, toolSecretColumn, calendarTokenColumn, mailTokenColumn, mailAccessColumn}

// Sealed is a credential of a tenant as it is stored.
type Sealed struct {
	Column string // table.column
	value  []byte
}

// SealedBefore lists the tenant's credentials that another key has sealed than the one that seals now. One round trip.
func (t *Tenant) SealedBefore(ctx context.Context) (found []Sealed, err error) {
	err = t.run(ctx, "reading what is sealed", func(b *pgx.Batch) {
		for _, name := range sealedColumns {
			table, column, _ := strings.Cut(name, ".")
			b.Queue(`select `+column+` from `+table+` where tenant_id = $1 and `+column+` is not null`, t.id()).Query(func(rows pgx.Rows) error {
				values, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
				for _, value := range values {
					if !t.store.keys.sealsLike(value) {
						found = append(found, Sealed{name, value})
					}
				}
				return err
			})
		}
	})
	return found, err
}

// Reseal seals a credential with the key that seals now. It changes nothing when the credential is another by now, and fails when none of
// the keys opens it. One round trip.
func (t *Tenant) Reseal(ctx context.Context, s Sealed) error {
	plain, err := t.store.keys.Open(s.value, t.id(), s.Column)
	if err != nil {
		return err
	}
	again, err := t.store.keys.Seal(plain, t.id(), s.Column)
	if err != nil {
		return err
	}
	return t.change(ctx, "sealing a credential again", func(b *pgx.Batch) {
		table, column, _ := strings.Cut(s.Column, ".")
		b.Queue(`update `+table+` set `+column+` = $2 where tenant_id = $1 and `+column+` = $3`, t.id(), again, s.value)
	})
}

// Tenants lists the ids of all tenants, closed ones too.
func (o *Operator) Tenants(ctx context.Context) (ids []tenant.ID, err error) {
	err = o.run(ctx, "listing the tenants", func(b *pgx.Batch) {
		b.Queue(`select id from tenants order by id`).Query(func(rows pgx.Rows) (err error) {
			ids, err = pgx.CollectRows(rows, pgx.RowTo[tenant.ID])
			return err
		})
	})
	return ids, err
}
