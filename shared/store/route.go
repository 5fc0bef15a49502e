package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// SMSRoute is what is known of a number before a message to it is trusted.
type SMSRoute struct {
	Scope           tenant.Scope
	TelnyxPublicKey string         // the tenant's own, base64; "" when the platform's keys apply
	TwilioAuthToken private.Secret // set by TwilioRoute alone
}

const smsRouteSQL = `select coalesce(telnyx_public_key, '') from tenant_sms_configs where tenant_id = current_setting('app.tenant_id')::bigint`

// SMSRoute finds the active tenant that a number belongs to. fault.NotFound when there is none. One round trip.
func (s *Store) SMSRoute(ctx context.Context, called private.Phone) (SMSRoute, error) {
	var id int64
	var r SMSRoute
	err := s.route(ctx, "routing a number", `route_phone_number($1)`, called.E164(), &id, func(b *pgx.Batch) {
		b.Queue(smsRouteSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&r.TelnyxPublicKey) })
	})
	r.Scope = tenant.ByNumber(tenant.ID(id))
	return r, err
}

const twilioRouteSQL = `select twilio_auth_token from tenant_sms_configs where tenant_id = current_setting('app.tenant_id')::bigint`

// TwilioRoute finds the tenant of a legacy Twilio message by the called number, else by the account, and the token that its
// signature is checked with. fault.NotFound when there is none.
func (s *Store) TwilioRoute(ctx context.Context, called private.Phone, account string) (SMSRoute, error) {
	r, err := s.twilioRoute(ctx, `route_phone_number($1)`, called.E164(), tenant.ByNumber)
	if fault.KindOf(err) == fault.NotFound && account != "" {
		return s.twilioRoute(ctx, `route_twilio_account($1)`, account, tenant.ByAccount)
	}
	return r, err
}

func (s *Store) twilioRoute(ctx context.Context, by, evidence string, scope func(tenant.ID) tenant.Scope) (SMSRoute, error) {
	var id int64
	var sealed []byte
	err := s.route(ctx, "routing a Twilio message", by, evidence, &id, func(b *pgx.Batch) {
		b.Queue(twilioRouteSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&sealed) })
	})
	if err != nil {
		return SMSRoute{}, err
	}
	if sealed == nil {
		return SMSRoute{}, fault.New(fault.NotFound, "this tenant has no Twilio account")
	}
	token, err := s.keys.Open(sealed, id, twilioTokenColumn)
	return SMSRoute{Scope: scope(tenant.ID(id)), TwilioAuthToken: token}, err
}

// route resolves evidence to a tenant with one of the route_ functions and, in the same round trip, reads of that tenant
// what more queues.
func (s *Store) route(ctx context.Context, doing, by, evidence string, id *int64, more func(b *pgx.Batch)) error {
	return s.run(ctx, doing, session{role: appRole, tenant: nobody}, func(b *pgx.Batch) {
		b.Queue(`select set_config('app.tenant_id', coalesce(`+by+`, 0)::text, true)::bigint`, evidence).
			QueryRow(func(row pgx.Row) error { return row.Scan(id) })
		more(b)
	})
}

// OverdueReply is a reply that nobody has acted on in time.
type OverdueReply struct {
	Scope   tenant.Scope
	ReplyID int64
}

// OverdueReplies lists, oldest first, the replies of a channel and all active tenants whose turn came at least late ago and which are not
// settled: recorded and never queued, or left behind by a worker that died. One tenant has ofEach of them at most, so that
// its rush hides nobody else's. It tells ids and nothing else.
func (s *Store) OverdueReplies(ctx context.Context, c prompt.Channel, late time.Duration, atMost, ofEach int) ([]OverdueReply, error) {
	var found []OverdueReply
	err := s.run(ctx, "finding overdue replies", session{role: appRole, tenant: nobody}, func(b *pgx.Batch) {
		b.Queue(`select tenant_id, reply_id from route_overdue_replies($1, now() - $2::interval, $3, $4)`, string(c), late, atMost, ofEach).Query(func(rows pgx.Rows) error {
			var id, reply int64
			_, err := pgx.ForEachRow(rows, []any{&id, &reply}, func() error {
				found = append(found, OverdueReply{tenant.ByTask(tenant.ID(id)), reply})
				return nil
			})
			return err
		})
	})
	return found, err
}
