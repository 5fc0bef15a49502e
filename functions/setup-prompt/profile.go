package setupprompt

import (
	"context"
	"net/url"
	"strings"
	"unicode"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

type profileOutput struct {
	Body struct {
		TenantID     int64   `json:"tenant_id"`
		BusinessName *string `json:"business_name"`
		WebsiteURL   *string `json:"website_url"`
		PhoneNumber  *string `json:"phone_number" doc:"in E.164 form"`
		Email        *string `json:"email"`
	}
}

// profile tells what the business says of itself on every channel; null is what it does not say.
func (d Deps) profile(ctx context.Context, t *store.Tenant, _ *struct{}) (*profileOutput, error) {
	p, err := t.Profile(ctx)
	return showProfile(t, p, err)
}

func showProfile(t *store.Tenant, p prompt.Profile, err error) (*profileOutput, error) {
	if err != nil {
		return nil, err
	}
	out := &profileOutput{}
	b := &out.Body
	b.TenantID = int64(t.Scope().ID())
	b.BusinessName, b.WebsiteURL, b.PhoneNumber, b.Email = said(p.BusinessName), said(p.WebsiteURL), said(p.Phone), said(p.Email)
	return out, nil
}

func said(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

type changeProfileInput struct {
	Body struct {
		BusinessName httpx.Field[string] `json:"business_name,omitempty" maxLength:"200" example:"Example Customer"`
		WebsiteURL   httpx.Field[string] `json:"website_url,omitempty" maxLength:"2000" example:"https://exampleco.test"`
		PhoneNumber  httpx.Field[string] `json:"phone_number,omitempty" maxLength:"40" example:"+15555550123" doc:"a number without a country code is North American"`
		Email        httpx.Field[string] `json:"email,omitempty" maxLength:"320" example:"support@exampleco.test"`
	}
}

// changeProfile changes the fields that were sent; null or nothing but white space clears one.
func (d Deps) changeProfile(ctx context.Context, t *store.Tenant, in *changeProfileInput) (*profileOutput, error) {
	var c store.ProfileChange
	for _, f := range []struct {
		sent   *string
		write  func(string) (string, error)
		change **string
	}{
		{in.Body.BusinessName.Change(), businessName, &c.BusinessName},
		{in.Body.WebsiteURL.Change(), websiteURL, &c.WebsiteURL},
		{in.Body.PhoneNumber.Change(), phoneNumber, &c.Phone},
		{in.Body.Email.Change(), emailAddress, &c.Email},
	} {
		if f.sent == nil {
			continue
		}
		written := strings.TrimSpace(*f.sent)
		if written != "" {
			var err error
			if written, err = f.write(written); err != nil {
				return nil, err
			}
		}
		*f.change = &written
	}
	p, err := t.SaveProfile(ctx, c)
	return showProfile(t, p, err)
}

// businessName writes a name on one line.
func businessName(s string) (string, error) {
	name := strings.Join(strings.Fields(s), " ")
	if strings.ContainsFunc(name, unicode.IsControl) {
		return "", fault.New(fault.Invalid, "business_name must not hold control characters")
	}
	return name, nil
}

// websiteURL takes an address that a customer can follow.
func websiteURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || !strings.EqualFold(u.Scheme, "http") && !strings.EqualFold(u.Scheme, "https") || u.Hostname() == "" || u.User != nil {
		return "", fault.New(fault.Invalid, "website_url must be a whole address that begins with https:// or http://, such as https://exampleco.test")
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return u.String(), nil
}

// phoneNumber writes a number as E.164 does, however it is punctuated.
func phoneNumber(s string) (string, error) {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -.()/\u00a0", r) {
			return -1
		}
		return r
	}, s)
	switch {
	case len(digits) == 10 && digits[0] != '+' && digits[0] != '0':
		digits = "+1" + digits
	case len(digits) == 11 && digits[0] == '1':
		digits = "+" + digits
	case strings.HasPrefix(digits, "00"):
		digits = "+" + digits[2:]
	}
	phone, err := private.ParsePhone(digits)
	if err != nil {
		return "", fault.New(fault.Invalid, "phone_number must be a telephone number with its country code, such as +15555550123")
	}
	return phone.E164(), nil
}

// emailAddress takes a bare address, whose domain it writes in lower case.
func emailAddress(s string) (string, error) {
	address, err := private.ParseEmail(s)
	if err != nil {
		return "", fault.New(fault.Invalid, "email: %v", err)
	}
	at := strings.LastIndexByte(address, '@')
	return address[:at] + strings.ToLower(address[at:]), nil
}
