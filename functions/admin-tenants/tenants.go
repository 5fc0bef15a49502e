package admintenants

import (
	"context"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

type tenantBody struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	Subdomain string    `json:"subdomain"`
	IsActive  bool      `json:"is_active"`
	CreatedAt time.Time `json:"created_at"`
}

type tenantOutput struct{ Body tenantBody }

type makeTenantInput struct {
	Body struct {
		Name      string `json:"name" minLength:"1" maxLength:"200" pattern:"^[^\\s\\x00-\\x1f]([^\\x00-\\x1f]*[^\\s\\x00-\\x1f])?$" patternDescription:"a line of text without spaces around it" example:"Example Customer"`
		Subdomain string `json:"subdomain" pattern:"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" patternDescription:"a DNS label: 1 to 63 lower-case letters, digits and hyphens, no hyphen first or last" example:"exampleco"`
		IsActive  *bool  `json:"is_active,omitempty" default:"true" doc:"a closed tenant can neither log in, nor be texted, nor have queued work done"`
	}
}

// makeTenant makes a tenant. A taken subdomain is 409.
func (d Deps) makeTenant(ctx context.Context, of *store.Registry, in *makeTenantInput) (*tenantOutput, error) {
	made, err := of.MakeTenant(ctx, in.Body.Name, in.Body.Subdomain, *in.Body.IsActive) // it has a default
	return showTenant(made, err)
}

type tenantInput struct {
	TenantID int64 `path:"tenant_id" minimum:"1" example:"1042"`
}

// tenant shows one tenant, closed or not.
func (d Deps) tenant(ctx context.Context, of *store.Registry, in *tenantInput) (*tenantOutput, error) {
	found, err := of.Tenant(ctx, tenant.ID(in.TenantID))
	return showTenant(found, err)
}

type changeTenantInput struct {
	TenantID int64 `path:"tenant_id" minimum:"1" example:"1042"`
	Body     struct {
		Name      *string `json:"name,omitempty" minLength:"1" maxLength:"200" pattern:"^[^\\s\\x00-\\x1f]([^\\x00-\\x1f]*[^\\s\\x00-\\x1f])?$" patternDescription:"a line of text without spaces around it" example:"Example Customer"`
		Subdomain *string `json:"subdomain,omitempty" pattern:"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" patternDescription:"a DNS label: 1 to 63 lower-case letters, digits and hyphens, no hyphen first or last" example:"exampleco"`
		IsActive  *bool   `json:"is_active,omitempty" doc:"false stops log-in, texts and queued work at once; what is queued waits until it is true again"`
	}
}

// changeTenant changes the fields that were sent and leaves the others as they are.
func (d Deps) changeTenant(ctx context.Context, of *store.Registry, in *changeTenantInput) (*tenantOutput, error) {
	changed, err := of.ChangeTenant(ctx, tenant.ID(in.TenantID), store.TenantChange{Name: in.Body.Name, Subdomain: in.Body.Subdomain, Active: in.Body.IsActive})
	return showTenant(changed, err)
}

func showTenant(r store.TenantRow, err error) (*tenantOutput, error) {
	if err != nil {
		return nil, err
	}
	return &tenantOutput{bodyOf(r)}, nil
}

func bodyOf(r store.TenantRow) tenantBody {
	return tenantBody{int64(r.ID), r.Name, r.Subdomain, r.Active, r.CreatedAt}
}

type tenantsInput struct {
	httpx.PageInput
	IncludeInactive bool `query:"include_inactive" doc:"list closed tenants too"`
}

type tenantsOutput struct{ Body httpx.Page[tenantBody] }

// tenants lists tenants by id.
func (d Deps) tenants(ctx context.Context, of *store.Registry, in *tenantsInput) (*tenantsOutput, error) {
	var after int64
	if err := in.After(&after); err != nil {
		return nil, err
	}
	found, err := of.Tenants(ctx, tenant.ID(after), in.IncludeInactive, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &tenantsOutput{httpx.NewPage(found, in.Limit, bodyOf, func(r store.TenantRow) any { return r.ID })}, nil
}
