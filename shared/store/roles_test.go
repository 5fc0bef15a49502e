package store_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

const notAllowed = "42501"

func TestRoles_TheLogInOfAdminTenantsReachesTheRegisterAndNothingElseOfAllTenants(t *testing.T) {
	t.Parallel()
	conn := connect(t, storetest.New(t).URLs.Admin)
	var pg *pgconn.PgError
	for _, sql := range []string{`set role chattercheatah_operator`, `set role chattercheatah_router`} {
		if _, err := conn.Exec(t.Context(), sql); !errors.As(err, &pg) || pg.Code != notAllowed {
			t.Errorf("%s: %v; want that it is refused", sql, err)
		}
	}
	if _, err := conn.Exec(t.Context(), `set role chattercheatah_registrar`); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`select password_hash from users`, `update users set role = 'admin'`, `select * from prompt_bundles`, `select * from messages`,
		`select * from tenant_sms_configs`, `delete from tenants`, `update tenants set id = id + 1`, `update audit_log set actor = 'x'`, `delete from audit_log`,
	} {
		if _, err := conn.Exec(t.Context(), sql); !errors.As(err, &pg) || pg.Code != notAllowed {
			t.Errorf("%s: %v; want that it is refused", sql, err)
		}
	}
}

func TestRoles_NobodyChangesTheirOwnRights(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	id := db.Query(t, `insert into users (email, password_hash, role, tenant_id) values ('own@exampleco.test', 'x', 'user', 1042) returning id::text`)[0]
	conn := connect(t, db.App)
	if _, err := conn.Exec(t.Context(), `select set_config('app.tenant_id', '0', false), set_config('app.user_id', $1, false)`, id); err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{`role = 'tenant_admin'`, `is_active = false`, `email = 'other@exampleco.test'`} {
		var pg *pgconn.PgError
		if _, err := conn.Exec(t.Context(), `update users set `+set); !errors.As(err, &pg) || pg.Code != notAllowed {
			t.Errorf("set %s: %v; want that it is refused", set, err)
		}
	}
	if done, err := conn.Exec(t.Context(), `update users set password_hash = 'y'`); err != nil || done.RowsAffected() != 1 {
		t.Errorf("their password: %v, %v; want it changed in one row", done, err)
	}
}
