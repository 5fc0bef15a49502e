package admintenants

import (
	"context"

	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

type voiceConfigOutput struct {
	Body struct {
		IsEnabled           bool        `json:"is_enabled"`
		TelnyxPhoneNumber   *string     `json:"telnyx_phone_number"`
		TelnyxAssistantID   *string     `json:"telnyx_assistant_id"`
		ToolSecret          secretState `json:"tool_secret"`
		TransferPhoneNumber *string     `json:"transfer_phone_number"`
		NotifyPhoneNumber   *string     `json:"notify_phone_number"`
	}
}

type voiceConfigInput struct {
	Body struct {
		IsEnabled           *bool                       `json:"is_enabled,omitempty" doc:"answer calls; needs telnyx_phone_number"`
		TelnyxPhoneNumber   httpx.Field[private.Phone]  `json:"telnyx_phone_number,omitzero" pattern:"^\\+[1-9][0-9]{6,14}$" patternDescription:"a number in E.164 form, such as +15555550142" example:"+15555550142" doc:"the number that is called; the tenant's number for texts will do"`
		TelnyxAssistantID   httpx.Field[string]         `json:"telnyx_assistant_id,omitzero" maxLength:"200" pattern:"^[!-~]+$" patternDescription:"an id without spaces" doc:"the Telnyx assistant that answers"`
		ToolSecret          httpx.Field[private.Secret] `json:"tool_secret,omitzero" maxLength:"500" pattern:"^[!-~]+$" patternDescription:"a secret without spaces" doc:"what the assistant's tool calls carry" writeOnly:"true"`
		TransferPhoneNumber httpx.Field[private.Phone]  `json:"transfer_phone_number,omitzero" pattern:"^\\+[1-9][0-9]{6,14}$" patternDescription:"a number in E.164 form, such as +15555550142" doc:"whom a call is handed to"`
		NotifyPhoneNumber   httpx.Field[private.Phone]  `json:"notify_phone_number,omitzero" pattern:"^\\+[1-9][0-9]{6,14}$" patternDescription:"a number in E.164 form, such as +15555550142" example:"+15555550142" doc:"who is texted what came of each call, from the tenant's number for texts; nobody without one"`
	}
}

// voiceConfig shows how the tenant's calls reach us.
func (d Deps) voiceConfig(ctx context.Context, t *store.Tenant, _ *struct{}) (*voiceConfigOutput, error) {
	c, err := t.VoiceConfig(ctx)
	return showVoiceConfig(c, err)
}

// configureVoice changes the fields that were sent; null clears one. A number or an assistant of another tenant is 409.
func (d Deps) configureVoice(ctx context.Context, t *store.Tenant, in *voiceConfigInput) (*voiceConfigOutput, error) {
	b := in.Body
	c, err := t.ConfigureVoice(ctx, store.VoiceConfigChange{
		Enabled: b.IsEnabled, Phone: b.TelnyxPhoneNumber.Change(), AssistantID: b.TelnyxAssistantID.Change(),
		ToolSecret: b.ToolSecret.Change(), TransferPhone: b.TransferPhoneNumber.Change(), NotifyPhone: b.NotifyPhoneNumber.Change(),
	})
	return showVoiceConfig(c, err)
}

func showVoiceConfig(c store.VoiceConfig, err error) (*voiceConfigOutput, error) {
	if err != nil {
		return nil, err
	}
	out := &voiceConfigOutput{}
	b := &out.Body
	b.IsEnabled, b.TelnyxPhoneNumber, b.TelnyxAssistantID = c.Enabled, orNull(c.Phone.E164()), orNull(c.AssistantID)
	b.ToolSecret, b.TransferPhoneNumber, b.NotifyPhoneNumber = stateOf(c.ToolSecret), orNull(c.TransferPhone.E164()), orNull(c.NotifyPhone.E164())
	return out, nil
}
