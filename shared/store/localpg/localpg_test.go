package localpg_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/store/localpg"
)

// dir is where a server that may not run as root can keep its data.
func dir(t *testing.T) string {
	t.Helper()
	d, err := os.MkdirTemp("/var/tmp", "localpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(d) })
	if err := os.Chmod(d, 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(d, "postgres")
}

func start(t *testing.T, o localpg.Options) (*localpg.Server, *pgx.Conn) {
	t.Helper()
	s, err := localpg.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), s.URL("postgres", "postgres"))
	if err != nil {
		_ = s.Stop()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close(context.Background())
		_ = s.Stop()
	})
	return s, conn
}

func TestStart_WithADirectoryKeepsItsData(t *testing.T) {
	t.Parallel()
	d := dir(t)
	s, conn := start(t, localpg.Options{Dir: d})
	if _, err := conn.Exec(t.Context(), `create table kept as select 7 as n`); err != nil {
		t.Fatal(err)
	}
	if _, err := localpg.Start(t.Context(), localpg.Options{Dir: d}); err == nil {
		t.Error("a second server started on the same data")
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	_, again := start(t, localpg.Options{Dir: d})
	var n int
	if err := again.QueryRow(t.Context(), `select n from kept`).Scan(&n); err != nil || n != 7 {
		t.Errorf("after a restart: %d, %v; want 7", n, err)
	}
}

func TestStart_ThrowAwayServersRunSideBySide(t *testing.T) {
	t.Parallel()
	_, one := start(t, localpg.Options{})
	_, other := start(t, localpg.Options{})
	if _, err := one.Exec(t.Context(), `create table mine ()`); err != nil {
		t.Fatal(err)
	}
	var there bool
	if err := other.QueryRow(t.Context(), `select to_regclass('mine') is not null`).Scan(&there); err != nil || there {
		t.Errorf("the other server has the table: %v, %v", there, err)
	}
}
