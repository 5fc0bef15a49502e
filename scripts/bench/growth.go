package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

const (
	growthRounds  = 30
	growthRepeats = 25  // of each operation in a round
	messagesEach  = 500 // for each tenant, on average
	activeTexters = 90  // customers who text now, spread over all tenants: as many as the smallest database has, in every one
	pageLimit     = 50  // messages
	listLimit     = 20  // conversations; as many as the smallest database has of the first tenant
)

// sizes are how many tenants there are; the messages are messagesEach times as many.
var sizes = []int{10, 1_000, 10_000}

// fillSQL makes $1 tenants with $2 messages, a fifth of which are the first tenant's, in conversations of fifty.
var fillSQL = []string{
	`insert into tenants (id, name, subdomain) select g, 'Tenant ' || g, 'tenant-' || g from generate_series(1, $1::int) g where $2::int > 0`,
	`insert into tenant_sms_configs (tenant_id, telnyx_phone_number, is_enabled, reply_wait_ms)
	 select g, '+1555' || (1000000 + g), true, 0 from generate_series(1, $1::int) g where $2::int > 0`,
	`insert into prompt_bundles (tenant_id, name, version, status) select g, 'Bundle', 1, 'PRODUCTION' from generate_series(1, $1::int) g where $2::int > 0`,
	`insert into conversations (id, tenant_id, channel, phone_number, last_message_at)
	 select row_number() over (), c.tenant, 'sms', '+1555' || (2000000 + row_number() over ()), now() - random() * interval '90 days'
	   from (select 1 as tenant from generate_series(1, $2::int / 250)
	         union all
	         select t from generate_series(2, $1::int) t, generate_series(1, ($2::bigint * 4 / 5 / 50 / ($1 - 1))::int)) c`,
	`insert into prompt_sections (bundle_id, section_key, content)
	 select b.id, 'section_' || g, 'A weekly lesson costs 35 dollars.' from prompt_bundles b, generate_series(1, 5) g where $1::int + $2::int > 0`,
	`select setval(pg_get_serial_sequence('conversations', 'id'), (select max(id) from conversations)) where $1::int + $2::int > 0`,
	`insert into messages (conversation_id, role, content, provider_message_id, occurred_at)
	 select c.id, case g % 2 when 0 then 'user' else 'assistant' end, repeat('What does a weekly lesson cost? ', 4), 'old-' || g, c.last_message_at - g * interval '1 hour'
	   from conversations c, generate_series(1, 50) g where $1::int + $2::int > 0`,
	`insert into leads (tenant_id, conversation_id, phone_number, created_at) select tenant_id, id, phone_number, last_message_at from conversations where $1::int + $2::int > 0`,
	`insert into replies (tenant_id, conversation_id, kind, state, body, act_at, sending_at, accepted_at, settled_at, provider_message_id)
	 select c.tenant_id, c.id, 'answer', 'delivered', 'A weekly lesson costs 35 dollars.', now(), now(), now(), now(), 'sent-' || c.id || '-' || g
	   from conversations c, generate_series(1, 5) g where $1::int + $2::int > 0`,
}

// filled is a database of one size and a store on it.
type filled struct {
	*database
	name          string
	tenants       int
	store         *store.Store
	close         func()
	conversations int64
	texts         int
}

func (r *rig) filled(tenants int) (*filled, error) {
	f := &filled{name: fmt.Sprintf("growth_%d", tenants), tenants: tenants}
	var err error
	if f.database, err = r.database(f.name); err != nil {
		return nil, err
	}
	progress("filling a database with %d tenants and %d messages", tenants, tenants*messagesEach)
	for _, statement := range fillSQL {
		if _, err := f.owner.Exec(r.ctx, statement, tenants, tenants*messagesEach); err != nil {
			return nil, fmt.Errorf("%s: %w", statement, err)
		}
	}
	for _, statement := range []string{`vacuum analyze`, `checkpoint`} {
		if _, err := f.owner.Exec(r.ctx, statement); err != nil {
			return nil, err
		}
	}
	if err := f.owner.QueryRow(r.ctx, `select count(*) from conversations`).Scan(&f.conversations); err != nil {
		return nil, err
	}
	f.store, f.close, err = f.open(r.ctx)
	return f, err
}

// open is a store on one connection, as the application's role.
func (f *filled) open(ctx context.Context) (*store.Store, func(), error) {
	config, err := pgxpool.ParseConfig(f.app + "&pool_max_conns=1")
	if err != nil {
		return nil, nil, err
	}
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	keys, err := store.ParseKeyring(fieldKey)
	return store.New(pool, keys), pool.Close, err
}

func (f *filled) inbound(id int64, of *store.Tenant) store.Inbound {
	return store.Inbound{
		From: customerPhone(int(id)), To: tenantPhone(int(of.Scope().ID())), Text: private.NewText("What does a lesson cost?"),
		ProviderMessageID: fmt.Sprintf("new-%d", f.texts), OccurredAt: time.Now(), VerifiedWith: new(string),
	}
}

