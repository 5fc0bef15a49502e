package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// CustomerServiceConfig is where a tenant's classes and bookings are: what an operator assigns.
type CustomerServiceConfig struct {
	JackrabbitOrgID string   // digits
	LocationCodes   []string // Jackrabbit's, of the places whose classes the tenant offers; all when empty
	Franchise       string   // whose registration pages its links lead to; "" for none
	BookingURL      string   // https; where customers book when the tenant has no calendar
}

// CustomerServiceConfigChange names what to change: a nil field stays as it is, and a pointer to "" clears it.
type CustomerServiceConfigChange struct {
	JackrabbitOrgID *string
	LocationCodes   []string // nil stays, empty clears
	Franchise       *string
	BookingURL      *string
}

const customerServiceColumns = `coalesce(c.jackrabbit_org_id, ''), coalesce(c.jackrabbit_location_codes, '{}'), coalesce(c.booking_url, ''), coalesce(c.registration_franchise, '')`

// CustomerServiceConfig reads what is assigned, which is nothing for a tenant that has no configuration yet. fault.NotFound when there
// is no such tenant. One round trip.
func (t *Tenant) CustomerServiceConfig(ctx context.Context) (c CustomerServiceConfig, err error) {
	err = t.run(ctx, "reading the customer service configuration", func(b *pgx.Batch) {
		b.Queue(`select `+customerServiceColumns+` from tenants t left join tenant_customer_service_configs c on c.tenant_id = $1 where t.id = $1`, t.id()).
			QueryRow(func(row pgx.Row) error {
				return row.Scan(&c.JackrabbitOrgID, &c.LocationCodes, &c.BookingURL, &c.Franchise)
			})
	})
	return c, err
}

// ConfigureCustomerService assigns the named fields and returns all of them. fault.NotFound when there is no such tenant. One round
// trip.
func (t *Tenant) ConfigureCustomerService(ctx context.Context, c CustomerServiceConfigChange) (now CustomerServiceConfig, err error) {
	err = t.change(ctx, "configuring customer service", func(b *pgx.Batch) {
		b.Queue(`insert into tenant_customer_service_configs (tenant_id) values ($1) on conflict do nothing`, t.id())
		b.Queue(`update tenant_customer_service_configs c set jackrabbit_org_id = nullif(coalesce($2, c.jackrabbit_org_id), ''),
			booking_url = nullif(coalesce($3, c.booking_url), ''), jackrabbit_location_codes = coalesce($4, c.jackrabbit_location_codes),
			registration_franchise = nullif(coalesce($5, c.registration_franchise), ''), updated_at = now()
			where c.tenant_id = $1 returning `+customerServiceColumns, t.id(), c.JackrabbitOrgID, c.BookingURL, c.LocationCodes, c.Franchise).
			QueryRow(func(row pgx.Row) error {
				return row.Scan(&now.JackrabbitOrgID, &now.LocationCodes, &now.BookingURL, &now.Franchise)
			})
	})
	return now, err
}
