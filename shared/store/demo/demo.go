// Package demo holds the two tenants that the local server and the tests start with. Everything in it is invented.
package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Business is a demo tenant.
type Business struct {
	ID        tenant.ID
	Name      string
	Subdomain string
	Phone     private.Phone  // its Telnyx number
	APIKey    private.Secret // its Telnyx API key, which only the fake Telnyx takes
	Assistant string         // its Telnyx assistant

	JackrabbitOrg string         // "" for one that has no classes
	CalendarGrant private.Secret // of its Google Calendar, which only the fake Google takes; zero for one that has none
	Profile       prompt.Profile
	Prompt        []prompt.Section
}

// SwimSchool is tenant 1042.
func SwimSchool() Business {
	return Business{
		ID: 1042, Name: "Example Swim School", Subdomain: "exampleswim",
		Phone: private.MustPhone("+15555550142"), APIKey: private.NewSecret("KEY-demo-1042"), Assistant: "assistant-demo-1042", JackrabbitOrg: "100042",
		CalendarGrant: private.NewSecret("1//demo-1042"),
		Profile:       prompt.Profile{BusinessName: "Example Swim School", WebsiteURL: "https://swim.exampleco.test", Phone: "+15555550123", Email: "support@exampleco.test"},
		Prompt: []prompt.Section{
			{Key: "business", Position: 100, Content: "We teach children from three months on to swim, in warm indoor pools.\nOn Saturday we are open from 8 am to 1 pm, with lessons every half hour."},
			{Key: "prices", Position: 110, Content: "A weekly lesson costs 35 dollars. The trial lesson is free."},
			{Key: "registration", Position: 120, Content: "To register, use https://swim.exampleco.test/register and choose a level."},
		},
	}
}

// Dentist is tenant 2048.
func Dentist() Business {
	return Business{
		ID: 2048, Name: "Sample Dental Clinic", Subdomain: "sampledental",
		Phone: private.MustPhone("+15555550148"), APIKey: private.NewSecret("KEY-demo-2048"), Assistant: "assistant-demo-2048",
		Profile: prompt.Profile{BusinessName: "Sample Dental Clinic", WebsiteURL: "https://sampledental.test", Phone: "+15555550124", Email: "desk@sampledental.test"},
		Prompt: []prompt.Section{
			{Key: "business", Position: 100, Content: "We are a family dental clinic with three dentists.\nOn Saturday we are open for emergencies only, from 10 am to noon."},
			{Key: "prices", Position: 110, Content: "A check-up costs 90 dollars without insurance."},
			{Key: "appointments", Position: 120, Content: "Appointments are made at https://sampledental.test/book or by phone."},
		},
	}
}

// Businesses are both.
func Businesses() []Business { return []Business{SwimSchool(), Dentist()} }

// Seed makes the demo tenants, with texting, calls and the calendar of one on. Seeding again changes nothing that a person may have changed since.
func Seed(ctx context.Context, s *store.Store) error {
	for _, b := range Businesses() {
		if err := errors.Join(Put(ctx, s, b), PutVoice(ctx, s, b), PutCalendar(ctx, s, b)); err != nil {
			return fmt.Errorf("seeding tenant %v: %w", b.ID, err)
		}
	}
	return nil
}

// Put makes one tenant, with texting on, unless it has a number already.
func Put(ctx context.Context, s *store.Store, b Business) error {
	if err := s.Operator().PutTenant(ctx, b.ID, b.Name, b.Subdomain); err != nil {
		return err
	}
	t := s.For(tenant.ByCommand(b.ID))
	settings, err := t.SMSSettings(ctx)
	if err != nil || !settings.Phone.IsZero() {
		return err // it was made before
	}
	if _, err := t.ConfigureSMS(ctx, store.SMSConfigChange{TelnyxPhone: &b.Phone, TelnyxAPIKey: &b.APIKey}); err != nil {
		return err
	}
	if _, err := t.SaveProfile(ctx, store.WholeProfile(b.Profile)); err != nil {
		return err
	}
	if _, err := t.PublishPrompt(ctx, prompt.Any, b.Name, b.Prompt); err != nil {
		return err
	}
	_, err = t.ChangeSMSSettings(ctx, store.SMSSettingsChange{Enabled: new(true)})
	return err
}

// PutVoice gives a tenant that Put has made its assistant, and its classes if it has any, unless its calls have a number already.
func PutVoice(ctx context.Context, s *store.Store, b Business) error {
	t := s.For(tenant.ByCommand(b.ID))
	voice, err := t.VoiceConfig(ctx)
	if err != nil || !voice.Phone.IsZero() {
		return err
	}
	if _, err := t.ConfigureVoice(ctx, store.VoiceConfigChange{Enabled: new(true), Phone: &b.Phone, AssistantID: &b.Assistant}); err != nil || b.JackrabbitOrg == "" {
		return err
	}
	_, err = t.ConfigureCustomerService(ctx, store.CustomerServiceConfigChange{JackrabbitOrgID: &b.JackrabbitOrg})
	return err
}

// PutCalendar gives a tenant that Put has made its calendar, if it has any, unless it has one already.
func PutCalendar(ctx context.Context, s *store.Store, b Business) error {
	t := s.For(tenant.ByCommand(b.ID))
	c, err := t.CalendarConfig(ctx)
	if err != nil || c.RefreshToken.IsSet || b.CalendarGrant.IsZero() {
		return err
	}
	_, err = t.ConfigureCalendar(ctx, store.CalendarConfigChange{Enabled: new(true), RefreshToken: &b.CalendarGrant})
	return err
}
