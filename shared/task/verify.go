package task

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// VerifierConfig says whose tokens a worker takes.
type VerifierConfig struct {
	Issuer          string   `env:"OIDC_ISSUER" envDefault:"https://accounts.google.com"`
	KeysURL         string   `env:"OIDC_KEYS_URL" envDefault:"https://www.googleapis.com/oauth2/v3/certs"`
	WorkerURL       string   `env:"CLOUD_TASKS_WORKER_URL,required,notEmpty"` // the audience of the tokens
	ServiceAccounts []string `env:"CLOUD_TASKS_SERVICE_ACCOUNT,required,notEmpty"`
}

// PusherConfig says whose tokens Pub/Sub's pushes carry.
type PusherConfig struct {
	Issuer         string `env:"OIDC_ISSUER" envDefault:"https://accounts.google.com"`
	KeysURL        string `env:"OIDC_KEYS_URL" envDefault:"https://www.googleapis.com/oauth2/v3/certs"`
	ServiceAccount string `env:"PUBSUB_SERVICE_ACCOUNT,required,notEmpty"` // e-mail of the account that the subscription pushes as
}

// Validate names each setting that is malformed.
func (c PusherConfig) Validate() error {
	if !strings.Contains(c.ServiceAccount, "@") {
		return errors.New("PUBSUB_SERVICE_ACCOUNT must be the e-mail address of a service account")
	}
	return nil
}

// NewPusher makes a verifier of what Pub/Sub pushes to an address, which is the audience of its tokens.
func NewPusher(c PusherConfig, address string) *Verifier {
	return NewVerifier(VerifierConfig{Issuer: c.Issuer, KeysURL: c.KeysURL, WorkerURL: address, ServiceAccounts: []string{c.ServiceAccount}})
}

// googleIssuer has two spellings, and Google uses both.
const googleIssuer = "https://accounts.google.com"

// Verifier tells Cloud Tasks, Cloud Scheduler and Pub/Sub from everybody else by the Google-signed token that they send. The
// X-CloudTasks headers prove nothing: anybody can send them.
type Verifier struct {
	config VerifierConfig
	tokens *oidc.IDTokenVerifier
}

// NewVerifier makes a verifier. It fetches Google's keys when the first token comes, and keeps them.
func NewVerifier(c VerifierConfig) *Verifier {
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), &http.Client{Timeout: 5 * time.Second}), c.KeysURL)
	return &Verifier{config: c, tokens: oidc.NewVerifier(c.Issuer, keys, &oidc.Config{
		ClientID:             c.WorkerURL,
		SupportedSigningAlgs: []string{oidc.RS256},
		SkipIssuerCheck:      true, // Verify checks both spellings
	})}
}

// clockSkew is how far Google's clock may be ahead of ours.
const clockSkew = 5 * time.Minute

// Verify checks a call's one token: signature by RS256, issuer, audience and no other besides, expiry, a time of issue that is not to come, and that its
// verified e-mail is one of the service accounts. fault.Unauthenticated otherwise, fault.Unavailable when the issuer's keys could not be fetched.
func (v *Verifier) Verify(r *http.Request) (Call, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(r.Header.Values("Authorization")) != 1 {
		return Call{}, refused(errors.New("no bearer token, or several"))
	}
	parsed, err := v.tokens.Verify(r.Context(), token)
	if err != nil {
		return Call{}, classify(err)
	}
	if len(parsed.Audience) != 1 {
		return Call{}, refused(errors.New("the token is for another audience too"))
	}
	if parsed.Issuer != v.config.Issuer && (v.config.Issuer != googleIssuer || "https://"+parsed.Issuer != googleIssuer) {
		return Call{}, refused(errors.New("the token is of another issuer"))
	}
	if parsed.IssuedAt.After(time.Now().Add(clockSkew)) {
		return Call{}, refused(errors.New("the token is of a time to come"))
	}
	var claims struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	if err := parsed.Claims(&claims); err != nil {
		return Call{}, refused(errors.New("the token's claims cannot be read"))
	}
	if !claims.Verified || !slices.Contains(v.config.ServiceAccounts, claims.Email) {
		return Call{}, refused(errors.New("the token is of another account"))
	}
	return callOf(claims.Email, r.Header), nil
}

// classify keeps only what kind of fault the library found: its texts quote parts of the token.
func classify(err error) error {
	var expired *oidc.TokenExpiredError
	switch {
	case strings.Contains(err.Error(), "fetching keys"):
		return fault.Wrap(fault.Unavailable, errors.New("the issuer's keys could not be fetched"), "")
	case errors.As(err, &expired):
		return refused(errors.New("the token has expired"))
	case strings.Contains(err.Error(), "expected audience"):
		return refused(errors.New("the token is for another audience"))
	default:
		return refused(errors.New("the token's signature or form does not hold"))
	}
}

func refused(cause error) error {
	return fault.Wrap(fault.Unauthenticated, fmt.Errorf("verifying the caller: %w", cause), "this path is for Google's own services: Cloud Tasks, Cloud Scheduler and Pub/Sub")
}
