package users

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// caller is where a request came from.
type caller struct{ address string }

func callerOf(r *http.Request) (caller, error) { return caller{auth.Address(r)}, nil }

type logInInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"320" minLength:"3" example:"desk@exampleco.test"`
		Password string `json:"password" maxLength:"1024" minLength:"1" example:"a good password"`
	}
}

type logInOutput struct {
	Body struct {
		AccessToken   string `json:"access_token"`
		TokenType     string `json:"token_type"`
		TenantID      *int64 `json:"tenant_id"`
		Role          string `json:"role"`
		Email         string `json:"email"`
		IsGlobalAdmin bool   `json:"is_global_admin"`
	}
}

// logIn answers with a bearer token for a right address and password. A wrong one of either is 401, too many are 429.
func (d Deps) logIn(ctx context.Context, from caller, in *logInInput) (*logInOutput, error) {
	account := strings.ToLower(strings.TrimSpace(in.Body.Email))
	counted, err := d.take(ctx, d.ByAddress, from.address)
	if counted {
		counted, err = d.take(ctx, d.ByAccount, account)
	}
	if err != nil {
		return nil, err
	}
	token, u, err := d.Guard.LogIn(ctx, account, private.NewSecret(in.Body.Password), from.address)
	if err != nil {
		return nil, err
	}
	if counted {
		d.forgive(ctx, account)
	}
	httpx.Note(ctx, slog.String("actor", strconv.FormatInt(u.ID, 10)))
	out := &logInOutput{}
	out.Body.AccessToken, out.Body.TokenType = token.Reveal(), "bearer"
	out.Body.TenantID, out.Body.Role, out.Body.Email, out.Body.IsGlobalAdmin = tenantOf(u), string(u.Role), u.Email, u.IsGlobalAdmin()
	return out, nil
}

// take counts an attempt, or says that it could not. While Firestore does not answer, attempts go uncounted rather than keep everybody
// out: a password check is slow enough to guess at, and the failure is in the log. Whoever has waited for it once need not again.
func (d Deps) take(ctx context.Context, throttle *ephemeral.Throttle, key string) (counted bool, err error) {
	err = throttle.Take(ctx, key)
	if err != nil && fault.KindOf(err) != fault.TooMany {
		d.Log.ErrorContext(ctx, "log-in attempt not counted", "error", err)
		return false, nil
	}
	return err == nil, err
}

// forgive forgets an account's attempts once the password was right.
func (d Deps) forgive(ctx context.Context, account string) {
	if err := d.ByAccount.Reset(ctx, account); err != nil {
		d.Log.WarnContext(ctx, "log-in attempts not forgotten", "error", err)
	}
}

type meOutput struct {
	Body struct {
		ID            int64  `json:"id"`
		Email         string `json:"email"`
		Role          string `json:"role"`
		TenantID      *int64 `json:"tenant_id"`
		IsGlobalAdmin bool   `json:"is_global_admin"`
	}
}

// me tells who the bearer of the token is.
func (d Deps) me(_ context.Context, u store.User, _ *struct{}) (*meOutput, error) {
	out := &meOutput{}
	out.Body.ID, out.Body.Email, out.Body.Role, out.Body.TenantID, out.Body.IsGlobalAdmin = u.ID, u.Email, string(u.Role), tenantOf(u), u.IsGlobalAdmin()
	return out, nil
}

func tenantOf(u store.User) *int64 {
	if u.Tenant == 0 {
		return nil
	}
	id := int64(u.Tenant)
	return &id
}
