package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// SMSConfig is how a tenant's texts reach us and leave us: what an operator assigns.
type SMSConfig struct {
	Enabled         bool
	TelnyxPhone     private.Phone
	TelnyxAPIKey    KeptSecret
	TelnyxProfileID string
	TelnyxPublicKey string // base64; "" when the platform's keys verify
	TwilioPhone     private.Phone
	TwilioAccount   string
	TwilioAuthToken KeptSecret
}

// SMSConfigChange names what to change: a nil field stays as it is, and a pointer to the zero value clears it.
type SMSConfigChange struct {
	Enabled         *bool
	TelnyxPhone     *private.Phone
	TelnyxAPIKey    *private.Secret
	TelnyxProfileID *string
	TelnyxPublicKey *string
	TwilioPhone     *private.Phone
	TwilioAccount   *string
	TwilioAuthToken *private.Secret
}

// The sealed columns, as they are bound to what is sealed in them.
const (
	telnyxKeyColumn   = "tenant_sms_configs.telnyx_api_key"
	twilioTokenColumn = "tenant_sms_configs.twilio_auth_token"
)

const smsConfigColumns = `coalesce(c.is_enabled, false), coalesce(c.telnyx_phone_number, ''), c.telnyx_api_key, coalesce(c.telnyx_messaging_profile_id, ''),
	coalesce(c.telnyx_public_key, ''), coalesce(c.twilio_phone_number, ''), coalesce(c.twilio_account_sid, ''), c.twilio_auth_token`

const smsConfigSQL = `select ` + smsConfigColumns + ` from tenants t left join tenant_sms_configs c on c.tenant_id = $1 where t.id = $1`

// SMSConfig reads what is assigned, which is nothing for a tenant that has no configuration yet. fault.NotFound when there is no
// such tenant. One round trip.
func (t *Tenant) SMSConfig(ctx context.Context) (c SMSConfig, err error) {
	err = t.run(ctx, "reading the SMS configuration", func(b *pgx.Batch) {
		b.Queue(smsConfigSQL, t.id()).QueryRow(func(row pgx.Row) error { return t.scanSMSConfig(row, &c) })
	})
	return c, err
}

// ConfigureSMS assigns numbers and credentials and returns all that is assigned. Secrets are sealed before they leave this process;
// without a FIELD_ENCRYPTION_KEY none is stored. fault.NotFound when there is no such tenant, fault.Conflict when a number is another
// tenant's, fault.Invalid when texting is on and would be left without a number. One round trip.
func (t *Tenant) ConfigureSMS(ctx context.Context, c SMSConfigChange) (now SMSConfig, err error) {
	apiKey, err := t.seal(c.TelnyxAPIKey, telnyxKeyColumn)
	if err != nil {
		return now, err
	}
	token, err := t.seal(c.TwilioAuthToken, twilioTokenColumn)
	if err != nil {
		return now, err
	}
	err = t.change(ctx, "configuring SMS", func(b *pgx.Batch) {
		b.Queue(ensureSMSConfigSQL, t.id())
		b.Queue(`update tenant_sms_configs c set is_enabled = coalesce($2, c.is_enabled), telnyx_phone_number = nullif(coalesce($3, c.telnyx_phone_number), ''),
			telnyx_api_key = nullif(coalesce($4, c.telnyx_api_key), ''), telnyx_messaging_profile_id = nullif(coalesce($5, c.telnyx_messaging_profile_id), ''),
			telnyx_public_key = nullif(coalesce($6, c.telnyx_public_key), ''), twilio_phone_number = nullif(coalesce($7, c.twilio_phone_number), ''),
			twilio_account_sid = nullif(coalesce($8, c.twilio_account_sid), ''), twilio_auth_token = nullif(coalesce($9, c.twilio_auth_token), ''), updated_at = now()
			where c.tenant_id = $1 returning `+smsConfigColumns,
			t.id(), c.Enabled, e164(c.TelnyxPhone), apiKey, c.TelnyxProfileID, c.TelnyxPublicKey, e164(c.TwilioPhone), c.TwilioAccount, token).
			QueryRow(func(row pgx.Row) error { return t.scanSMSConfig(row, &now) })
	})
	return now, explain(err, smsNeedsNumber, "texting is on, or was to be, and needs a telnyx_phone_number: send one, or is_enabled false with this change")
}

func (t *Tenant) scanSMSConfig(row pgx.Row, c *SMSConfig) error {
	var telnyxPhone, twilioPhone string
	var apiKey, token []byte
	err := row.Scan(&c.Enabled, &telnyxPhone, &apiKey, &c.TelnyxProfileID, &c.TelnyxPublicKey, &twilioPhone, &c.TwilioAccount, &token)
	if err != nil {
		return err
	}
	c.TelnyxAPIKey, c.TwilioAuthToken = t.kept(apiKey, telnyxKeyColumn), t.kept(token, twilioTokenColumn)
	if err := c.TelnyxPhone.UnmarshalText([]byte(telnyxPhone)); err != nil {
		return err
	}
	return c.TwilioPhone.UnmarshalText([]byte(twilioPhone))
}
