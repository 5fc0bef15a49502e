package telnyxsms

import (
	"context"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/hours"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

type settingsOutput struct {
	Body struct {
		IsEnabled            bool       `json:"is_enabled"`
		PhoneNumber          *string    `json:"phone_number"`
		AutoReplyEnabled     bool       `json:"auto_reply_enabled"`
		AutoReplyMessage     string     `json:"auto_reply_message"`
		BusinessHoursEnabled bool       `json:"business_hours_enabled"`
		Timezone             string     `json:"timezone"`
		BusinessHours        hours.Week `json:"business_hours"`
		ReplyWaitSeconds     float64    `json:"reply_wait_seconds"`
		AnsweredByAssistant  bool       `json:"answered_by_assistant"`
	}
}

type settingsInput struct {
	Body struct {
		IsEnabled            *bool       `json:"is_enabled,omitempty" doc:"answer texts; needs an assigned number"`
		PhoneNumber          *string     `json:"phone_number,omitempty" doc:"assigned by an operator; may be repeated, not changed"`
		AutoReplyEnabled     *bool       `json:"auto_reply_enabled,omitempty" doc:"outside business hours, send auto_reply_message instead of an answer"`
		AutoReplyMessage     *string     `json:"auto_reply_message,omitempty" maxLength:"640"`
		BusinessHoursEnabled *bool       `json:"business_hours_enabled,omitempty"`
		Timezone             *string     `json:"timezone,omitempty" doc:"IANA name, e.g. America/Chicago"`
		BusinessHours        *hours.Week `json:"business_hours,omitempty" doc:"{\"monday\":{\"start\":\"09:00\",\"end\":\"17:00\"}}; a day left out is closed"`
		ReplyWaitSeconds     *float64    `json:"reply_wait_seconds,omitempty" minimum:"0" maximum:"60" doc:"how long an answer waits for more texts"`
		AnsweredByAssistant  *bool       `json:"answered_by_assistant,omitempty" doc:"the number's Telnyx assistant answers; texts are recorded only"`
	}
}

// settings tells how the tenant's texts are answered.
func (d Deps) settings(ctx context.Context, t *store.Tenant, _ *struct{}) (*settingsOutput, error) {
	s, err := t.SMSSettings(ctx)
	if err != nil {
		return nil, err
	}
	return settingsBody(s), nil
}

// changeSettings changes the fields that were sent and leaves the others as they are.
func (d Deps) changeSettings(ctx context.Context, t *store.Tenant, in *settingsInput) (*settingsOutput, error) {
	b := in.Body
	if b.Timezone != nil {
		if _, err := hours.Zone(*b.Timezone); err != nil {
			return nil, err
		}
	}
	if b.BusinessHours != nil {
		if err := b.BusinessHours.Validate(); err != nil {
			return nil, err
		}
	}
	if b.PhoneNumber != nil {
		if err := samePhone(ctx, t, *b.PhoneNumber); err != nil {
			return nil, err
		}
	}
	change := store.SMSSettingsChange{
		Enabled: b.IsEnabled, AutoReplyEnabled: b.AutoReplyEnabled, AutoReplyMessage: b.AutoReplyMessage,
		HoursEnabled: b.BusinessHoursEnabled, Timezone: b.Timezone, Hours: b.BusinessHours, AnsweredByAssistant: b.AnsweredByAssistant,
	}
	if b.ReplyWaitSeconds != nil {
		wait := time.Duration(*b.ReplyWaitSeconds * float64(time.Second))
		change.ReplyWait = &wait
	}
	s, err := t.ChangeSMSSettings(ctx, change)
	if err != nil {
		return nil, err
	}
	return settingsBody(s), nil
}

// samePhone lets a caller send back what it read.
func samePhone(ctx context.Context, t *store.Tenant, phone string) error {
	s, err := t.SMSSettings(ctx)
	if err != nil {
		return err
	}
	if s.Phone.E164() != phone {
		return fault.New(fault.Invalid, "phone_number is assigned by an operator; leave it out")
	}
	return nil
}

func settingsBody(s store.SMSSettings) *settingsOutput {
	out := &settingsOutput{}
	b := &out.Body
	b.IsEnabled, b.AutoReplyEnabled, b.AutoReplyMessage = s.Enabled, s.AutoReplyEnabled, s.AutoReplyMessage
	b.BusinessHoursEnabled, b.Timezone, b.BusinessHours = s.HoursEnabled, s.Timezone, s.Hours
	b.ReplyWaitSeconds, b.AnsweredByAssistant = s.ReplyWait.Seconds(), s.AnsweredByAssistant
	if !s.Phone.IsZero() {
		phone := s.Phone.E164()
		b.PhoneNumber = &phone
	}
	return out
}
