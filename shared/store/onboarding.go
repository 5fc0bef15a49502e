package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Onboarding is what there is of a tenant's provisioning.
type Onboarding struct {
	Tenant          TenantRow
	BusinessName    string // of the business profile
	HasAdmin        bool   // an active one
	HasPrompt       bool   // a live one of its own
	HasGlobalPrompt bool   // a live one that every tenant inherits
	MailIsAnswered  bool   // a mailbox is connected, Google lets us in, and answering is on
	SMS             SMSConfig
	Voice           VoiceConfig
}

const onboardingSQL = `
select coalesce((select business_name from tenant_business_profiles where tenant_id = $1), ''),
       exists (select from users where tenant_id = $1 and role = 'tenant_admin' and is_active),
       exists (select from prompt_bundles where tenant_id = $1 and status = 'PRODUCTION'),
       exists (select from prompt_bundles where tenant_id is null and channel = 'any' and status = 'PRODUCTION'),
       exists (select from tenant_email_configs where tenant_id = $1 and is_enabled and grant_failed_at is null)`

// Onboarding reads how far the tenant is provisioned. fault.NotFound when there is no such tenant. One round trip.
func (t *Tenant) Onboarding(ctx context.Context) (o Onboarding, err error) {
	err = t.run(ctx, "reading how far a tenant is provisioned", func(b *pgx.Batch) {
		b.Queue(`select `+tenantColumns+` from tenants where id = $1`, t.id()).Query(func(rows pgx.Rows) (err error) {
			o.Tenant, err = pgx.CollectExactlyOneRow(rows, scanTenant)
			return err
		})
		b.Queue(onboardingSQL, t.id()).QueryRow(func(row pgx.Row) error {
			return row.Scan(&o.BusinessName, &o.HasAdmin, &o.HasPrompt, &o.HasGlobalPrompt, &o.MailIsAnswered)
		})
		b.Queue(smsConfigSQL, t.id()).QueryRow(func(row pgx.Row) error { return t.scanSMSConfig(row, &o.SMS) })
		b.Queue(voiceConfigSQL, t.id()).QueryRow(func(row pgx.Row) error { return t.scanVoiceConfig(row, &o.Voice) })
	})
	return o, err
}
