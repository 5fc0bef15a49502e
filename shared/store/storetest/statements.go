package storetest

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Statement is what a store has asked of Postgres.
type Statement struct {
	SQL  string
	Args []any
}

// Statements collects them.
type Statements struct {
	mu  sync.Mutex
	all []Statement
}

// Take returns what was collected since the last call.
func (s *Statements) Take() []Statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	s.all = nil
	return all
}

// TraceBatchStart collects the statements of a batch; a store sends nothing else.
func (s *Statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range data.Batch.QueuedQueries {
		s.all = append(s.all, Statement{q.SQL, slices.Clone(q.Arguments)})
	}
	return ctx
}

// TraceBatchQuery does nothing: what was asked is known.
func (s *Statements) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd does nothing.
func (s *Statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// TraceQueryStart does nothing; a tracer has to have it.
func (s *Statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd does nothing.
func (s *Statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Recorded is the store as the application's role, whose statements are collected.
func (db *DB) Recorded(t testing.TB) (*store.Store, *Statements) {
	t.Helper()
	statements := &Statements{}
	return openTraced(t, db.App, FieldKey, statements), statements
}
