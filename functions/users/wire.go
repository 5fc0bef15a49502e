package users

import (
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
)

type settings struct {
	Database  boot.Database
	Tokens    auth.TokenConfig
	Ephemeral ephemeral.Config
}

func init() { boot.Register("Users", open) }

func open(env boot.Environment) (http.Handler, error) {
	s, err := boot.Settings[settings](env)
	if err != nil {
		return nil, err
	}
	db, err := s.Database.Open()
	if err != nil {
		return nil, err
	}
	state := ephemeral.New(s.Ephemeral, time.Now)
	return New(Deps{
		Log:       boot.Log(),
		Guard:     auth.NewGuard(db, auth.NewTokens(s.Tokens, time.Now)),
		ByAccount: state.Throttle("login_account", 10, 15*time.Minute),
		ByAddress: state.Throttle("login_address", 50, 15*time.Minute),
		BySetter:  state.Throttle("passwords_set", 100, 15*time.Minute),
	}), nil
}
