// Package storetest gives each test a migrated database of its own on a real Postgres, with the application's role and the
// superuser to log in as. The server is the one of TEST_DATABASE_URL, else one that the test process starts for itself.
package storetest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of migrations

	"github.com/chattercheatah/chattercheatah/migrations"
	"github.com/chattercheatah/chattercheatah/shared/store/localpg"
)

// URLs are the ways into a test's database.
type URLs struct {
	App   string // as chattercheatah_app, which owns nothing
	Admin string // as chattercheatah_admin, which owns nothing and keeps the register of tenants besides
	Owner string // as the superuser
}

// server is the superuser's address of the server, started once for the process. One that we start ends with the process.
var server = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("TEST_DATABASE_URL"); given != "" {
		return given, nil
	}
	s, err := localpg.Start(context.Background(), localpg.Options{})
	if err != nil {
		return "", err
	}
	return s.URL("postgres", "postgres"), nil
})

// template is the migrated database that every test's is a copy of. It is made once for the server, whichever process
// comes first, and named after the migrations, so that a change of them makes another.
var template = sync.OnceValues(func() (string, error) {
	base, err := server()
	if err != nil {
		return "", err
	}
	name := "template_" + migrationsHash()
	db, err := sql.Open("pgx", base)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	return name, makeTemplate(context.Background(), db, base, name)
})

func migrationsHash() string {
	h := sha256.New()
	files, _ := fs.Glob(migrations.FS, "0*.sql")
	for _, f := range files {
		content, _ := migrations.FS.ReadFile(f)
		_, _ = fmt.Fprintf(h, "%s %d\n", f, len(content))
		_, _ = h.Write(content)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

const templateLock = 7_041_042

func makeTemplate(ctx context.Context, db *sql.DB, base, name string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(ctx, `select pg_advisory_lock($1)`, templateLock); err != nil {
		return err
	}
	defer func() { _, _ = conn.ExecContext(ctx, `select pg_advisory_unlock($1)`, templateLock) }()
	var ready bool
	if err := conn.QueryRowContext(ctx, `select exists (select from pg_database where datname = $1)`, name).Scan(&ready); err != nil || ready {
		return err
	}
	building := name + "_building"
	if _, err := conn.ExecContext(ctx, `drop database if exists `+building); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, `create database `+building); err != nil {
		return err
	}
	if err := migrate(ctx, at(base, "", building)); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, `alter database `+building+` rename to `+name)
	return err
}

func migrate(ctx context.Context, url string) error {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return migrations.Up(ctx, db)
}

// at is base with another user (unless "") and database.
func at(base, user, database string) string {
	u, err := url.Parse(base)
	if err != nil {
		panic("TEST_DATABASE_URL is no address")
	}
	u.Path = "/" + database
	if user != "" {
		u.User = url.User(user)
	}
	return u.String()
}

var made atomic.Int64

// Database makes a migrated database for one test, and drops it when the test ends.
func Database(t testing.TB) URLs {
	t.Helper()
	name, err := template()
	if err != nil {
		t.Fatalf("making the test database: %v", err)
	}
	owner := clone(t, "template "+name+" strategy file_copy")
	copyLimits(t, name, databaseOf(owner))
	name = databaseOf(owner)
	return URLs{App: at(owner, "chattercheatah_app", name), Admin: at(owner, "chattercheatah_admin", name), Owner: owner}
}

// copyLimits gives the roles that log in the limits that they have in the template, which a copy of it does not bring.
func copyLimits(t testing.TB, template, database string) {
	t.Helper()
	base, _ := server()
	db, err := sql.Open("pgx", at(base, "", database))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	_, err = db.Exec(fmt.Sprintf(`do $$
declare
    s record;
begin
    for s in select setrole::regrole as who, split_part(bound, '=', 1) as name, split_part(bound, '=', 2) as value
               from pg_db_role_setting cross join lateral unnest(setconfig) bound where setdatabase = (select oid from pg_database where datname = '%s') loop
        execute format('alter role %%s in database %s set %%s = %%L', s.who, s.name, s.value);
    end loop;
end $$`, template, database))
	if err != nil {
		t.Fatalf("limiting the roles: %v", err)
	}
}

// Empty makes a database without anything in it, for the tests of migrations.
func Empty(t testing.TB) string {
	t.Helper()
	return clone(t, "")
}

func clone(t testing.TB, how string) string {
	t.Helper()
	base, err := server()
	if err != nil {
		t.Fatalf("starting Postgres: %v", err)
	}
	db, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("t_%d_%d", os.Getpid(), made.Add(1))
	if _, err := db.Exec(`create database ` + name + ` ` + how); err != nil {
		t.Fatalf("making the test database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_, _ = db.ExecContext(ctx, `drop database if exists `+name+` with (force)`)
		_ = db.Close()
	})
	return at(base, "", name)
}

func databaseOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Path[1:]
}
