package users

import (
	"context"
	"net/http"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// self is a person who changes what is their own, and where they are.
type self struct {
	store.User
	address string
}

func (d Deps) self(r *http.Request) (self, error) {
	u, err := d.Guard.Person(r)
	return self{u, auth.Address(r)}, err
}

type changePasswordInput struct {
	Body struct {
		CurrentPassword string `json:"current_password" minLength:"1" maxLength:"1024" example:"the present password"`
		NewPassword     string `json:"new_password" minLength:"8" maxLength:"1024" example:"another good password"`
	}
}

type changePasswordOutput struct {
	Body struct {
		AccessToken string `json:"access_token" doc:"takes the place of every one of before, which are worthless now"`
		TokenType   string `json:"token_type"`
	}
}

// changePassword gives the caller another password. A wrong present one is 400, for the caller is logged in all the same, and counts
// as a failed log-in does: too many are 429.
func (d Deps) changePassword(ctx context.Context, me self, in *changePasswordInput) (*changePasswordOutput, error) {
	account := strings.ToLower(me.Email)
	counted, err := d.take(ctx, d.ByAccount, account)
	if err != nil {
		return nil, err
	}
	token, err := d.Guard.ChangePassword(ctx, me.User, private.NewSecret(in.Body.CurrentPassword), private.NewSecret(in.Body.NewPassword), me.address)
	if err != nil {
		return nil, err
	}
	if counted {
		d.forgive(ctx, account)
	}
	out := &changePasswordOutput{}
	out.Body.AccessToken, out.Body.TokenType = token.Reveal(), "bearer"
	return out, nil
}
