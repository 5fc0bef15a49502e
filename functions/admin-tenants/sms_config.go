package admintenants

import (
	"context"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

type smsConfigOutput struct {
	Body struct {
		IsEnabled                bool        `json:"is_enabled"`
		TelnyxPhoneNumber        *string     `json:"telnyx_phone_number"`
		TelnyxAPIKey             secretState `json:"telnyx_api_key"`
		TelnyxMessagingProfileID *string     `json:"telnyx_messaging_profile_id"`
		TelnyxPublicKey          *string     `json:"telnyx_public_key"`
		TwilioPhoneNumber        *string     `json:"twilio_phone_number"`
		TwilioAccountSID         *string     `json:"twilio_account_sid"`
		TwilioAuthToken          secretState `json:"twilio_auth_token"`
	}
}

// secretState is all that is told of a secret.
type secretState struct {
	IsSet    bool    `json:"is_set"`
	LastFour *string `json:"last_four" doc:"its last four characters; null when it is not set, shorter than twelve, or sealed with a key that is gone"`
}

type smsConfigInput struct {
	Body struct {
		IsEnabled                *bool                       `json:"is_enabled,omitempty" doc:"answer texts; needs telnyx_phone_number"`
		TelnyxPhoneNumber        httpx.Field[private.Phone]  `json:"telnyx_phone_number,omitzero" pattern:"^\\+[1-9][0-9]{6,14}$" patternDescription:"a number in E.164 form, such as +15555550142" example:"+15555550142"`
		TelnyxAPIKey             httpx.Field[private.Secret] `json:"telnyx_api_key,omitzero" maxLength:"500" pattern:"^[!-~]+$" patternDescription:"the key, without spaces" writeOnly:"true"`
		TelnyxMessagingProfileID httpx.Field[string]         `json:"telnyx_messaging_profile_id,omitzero" maxLength:"200" pattern:"^[!-~]+$" patternDescription:"an id without spaces"`
		TelnyxPublicKey          httpx.Field[string]         `json:"telnyx_public_key,omitzero" maxLength:"200" minLength:"1" doc:"base64 of 32 bytes, as the portal shows it; null for the platform's keys"`
		TwilioPhoneNumber        httpx.Field[private.Phone]  `json:"twilio_phone_number,omitzero" pattern:"^\\+[1-9][0-9]{6,14}$" patternDescription:"a number in E.164 form, such as +15555550142" doc:"a legacy number"`
		TwilioAccountSID         httpx.Field[string]         `json:"twilio_account_sid,omitzero" pattern:"^AC[0-9a-f]{32}$" patternDescription:"AC and 32 hexadecimal digits in lower case"`
		TwilioAuthToken          httpx.Field[private.Secret] `json:"twilio_auth_token,omitzero" maxLength:"500" pattern:"^[!-~]+$" patternDescription:"the token, without spaces" writeOnly:"true"`
	}
}

// smsConfig shows how the tenant's texts reach us and leave us.
func (d Deps) smsConfig(ctx context.Context, t *store.Tenant, _ *struct{}) (*smsConfigOutput, error) {
	c, err := t.SMSConfig(ctx)
	return showSMSConfig(c, err)
}

// configureSMS changes the fields that were sent; null clears one. A number of another tenant is 409.
func (d Deps) configureSMS(ctx context.Context, t *store.Tenant, in *smsConfigInput) (*smsConfigOutput, error) {
	b := in.Body
	if key := b.TelnyxPublicKey.Value; key != "" {
		if _, err := telnyx.ParsePublicKey(key); err != nil {
			return nil, fault.New(fault.Invalid, "telnyx_public_key: %v", err)
		}
	}
	c, err := t.ConfigureSMS(ctx, store.SMSConfigChange{
		Enabled: b.IsEnabled, TelnyxPhone: b.TelnyxPhoneNumber.Change(), TelnyxAPIKey: b.TelnyxAPIKey.Change(),
		TelnyxProfileID: b.TelnyxMessagingProfileID.Change(), TelnyxPublicKey: b.TelnyxPublicKey.Change(),
		TwilioPhone: b.TwilioPhoneNumber.Change(), TwilioAccount: b.TwilioAccountSID.Change(), TwilioAuthToken: b.TwilioAuthToken.Change(),
	})
	return showSMSConfig(c, err)
}

func showSMSConfig(c store.SMSConfig, err error) (*smsConfigOutput, error) {
	if err != nil {
		return nil, err
	}
	out := &smsConfigOutput{}
	b := &out.Body
	b.IsEnabled, b.TelnyxPhoneNumber, b.TwilioPhoneNumber = c.Enabled, orNull(c.TelnyxPhone.E164()), orNull(c.TwilioPhone.E164())
	b.TelnyxMessagingProfileID, b.TelnyxPublicKey, b.TwilioAccountSID = orNull(c.TelnyxProfileID), orNull(c.TelnyxPublicKey), orNull(c.TwilioAccount)
	b.TelnyxAPIKey, b.TwilioAuthToken = stateOf(c.TelnyxAPIKey), stateOf(c.TwilioAuthToken)
	return out, nil
}

func stateOf(k store.KeptSecret) secretState { return secretState{k.IsSet, orNull(k.LastFour)} }

// orNull is how an answer shows what is not set.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
