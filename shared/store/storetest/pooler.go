package storetest

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chattercheatah/chattercheatah/shared/store/localpg"
)

// Pooler starts a pgbouncer in transaction mode before the test's database, and returns the ways into it through the pooler. Of o the
// numbers count. Where pgbouncer is not installed the test is skipped.
func (db *DB) Pooler(t testing.TB, o localpg.PoolerOptions) URLs {
	t.Helper()
	server, err := pgconn.ParseConfig(db.Owner)
	if err != nil {
		t.Fatal(err)
	}
	o.Host, o.Port, o.Roles = server.Host, server.Port, []string{"chattercheatah_app", "chattercheatah_admin"}
	p, err := localpg.StartPooler(t.Context(), o)
	if errors.Is(err, localpg.ErrNoPooler) {
		t.Skip("not tried, for pgbouncer is not installed: apt-get install pgbouncer")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	name := databaseOf(db.Owner)
	return URLs{App: p.URL("chattercheatah_app", name), Admin: p.URL("chattercheatah_admin", name), Owner: db.Owner}
}
