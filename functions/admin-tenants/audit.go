package admintenants

import (
	"context"

	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

type auditLogOutput struct {
	Body httpx.Page[store.AuditEntry]
}

// auditLog lists who did what to any tenant and to none, the newest first.
func (d Deps) auditLog(ctx context.Context, of *store.Registry, in *httpx.PageInput) (*auditLogOutput, error) {
	var before int64
	if err := in.After(&before); err != nil {
		return nil, err
	}
	found, err := of.Audit(ctx, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	asItIs := func(e store.AuditEntry) store.AuditEntry { return e }
	return &auditLogOutput{httpx.NewPage(found, in.Limit, asItIs, func(e store.AuditEntry) any { return e.ID })}, nil
}
