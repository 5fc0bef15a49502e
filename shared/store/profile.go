package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/prompt"
)

// ProfileChange names the fields to change: the nil ones stay as they are, an empty one clears.
type ProfileChange struct{ BusinessName, WebsiteURL, Phone, Email *string }

// WholeProfile is the change that makes every field what it is in p.
func WholeProfile(p prompt.Profile) ProfileChange {
	return ProfileChange{&p.BusinessName, &p.WebsiteURL, &p.Phone, &p.Email}
}

// Profile reads what the tenant says of itself: nothing, for a tenant that has not said anything yet. One round trip.
func (t *Tenant) Profile(ctx context.Context) (p prompt.Profile, err error) {
	err = t.run(ctx, "reading the business profile", func(b *pgx.Batch) { t.queueProfile(b, &p) })
	return p, err
}

func (t *Tenant) queueProfile(b *pgx.Batch, into *prompt.Profile) {
	b.Queue(profileSQL, t.id()).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&into.BusinessName, &into.WebsiteURL, &into.Phone, &into.Email}, func() error { return nil })
		return err
	})
}

// SaveProfile changes the tenant's business profile and returns it whole. One round trip.
func (t *Tenant) SaveProfile(ctx context.Context, c ProfileChange) (p prompt.Profile, err error) {
	err = t.change(ctx, "saving the business profile", func(b *pgx.Batch) {
		b.Queue(`insert into tenant_business_profiles (tenant_id) values ($1) on conflict do nothing`, t.id())
		b.Queue(`update tenant_business_profiles set business_name = coalesce($2, business_name), website_url = coalesce($3, website_url),
			phone_number = nullif(coalesce($4, phone_number), ''), email = coalesce($5, email), updated_at = now() where tenant_id = $1`,
			t.id(), c.BusinessName, c.WebsiteURL, c.Phone, c.Email)
		t.queueProfile(b, &p)
	})
	return p, err
}
