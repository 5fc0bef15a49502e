package aicallcomplete

import (
	"errors"
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

type wiring struct {
	Database boot.Database
	Tasks    task.Config
	Keys     telnyx.PublicKeys `env:"TELNYX_PUBLIC_KEY"`
}

// Validate wants the platform's key: without it a call of a tenant without a key of its own could never be trusted.
func (w wiring) Validate() error {
	return errors.Join(w.Database.Validate(), w.Tasks.Validate(), boot.Required("TELNYX_PUBLIC_KEY", len(w.Keys) > 0))
}

func init() { boot.Register("AiCallComplete", open) }

func open(env boot.Environment) (http.Handler, error) {
	s, err := boot.Settings[wiring](env)
	if err != nil {
		return nil, err
	}
	db, err := s.Database.Open()
	if err != nil {
		return nil, err
	}
	return New(Deps{Log: boot.Log(), Calls: &webhook.Calls{Store: db, Keys: s.Keys, Now: time.Now}, Queue: task.NewQueue(s.Tasks), Now: time.Now}), nil
}
