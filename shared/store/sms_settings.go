package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/hours"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// SMSSettings is how a tenant wants its texts answered.
type SMSSettings struct {
	Enabled             bool
	Phone               private.Phone // the tenant's Telnyx number; an operator assigns it
	AutoReplyEnabled    bool          // outside business hours, say AutoReplyMessage instead of answering
	AutoReplyMessage    string
	HoursEnabled        bool
	Timezone            string // IANA name
	Hours               hours.Week
	ReplyWait           time.Duration // how long an answer waits for more texts
	AnsweredByAssistant bool          // the number's Telnyx assistant answers; texts are recorded only
}

// SMSSettingsChange names the fields to change; the nil ones stay as they are.
type SMSSettingsChange struct {
	Enabled             *bool
	AutoReplyEnabled    *bool
	AutoReplyMessage    *string
	HoursEnabled        *bool
	Timezone            *string
	Hours               *hours.Week
	ReplyWait           *time.Duration
	AnsweredByAssistant *bool
}

const smsSettingsColumns = `is_enabled, coalesce(telnyx_phone_number, ''), auto_reply_enabled, auto_reply_message,
	business_hours_enabled, timezone, business_hours, reply_wait_ms, answered_by_assistant`

const ensureSMSConfigSQL = `insert into tenant_sms_configs (tenant_id) values ($1) on conflict do nothing`

// SMSSettings reads the tenant's settings, which are the column defaults for a tenant that has none yet. One round trip.
func (t *Tenant) SMSSettings(ctx context.Context) (SMSSettings, error) {
	var s SMSSettings
	err := t.run(ctx, "reading the SMS settings", func(b *pgx.Batch) {
		b.Queue(ensureSMSConfigSQL, t.id())
		b.Queue(`select `+smsSettingsColumns+` from tenant_sms_configs where tenant_id = $1`, t.id()).QueryRow(s.scan)
	})
	return s, err
}

// ChangeSMSSettings changes the named fields in one round trip and returns all of them. fault.Invalid when texting is to be
// enabled and the tenant has no number.
func (t *Tenant) ChangeSMSSettings(ctx context.Context, c SMSSettingsChange) (SMSSettings, error) {
	var wait *int64
	if c.ReplyWait != nil {
		ms := c.ReplyWait.Milliseconds()
		wait = &ms
	}
	var s SMSSettings
	err := t.change(ctx, "changing the SMS settings", func(b *pgx.Batch) {
		b.Queue(ensureSMSConfigSQL, t.id())
		b.Queue(`update tenant_sms_configs set is_enabled = coalesce($2, is_enabled), auto_reply_enabled = coalesce($3, auto_reply_enabled),
			auto_reply_message = coalesce($4, auto_reply_message), business_hours_enabled = coalesce($5, business_hours_enabled),
			timezone = coalesce($6, timezone), business_hours = coalesce($7, business_hours), reply_wait_ms = coalesce($8, reply_wait_ms),
			answered_by_assistant = coalesce($9, answered_by_assistant), updated_at = now()
			where tenant_id = $1 returning `+smsSettingsColumns,
			t.id(), c.Enabled, c.AutoReplyEnabled, c.AutoReplyMessage, c.HoursEnabled, c.Timezone, c.Hours, wait, c.AnsweredByAssistant).
			QueryRow(s.scan)
	})
	return s, explain(err, smsNeedsNumber, "texting cannot be enabled: no phone number is assigned to this tenant yet; ask an operator to assign one")
}

func (s *SMSSettings) scan(row pgx.Row) error {
	var phone string
	var wait int64
	err := row.Scan(&s.Enabled, &phone, &s.AutoReplyEnabled, &s.AutoReplyMessage, &s.HoursEnabled, &s.Timezone, &s.Hours, &wait, &s.AnsweredByAssistant)
	if err != nil {
		return err
	}
	s.ReplyWait = time.Duration(wait) * time.Millisecond
	return s.Phone.UnmarshalText([]byte(phone))
}
