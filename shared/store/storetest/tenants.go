package storetest

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// FieldKey is the tests' FIELD_ENCRYPTION_KEY.
var FieldKey = private.NewSecret(base64.StdEncoding.EncodeToString([]byte("an invented key of thirty-two by")))

// DB is a database with both demo tenants in it, texting on.
type DB struct {
	URLs
	Store      *store.Store // as the application's role
	Admin      *store.Store // as the role of the operators' function
	Operator   *store.Store // as the superuser, for what operators' commands do
	SwimSchool *store.Tenant
	Dentist    *store.Tenant

	SwimSchoolPhone, DentistPhone private.Phone

	super func() (*pgxpool.Pool, error) // as the superuser, opened when first asked for
}

// New gives a test a database of its own with tenants 1042 and 2048.
func New(t testing.TB) *DB {
	t.Helper()
	urls := Database(t)
	db := &DB{
		URLs: urls, Store: open(t, urls.App, FieldKey), Admin: open(t, urls.Admin, FieldKey), Operator: open(t, urls.Owner, FieldKey),
		SwimSchoolPhone: demo.SwimSchool().Phone, DentistPhone: demo.Dentist().Phone,
	}
	db.super = sync.OnceValues(func() (*pgxpool.Pool, error) {
		pool, err := pgxpool.New(context.WithoutCancel(t.Context()), urls.Owner)
		if err == nil {
			t.Cleanup(pool.Close)
		}
		return pool, err
	})
	if _, err := db.Operator.Operator().PublishGlobalPrompt(t.Context(), prompt.Any, "Global base", prompt.Base()); err != nil {
		t.Fatal(err)
	}
	for _, b := range demo.Businesses() {
		if err := demo.Put(t.Context(), db.Operator, b); err != nil {
			t.Fatal(err)
		}
	}
	db.SwimSchool = db.Store.For(tenant.ByCommand(demo.SwimSchool().ID))
	db.Dentist = db.Store.For(tenant.ByCommand(demo.Dentist().ID))
	return db
}

// Keyless is the store of a process without a FIELD_ENCRYPTION_KEY.
func (db *DB) Keyless(t testing.TB) *store.Store { return open(t, db.App, private.Secret{}) }

// Counted is the store as the application's role, past a counter of its round trips.
func (db *DB) Counted(t testing.TB) (*store.Store, *Trips) {
	t.Helper()
	return counted(t, db.App)
}

// CountedAdmin is the store as the role of the operators' function, past a counter of its round trips.
func (db *DB) CountedAdmin(t testing.TB) (*store.Store, *Trips) {
	t.Helper()
	return counted(t, db.URLs.Admin)
}

func counted(t testing.TB, to string) (*store.Store, *Trips) {
	t.Helper()
	trips, address, err := CountTrips(to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = trips.Close() })
	return open(t, address, FieldKey), trips
}

func open(t testing.TB, url string, key private.Secret) *store.Store {
	return openTraced(t, url, key, nil)
}

func openTraced(t testing.TB, url string, key private.Secret, tracer pgx.QueryTracer) *store.Store {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.DefaultQueryExecMode, config.ConnConfig.Tracer = pgx.QueryExecModeCacheDescribe, tracer
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false } // it would be counted
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring(key)
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(pool, keys)
	t.Cleanup(s.Close)
	return s
}

// SetWait sets how long the tenant's answers wait for more texts.
func (db *DB) SetWait(t testing.TB, of *store.Tenant, wait time.Duration) {
	t.Helper()
	if _, err := of.ChangeSMSSettings(t.Context(), store.SMSSettingsChange{ReplyWait: &wait}); err != nil {
		t.Fatal(err)
	}
}

// Receive records an inbound text to the tenant's number, sent now.
func (db *DB) Receive(t testing.TB, to *store.Tenant, from private.Phone, words, providerID string) store.Recorded {
	t.Helper()
	number := db.SwimSchoolPhone
	if to.Scope().ID() == db.Dentist.Scope().ID() {
		number = db.DentistPhone
	}
	rec, err := to.RecordInbound(t.Context(), store.Inbound{VerifiedWith: new(string), From: from, To: number, Text: private.NewText(words), ProviderMessageID: providerID, OccurredAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// superuser is a pool whom row level security does not bind, and what gives it up: a DB of New's keeps it for its test.
func (db *DB) superuser(t testing.TB) (pool *pgxpool.Pool, done func()) {
	t.Helper()
	open, done := db.super, func() {}
	if open == nil {
		open = func() (*pgxpool.Pool, error) { return pgxpool.New(context.WithoutCancel(t.Context()), db.Owner) }
	}
	pool, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if db.super == nil {
		done = pool.Close
	}
	return pool, done
}

// Query reads one column as the superuser.
func (db *DB) Query(t testing.TB, sql string, args ...any) []string {
	t.Helper()
	pool, done := db.superuser(t)
	defer done()
	rows, err := pool.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Exec changes the database as the superuser.
func (db *DB) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	pool, done := db.superuser(t)
	defer done()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// LimitConnections has Postgres take no connections to the test's database beyond those that there are and so many more; -1 for no limit.
func (db *DB) LimitConnections(t testing.TB, more int) {
	t.Helper()
	db.Exec(t, fmt.Sprintf(`do $$ begin execute format('alter database %%I connection limit %%s', current_database(), case when %[1]d < 0 then -1 else
		(select count(*) + %[1]d from pg_stat_activity where datname = current_database() and backend_type = 'client backend') end); end $$`, more))
}

// tenantTables are the tables whose rows name their tenant, which are the same in every test's database.
var tenantTables atomic.Pointer[[]string]

// Snapshot is every row that belongs to a tenant, as JSON.
func (db *DB) Snapshot(t testing.TB, id int64) []string {
	t.Helper()
	known := tenantTables.Load()
	if known == nil {
		tables := db.Query(t, `select table_name::text from information_schema.columns where table_schema = 'public' and column_name = 'tenant_id' order by 1`)
		known = &tables
		tenantTables.Store(known)
	}
	parts := []string{
		`select 'messages ' || to_jsonb(m)::text from messages m join conversations c on c.id = m.conversation_id where c.tenant_id = $1`,
		`select 'prompt_sections ' || to_jsonb(s)::text from prompt_sections s join prompt_bundles b on b.id = s.bundle_id where b.tenant_id = $1`,
	}
	for _, table := range *known {
		parts = append(parts, `select '`+table+` ' || to_jsonb(x)::text from `+pgx.Identifier{table}.Sanitize()+` x where tenant_id = $1`)
	}
	return db.Query(t, strings.Join(parts, " union all ")+" order by 1", id)
}

// WithoutRowSecurity leaves tenants apart by the statements alone.
func (db *DB) WithoutRowSecurity(t testing.TB) {
	t.Helper()
	for _, table := range db.Query(t, `select relname::text from pg_class where relnamespace = 'public'::regnamespace and relrowsecurity`) {
		db.Exec(t, `alter table `+pgx.Identifier{table}.Sanitize()+` disable row level security`)
	}
}
