package worker

import (
	"context"
	"log/slog"

	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/task"
)

const (
	eraseAtOnce = 200 // rows of each kind in one transaction
	eraseTurns  = 50  // of one tenant in one night; the next night goes on
)

type keepOutput struct {
	Body struct {
		Erased map[string]int64 `json:"erased" doc:"rows of each table, of all tenants"`
	}
}

// keep erases of every tenant what is older than it keeps, after what it has used has been counted. It goes on after a tenant that fails, and
// then answers 500: the next night erases the rest.
func (d Deps) keep(ctx context.Context, call task.Call, _ *struct{}) (*keepOutput, error) {
	out := &keepOutput{}
	out.Body.Erased = map[string]int64{}
	var first error
	err := d.everyTenant(ctx, func(t *store.Tenant) {
		if err := keepOne(ctx, t, out.Body.Erased); err != nil {
			d.Log.ErrorContext(ctx, "what is old was not erased", "tenant_id", t.Scope().ID(), "error", err)
			first = err
		}
	})
	httpx.Note(ctx, slog.String("actor", call.Email), slog.String("job", call.Job), slog.Any("erased", out.Body.Erased))
	if err == nil {
		err = first
	}
	return out, err
}

// keepOne adds up in erased what went of one tenant's.
func keepOne(ctx context.Context, t *store.Tenant, erased map[string]int64) error {
	if err := countAll(ctx, t); err != nil {
		return err
	}
	for range eraseTurns {
		went, more, err := t.EraseOld(ctx, eraseAtOnce)
		if err != nil {
			return err
		}
		for table, n := range went {
			erased[table] += n
		}
		if !more {
			return nil
		}
	}
	return nil
}
