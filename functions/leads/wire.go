package leads

import (
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

type settings struct {
	Database boot.Database
	Tokens   auth.TokenConfig
	Tasks    task.Config
	Mail     task.Config `envPrefix:"EMAIL_"` // where email-pubsub/worker is called
	Telnyx   boot.TelnyxAPI
}

func init() { boot.Register("Leads", open) }

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
		Log:    boot.Log(),
		Guard:  auth.NewGuard(db, auth.NewTokens(s.Tokens, time.Now)),
		Queue:  task.NewQueue(s.Tasks),
		Mail:   task.MailQueue{Queue: task.NewQueue(s.Mail)},
		Telnyx: telnyx.NewClient(s.Telnyx.Base),
	}), nil
}
