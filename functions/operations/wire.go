package operations

import (
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/task"
)

type settings struct {
	Database boot.Database
	Tokens   auth.TokenConfig
	Texts    task.Config
	Mail     task.Config `envPrefix:"EMAIL_"`
	Calls    task.Config `envPrefix:"CALL_"`
}

func init() { boot.Register("Operations", open) }

func open(env boot.Environment) (http.Handler, error) {
	s, err := boot.Settings[settings](env)
	if err != nil {
		return nil, err
	}
	db, err := s.Database.Open()
	if err != nil {
		return nil, err
	}
	return New(Deps{
		Log:   boot.Log(),
		Guard: auth.NewGuard(db, auth.NewTokens(s.Tokens, time.Now)),
		Texts: task.NewQueue(s.Texts),
		Mail:  task.MailQueue{Queue: task.NewQueue(s.Mail)},
		Calls: task.NewQueue(s.Calls),
	}), nil
}
