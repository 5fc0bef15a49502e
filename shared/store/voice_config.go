package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// VoiceConfig is how a tenant's calls reach us: what an operator assigns.
type VoiceConfig struct {
	Enabled       bool
	Phone         private.Phone // the number that is called
	AssistantID   string        // the Telnyx assistant that answers it
	ToolSecret    KeptSecret    // what a tool call of the assistant may carry instead of a signature
	TransferPhone private.Phone // whom a call is handed to
	NotifyPhone   private.Phone // who is texted what came of a call; nobody when zero
}

// VoiceConfigChange names what to change: a nil field stays as it is, and a pointer to the zero value clears it.
type VoiceConfigChange struct {
	Enabled       *bool
	Phone         *private.Phone
	AssistantID   *string
	ToolSecret    *private.Secret
	TransferPhone *private.Phone
	NotifyPhone   *private.Phone
}

const toolSecretColumn = "tenant_voice_configs.tool_secret"

const voiceConfigColumns = `coalesce(c.is_enabled, false), coalesce(c.telnyx_phone_number, ''), coalesce(c.telnyx_assistant_id, ''), c.tool_secret,
	coalesce(c.transfer_phone_number, ''), coalesce(c.notify_phone_number, '')`

const voiceConfigSQL = `select ` + voiceConfigColumns + ` from tenants t left join tenant_voice_configs c on c.tenant_id = $1 where t.id = $1`

// VoiceConfig reads what is assigned, which is nothing for a tenant that has no configuration yet. fault.NotFound when there is no
// such tenant. One round trip.
func (t *Tenant) VoiceConfig(ctx context.Context) (c VoiceConfig, err error) {
	err = t.run(ctx, "reading the voice configuration", func(b *pgx.Batch) {
		b.Queue(voiceConfigSQL, t.id()).QueryRow(func(row pgx.Row) error { return t.scanVoiceConfig(row, &c) })
	})
	return c, err
}

// ConfigureVoice assigns a number, an assistant and a secret, with the rules and errors of ConfigureSMS. fault.Conflict also when the
// assistant is another tenant's. One round trip.
func (t *Tenant) ConfigureVoice(ctx context.Context, c VoiceConfigChange) (now VoiceConfig, err error) {
	secret, err := t.seal(c.ToolSecret, toolSecretColumn)
	if err != nil {
		return now, err
	}
	err = t.change(ctx, "configuring voice", func(b *pgx.Batch) {
		b.Queue(`insert into tenant_voice_configs (tenant_id) values ($1) on conflict do nothing`, t.id())
		b.Queue(`update tenant_voice_configs c set is_enabled = coalesce($2, c.is_enabled), telnyx_phone_number = nullif(coalesce($3, c.telnyx_phone_number), ''),
			telnyx_assistant_id = nullif(coalesce($4, c.telnyx_assistant_id), ''), tool_secret = nullif(coalesce($5, c.tool_secret), ''),
			transfer_phone_number = nullif(coalesce($6, c.transfer_phone_number), ''),
			notify_phone_number = nullif(coalesce($7, c.notify_phone_number), ''), updated_at = now()
			where c.tenant_id = $1 returning `+voiceConfigColumns,
			t.id(), c.Enabled, e164(c.Phone), c.AssistantID, secret, e164(c.TransferPhone), e164(c.NotifyPhone)).
			QueryRow(func(row pgx.Row) error { return t.scanVoiceConfig(row, &now) })
	})
	return now, explain(err, voiceNeedsNumber, "voice is on, or was to be, and needs a telnyx_phone_number: send one, or is_enabled false with this change")
}

func (t *Tenant) scanVoiceConfig(row pgx.Row, c *VoiceConfig) error {
	var phone, transfer, notify string
	var secret []byte
	if err := row.Scan(&c.Enabled, &phone, &c.AssistantID, &secret, &transfer, &notify); err != nil {
		return err
	}
	c.ToolSecret = t.kept(secret, toolSecretColumn)
	if err := c.Phone.UnmarshalText([]byte(phone)); err != nil {
		return err
	}
	return errors.Join(c.TransferPhone.UnmarshalText([]byte(transfer)), c.NotifyPhone.UnmarshalText([]byte(notify)))
}
