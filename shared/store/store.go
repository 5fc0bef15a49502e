// Package store is the only package that knows SQL.
//
// A handler never holds the Store for tenant data: Store.For(scope) returns a *Tenant, every query on a tenant's rows is a
// method of it, and each exported method is one transaction in as few round trips as it can be. What Store itself offers is
// finding out whose a request is, and the operator's commands.
//
// Errors are classified here: fault.NotFound for a row that is missing or another tenant's (the two are the same), Conflict
// for a taken number, name or address, Unavailable when the database did not answer, Internal for the rest.
package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Store reaches the database.
type Store struct {
	db   *pgxpool.Pool
	keys *Keyring
}

// New takes a pool, which may log in as any role that is a member of chattercheatah_app, and the keys for sealed columns.
func New(db *pgxpool.Pool, keys *Keyring) *Store { return &Store{db, keys} }

// Close gives up the connections.
func (s *Store) Close() { s.db.Close() }

// Tenant is one tenant's data and nothing else.
type Tenant struct {
	store *Store
	scope tenant.Scope
}

// For returns the handle on one tenant's data. The methods of a handle on the zero Scope all fail.
func (s *Store) For(scope tenant.Scope) *Tenant { return &Tenant{s, scope} }

// Scope says whose data this is and how that was found.
func (t *Tenant) Scope() tenant.Scope { return t.scope }

func (t *Tenant) id() int64 { return int64(t.scope.ID()) }

var errNoScope = errors.New("store: a query without a resolved tenant")

// run sends everything that queue adds as one transaction in one round trip. Its first statement takes the application's
// role and sets the tenant for this transaction alone, so that a pooled connection carries neither to the next user.
func (t *Tenant) run(ctx context.Context, doing string, queue func(b *pgx.Batch)) error {
	if t.scope.IsZero() {
		return fmt.Errorf("%s: %w", doing, errNoScope)
	}
	return t.store.run(ctx, doing, appRole, t.scope.ID().String(), "", queue)
}

// The database roles; see migrations/00001_tenants.sql.
const (
	appRole      = "chattercheatah_app"
	operatorRole = "chattercheatah_operator"
)

// nobody is the app.tenant_id of a transaction that has no tenant yet: no tenant has this id.
const nobody = "0"

const becomeSQL = `select set_config('role', $1, true), set_config('app.tenant_id', $2, true), set_config('app.user_id', $3, true)`

func (s *Store) run(ctx context.Context, doing, role, tenantID, userID string, queue func(b *pgx.Batch)) error {
	b := &pgx.Batch{}
	b.Queue(becomeSQL, role, tenantID, userID)
	queue(b)
	return classify(doing, s.db.SendBatch(ctx, b).Close())
}

// forgettableSQL lets a transaction commit without waiting for the disk: a crash of the database in the next moment may forget
// it. Only for what comes to light by itself: a claim, which the sweeper finds open and under which
// one worker at most begins to send, and an acceptance, which the provider knows of.
const forgettableSQL = `set local synchronous_commit = off`

// ErrOptedOut is what the database answers when a text is about to go to a phone that has opted out.
var ErrOptedOut = errors.New("the recipient has opted out")

// classify says what kind of error the database's is. Its details, which can hold row values, are dropped.
func classify(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", doing, err)
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.Wrap(fault.NotFound, err, "")
	}
	var classified *fault.Error
	if errors.As(err, &classified) {
		return err
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return fault.Wrap(fault.Unavailable, err, "")
	}
	switch {
	case pg.Code == "CC001":
		return fmt.Errorf("%s: %w", doing, ErrOptedOut)
	case pg.Code == "23505":
		return fault.Wrap(fault.Conflict, err, "%s", takenText(pg.ConstraintName))
	case pg.Code[:2] == "08" || pg.Code[:2] == "53" || pg.Code[:2] == "57" || pg.Code == "40001" || pg.Code == "40P01":
		return fault.Wrap(fault.Unavailable, err, "")
	default:
		return err
	}
}

func takenText(constraint string) string {
	switch constraint {
	case "tenant_phone_numbers_pkey":
		return "this phone number belongs to another tenant already"
	case "tenants_subdomain_key":
		return "this subdomain is taken; choose another"
	case "users_email":
		return "there is a user with this e-mail address already"
	default:
		return "this exists already"
	}
}
