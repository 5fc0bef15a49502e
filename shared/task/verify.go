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
	WorkerURL       string   `env:"CLOUD_TASKS_WORKER_URL,required,notEmpty"`
	Audience        string   `env:"CLOUD_TASKS_AUDIENCE"` // the worker's address when empty
	ServiceAccounts []string `env:"CLOUD_TASKS_SERVICE_ACCOUNT,required,notEmpty"`
}

// googleIssuer has two spellings, and Google uses both.
const googleIssuer = "https://accounts.google.com"

// Verifier tells Cloud Tasks and Cloud Scheduler from everybody else by the Google-signed token that they send. The
// X-CloudTasks headers prove nothing: anybody can send them.
type Verifier struct {
	config VerifierConfig
	tokens *oidc.IDTokenVerifier
}

// NewVerifier makes a verifier. It fetches Google's keys when the first token comes, and keeps them.
func NewVerifier(c VerifierConfig) *Verifier {
	if c.Audience == "" {
		c.Audience = c.WorkerURL
	}
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), &http.Client{Timeout: 5 * time.Second}), c.KeysURL)
	return &Verifier{config: c, tokens: oidc.NewVerifier(c.Issuer, keys, &oidc.Config{
		ClientID:             c.Audience,
		SupportedSigningAlgs: []string{oidc.RS256},
		SkipIssuerCheck:      true, // Verify checks both spellings
	})}
}

// Verify checks a call's token: signature by RS256, issuer, audience, expiry, and that its verified e-mail is one of the
// service accounts. fault.Unauthenticated otherwise, fault.Unavailable when the issuer's keys could not be fetched.
func (v *Verifier) Verify(r *http.Request) (Call, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return Call{}, refused(errors.New("no bearer token"))
	}
	parsed, err := v.tokens.Verify(r.Context(), token)
	if err != nil {
		return Call{}, classify(err)
	}
	if parsed.Issuer != v.config.Issuer && (v.config.Issuer != googleIssuer || "https://"+parsed.Issuer != googleIssuer) {
		return Call{}, refused(errors.New("the token is of another issuer"))
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
	return fault.Wrap(fault.Unauthenticated, fmt.Errorf("verifying the caller: %w", cause), "this path is for Cloud Tasks and Cloud Scheduler")
}
