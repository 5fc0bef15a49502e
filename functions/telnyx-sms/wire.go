package telnyxsms

import (
	"errors"
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

type wiring struct {
	Database boot.Database
	Tokens   auth.TokenConfig
	Tasks    task.Config
	Public   boot.PublicURL
	Keys     telnyx.PublicKeys `env:"TELNYX_PUBLIC_KEY"`
}

// Validate wants the platform's key: without it a text to a tenant without a key of its own could never be trusted.
func (w wiring) Validate() error {
	return errors.Join(w.Database.Validate(), w.Tokens.Validate(), w.Tasks.Validate(), w.Public.Validate(), boot.Required("TELNYX_PUBLIC_KEY", len(w.Keys) > 0))
}

func init() { boot.Register("TelnyxSms", open) }

func open(env boot.Environment) (http.Handler, error) {
	s, err := boot.Settings[wiring](env)
	if err != nil {
		return nil, err
	}
	db, err := s.Database.Open()
	if err != nil {
		return nil, err
	}
	log := boot.Log()
	return New(Deps{
		Log:    log,
		Guard:  auth.NewGuard(db, auth.NewTokens(s.Tokens, time.Now)),
		Intake: &reply.Intake{Queue: task.NewQueue(s.Tasks), Now: time.Now, Log: log},
		Telnyx: &webhook.Telnyx{Routes: webhook.NewRoutes(db, time.Now), Keys: s.Keys, Now: time.Now},
		Twilio: &webhook.Twilio{Store: db, BaseURL: s.Public.BaseURL},
	}), nil
}
