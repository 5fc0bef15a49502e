package admintenants

import (
	"context"
	"net/url"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

type customerServiceConfigOutput struct {
	Body struct {
		JackrabbitOrgID *string  `json:"jackrabbit_org_id"`
		LocationCodes   []string `json:"jackrabbit_location_codes"`
		Franchise       *string  `json:"registration_franchise"`
		BookingURL      *string  `json:"booking_url"`
	}
}

type customerServiceConfigInput struct {
	Body struct {
		JackrabbitOrgID httpx.Field[string]   `json:"jackrabbit_org_id,omitzero" pattern:"^[0-9]{1,12}$" patternDescription:"1 to 12 digits, in quotes" example:"545911"`
		LocationCodes   httpx.Field[[]string] `json:"jackrabbit_location_codes,omitzero" maxItems:"50" example:"[\"LAFCypress\"]" doc:"Jackrabbit's codes of the places whose classes the tenant offers; empty or null for all of the organisation's"`
		Franchise       httpx.Field[string]   `json:"registration_franchise,omitzero" pattern:"^[a-z0-9-]{1,60}$" patternDescription:"a folder of the franchise's site, such as cypress-spring" example:"cypress-spring" doc:"whose registration pages links lead to; shared/booking/franchises.yaml has them"`
		BookingURL      httpx.Field[string]   `json:"booking_url,omitzero" minLength:"1" maxLength:"500" example:"https://exampleco.test/book" doc:"where customers book when the tenant has no calendar; https"`
	}
}

// customerServiceConfig shows where the tenant's classes and bookings are.
func (d Deps) customerServiceConfig(ctx context.Context, t *store.Tenant, _ *struct{}) (*customerServiceConfigOutput, error) {
	c, err := t.CustomerServiceConfig(ctx)
	return showCustomerServiceConfig(c, err)
}

// configureCustomerService changes the fields that were sent; null clears one.
func (d Deps) configureCustomerService(ctx context.Context, t *store.Tenant, in *customerServiceConfigInput) (*customerServiceConfigOutput, error) {
	b := in.Body
	if address := b.BookingURL.Value; address != "" {
		if u, err := url.Parse(address); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			return nil, fault.New(fault.Invalid, "booking_url must be an address that begins with https://, such as https://exampleco.test/book")
		}
	}
	change := store.CustomerServiceConfigChange{JackrabbitOrgID: b.JackrabbitOrgID.Change(), BookingURL: b.BookingURL.Change(), Franchise: b.Franchise.Change()}
	if b.LocationCodes.Sent {
		change.LocationCodes = append([]string{}, b.LocationCodes.Value...)
	}
	c, err := t.ConfigureCustomerService(ctx, change)
	return showCustomerServiceConfig(c, err)
}

func showCustomerServiceConfig(c store.CustomerServiceConfig, err error) (*customerServiceConfigOutput, error) {
	if err != nil {
		return nil, err
	}
	out := &customerServiceConfigOutput{}
	out.Body.JackrabbitOrgID, out.Body.BookingURL = orNull(c.JackrabbitOrgID), orNull(c.BookingURL)
	out.Body.LocationCodes, out.Body.Franchise = c.LocationCodes, orNull(c.Franchise)
	return out, nil
}
