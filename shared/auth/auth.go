// Package auth knows passwords, tokens and roles, and turns a bearer token into the person who holds it and the tenant that
// they act in. A token says who somebody is and nothing more: role and tenant are read from their row at each request, so
// that a change acts at once.
package auth

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Guard admits people.
type Guard struct {
	store  *store.Store
	tokens *Tokens
}

// NewGuard checks tokens with tokens and reads people from s.
func NewGuard(s *store.Store, tokens *Tokens) *Guard { return &Guard{s, tokens} }

// ErrBadLogIn is the answer to a wrong password, an unknown address and a closed account alike.
var ErrBadLogIn = fault.New(fault.Unauthenticated, "the e-mail address or the password is wrong")

// LogIn checks a password and issues a token. An unknown address takes as long as a wrong password.
func (g *Guard) LogIn(ctx context.Context, email string, password private.Secret) (private.Secret, store.User, error) {
	u, err := g.store.UserByEmail(ctx, email)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		if err := VerifyNobody(ctx, password); err != nil {
			return private.Secret{}, store.User{}, err
		}
		return private.Secret{}, store.User{}, ErrBadLogIn
	}
	if err != nil {
		return private.Secret{}, store.User{}, err
	}
	ok, err := VerifyPassword(ctx, u.PasswordHash.Reveal(), password)
	if err != nil {
		return private.Secret{}, store.User{}, err
	}
	if !ok || !u.Active {
		return private.Secret{}, store.User{}, ErrBadLogIn
	}
	token, _, err := g.tokens.Issue(u.ID)
	return token, u, err
}

// Person admits anybody who is logged in.
func (g *Guard) Person(r *http.Request) (store.User, error) { return g.person(r, 0) }

// Tenant admits a person into the tenant they act in: their own, or for a global admin the one that X-Tenant-Id names.
func (g *Guard) Tenant(r *http.Request) (*store.Tenant, error) {
	t, _, err := g.tenant(r)
	return t, err
}

// TenantAdmin admits those who may change how a tenant works: its admins, and global admins.
func (g *Guard) TenantAdmin(r *http.Request) (*store.Tenant, error) {
	t, u, err := g.tenant(r)
	if err == nil && u.Role == tenant.Member {
		return nil, fault.New(fault.Forbidden, "only an admin of this tenant may change this; ask one")
	}
	return t, err
}

func (g *Guard) tenant(r *http.Request) (*store.Tenant, store.User, error) {
	header := r.Header.Get("X-Tenant-Id")
	named, _ := strconv.ParseInt(strings.TrimSpace(header), 10, 64) // tenant.ByUser judges the header; here it is only looked up
	u, err := g.person(r, tenant.ID(named))
	if err != nil {
		return nil, u, err
	}
	scope, err := tenant.ByUser(tenant.User{Tenant: u.Tenant, Role: u.Role}, header, u.TenantActive)
	if err != nil {
		return nil, u, err
	}
	return g.store.For(scope), u, nil
}

func (g *Guard) person(r *http.Request, named tenant.ID) (store.User, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return store.User{}, fault.New(fault.Unauthenticated, "log in first: send the header Authorization: Bearer <access_token>")
	}
	id, err := g.tokens.Verify(strings.TrimSpace(token))
	if err != nil {
		return store.User{}, err
	}
	u, err := g.store.User(r.Context(), id, named)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return store.User{}, err
	}
	if err != nil || !u.Active {
		return store.User{}, fault.New(fault.Unauthenticated, "this account is closed; ask your administrator")
	}
	return u, nil
}
