package reply

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

// Texts is the Carrier of text messages.
type Texts struct {
	Client    *telnyx.Client
	ReportURL string // where Telnyx sends delivery reports, e.g. https://fn.example.test/api/v1/telnyx/sms/status
}

// Send texts the customer.
func (x Texts) Send(ctx context.Context, _ *store.Tenant, r *store.Reply, text private.Text) (Sent, error) {
	if r.APIKey.IsZero() || r.From.IsZero() {
		return Sent{}, &Unsent{Kind: Refused, Reason: "no_telnyx_credentials"}
	}
	sent, err := x.Client.Send(ctx, r.APIKey, telnyx.Outgoing{
		From: r.From, To: r.To, Text: text, ProfileID: r.ProfileID, WebhookURL: x.reportURL(r),
	})
	if err != nil {
		return Sent{}, unsentText(err)
	}
	return Sent{ID: sent.ID}, nil
}

func unsentText(err error) *Unsent {
	var failed *telnyx.SendError
	if !errors.As(err, &failed) || failed.Outcome == telnyx.Unknown {
		return &Unsent{Kind: Lost, Reason: "answer_lost", Err: err}
	}
	kind := map[telnyx.Reason]UnsentKind{telnyx.OptedOut: OptedOut, telnyx.BackOff: BackOff}[failed.Reason]
	if kind == Lost {
		kind = Refused
	}
	return &Unsent{Kind: kind, Reason: string(failed.Reason), RetryAfter: failed.RetryAfter, Err: err}
}

// Find asks Telnyx for its own record.
func (x Texts) Find(ctx context.Context, _ *store.Tenant, r *store.Reply, now time.Time) (Sent, bool, error) {
	id, found, err := x.Client.FindSent(ctx, r.APIKey, telnyx.SentQuery{
		From: r.From, To: r.To, WebhookURL: x.reportURL(r), After: r.SendingAt.Add(-time.Minute), Before: now.Add(time.Minute),
	})
	return Sent{ID: id}, found, err
}

func (x Texts) reportURL(r *store.Reply) string {
	return x.ReportURL + "?" + url.Values{"reply": {r.Token}}.Encode()
}
