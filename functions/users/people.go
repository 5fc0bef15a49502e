package users

import (
	"context"
	"strconv"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// user is how somebody of a tenant is answered.
type user struct {
	ID        int64     `json:"id"`
	Email     string    `json:"email"`
	Role      string    `json:"role"`
	TenantID  tenant.ID `json:"tenant_id"`
	IsActive  bool      `json:"is_active"`
	CreatedAt time.Time `json:"created_at"`
}

func showUser(of *store.Tenant) func(store.Person) user {
	return func(p store.Person) user {
		return user{ID: p.ID, Email: p.Email, Role: string(p.Role), TenantID: of.Scope().ID(), IsActive: p.Active, CreatedAt: p.CreatedAt}
	}
}

type userOutput struct{ Body user }

func userBody(of *store.Tenant, p store.Person, err error) (*userOutput, error) {
	if err != nil {
		return nil, err
	}
	return &userOutput{showUser(of)(p)}, nil
}

// grantable reads a role that one may give to somebody of a tenant. A global admin is made by the command seed-admin alone.
func grantable(role string) (tenant.Role, error) {
	switch r := tenant.Role(role); r {
	case tenant.Member, tenant.Admin:
		return r, nil
	case tenant.GlobalAdmin:
		return "", fault.New(fault.Forbidden, "nobody of a tenant can be a global admin; give the role user or tenant_admin")
	default:
		return "", fault.New(fault.Invalid, "role: there are user and tenant_admin")
	}
}

// hash works out what is stored for a password that an admin sets, so many in a while: hashes are slow, and log-ins wait for the same
// few processors.
func (d Deps) hash(ctx context.Context, by store.Actor, password string) (private.Secret, error) {
	if _, err := d.take(ctx, d.BySetter, strconv.FormatInt(by.ID, 10)); err != nil {
		return private.Secret{}, err
	}
	hash, err := auth.HashPassword(ctx, private.NewSecret(password))
	return private.NewSecret(hash), err
}

type createUserInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"254" example:"desk@exampleco.test"`
		Password string `json:"password" minLength:"8" maxLength:"1024" example:"a good password"`
		Role     string `json:"role,omitempty" default:"user" doc:"user or tenant_admin"`
	}
}

// createUser makes somebody of the tenant, who can log in at once.
func (d Deps) createUser(ctx context.Context, t *store.Tenant, in *createUserInput) (*userOutput, error) {
	role, err := grantable(in.Body.Role)
	if err != nil {
		return nil, err
	}
	email, err := private.ParseEmail(in.Body.Email)
	if err != nil {
		return nil, fault.New(fault.Invalid, "email: %v", err)
	}
	hash, err := d.hash(ctx, t.Actor(), in.Body.Password)
	if err != nil {
		return nil, err
	}
	made, err := t.CreatePerson(ctx, email, role, hash)
	return userBody(t, made, err)
}

type usersOutput struct{ Body httpx.Page[user] }

// listUsers lists the tenant's people by id.
func (d Deps) listUsers(ctx context.Context, t *store.Tenant, in *httpx.PageInput) (*usersOutput, error) {
	var after int64
	if err := in.After(&after); err != nil {
		return nil, err
	}
	found, err := t.People(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &usersOutput{httpx.NewPage(found, in.Limit, showUser(t), func(p store.Person) any { return p.ID })}, nil
}

type userInput struct {
	ID int64 `path:"user_id" minimum:"1"`
}

// getUser answers with somebody of the tenant.
func (d Deps) getUser(ctx context.Context, t *store.Tenant, in *userInput) (*userOutput, error) {
	p, err := t.Person(ctx, in.ID)
	return userBody(t, p, err)
}

type changeUserInput struct {
	ID   int64 `path:"user_id" minimum:"1"`
	Body struct {
		Role     *string `json:"role,omitempty" example:"user" doc:"user or tenant_admin"`
		IsActive *bool   `json:"is_active,omitempty" doc:"false closes the account: its tokens are worthless at once"`
		Password *string `json:"password,omitempty" minLength:"8" maxLength:"1024" example:"a good password" doc:"a new one, which makes the tokens of before worthless"`
	}
}

// changeUser changes what was sent of somebody else of the tenant.
func (d Deps) changeUser(ctx context.Context, t *store.Tenant, in *changeUserInput) (*userOutput, error) {
	if in.ID == t.Actor().ID {
		return nil, fault.New(fault.Conflict, "this is yourself: change your password at /auth/change-password, and ask another admin for the rest")
	}
	c := store.PersonChange{Active: in.Body.IsActive}
	if in.Body.Role != nil {
		role, err := grantable(*in.Body.Role)
		if err != nil {
			return nil, err
		}
		c.Role = &role
	}
	if in.Body.Password != nil {
		hash, err := d.hash(ctx, t.Actor(), *in.Body.Password)
		if err != nil {
			return nil, err
		}
		c.PasswordHash = &hash
	}
	p, err := t.ChangePerson(ctx, in.ID, c)
	return userBody(t, p, err)
}
