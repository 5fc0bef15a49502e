package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// CallEvidence is what an event or a tool call says of whose it is; a zero field says nothing.
type CallEvidence struct {
	Claimed   tenant.ID     // in a tool's address
	Called    private.Phone // our number, as the event has it
	Calling   private.Phone // ours too, when it was us who called
	Assistant string
	Names     []string // of the call, each with its kind
	Fallback  tenant.ID
}

// CallRoute is what is known of whose an event is, before it is trusted.
type CallRoute struct {
	Known           tenant.CallEvidence
	TelnyxPublicKey string // of the tenant that is asked about, base64; "" when the platform's keys apply
	WeCalled        bool   // the number that is the tenant's is the calling one

	about  int64
	secret []byte
}

// ToolSecret opens what the tenant that a route is about has its tools prove themselves with; zero when it has none.
func (s *Store) ToolSecret(r CallRoute) (private.Secret, error) {
	if r.secret == nil {
		return private.Secret{}, nil
	}
	return s.keys.Open(r.secret, r.about, toolSecretColumn)
}

const callRouteSQL = `
select set_config('app.tenant_id', coalesce(case when $1::bigint <> 0 then e.claimed else coalesce(e.called, e.calling, e.assistant, e.call, e.fallback) end, 0)::text, true)::bigint,
       coalesce(e.claimed, 0), coalesce(e.called, e.calling, 0), coalesce(e.assistant, 0), coalesce(e.call, 0), coalesce(e.fallback, 0),
       e.called is null and e.calling is not null
  from (select route_active_tenant($1) as claimed, route_phone_number($2) as called, route_phone_number($3) as calling,
               route_assistant($4) as assistant, route_call($5) as call, route_active_tenant($6) as fallback) e`

const callKeysSQL = `
select coalesce((select c.telnyx_public_key from tenant_sms_configs c where c.tenant_id = current_setting('app.tenant_id')::bigint), ''),
       (select c.tool_secret from tenant_voice_configs c where c.tenant_id = current_setting('app.tenant_id')::bigint)`

// CallRoute finds out which active tenants the evidence names, and what the one that it is about proves its events with: the claimed
// one, else that of the first evidence that names any, in the order of CallEvidence. One round trip.
func (s *Store) CallRoute(ctx context.Context, e CallEvidence) (r CallRoute, err error) {
	var claimed, number, assistant, call, fallback int64
	err = s.run(ctx, "routing a call", session{role: appRole, tenant: nobody}, func(b *pgx.Batch) {
		b.Queue(callRouteSQL, int64(e.Claimed), e.Called.E164(), e.Calling.E164(), e.Assistant, e.Names, int64(e.Fallback)).
			QueryRow(func(row pgx.Row) error {
				return row.Scan(&r.about, &claimed, &number, &assistant, &call, &fallback, &r.WeCalled)
			})
		b.Queue(callKeysSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&r.TelnyxPublicKey, &r.secret) })
	})
	r.Known = tenant.CallEvidence{
		Claimed: tenant.ID(claimed), Number: tenant.ID(number), Assistant: tenant.ID(assistant), Call: tenant.ID(call), Fallback: tenant.ID(fallback),
	}
	return r, err
}
