package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Lead is somebody who might become a tenant's customer.
type Lead struct {
	ID             int64
	ConversationID int64 // the tenant's conversation with them; 0 for none
	Name           string
	Email          string // in lower case
	Phone          private.Phone
	Status         string // new, verified, unknown or dismissed
	Source         string // manual, sms, voice or email
	Notes          private.Text
	Details        map[string]string // what a form or a call told besides: label to value
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// LeadChange names the fields to change; the nil ones stay as they are, a zero value clears.
type LeadChange struct {
	ConversationID *int64
	Name           *string
	Email          *string
	Phone          *private.Phone
	Status         *string
	Source         *string
	Notes          *private.Text
	Details        *map[string]string
}

// LeadFilter narrows a list of leads; a zero field does not.
type LeadFilter struct {
	Status, Source string
	Email          string // in any case
	Phone          private.Phone
	NamePrefix     string // in any case
}

const (
	listedLeadColumns = `id, coalesce(conversation_id, 0), name, email, coalesce(phone_number, ''), status, source, created_at, updated_at`
	leadColumns       = listedLeadColumns + `, notes, details`
)

func (l *Lead) columns(phone *string) []any {
	return []any{&l.ID, &l.ConversationID, &l.Name, &l.Email, phone, &l.Status, &l.Source, &l.CreatedAt, &l.UpdatedAt}
}

func scanListedLead(row pgx.CollectableRow) (l Lead, err error) {
	var phone string
	if err := row.Scan(l.columns(&phone)...); err != nil {
		return l, err
	}
	return l, l.Phone.UnmarshalText([]byte(phone))
}

func scanLead(row pgx.CollectableRow) (l Lead, err error) {
	var phone, notes string
	if err := row.Scan(append(l.columns(&phone), &notes, &l.Details)...); err != nil {
		return l, err
	}
	l.Notes = private.NewText(notes)
	return l, l.Phone.UnmarshalText([]byte(phone))
}

// into reads the one lead that a statement returns.
func (l *Lead) into(rows pgx.Rows) (err error) {
	*l, err = pgx.CollectExactlyOneRow(rows, scanLead)
	return err
}

// CreateLead keeps a new lead and returns it as it is kept. Its id and times are ours to say. fault.Invalid when it has none of name,
// e-mail address and phone number, and when its conversation is missing or another tenant's. One round trip.
func (t *Tenant) CreateLead(ctx context.Context, l Lead) (made Lead, err error) {
	err = t.change(ctx, "creating a lead", func(b *pgx.Batch) {
		b.Queue(`insert into leads (tenant_id, conversation_id, name, email, phone_number, status, source, notes, details)
			values ($1, nullif($2::bigint, 0), $3, lower($4), nullif($5, ''), $6, $7, $8, coalesce($9::jsonb, '{}')) returning `+leadColumns,
			t.id(), l.ConversationID, l.Name, l.Email, l.Phone.E164(), l.Status, l.Source, l.Notes.Reveal(), l.Details).Query(made.into)
	})
	return made, refusedLead(err)
}

// Lead reads one. fault.NotFound when it is missing or another tenant's. One round trip.
func (t *Tenant) Lead(ctx context.Context, id int64) (l Lead, err error) {
	err = t.run(ctx, "reading a lead", func(b *pgx.Batch) {
		b.Queue(`select `+leadColumns+` from leads where tenant_id = $1 and id = $2`, t.id(), id).Query(l.into)
	})
	return l, err
}

// Leads lists those that the filter lets through after a place, the newest first, at most limit, without their notes and details. One
// round trip.
func (t *Tenant) Leads(ctx context.Context, f LeadFilter, after Place, limit int) (found []Lead, err error) {
	after = after.orNewest()
	where := conditions{`tenant_id = $1 and (created_at, id) < ($2, $3)`, []any{t.id(), after.At, after.ID, limit}}
	if f.Status != "" {
		where.and(`status = ?`, f.Status)
	}
	if f.Source != "" {
		where.and(`source = ?`, f.Source)
	}
	if f.Email != "" {
		where.and(`email = lower(?)`, f.Email)
	}
	if !f.Phone.IsZero() {
		where.and(`phone_number = ?`, f.Phone.E164())
	}
	if f.NamePrefix != "" {
		where.and(`name_key >= lower(?) and name_key < lower(?) || chr(1114111)`, f.NamePrefix)
	}
	err = t.run(ctx, "listing leads", func(b *pgx.Batch) {
		b.Queue(`select `+listedLeadColumns+` from leads where `+where.sql+` order by created_at desc, id desc limit $4`, where.args...).
			Query(func(rows pgx.Rows) (err error) {
				found, err = pgx.CollectRows(rows, scanListedLead)
				return err
			})
	})
	return found, err
}

// ChangeLead changes the named fields and returns the whole lead. fault.NotFound when it is missing or another tenant's, and
// fault.Invalid as for CreateLead. One round trip.
func (t *Tenant) ChangeLead(ctx context.Context, id int64, c LeadChange) (l Lead, err error) {
	var phone, notes *string
	if c.Phone != nil {
		e164 := c.Phone.E164()
		phone = &e164
	}
	if c.Notes != nil {
		words := c.Notes.Reveal()
		notes = &words
	}
	err = t.change(ctx, "changing a lead", func(b *pgx.Batch) {
		b.Queue(`update leads set conversation_id = nullif(coalesce($3::bigint, conversation_id), 0), name = coalesce($4, name),
			email = coalesce(lower($5), email), phone_number = nullif(coalesce($6, phone_number), ''), status = coalesce($7, status),
			source = coalesce($8, source), notes = coalesce($9, notes), details = coalesce($10::jsonb, details), updated_at = now()
			where tenant_id = $1 and id = $2 returning `+leadColumns,
			t.id(), id, c.ConversationID, c.Name, c.Email, phone, c.Status, c.Source, notes, c.Details).Query(l.into)
	})
	return l, refusedLead(err)
}

// DeleteLead removes one for good. fault.NotFound when it is missing or another tenant's. One round trip.
func (t *Tenant) DeleteLead(ctx context.Context, id int64) error {
	return t.change(ctx, "deleting a lead", func(b *pgx.Batch) {
		b.Queue(`delete from leads where tenant_id = $1 and id = $2 returning id`, t.id(), id).
			QueryRow(func(row pgx.Row) error { return row.Scan(&id) })
	})
}

// refusedLead says what is wrong with a lead that a constraint refuses.
func refusedLead(err error) error {
	var pg *pgconn.PgError
	switch {
	case !errors.As(err, &pg):
		return err
	case pg.ConstraintName == "leads_reachable":
		return fault.Wrap(fault.Invalid, err, "a lead needs a name, an e-mail address or a phone number")
	case pg.ConstraintName == "leads_conversation":
		return fault.Wrap(fault.Invalid, err, "conversation_id: there is no such conversation")
	default:
		return err
	}
}
