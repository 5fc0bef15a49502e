// Package onboard brings a tenant to what a file says, through the API and as a global admin: the whole of the runbook's section
// 6. What is as the file says already stays untouched, so that a second time changes nothing. The command onboard and the smoke
// test's canary tenants use it.
package onboard

import (
	"errors"
	"fmt"
	"strings"
)

// File is what is wanted of a tenant. A part, or a field, that is left out stays as it is.
type File struct {
	Tenant          Tenant           `yaml:"tenant"`
	Admin           *Admin           `yaml:"admin"`
	Prompt          *Prompt          `yaml:"prompt"`
	VoicePrompt     *VoicePrompt     `yaml:"voice_prompt"`
	Profile         *Profile         `yaml:"profile"`
	SMS             *SMS             `yaml:"sms"`
	Voice           *Voice           `yaml:"voice"`
	CustomerService *CustomerService `yaml:"customer_service"`
	Calendar        *Calendar        `yaml:"calendar"`
}

// Tenant is the tenant itself; its subdomain says which one it is.
type Tenant struct {
	Name      string `yaml:"name"`
	Subdomain string `yaml:"subdomain"`
}

// Admin is the tenant's first admin. Without a password a random one is made. Somebody who is there already keeps theirs.
type Admin struct {
	Email    string     `yaml:"email"`
	Password Credential `yaml:"password"`
}

// Prompt is the body of POST /tenant-setup/setup-prompt.
type Prompt struct {
	Name               string    `yaml:"name"                json:"name,omitempty"`
	BusinessPrompt     string    `yaml:"business_prompt"     json:"business_prompt"`
	FAQ                string    `yaml:"faq"                 json:"faq,omitempty"`
	Rules              string    `yaml:"rules"               json:"rules,omitempty"`
	AdditionalSections []Section `yaml:"additional_sections" json:"additional_sections,omitempty"`
}

// VoicePrompt is the prompt of calls, which lies over the one for every channel. Tenants that say the same share one Markdown file.
type VoicePrompt struct {
	Name string `yaml:"name"`
	From string `yaml:"from"` // the Markdown file, seen from the tenant's file; ParseSections tells its form

	sections []Section // what ReadVoicePrompt has found in it
}

// Section is one more section of the prompt.
type Section struct {
	Key     string `yaml:"section_key" json:"section_key"`
	Content string `yaml:"content"     json:"content"`
	Order   *int   `yaml:"order"       json:"order,omitempty"`
}

// Profile is the body of PUT /tenant/profile.
type Profile struct {
	BusinessName string `yaml:"business_name" json:"business_name,omitempty"`
	WebsiteURL   string `yaml:"website_url"   json:"website_url,omitempty"`
	PhoneNumber  string `yaml:"phone_number"  json:"phone_number,omitempty"`
	Email        string `yaml:"email"         json:"email,omitempty"`
}

// SMS is the body of PUT /admin/tenants/{tenant_id}/sms-config.
type SMS struct {
	IsEnabled                *bool      `yaml:"is_enabled"                  json:"is_enabled,omitempty"`
	TelnyxPhoneNumber        string     `yaml:"telnyx_phone_number"         json:"telnyx_phone_number,omitempty"`
	TelnyxAPIKey             Credential `yaml:"telnyx_api_key"              json:"telnyx_api_key,omitempty"`
	TelnyxMessagingProfileID string     `yaml:"telnyx_messaging_profile_id" json:"telnyx_messaging_profile_id,omitempty"`
	TelnyxPublicKey          string     `yaml:"telnyx_public_key"           json:"telnyx_public_key,omitempty"`
	TwilioPhoneNumber        string     `yaml:"twilio_phone_number"         json:"twilio_phone_number,omitempty"`
	TwilioAccountSID         string     `yaml:"twilio_account_sid"          json:"twilio_account_sid,omitempty"`
	TwilioAuthToken          Credential `yaml:"twilio_auth_token"           json:"twilio_auth_token,omitempty"`
}

