package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

// names runs a query that lists offenders; each one it returns is a hole in row level security.
func names(t *testing.T, conn *pgx.Conn, query string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// catalogHoles are questions to the catalog whose answers must be empty.
var catalogHoles = map[string]string{
	"tables without forced row level security": `
		select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
		   and relname not like 'goose_%' and not (relrowsecurity and relforcerowsecurity)`,
	"tables without a policy for the application": `
		select c.relname from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname not like 'goose_%'
		   and not exists (select from pg_policies p where p.tablename = c.relname and 'chattercheatah_app' = any (p.roles))`,
	"policies for everybody": `select tablename || '.' || policyname from pg_policies where 'public' = any (roles)`,
	"policies of the application that read no setting": `
		select tablename || '.' || policyname from pg_policies
		 where 'chattercheatah_app' = any (roles) and policyname not in ('inherited', 'self', 'self_update')
		   and (qual not like '%current_setting(''app.tenant_id''::text))::bigint%'
		        or cmd <> 'SELECT' and with_check not like '%current_setting(''app.tenant_id''::text))::bigint%')`,
	"policies that do not name their rows when the setting is missing": `
		select tablename || '.' || policyname from pg_policies
		 where 'chattercheatah_app' = any (roles) and (qual || coalesce(with_check, '')) like '%app.tenant_id%true%'`,
	"things that the application owns": `
		select relname from pg_class where relowner = 'chattercheatah_app'::regrole
		 union all select proname from pg_proc where proowner = 'chattercheatah_app'::regrole`,
	"roles with too much power": `
		select rolname from pg_roles where rolname like 'chattercheatah_%' and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)`,
	"roles that the application is a member of": `
		select roleid::regrole::text from pg_auth_members where member = 'chattercheatah_app'::regrole`,
	"definer functions without a pinned search_path or with another owner": `
		select proname from pg_proc where prosecdef and pronamespace = 'public'::regnamespace
		   and (proowner not in ('chattercheatah_router'::regrole, 'chattercheatah_support'::regrole, 'chattercheatah_eraser'::regrole) or not coalesce(proconfig, '{}') @> array['search_path=pg_catalog, pg_temp'])`,
	"definer functions that everybody may call": `
		select proname from pg_proc where prosecdef and pronamespace = 'public'::regnamespace and has_function_privilege('public', oid, 'execute')`,
	"views that run as their owner": `
		select relname from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace and not coalesce(reloptions, '{}') @> array['security_invoker=true']`,
	"timestamps without time zone": `
		select table_name || '.' || column_name from information_schema.columns
		 where table_schema = 'public' and data_type = 'timestamp without time zone' and table_name <> 'goose_db_version'`,
	"columns that the router may read beyond routing": `
		select table_name || '.' || column_name from information_schema.column_privileges
		 where grantee = 'chattercheatah_router' and (table_name, column_name) <> ('call_names', 'name') and column_name not in
		       ('id', 'tenant_id', 'is_active', 'email', 'phone_number', 'twilio_account_sid', 'telnyx_assistant_id', 'state', 'act_at', 'accepted_at', 'settled_at',
		        'finish_at', 'finished_at', 'updated_at', 'is_enabled', 'gmail_email', 'grant_failed_at', 'watch_expires_at', 'read_due_at', 'last_read_at', 'channel', 'google_email',
		        'reason', 'done_at', 'failed_at', 'failed_reason', 'released_at')`,
	"columns that the support bundle may read beyond codes, times and switches": `
		select table_name || '.' || column_name from information_schema.column_privileges
		 where grantee = 'chattercheatah_support' and (privilege_type <> 'SELECT' or column_name not in
		       ('id', 'tenant_id', 'is_active', 'is_enabled', 'channel', 'status', 'state', 'outcome', 'reason', 'needs_attention_reason', 'role', 'source', 'handled_by',
		        'act_at', 'accepted_at', 'settled_at', 'created_at', 'noticed_at', 'started_at', 'finish_at', 'finished_at', 'needs_attention_at', 'last_message_at',
		        'connected_at', 'grant_failed_at', 'watch_expires_at', 'read_due_at', 'last_read_at'))`,
	"columns of people that the application may change beyond their role, address, password and activity": `
		select column_name from information_schema.column_privileges where grantee = 'chattercheatah_app' and table_name = 'users' and privilege_type = 'UPDATE'
		   and column_name not in ('email', 'role', 'is_active', 'password_hash', 'tokens_valid_from', 'updated_at')`,
	"what the router may write": `
		select table_name || '.' || privilege_type from information_schema.role_table_grants where grantee = 'chattercheatah_router' and privilege_type <> 'SELECT'`,
	"deletes that the application may do beyond drafts, numbers, leads and calls that are one": `
		select table_name from information_schema.role_table_grants where grantee = 'chattercheatah_app' and privilege_type in ('DELETE', 'TRUNCATE')
		   and table_name not in ('prompt_sections', 'tenant_phone_numbers', 'leads', 'calls')`,
}

func TestCatalog_NoHoleInRowLevelSecurity(t *testing.T) {
	t.Parallel()
	conn := connect(t, storetest.Database(t).Owner)
	for hole, query := range catalogHoles {
		if found := names(t, conn, query); len(found) > 0 {
			t.Errorf("%s: %s", hole, strings.Join(found, ", "))
		}
	}
}

// TestCatalog_TheQuestionsFindHoles keeps the questions honest: each hole, dug on purpose, is found.
func TestCatalog_TheQuestionsFindHoles(t *testing.T) {
	t.Parallel()
	holes := map[string]string{
		"tables without forced row level security":                                                            `alter table replies no force row level security`,
		"tables without a policy for the application":                                                         `drop policy tenant on opt_outs`,
		"policies for everybody":                                                                              `create policy loose on messages using (false)`,
		"policies of the application that read no setting":                                                    `alter policy tenant on replies using (true)`,
		"policies that do not name their rows when the setting is missing":                                    `alter policy tenant on replies using (tenant_id = current_setting('app.tenant_id', true)::bigint)`,
		"things that the application owns":                                                                    `alter table opt_outs owner to chattercheatah_app`,
		"definer functions without a pinned search_path or with another owner":                                `alter function route_user(text) reset search_path`,
		"definer functions that everybody may call":                                                           `grant execute on function route_user(text) to public`,
		"views that run as their owner":                                                                       `create view all_messages as select * from messages`,
		"timestamps without time zone":                                                                        `alter table messages add column seen timestamp`,
		"columns that the router may read beyond routing":                                                     `grant select (password_hash) on users to chattercheatah_router`,
		"columns that the support bundle may read beyond codes, times and switches":                           `grant select (phone_number) on tenant_phone_numbers to chattercheatah_support`,
		"what the router may write":                                                                           `grant update on users to chattercheatah_router`,
		"columns of people that the application may change beyond their role, address, password and activity": `grant update (tenant_id) on users to chattercheatah_app`,
		"deletes that the application may do beyond drafts, numbers, leads and calls that are one":            `grant delete on messages to chattercheatah_app`,
	}
	for hole, dig := range holes {
		t.Run(hole, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, storetest.Database(t).Owner)
			if _, err := conn.Exec(t.Context(), dig); err != nil {
				t.Fatal(err)
			}
			if len(names(t, conn, catalogHoles[hole])) == 0 {
				t.Errorf("not found after: %s", dig)
			}
		})
	}
}

func TestPolicies_AForgottenTenantIsAnErrorNotAnEmptyPage(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db := storetest.New(t)
	someoneElses(t, db) // a policy that looks through another table is asked only where there are rows
	conn := connect(t, db.App)
	tables := names(t, conn, `select table_name::text from information_schema.role_table_grants
		where grantee = 'chattercheatah_app' and privilege_type = 'SELECT' order by 1`)
	if !slices.Contains(tables, "messages") {
		t.Fatalf("the application may read %v", tables)
	}
	for _, before := range []string{"", `begin; select set_config('app.tenant_id', '1042', true); commit`} {
		if _, err := conn.Exec(ctx, before); err != nil {
			t.Fatal(err)
		}
		for _, table := range tables {
			if _, err := conn.Exec(ctx, `select count(*) from `+pgx.Identifier{table}.Sanitize()); err == nil {
				t.Errorf("after %q, %s could be read without a tenant", before, table)
			}
		}
	}
}
