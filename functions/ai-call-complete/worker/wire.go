package worker

import (
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/aftercall"
	"github.com/chattercheatah/chattercheatah/shared/aftercall/model"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/gcal"
	"github.com/chattercheatah/chattercheatah/shared/gemini"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/meeting"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

type wiring struct {
	Database boot.Database
	Tasks    task.Config
	Texts    task.Config `envPrefix:"SMS_"` // where telnyx-sms/worker is called
	Callers  task.VerifierConfig
	Gemini   gemini.Config
	Telnyx   boot.TelnyxAPI
	Google   google.Config
}

func init() { boot.Register("AiCallCompleteWorker", open) }

func open(env boot.Environment) (http.Handler, error) {
	s, err := boot.Settings[wiring](env)
	if err != nil {
		return nil, err
	}
	db, err := s.Database.Open()
	if err != nil {
		return nil, err
	}
	calendars, err := gcal.NewClient(s.Google)
	if err != nil {
		return nil, err
	}
	log, tasks := boot.Log(), task.NewQueue(s.Tasks)
	return New(Deps{
		Log:     log,
		Callers: task.NewVerifier(s.Callers),
		Worker: &aftercall.Worker{
			Store:  db,
			Queue:  tasks,
			Texts:  task.NewQueue(s.Texts),
			Telnyx: telnyx.NewClient(s.Telnyx.Base),
			Model:  model.Gemini(gemini.New(s.Gemini)),
			Now:    time.Now,
			Log:    log,
		},
		Meetings: &meeting.Meetings{Google: calendars, Now: time.Now, Log: log},
		Bookings: tasks,
	}), nil
}
