package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Spent is what one question to the model took. The zero Spent is none.
type Spent struct {
	Model                      string
	PromptTokens, OutputTokens int
}

// queueSpent writes down what the model was asked, if it was.
func (t *Tenant) queueSpent(b *pgx.Batch, purpose string, s Spent) {
	if s != (Spent{}) {
		b.Queue(`insert into model_calls (tenant_id, purpose, model, prompt_tokens, output_tokens) values ($1, $2, $3, $4, $5)`,
			t.id(), purpose, s.Model, s.PromptTokens, s.OutputTokens)
	}
}

// SpentOnTrial writes down what trying a prompt out took. One round trip.
func (t *Tenant) SpentOnTrial(ctx context.Context, s Spent) error {
	return t.run(ctx, "writing down what a trial took", func(b *pgx.Batch) { t.queueSpent(b, "trial", s) })
}

// Usage is what was used in some days.
type Usage struct {
	TextsIn, TextsOut          int64
	MailsIn, MailsOut          int64
	Calls, CallSeconds         int64
	ModelCalls                 int64
	PromptTokens, OutputTokens int64
	CountedAt                  *time.Time // when that was counted last; nil when nothing has been
}

const usageColumns = `coalesce(sum(u.texts_in), 0)::bigint, coalesce(sum(u.texts_out), 0)::bigint, coalesce(sum(u.mails_in), 0)::bigint, coalesce(sum(u.mails_out), 0)::bigint,
	coalesce(sum(u.calls), 0)::bigint, coalesce(sum(u.call_seconds), 0)::bigint, coalesce(sum(u.model_calls), 0)::bigint, coalesce(sum(u.prompt_tokens), 0)::bigint,
	coalesce(sum(u.output_tokens), 0)::bigint, max(u.counted_at)`

func (u *Usage) scan(row pgx.Row, before ...any) error {
	return row.Scan(append(before, &u.TextsIn, &u.TextsOut, &u.MailsIn, &u.MailsOut, &u.Calls, &u.CallSeconds, &u.ModelCalls, &u.PromptTokens, &u.OutputTokens, &u.CountedAt)...)
}

// CountUsage adds up what the tenant has used since it was counted last, a month of it at most; more says whether to go on. Counting again
// changes nothing but what has come since. One round trip.
func (t *Tenant) CountUsage(ctx context.Context) (more bool, err error) {
	err = t.run(ctx, "counting usage", func(b *pgx.Batch) {
		b.Queue(`select count_usage($1)`, t.id()).QueryRow(func(row pgx.Row) error { return row.Scan(&more) })
	})
	return more, err
}

// Usage is what the tenant used from one day to before another (UTC), as far as it has been counted. One round trip.
func (t *Tenant) Usage(ctx context.Context, from, to time.Time) (u Usage, err error) {
	err = t.run(ctx, "reading usage", func(b *pgx.Batch) {
		b.Queue(`select `+usageColumns+` from usage_days u where u.tenant_id = $1 and u.day >= $2 and u.day < $3`, t.id(), from, to).
			QueryRow(func(row pgx.Row) error { return u.scan(row) })
	})
	return u, err
}

// TenantUsage is what one tenant used.
type TenantUsage struct {
	TenantRow
	Usage
}

// Usage is what every tenant used from one day to before another (UTC): those after a given one by id, at most limit. One round trip.
func (r *Registry) Usage(ctx context.Context, from, to time.Time, after tenant.ID, limit int) (found []TenantUsage, err error) {
	err = r.run(ctx, "reading the usage of tenants", func(b *pgx.Batch) {
		b.Queue(`select t.id, t.name, t.subdomain, t.is_active, t.created_at, `+usageColumns+`
			from (select * from tenants where id > $3 order by id limit $4) t left join usage_days u on u.tenant_id = t.id and u.day >= $1 and u.day < $2
			group by t.id, t.name, t.subdomain, t.is_active, t.created_at order by t.id`, from, to, int64(after), limit).
			Query(func(rows pgx.Rows) (err error) {
				found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (u TenantUsage, err error) {
					return u, u.Usage.scan(row, &u.ID, &u.Name, &u.Subdomain, &u.Active, &u.TenantRow.CreatedAt)
				})
				return err
			})
	})
	return found, err
}

// EveryTenant gives, in order of their ids, what the nightly work is done for: every tenant after a given one, closed ones too, at most limit.
func (s *Store) EveryTenant(ctx context.Context, after tenant.ID, limit int) (found []tenant.Scope, err error) {
	err = s.run(ctx, "listing tenants for their work", session{role: appRole, tenant: nobody}, func(b *pgx.Batch) {
		b.Queue(`select tenant_id from route_tenants($1, $2)`, int64(after), limit).Query(func(rows pgx.Rows) error {
			ids, err := pgx.CollectRows(rows, pgx.RowTo[tenant.ID])
			for _, id := range ids {
				found = append(found, tenant.ByTask(id))
			}
			return err
		})
	})
	return found, err
}
