package store

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Actor is who changes something: a person, or a command on an operator's machine. The zero Actor is nobody.
type Actor struct {
	ID            int64  `json:"id,omitempty"` // users.id; 0 for a command
	Name          string `json:"name"`         // an e-mail address, or such as "command onboard"
	Impersonating bool   `json:"impersonating"`
	Address       string `json:"address"` // the IP address they came from; "" for a command
}

// ByCommand is the actor of a command of ours.
func ByCommand(name string) Actor { return Actor{Name: "command " + name} }

// LogAttrs says who asks: by id, for an address is not the log's to keep.
func (a Actor) LogAttrs() []slog.Attr {
	return []slog.Attr{slog.String("actor", strconv.FormatInt(a.ID, 10))}
}

// setting is the actor as app.actor, which the trigger log_change of migrations/00010_audit.sql reads.
func (a Actor) setting() string {
	if a == (Actor{}) {
		return ""
	}
	text, err := json.Marshal(a)
	if err != nil {
		panic("store: an Actor cannot be written as JSON")
	}
	return string(text)
}

// AuditEntry is one line of the audit log, as it is answered to those who may read it.
type AuditEntry struct {
	ID            int64      `json:"id"`
	TenantID      *tenant.ID `json:"tenant_id" doc:"null for what concerns no tenant"`
	At            time.Time  `json:"at"`
	ActorID       *int64     `json:"actor_id" doc:"the person's id; null for a command and for an unknown address that tried to log in"`
	Actor         string     `json:"actor" doc:"an e-mail address, or such as \"command onboard\""`
	Impersonating bool       `json:"is_impersonating" doc:"a global admin in a tenant"`
	Address       string     `json:"address" doc:"the IP address; empty for a command"`
	Action        string     `json:"action" doc:"such as users.insert, or log_in"`
	Object        string     `json:"object" doc:"the id of what was changed"`
	Fields        []string   `json:"fields" doc:"the fields that changed; never what is in them"`
}

const auditColumns = `id, tenant_id, at, actor_id, actor, impersonating, address, action, object, fields`

func scanAuditEntry(row pgx.CollectableRow) (e AuditEntry, err error) {
	return e, row.Scan(&e.ID, &e.TenantID, &e.At, &e.ActorID, &e.Actor, &e.Impersonating, &e.Address, &e.Action, &e.Object, &e.Fields)
}

// Audit lists what was done to the tenant, the newest first, at most limit, older than the entry before (0 for the newest). One
// round trip.
func (t *Tenant) Audit(ctx context.Context, before int64, limit int) (found []AuditEntry, err error) {
	err = t.run(ctx, "reading the audit log", func(b *pgx.Batch) {
		b.Queue(`select `+auditColumns+` from audit_log where tenant_id = $1 and id < $2 order by id desc limit $3`, t.id(), newestIfZero(before), limit).
			Query(func(rows pgx.Rows) (err error) {
				found, err = pgx.CollectRows(rows, scanAuditEntry)
				return err
			})
	})
	return found, err
}

// Audit lists what was done to any tenant and to none, as Tenant.Audit does.
func (r *Registry) Audit(ctx context.Context, before int64, limit int) (found []AuditEntry, err error) {
	err = r.run(ctx, "reading the audit log", func(b *pgx.Batch) {
		b.Queue(`select `+auditColumns+` from audit_log where id < $1 order by id desc limit $2`, newestIfZero(before), limit).
			Query(func(rows pgx.Rows) (err error) {
				found, err = pgx.CollectRows(rows, scanAuditEntry)
				return err
			})
	})
	return found, err
}

// RecordLogIn puts a log-in, or the failure of one, into the audit log. The zero User is an address that nobody has: it takes as
// long, and of the address nothing is kept.
func (s *Store) RecordLogIn(ctx context.Context, u User, from string, succeeded bool) error {
	action, actor := "log_in", u.Email
	if !succeeded {
		action = "log_in_failed"
	}
	if actor == "" {
		actor = "unknown"
	}
	as := session{role: appRole, tenant: strconv.FormatInt(int64(u.Tenant), 10)}
	return s.run(ctx, "recording a log-in", as, func(b *pgx.Batch) {
		b.Queue(`insert into audit_log (tenant_id, actor_id, actor, address, action) values (nullif($1::bigint, 0), nullif($2::bigint, 0), $3, $4, $5)`,
			int64(u.Tenant), u.ID, actor, from, action)
	})
}
