package emailoauth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"time"

	"golang.org/x/oauth2"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// pending is a connection that was begun, as it waits under its state.
type pending struct {
	Tenant   tenant.ID `json:"tenant"`
	Person   int64     `json:"person"` // users.id of who began it
	Verifier string    `json:"verifier"`
}

type emailStartOutput struct {
	Body struct {
		AuthorizationURL string    `json:"authorization_url" doc:"Google's page, to be opened in a browser by whoever may give access to the mailbox; for one visit"`
		ExpiresAt        time.Time `json:"expires_at" doc:"until when Google has to have sent the browser back"`
	}
}

var errNoClient = fault.New(fault.Unavailable,
	"no mailbox can be connected here: this system has no Google OAuth client; ask its operator to set GOOGLE_OAUTH_CLIENT_ID")

// start begins to connect a mailbox: nothing of the tenant's changes until the browser comes back.
func (d Deps) start(ctx context.Context, t *store.Tenant, _ *struct{}) (*emailStartOutput, error) {
	if d.OAuth == nil {
		return nil, errNoClient
	}
	id := t.Scope().ID()
	if err := d.Starts.Take(ctx, id.String()); err != nil {
		return nil, err
	}
	begun := pending{Tenant: id, Person: t.Actor().ID, Verifier: oauth2.GenerateVerifier()}
	kept, err := json.Marshal(begun)
	if err != nil {
		return nil, err
	}
	state, expires := newState(), d.Now().Add(StateLife)
	if err := d.States.Put(ctx, state, kept); err != nil {
		return nil, err
	}
	out := &emailStartOutput{}
	out.Body.AuthorizationURL = d.OAuth.ConsentURL(d.Redirect, state, begun.Verifier, gmail.Scopes()...)
	out.Body.ExpiresAt = expires.UTC().Truncate(time.Second)
	return out, nil
}

// stateBytes cannot be guessed, and stateLength is how long they are in base64.
const (
	stateBytes  = 32
	stateLength = 43
)

func newState() string {
	b := make([]byte, stateBytes)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
