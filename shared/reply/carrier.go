package reply

import (
	"context"
	"fmt"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Carrier takes replies to customers: Telnyx does for texts, Gmail for mail.
type Carrier interface {
	// Send makes one attempt, and repeats nothing by itself. Its error is an *Unsent; any other counts as Lost.
	Send(ctx context.Context, t *store.Tenant, r *store.Reply, text private.Text) (Sent, error)
	// Find looks at the provider for what an earlier attempt may have sent. false is the provider's word that there is no such thing.
	Find(ctx context.Context, t *store.Tenant, r *store.Reply, now time.Time) (Sent, bool, error)
}

// Sent is what a provider has taken.
type Sent struct {
	ID    string // the provider's
	Draft bool   // it is kept for a person to send
}

// UnsentKind is what is known of a send that did not succeed.
type UnsentKind int

// The kinds. All but Lost were surely not sent.
const (
	Lost     UnsentKind = iota // it may have been sent
	Refused                    // and always will be
	BackOff                    // and may be taken later
	Paused                     // and may be taken when a person has mended something; attempts are not counted
	OptedOut                   // the provider knows that the recipient has opted out
)

// Unsent is the error of Carrier.Send.
type Unsent struct {
	Kind       UnsentKind
	Reason     string        // a short code for staff and the log
	RetryAfter time.Duration // of BackOff and Paused: not before
	Err        error
}

// Error tells the reason, and the cause that the vendor's client has cleared of what may not be told.
func (u *Unsent) Error() string {
	if u.Err == nil {
		return u.Reason
	}
	return fmt.Sprintf("%s: %v", u.Reason, u.Err)
}

// Unwrap gives the cause.
func (u *Unsent) Unwrap() error { return u.Err }
