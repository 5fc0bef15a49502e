// Package migrations holds the database schema as numbered steps, up and down, and runs them with goose.
//
// From 00023 on a step is expand only: it runs while the code before it serves, and that code goes on to serve beside the new until all
// traffic has moved, or for good when a release is taken back. So a step takes nothing away that running code may use (tables, columns,
// types, functions, indexes, grants, defaults), renames and retypes nothing, and asks nothing of old tables that old code does not
// give (not null, unique; a check or a foreign key is first added not valid). What it makes itself it may make as it likes. What nobody
// uses any more goes in a later release. A test reads the statements and holds what can be told from them.
//
// It is used by scripts/migrate, by the local server and by the tests. schema.sql is the result of running all steps and is
// generated; a test fails when it is stale.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// FS holds the steps.
//
//go:embed *.sql
var FS embed.FS

// Up runs every step that db has not seen, under a lock: of several callers at once one does the work and the others find
// it done. It connects as the owner of the schema, who may create roles.
//
// A step that gets no lock in its session's lock_timeout, or is ended as a deadlock, has done nothing and is run again: the code that
// serves goes first, since everything that comes for a table queues behind the step that waits for it.
func Up(ctx context.Context, db *sql.DB) error {
	p, err := provider(db)
	if err != nil {
		return err
	}
	for range yields {
		if _, err = p.Up(ctx); !yielded(err) {
			break
		}
		select {
		case <-time.After(yieldPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err != nil {
		return fmt.Errorf("migrating up: %w", err)
	}
	return nil
}

// How often a step gives way, and for how long each time: about two minutes altogether with the lock_timeout of boot's Database.SQL.
const (
	yields     = 60
	yieldPause = time.Second
)

func yielded(err error) bool {
	var refused interface{ SQLState() string }
	return errors.As(err, &refused) && (refused.SQLState() == "55P03" || refused.SQLState() == "40P01")
}

// Down undoes the newest step.
func Down(ctx context.Context, db *sql.DB) error {
	p, err := provider(db)
	if err != nil {
		return err
	}
	if _, err := p.Down(ctx); err != nil {
		return fmt.Errorf("migrating down: %w", err)
	}
	return nil
}

// Step is one migration and whether the database has it.
type Step struct {
	Name    string
	Applied bool
}

// Status lists all steps in order.
func Status(ctx context.Context, db *sql.DB) ([]Step, error) {
	p, err := provider(db)
	if err != nil {
		return nil, err
	}
	found, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the migrations' state: %w", err)
	}
	steps := make([]Step, 0, len(found))
	for _, s := range found {
		steps = append(steps, Step{Name: s.Source.Path, Applied: s.State == goose.StateApplied})
	}
	return steps, nil
}

func provider(db *sql.DB) (*goose.Provider, error) {
	// A row is the lock, not the session: behind a pooler in transaction mode a session is not ours to keep.
	locker, err := lock.NewPostgresTableLocker(lock.WithTableLockTimeout(200*time.Millisecond, 600))
	if err != nil {
		return nil, fmt.Errorf("preparing the migration lock: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, FS, goose.WithLocker(locker), goose.WithExcludeNames([]string{"schema.sql"}))
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return p, nil
}
