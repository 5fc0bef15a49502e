package worker

import (
	"context"
	"log/slog"
	"math/rand/v2"

	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// atOnce is for how many tenants work is looked up at a time.
const atOnce = 500

type countOutput struct {
	Body struct {
		Counted int `json:"counted" doc:"tenants"`
	}
}

// count adds up what every tenant has used. It goes on after a tenant that fails, and then answers 500: what was counted stays, and the next
// hour counts the rest.
func (d Deps) count(ctx context.Context, call task.Call, _ *struct{}) (*countOutput, error) {
	out := &countOutput{}
	var first error
	err := d.everyTenant(ctx, func(t *store.Tenant) {
		if err := countAll(ctx, t); err != nil {
			d.Log.ErrorContext(ctx, "usage was not counted", "tenant_id", t.Scope().ID(), "error", err)
			first = err
			return
		}
		out.Body.Counted++
	})
	httpx.Note(ctx, slog.String("actor", call.Email), slog.String("job", call.Job), slog.Int("counted", out.Body.Counted))
	if err == nil {
		err = first
	}
	return out, err
}

// countAll counts a tenant to the present.
func countAll(ctx context.Context, t *store.Tenant) error {
	for more := true; more; {
		var err error
		if more, err = t.CountUsage(ctx); err != nil {
			return err
		}
	}
	return nil
}

// everyTenant does something for each tenant, until ctx ends. It begins with any of them, so that no tenant is always the last.
func (d Deps) everyTenant(ctx context.Context, do func(t *store.Tenant)) error {
	var all []tenant.Scope
	for after := tenant.ID(0); ; {
		scopes, err := d.Store.EveryTenant(ctx, after, atOnce)
		if err != nil {
			return err
		}
		if len(scopes) == 0 {
			break
		}
		all, after = append(all, scopes...), scopes[len(scopes)-1].ID()
	}
	if len(all) == 0 {
		return nil
	}
	first := rand.IntN(len(all))
	for i := range all {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		do(d.Store.For(all[(first+i)%len(all)]))
	}
	return nil
}
