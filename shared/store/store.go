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
	"log/slog"
	"strings"

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
	actor Actor
}

// For returns the handle on one tenant's data. The methods of a handle on the zero Scope all fail.
func (s *Store) For(scope tenant.Scope) *Tenant { return &Tenant{store: s, scope: scope} }

// By returns the same handle, whose changes the audit log puts down to a. Without it they are nobody's and are not logged, as
// those of a webhook or a task are not.
func (t *Tenant) By(a Actor) *Tenant { return &Tenant{t.store, t.scope, a} }

// LogAttrs says in the log line of a request whose data it touches, how that was found, and who asks.
func (t *Tenant) LogAttrs() []slog.Attr {
	return append(t.actor.LogAttrs(), slog.String("tenant_id", t.scope.ID().String()), slog.String("via", t.scope.Via()))
}

// Actor is whom changes are put down to.
func (t *Tenant) Actor() Actor { return t.actor }

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
	return t.store.run(ctx, doing, session{role: appRole, tenant: t.scope.ID().String()}, queue)
}

// change is run for what a person or a command changes: the audit log says who it was.
func (t *Tenant) change(ctx context.Context, doing string, queue func(b *pgx.Batch)) error {
	if t.scope.IsZero() {
		return fmt.Errorf("%s: %w", doing, errNoScope)
	}
	return t.store.run(ctx, doing, session{role: appRole, tenant: t.scope.ID().String(), actor: t.actor.setting()}, queue)
}

// The database roles; see migrations/00001_tenants.sql.
const (
	appRole       = "chattercheatah_app"
	registrarRole = "chattercheatah_registrar"
	operatorRole  = "chattercheatah_operator"
)

// nobody is the app.tenant_id of a transaction that has no tenant yet: no tenant has this id.
const nobody = "0"

// session is who a transaction is: what its policies and triggers read.
type session struct {
	role   string
	tenant string
	user   string // whose own row it may see; "" for none
	actor  string // JSON of an Actor; "" for none
}

const (
	becomeSQL = `select set_config('role', $1, true), set_config('app.tenant_id', $2, true), set_config('app.user_id', $3, true)`
	actAsSQL  = `select set_config('app.actor', $1, true)`
)

// run is one transaction. queue is called once more when a migration has changed what a statement returns: what its callbacks fill,
// they fill anew.
func (s *Store) run(ctx context.Context, doing string, as session, queue func(b *pgx.Batch)) error {
	ctx, cancel := context.WithTimeout(ctx, transactionLimit)
	defer cancel()
	conn, err := s.connection(ctx)
	if err != nil {
		return classify(doing, err)
	}
	defer conn.Release()
	err = as.send(ctx, conn, queue)
	if isStale(err) {
		err = as.send(ctx, conn, queue)
	}
	return classify(doing, err)
}

// send sends the whole transaction and reads its results.
func (as session) send(ctx context.Context, conn *pgxpool.Conn, queue func(b *pgx.Batch)) error {
	b := &pgx.Batch{}
	b.Queue(becomeSQL, as.role, as.tenant, as.user)
	if as.actor != "" {
		b.Queue(actAsSQL, as.actor)
	}
	queue(b)
	return conn.SendBatch(ctx, b).Close()
}

// forgettableSQL lets a transaction commit without waiting for the disk: a crash of the database in the next moment may forget
// it. Only for what comes to light by itself: a claim, which the sweeper finds open and under which
// one worker at most begins to send, and an acceptance, which the provider knows of.
const forgettableSQL = `set local synchronous_commit = off`

// ErrOptedOut is what the database answers when a text is about to go to a phone that has opted out.
var ErrOptedOut = errors.New("the recipient has opted out")

// classify says what kind of error the database's is. Its details, which can hold row values, are dropped.
func classify(doing string, cause error) error {
	if cause == nil {
		return nil
	}
	err := fmt.Errorf("%s: %w", doing, cause)
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.Wrap(fault.NotFound, err, "")
	}
	if _, classified := errors.AsType[*fault.Error](err); classified {
		return err
	}
	pg, answered := errors.AsType[*pgconn.PgError](err)
	if !answered || isFatal(pg) || isConnecting(err) {
		return fault.Wrap(fault.Unavailable, fmt.Errorf("%s: %w", doing, unreached(cause)), "")
	}
	switch {
	case pg.Code == "CC001":
		return fmt.Errorf("%s: %w", doing, ErrOptedOut)
	case pg.Code == "CC003":
		return fmt.Errorf("%s: %w", doing, errErased)
	case pg.Code == "CC002":
		return fault.Wrap(fault.Conflict, err, "this version has been published and stays as it is; make a new one")
	case pg.Code == "22021" || pg.Code == "22P05":
		return fault.Wrap(fault.Invalid, err, "a text holds a character that cannot be stored, such as \\u0000; leave it out")
	case pg.Code == "23503" && strings.HasSuffix(pg.ConstraintName, "_tenant_id_fkey"):
		return fault.Wrap(fault.NotFound, err, "")
	case pg.Code == "23505":
		return fault.Wrap(fault.Conflict, err, "%s", takenText(pg.ConstraintName))
	case pg.Code[:2] == "08" || pg.Code[:2] == "53" || pg.Code[:2] == "57" || pg.Code == "40001" || pg.Code == "40P01" || pg.Code == "55P03":
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
	case "tenant_voice_configs_telnyx_assistant_id_key":
		return "this assistant belongs to another tenant already"
	case "tenant_email_configs_gmail_email":
		return "this mailbox is connected to another business already; disconnect it there first, or connect another mailbox"
	case "prompt_sections_bundle_id_section_key_key":
		return "a section_key stands twice; give each section a key of its own"
	default:
		return "this exists already"
	}
}