// operation is one request's work in Postgres.
type operation struct {
	name string
	do   func(ctx context.Context, f *filled) (time.Duration, error)
}

var growthOperations = []operation{
	{"inbound text", func(ctx context.Context, f *filled) (time.Duration, error) {
		f.texts++
		id := 1 + (int64(f.texts)%activeTexters)*f.conversations/activeTexters
		of, err := f.ownerOf(ctx, id)
		if err != nil {
			return 0, err
		}
		return timed(func() error { _, err := of.RecordInbound(ctx, f.inbound(id, of)); return err })
	}},
	{"conversation page", func(ctx context.Context, f *filled) (time.Duration, error) {
		of := f.store.For(tenant.ByCommand(1))
		listed, err := of.Conversations(ctx, store.ConversationFilter{}, store.Place{}, listLimit)
		if err != nil {
			return 0, err
		}
		open := listed[rand.IntN(len(listed))]
		return timed(func() error {
			found, err := of.Messages(ctx, open.ID, store.Place{}, pageLimit)
			if err == nil && len(found) < pageLimit {
				err = fmt.Errorf("a page of %d messages", len(found))
			}
			return err
		})
	}},
	{"list of a tenant's leads", func(ctx context.Context, f *filled) (time.Duration, error) {
		of := f.store.For(tenant.ByCommand(1))
		return timed(func() error {
			found, err := of.Leads(ctx, store.LeadFilter{}, store.Place{}, listLimit)
			if err == nil && len(found) < listLimit {
				err = fmt.Errorf("a list of %d leads", len(found))
			}
			return err
		})
	}},
	{"list of a tenant's conversations", func(ctx context.Context, f *filled) (time.Duration, error) {
		of := f.store.For(tenant.ByCommand(1))
		return timed(func() error {
			_, err := of.Conversations(ctx, store.ConversationFilter{}, store.Place{}, listLimit)
			return err
		})
	}},
}

func (f *filled) ownerOf(ctx context.Context, conversation int64) (*store.Tenant, error) {
	var id int64
	err := f.owner.QueryRow(ctx, `select tenant_id from conversations where id = $1`, conversation).Scan(&id)
	return f.store.For(tenant.ByCommand(tenant.ID(id))), err
}

func timed(do func() error) (time.Duration, error) {
	began := time.Now()
	err := do()
	return time.Since(began), err
}

// growth measures each operation in databases of all sizes in turn, then row security in the middle one, and keeps the plans.
func growth(r *rig) ([]figure, error) {
	var all []*filled
	for _, n := range sizes {
		f, err := r.filled(n)
		if err != nil {
			return nil, err
		}
		defer f.close()
		all = append(all, f)
	}
	took := map[string][][]float64{} // operation, size, round
	for _, op := range growthOperations {
		took[op.name] = make([][]float64, len(all))
	}
	for _, f := range all { // whoever texts has texted before, since the last checkpoint too
		for range 2 * activeTexters {
			if _, err := growthOperations[0].do(r.ctx, f); err != nil {
				return nil, err
			}
		}
	}
	for round := range growthRounds + 2 {
		for _, op := range growthOperations {
			for size, f := range all {
				m, err := f.measure(r.ctx, op)
				if err != nil {
					return nil, fmt.Errorf("%s at %d tenants: %w", op.name, f.tenants, err)
				}
				if round >= 2 { // the first warm up
					took[op.name][size] = append(took[op.name][size], m)
				}
			}
		}
	}
	figures := growthFigures(took)
	locked, err := rowSecurity(r, all[1])
	if err != nil {
		return nil, err
	}
	if err := keepPlans(r, all[2]); err != nil {
		return nil, err
	}
	return append(figures, locked...), nil
}

// measure is the median of a round's repeats.
func (f *filled) measure(ctx context.Context, op operation) (float64, error) {
	var all []float64
	for range growthRepeats {
		d, err := op.do(ctx, f)
		if err != nil {
			return 0, err
		}
		all = append(all, float64(d))
	}
	return median(all), nil
}

func growthFigures(took map[string][][]float64) (figures []figure) {
	for _, op := range growthOperations {
		of := took[op.name]
		for size := 1; size < len(sizes); size++ {
			figures = append(figures, figure{
				What:   fmt.Sprintf("%s at %d tenants, %d messages", op.name, sizes[size], sizes[size]*messagesEach),
				Value:  dur(of[size]),
				Beside: fmt.Sprintf("%d tenants, %d messages: %s", sizes[0], sizes[0]*messagesEach, dur(of[0])),
				Ratio:  ratio(of[size], of[0]), Goal: atMost(1.2),
			})
		}
	}
	return figures
}