// Voice is the body of PUT /admin/tenants/{tenant_id}/voice-config.
type Voice struct {
	IsEnabled           *bool      `yaml:"is_enabled"            json:"is_enabled,omitempty"`
	TelnyxPhoneNumber   string     `yaml:"telnyx_phone_number"   json:"telnyx_phone_number,omitempty"`
	TelnyxAssistantID   string     `yaml:"telnyx_assistant_id"   json:"telnyx_assistant_id,omitempty"`
	ToolSecret          Credential `yaml:"tool_secret"           json:"tool_secret,omitempty"`
	TransferPhoneNumber string     `yaml:"transfer_phone_number" json:"transfer_phone_number,omitempty"`
	NotifyPhoneNumber   string     `yaml:"notify_phone_number"   json:"notify_phone_number,omitempty"`
}

// CustomerService is the body of PUT /admin/tenants/{tenant_id}/customer-service-config.
type CustomerService struct {
	JackrabbitOrgID string   `yaml:"jackrabbit_org_id"         json:"jackrabbit_org_id,omitempty"`
	Franchise       string   `yaml:"registration_franchise"    json:"registration_franchise,omitempty"`
	LocationCodes   []string `yaml:"jackrabbit_location_codes" json:"jackrabbit_location_codes,omitempty"`
	BookingURL      string   `yaml:"booking_url"       json:"booking_url,omitempty"`
}

// Calendar is the body of PUT /admin/tenants/{tenant_id}/calendar-config.
type Calendar struct {
	IsEnabled          *bool           `yaml:"is_enabled"           json:"is_enabled,omitempty"`
	GoogleEmail        string          `yaml:"google_email"         json:"google_email,omitempty"`
	CalendarID         string          `yaml:"calendar_id"          json:"calendar_id,omitempty"`
	GoogleRefreshToken Credential      `yaml:"google_refresh_token" json:"google_refresh_token,omitempty"`
	MeetingMinutes     *int            `yaml:"meeting_minutes"      json:"meeting_minutes,omitempty"`
	BufferMinutes      *int            `yaml:"buffer_minutes"       json:"buffer_minutes,omitempty"`
	NoticeMinutes      *int            `yaml:"notice_minutes"       json:"notice_minutes,omitempty"`
	HorizonDays        *int            `yaml:"horizon_days"         json:"horizon_days,omitempty"`
	Hours              map[string]Span `yaml:"hours"        json:"hours,omitempty"`
}

// Span is a part of a day, as HH:MM.
type Span struct {
	Start string `yaml:"start" json:"start"`
	End   string `yaml:"end"   json:"end"`
}

// Credential is a password or key, or env:NAME for one that the environment variable NAME holds, so that a file holds none.
type Credential string

// Resolve puts in place of each env:NAME what lookup has for NAME, and checks that the file says which tenant it is about. The
// error names everything that is missing, and no value.
func (f *File) Resolve(lookup func(name string) string) error {
	var errs []error
	for name, value := range map[string]string{"tenant.name": f.Tenant.Name, "tenant.subdomain": f.Tenant.Subdomain} {
		if strings.TrimSpace(value) == "" {
			errs = append(errs, fmt.Errorf("%s is missing", name))
		}
	}
	if f.Admin != nil && !strings.Contains(f.Admin.Email, "@") {
		errs = append(errs, errors.New("admin.email is missing or is no e-mail address"))
	}
	for _, c := range f.credentials() {
		errs = append(errs, c.Resolve(lookup))
	}
	return errors.Join(errs...)
}

// Resolve puts in place of env:NAME what lookup has for NAME; it is an error when that is nothing. Another credential stays.
func (c *Credential) Resolve(lookup func(name string) string) error {
	name, indirect := strings.CutPrefix(string(*c), "env:")
	if !indirect {
		return nil
	}
	if *c = Credential(lookup(name)); *c == "" {
		return fmt.Errorf("the environment variable %s, which the file names, is not set", name)
	}
	return nil
}

func (f *File) credentials() []*Credential {
	var all []*Credential
	if f.Admin != nil {
		all = append(all, &f.Admin.Password)
	}
	if f.SMS != nil {
		all = append(all, &f.SMS.TelnyxAPIKey, &f.SMS.TwilioAuthToken)
	}
	if f.Voice != nil {
		all = append(all, &f.Voice.ToolSecret)
	}
	if f.Calendar != nil {
		all = append(all, &f.Calendar.GoogleRefreshToken)
	}
	return all
}
