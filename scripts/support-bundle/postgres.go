package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// question is what Postgres is asked; its answer is one JSON value.
type question struct {
	about      string
	asOperator bool // it calls a function of migrations/00027_support.sql
	sql        string
}

var questions = []question{
	{"version", false, `select to_jsonb(split_part(current_setting('server_version'), ' ', 1))`},
	{"extensions", false, `select coalesce(jsonb_object_agg(extname, extversion), '{}') from pg_extension`},
	{"schema", false, `select to_jsonb(lpad(max(version_id)::text, 5, '0')) from goose_db_version where is_applied`},
	{"connections", false, connectionsSQL},
	{"waiting", false, waitingSQL},
	{"tables", false, tablesSQL},
	{"role_settings", false, roleSettingsSQL},
	{"backlog", true, `select support_backlog()`},
	{"tenants", true, `select support_tenants()`},
}

const connectionsSQL = `
select jsonb_build_object('limit', current_setting('max_connections')::int, 'reserved', current_setting('superuser_reserved_connections')::int,
       'limit_of_database', (select nullif(datconnlimit, -1) from pg_database where datname = current_database()), 'by_state', coalesce(jsonb_agg(to_jsonb(a)), '[]'))
  from (select coalesce(datname = current_database(), false) as this_database, case when usename in ('chattercheatah_app', 'chattercheatah_admin') then usename::text else 'other' end as role,
               coalesce(state, 'hidden') as state, count(*)
          from pg_stat_activity where usename is not null and coalesce(backend_type, 'client backend') = 'client backend' group by 1, 2, 3 order by 1, 2, 3) a`

// waitingSQL tells how many of the others are hidden from this log-in, of which the rest says nothing.
const waitingSQL = `
select jsonb_build_object('longest_transaction_seconds', max(extract(epoch from now() - xact_start))::int,
       'longest_idle_in_transaction_seconds', max(extract(epoch from now() - state_change)) filter (where state like 'idle in transaction%')::int,
       'hidden', count(*) filter (where usename is not null and backend_type is null), 'for_locks', count(*) filter (where wait_event_type = 'Lock'),
       'longest_for_a_lock_seconds', max(extract(epoch from now() - state_change)) filter (where wait_event_type = 'Lock')::int)
  from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`

// tablesSQL tells of the tables that are ours, which are those with forced row level security.
const tablesSQL = `
select coalesce(jsonb_agg(to_jsonb(x) order by x.table), '[]')
  from (select s.relname as table, round(pg_total_relation_size(s.relid) / 1048576.0, 1) as megabytes, s.n_live_tup as live, s.n_dead_tup as dead,
               extract(epoch from now() - greatest(s.last_vacuum, s.last_autovacuum))::int as vacuum_age_seconds,
               extract(epoch from now() - greatest(s.last_analyze, s.last_autoanalyze))::int as analyze_age_seconds
          from pg_stat_user_tables s join pg_class c on c.oid = s.relid where s.schemaname = 'public' and c.relforcerowsecurity) x`

const roleSettingsSQL = `
select coalesce(jsonb_agg(to_jsonb(x)), '[]')
  from (select r.rolname as role, s.setdatabase <> 0 as this_database, split_part(bound, '=', 1) as name, split_part(bound, '=', 2) as value
          from pg_db_role_setting s join pg_roles r on r.oid = s.setrole cross join lateral unnest(s.setconfig) bound
         where r.rolname in ('chattercheatah_app', 'chattercheatah_admin') and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
           and split_part(bound, '=', 1) in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'work_mem')
           and split_part(bound, '=', 2) ~ '^[0-9]{1,9}[a-zA-Z]{0,3}$'
         order by 1, 2, 3) x`

// answerLimit is for a question to a large database.
const answerLimit = 60 * time.Second

// postgres asks all questions. Of one that is not answered it tells why.
func postgres(ctx context.Context, address string) map[string]any {
	db, err := boot.Database{URL: private.NewSecret(address)}.SQL()
	if err != nil {
		return map[string]any{"unreadable": "DATABASE_URL is missing or not a connection string"}
	}
	defer func() { _ = db.Close() }()
	if err := db.PingContext(ctx); err != nil {
		return map[string]any{"unreadable": failure(err)}
	}
	told := map[string]any{}
	for _, q := range questions {
		answer, err := q.ask(ctx, db)
		if err != nil {
			told[q.about] = map[string]string{"unreadable": failure(err)}
			continue
		}
		told[q.about] = answer
	}
	return told
}

func (q question) ask(ctx context.Context, db *sql.DB) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	if q.asOperator {
		if _, err := tx.ExecContext(ctx, `set local role chattercheatah_operator`); err != nil {
			return nil, err
		}
	}
	var answer []byte
	err = tx.QueryRowContext(ctx, q.sql).Scan(&answer)
	return answer, err
}

// failure is why Postgres did not answer: a code, never its words, which can hold names and values.
func failure(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return "SQLSTATE " + pg.Code
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return "not reached"
}
