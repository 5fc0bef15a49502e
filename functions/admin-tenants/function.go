// Package admintenants is the function with which operators provision tenants.
//
// Callers are global admins and their scripts, proven by the bearer token that /auth/login gave; anybody else is 403. They make and
// close tenants, assign each its numbers, credentials and integrations, see how far one is provisioned, and read who did what. The
// tenant is the one in the path; without one the call concerns all of them. 2xx is done, and a repeat changes nothing; 4xx says what
// to mend; 409 is a subdomain, number or assistant that another tenant has; 503 may be tried again. Secrets go in and never come out.
//
// It logs in to Postgres as a member of chattercheatah_registrar, which the other functions are not.
//
// Settings: DATABASE_URL, FIELD_ENCRYPTION_KEY, JWT_SECRET_KEY.
package admintenants

import (
	"log/slog"
	"net/http"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Deps is what the function works with.
type Deps struct {
	Log   *slog.Logger
	Guard *auth.Guard
}

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	operator := httpx.Access[*store.Registry]{Name: "global admin", Caller: httpx.Person, Admit: d.Guard.Registry}
	inPath := httpx.Access[*store.Tenant]{Name: "global admin", Caller: httpx.Person, Admit: d.Guard.TenantInPath}
	return []httpx.Route{
		httpx.JSON("POST", "/admin/tenants", operator, d.makeTenant),
		httpx.JSON("GET", "/admin/tenants", operator, d.tenants),
		httpx.JSON("GET", "/admin/tenants/{tenant_id}", operator, d.tenant),
		httpx.JSON("PATCH", "/admin/tenants/{tenant_id}", operator, d.changeTenant),
		httpx.JSON("PUT", "/admin/tenants/{tenant_id}", operator, d.changeTenant),
		httpx.JSON("GET", "/admin/tenants/{tenant_id}/sms-config", inPath, d.smsConfig),
		httpx.JSON("PUT", "/admin/tenants/{tenant_id}/sms-config", inPath, d.configureSMS),
		httpx.JSON("GET", "/admin/tenants/{tenant_id}/voice-config", inPath, d.voiceConfig),
		httpx.JSON("PUT", "/admin/tenants/{tenant_id}/voice-config", inPath, d.configureVoice),
		httpx.JSON("GET", "/admin/tenants/{tenant_id}/customer-service-config", inPath, d.customerServiceConfig),
		httpx.JSON("PUT", "/admin/tenants/{tenant_id}/customer-service-config", inPath, d.configureCustomerService),
		httpx.JSON("GET", "/admin/tenants/{tenant_id}/calendar-config", inPath, d.calendarConfig),
		httpx.JSON("PUT", "/admin/tenants/{tenant_id}/calendar-config", inPath, d.configureCalendar),
		httpx.JSON("GET", "/admin/tenants/{tenant_id}/onboarding", inPath, d.onboarding),
		httpx.JSON("GET", "/admin/audit-log", operator, d.auditLog),
	}
}
