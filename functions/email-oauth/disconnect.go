package emailoauth

import (
	"context"
	"errors"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

type emailDisconnectOutput struct {
	Body struct {
		Status     string `json:"status" enum:"disconnected"`
		GmailEmail string `json:"gmail_email" doc:"the mailbox that was connected"`
		Revoked    bool   `json:"revoked" doc:"our access has ended at Google too"`
		Detail     string `json:"detail,omitempty" doc:"why it has not"`
	}
}

// disconnect gives the mailbox back: answering is turned off at once, then the watch and the grant end at Google, and the tokens are
// forgotten. 503 while Google does not answer, for the caller to repeat: nothing is read or sent meanwhile. 404 when no mailbox is
// connected.
func (d Deps) disconnect(ctx context.Context, t *store.Tenant, _ *struct{}) (*emailDisconnectOutput, error) {
	m, err := t.Mailbox(ctx)
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return nil, fault.Wrap(fault.NotFound, err, "no mailbox is connected")
	}
	if err != nil {
		return nil, err
	}
	if m.Enabled {
		if _, err := t.ChangeEmailSettings(ctx, store.EmailSettingsChange{Enabled: new(false)}); err != nil {
			return nil, err
		}
	}
	kept, err := d.giveBack(ctx, t, m)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err,
			"Google did not answer, so the mailbox is still connected; answering is off and nothing is read. Try again in a moment")
	}
	if err := t.DisconnectMailbox(ctx, m.Address); err != nil {
		return nil, err
	}
	out := &emailDisconnectOutput{}
	out.Body.Status, out.Body.GmailEmail, out.Body.Revoked, out.Body.Detail = "disconnected", m.Address, kept == "", kept
	return out, nil
}

// stopLimit is less than a person waits: a watch that is not ended ends within a week, and its notices are of nobody's mailbox.
const stopLimit = 5 * time.Second

// giveBack ends the watch, if it can be, and the grant; kept says why that was left as it is, "" when it has ended.
func (d Deps) giveBack(ctx context.Context, t *store.Tenant, m store.Mailbox) (kept string, err error) {
	if d.OAuth == nil {
		return "this system has no Google OAuth client, and cannot end its access; take it away at https://myaccount.google.com/permissions", nil
	}
	ctx, cancel := context.WithTimeout(ctx, googleLimit)
	defer cancel()
	d.stop(ctx, t, m)
	if m.CalendarToo {
		return "the same Google account's calendar is connected, and would end with it; " +
			"the account's owner can see what we may do at https://myaccount.google.com/permissions", nil
	}
	return "", d.OAuth.Revoke(ctx, m.RefreshToken)
}

func (d Deps) stop(ctx context.Context, t *store.Tenant, m store.Mailbox) {
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	grant := google.Grant{TenantID: t.Scope().ID().String(), RefreshToken: m.RefreshToken, AccessToken: m.AccessToken, Expires: m.TokenExpires}
	if err := d.Gmail.Stop(ctx, grant); err != nil && !errors.Is(err, google.ErrGrant) {
		d.Log.WarnContext(ctx, "the watch of a mailbox that is given back goes on until it expires", "error", err,
			"tenant_id", t.Scope().ID().String(), "request_id", httpx.RequestID(ctx))
	}
}
