package store

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
)

// Operator is what operators may do apart from any tenant: make tenants and global admins, set the global prompt. It needs a
// log-in that is a member of chattercheatah_operator, which is that of admin-tenants and of the commands alone.
type Operator struct {
	store *Store
	actor Actor
}

// Operator returns the handle of the operators' commands.
func (s *Store) Operator() *Operator { return &Operator{store: s} }

// By returns the same handle, whose changes the audit log puts down to a.
func (o *Operator) By(a Actor) *Operator { return &Operator{o.store, a} }

// LogAttrs says in the log line of a request who asks.
func (o *Operator) LogAttrs() []slog.Attr { return o.actor.LogAttrs() }

func (o *Operator) run(ctx context.Context, doing string, queue func(b *pgx.Batch)) error {
	return o.store.run(ctx, doing, session{role: operatorRole, tenant: nobody, actor: o.actor.setting()}, queue)
}

// SeedAdmin makes the global admin, or does nothing when somebody has that address. made says which.
func (o *Operator) SeedAdmin(ctx context.Context, email string, passwordHash private.Secret) (made bool, err error) {
	err = o.run(ctx, "seeding the global admin", func(b *pgx.Batch) {
		b.Queue(`insert into users (email, password_hash, role) values ($1, $2, 'admin') on conflict do nothing returning id`, email, passwordHash.Reveal()).
			Query(func(rows pgx.Rows) error {
				made = rows.Next()
				return rows.Err()
			})
	})
	return made, err
}

// PublishGlobalPrompt makes sections the prompt that every tenant inherits, as its next version.
func (o *Operator) PublishGlobalPrompt(ctx context.Context, name string, sections []prompt.Section) (prompt.Source, error) {
	var made Bundle
	err := o.run(ctx, "publishing the global prompt", func(b *pgx.Batch) { queuePublish(b, nil, prompt.Any, name, sections, &made) })
	return prompt.Source{Bundle: made.ID, Channel: made.Channel, Version: made.Version}, err
}

// HasGlobalPrompt reports whether a global prompt is live.
func (o *Operator) HasGlobalPrompt(ctx context.Context) (has bool, err error) {
	err = o.run(ctx, "looking for the global prompt", func(b *pgx.Batch) {
		b.Queue(`select exists (select from prompt_bundles where tenant_id is null and status = 'PRODUCTION')`).
			QueryRow(func(row pgx.Row) error { return row.Scan(&has) })
	})
	return has, err
}
