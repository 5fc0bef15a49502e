// Package auth knows passwords, tokens and roles, and turns a bearer token into the person who holds it and the tenant that
// they act in. A token says who somebody is and nothing more: role and tenant are read from their row at each request, so
// that a change acts at once.
package auth

import (
	"context"
	"net"
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

// LogIn checks a password and issues a token; from is the caller's address. An unknown e-mail address takes as long as a wrong
// password. The audit log keeps each attempt; one that could not be written down does not succeed.
func (g *Guard) LogIn(ctx context.Context, email string, password private.Secret, from string) (private.Secret, store.User, error) {
	u, err := g.store.UserByEmail(ctx, email)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return private.Secret{}, store.User{}, err
	}
	hash := u.PasswordHash.Reveal()
	if err != nil {
		u, hash = store.User{}, nobody
	}
	ok, err := VerifyPassword(ctx, hash, password)
	if err != nil {
		return private.Secret{}, store.User{}, err
	}
	ok = ok && u.Active
	if err := g.store.RecordLogIn(ctx, u, from, ok); err != nil {
		return private.Secret{}, store.User{}, err
	}
	if !ok {
		return private.Secret{}, store.User{}, ErrBadLogIn
	}
	token, _, err := g.tokens.Issue(u.ID, u.PasswordHash)
	return token, u, err
}

// ChangePassword gives u another password when current is the present one, and a new access token: every token of before is
// worthless from then on. from is the caller's address.
//
// Errors: fault.Invalid when current is wrong, or next is too short, too long or the same; fault.Conflict when the password is
// changed at the same moment.
func (g *Guard) ChangePassword(ctx context.Context, u store.User, current, next private.Secret, from string) (private.Secret, error) {
	ok, err := VerifyPassword(ctx, u.PasswordHash.Reveal(), current)
	if err != nil {
		return private.Secret{}, err
	}
	if !ok {
		if err := g.store.RecordLogIn(ctx, u, from, false); err != nil {
			return private.Secret{}, err
		}
		return private.Secret{}, fault.New(fault.Invalid, "current_password is wrong")
	}
	if next.Equal(current) {
		return private.Secret{}, fault.New(fault.Invalid, "new_password is the present one; choose another")
	}
	text, err := HashPassword(ctx, next)
	if err != nil {
		return private.Secret{}, err
	}
	hash := private.NewSecret(text)
	token, _, err := g.tokens.Issue(u.ID, hash)
	if err != nil {
		return private.Secret{}, err
	}
	return token, g.store.ChangePassword(ctx, u, hash, from)
}

// Person admits anybody who is logged in. A header X-Tenant-Id has to be one that they may send.
func (g *Guard) Person(r *http.Request) (store.User, error) {
	if r.Header.Get("X-Tenant-Id") != "" {
		_, u, err := g.tenant(r)
		return u, err
	}
	return g.person(r, 0)
}

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

// AdminAgain admits somebody who began something as an admin of a tenant and comes back without a token, such as a browser that another
// company sends on. What proves it is the caller's to have checked: it has been given to this person for this tenant, and is used up. id is
// the person's. fault.Forbidden, in words for whoever sits there, when they may not change how the tenant works any more.
func (g *Guard) AdminAgain(r *http.Request, id int64, in tenant.ID) (*store.Tenant, store.User, error) {
	u, err := g.store.User(r.Context(), id, in)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return nil, u, err
	}
	if err != nil || !u.Active || u.Role == tenant.Member {
		return nil, u, errNotAgain
	}
	scope, err := tenant.ByUser(tenant.User{Tenant: u.Tenant, Role: u.Role}, in.String(), u.TenantActive)
	if err != nil {
		return nil, u, errNotAgain
	}
	return g.store.For(scope).By(actorOf(u, r)), u, nil
}

var errNotAgain = fault.New(fault.Forbidden, "whoever began this is not an admin of this business any more, or the business is closed. Nothing has changed")

// Registry admits global admins, to what concerns no tenant or all of them.
func (g *Guard) Registry(r *http.Request) (*store.Registry, error) {
	u, err := g.GlobalAdmin(r)
	if err != nil {
		return nil, err
	}
	return g.store.Registry(actorOf(u, r)), nil
}

// TenantInPath admits global admins into the tenant whose id stands in the path as {tenant_id}, closed ones too.
func (g *Guard) TenantInPath(r *http.Request) (*store.Tenant, error) {
	u, err := g.GlobalAdmin(r)
	if err != nil {
		return nil, err
	}
	scope, err := tenant.ByPath(tenant.User{Tenant: u.Tenant, Role: u.Role}, r.PathValue("tenant_id"))
	if err != nil {
		return nil, err
	}
	return g.store.For(scope).By(actorOf(u, r)), nil
}

// GlobalAdmin admits global admins, to what touches no data.
func (g *Guard) GlobalAdmin(r *http.Request) (store.User, error) {
	u, err := g.person(r, 0)
	if err == nil && !u.IsGlobalAdmin() {
		return u, fault.New(fault.Forbidden, "only a global admin may do this")
	}
	return u, err
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
	return g.store.For(scope).By(actorOf(u, r)), u, nil
}

func actorOf(u store.User, r *http.Request) store.Actor {
	return store.Actor{ID: u.ID, Name: u.Email, Impersonating: u.IsGlobalAdmin(), Address: Address(r)}
}

// Address is where a request came from. Google's load balancer, which every request to a deployed function comes through, adds two to
// X-Forwarded-For: whom it heard, and its own; what stands before these the caller may have invented. Without it, as on a laptop, it is the
// connection's.
func Address(r *http.Request) string {
	if forwarded := r.Header.Values("X-Forwarded-For"); len(forwarded) > 0 {
		hops := strings.Split(forwarded[len(forwarded)-1], ",")
		return strings.TrimSpace(hops[max(len(hops)-2, 0)])
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (g *Guard) person(r *http.Request, named tenant.ID) (store.User, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return store.User{}, fault.New(fault.Unauthenticated, "log in first: send the header Authorization: Bearer <access_token>")
	}
	id, password, err := g.tokens.Verify(strings.TrimSpace(token))
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
	if password != fingerprint(u.PasswordHash) {
		return store.User{}, fault.New(fault.Unauthenticated, "the password has been changed since this access token was made; log in again")
	}
	return u, nil
}
