package store_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

// The tests of this file take one lock away at a time and see that the others hold, and that it would be missed.

// TestLocks_TheStatementsAloneKeepTenantsApart takes row level security away.
func TestLocks_TheStatementsAloneKeepTenantsApart(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.WithoutRowSecurity(t)
	theirs := someoneElses(t, db)
	before := db.Snapshot(t, 1042)
	for _, name := range slices.Sorted(maps.Keys(reaches)) {
		got, err := reaches[name](t.Context(), db.Dentist, theirs)
		if word := theirWords.FindString(answer(got, err)); word != "" {
			t.Errorf("%s answers tenant 2048 with %q of tenant 1042", name, word)
		}
	}
	if diff := cmp.Diff(before, db.Snapshot(t, 1042)); diff != "" {
		t.Errorf("tenant 1042's rows changed:\n%s", diff)
	}
}

// theirWords are in what tenant 1042 has, and in nothing of tenant 2048.
var theirWords = regexp.MustCompile(`[Ss]wim|[Tt]heirs|\b1042\b`)

// condition is where a statement, or a function of the database, names the tenant.
var condition = regexp.MustCompile(`(?:\b\w+\.)?\btenant_id = (?:\$1|tenant\b|new\.tenant_id)`)

// without takes the nth condition out of a statement.
func without(sql string, nth int) string {
	at := condition.FindAllStringIndex(sql, -1)[nth]
	return sql[:at[0]] + "(" + sql[at[0]:at[1]] + " or true)" + sql[at[1]:]
}

// mutants is a database without row level security, and the statements with which tenant 2048 reached for tenant 1042's rows.
type mutants struct {
	conn  *pgx.Conn
	calls []storetest.Statement
}

func newMutants(t *testing.T) *mutants {
	t.Helper()
	db := storetest.New(t)
	db.WithoutRowSecurity(t)
	theirs := someoneElses(t, db)
	s, recorded := db.Recorded(t)
	for _, name := range slices.Sorted(maps.Keys(reaches)) {
		_, _ = reaches[name](t.Context(), s.For(db.Dentist.Scope()).By(store.ByCommand("x")), theirs)
	}
	return &mutants{connect(t, db.Owner), recorded.Take()}
}

// run carries a statement out, after first, and takes it back. It returns everything that the statement did, as text.
func (m *mutants) run(t *testing.T, first, sql string, args []any) string {
	t.Helper()
	ctx := t.Context()
	tx, err := m.conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, `select set_config('app.tenant_id', '2048', true)`); err != nil {
		t.Fatal(err)
	}
	if first != "" {
		if _, err := tx.Exec(ctx, first); err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
	}
	rows, err := tx.Query(ctx, sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
	if err != nil {
		return err.Error()
	}
	var did strings.Builder
	for rows.Next() {
		_, _ = fmt.Fprintln(&did, rows.RawValues())
	}
	return did.String() + rows.CommandTag().String() + fmt.Sprint(rows.Err())
}

// redundant are the conditions without which the statement still reaches nothing of tenant 1042: another condition of it holds as
// well, or what tenant 1042 has does not lead there. They stay, and one that goes is missed in this list.
const redundant = "testdata/redundant_conditions.txt"

// TestLocks_EveryTenantConditionWouldBeMissed takes each tenant condition out of each statement, and out of each function of the
// database that one calls, and sees that the statement then reaches another tenant.
func TestLocks_EveryTenantConditionWouldBeMissed(t *testing.T) {
	t.Parallel()
	m := newMutants(t)
	var survived []string
	taken := 0
	seen := map[string]bool{}
	for _, call := range m.calls {
		if seen[call.SQL] {
			continue
		}
		seen[call.SQL] = true
		for nth, at := range condition.FindAllStringIndex(call.SQL, -1) {
			taken++
			if m.run(t, "", call.SQL, call.Args) == m.run(t, "", without(call.SQL, nth), call.Args) {
				survived = append(survived, oneLine(call.SQL[:at[0]]+"«"+call.SQL[at[0]:at[1]]+"»"+call.SQL[at[1]:]))
			}
		}
	}
	for _, f := range names(t, m.conn, `select pg_get_functiondef(p.oid) from pg_proc p where pronamespace = 'public'::regnamespace and prosrc ~ 'tenant_id = (tenant|new.tenant_id)' order by proname`) {
		name := regexp.MustCompile(`FUNCTION public\.(\w+)`).FindStringSubmatch(f)[1]
		for nth, at := range condition.FindAllStringIndex(f, -1) {
			taken++
			if !m.missed(t, name, without(f, nth)) {
				survived = append(survived, name+": "+oneLine(f[max(0, at[0]-100):at[0]]+"«"+f[at[0]:at[1]]+"»"+f[at[1]:min(len(f), at[1]+60)]))
			}
		}
	}
	if taken < 100 {
		t.Errorf("only %d conditions were found", taken)
	}
	golden(t, redundant, strings.Join(survived, "\n")+"\n")
}

// missed reports whether a statement that calls a function, or sets off a trigger that is one, does otherwise with it changed.
func (m *mutants) missed(t *testing.T, name, changed string) bool {
	t.Helper()
	trigger := strings.Contains(changed, "RETURNS trigger")
	for _, call := range m.calls {
		if (trigger || strings.Contains(call.SQL, name+"(")) && m.run(t, "", call.SQL, call.Args) != m.run(t, changed, call.SQL, call.Args) {
			return true
		}
	}
	return false
}

func oneLine(sql string) string { return strings.Join(strings.Fields(sql), " ") }

var update = flag.Bool("update", false, "write testdata anew")

// golden compares with a file that a person has reviewed.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("review it and run go test ./shared/store -run TestLocks -update (-reviewed +now):\n%s", diff)
	}
}
