package worker

import (
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/gemini"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/reply/model"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

type wiring struct {
	Database boot.Database
	Tasks    task.Config
	Callers  task.VerifierConfig
	Public   boot.PublicURL
	Gemini   gemini.Config
	Telnyx   boot.TelnyxAPI
}

func init() { boot.Register("TelnyxSmsWorker", open) }

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
		Log:     log,
		Callers: task.NewVerifier(s.Callers),
		Worker: &reply.Worker{
			Store:   db,
			Channel: prompt.SMS,
			Queue:   task.NewQueue(s.Tasks),
			Model:   model.Gemini(gemini.New(s.Gemini)),
			Carrier: reply.Texts{Client: telnyx.NewClient(s.Telnyx.Base), ReportURL: s.Public.BaseURL + "/api/v1/telnyx/sms/status"},
			Now:     time.Now,
			Log:     log,
		},
	}), nil
}
