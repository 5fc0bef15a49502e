package worker

import (
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/gemini"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/mailbox"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/reply/model"
	"github.com/chattercheatah/chattercheatah/shared/task"
)

type wiring struct {
	Database boot.Database
	Tasks    task.Config
	Callers  task.VerifierConfig
	Gemini   gemini.Config
	Google   google.Config
	Topic    gmail.Topic
}

func init() { boot.Register("EmailPubsubWorker", open) }

func open(env boot.Environment) (http.Handler, error) {
	s, err := boot.Settings[wiring](env)
	if err != nil {
		return nil, err
	}
	db, err := s.Database.Open()
	if err != nil {
		return nil, err
	}
	client, err := gmail.NewClient(s.Google)
	if err != nil {
		return nil, err
	}
	log, tasks := boot.Log(), task.MailQueue{Queue: task.NewQueue(s.Tasks)}
	return New(Deps{
		Log:       log,
		Callers:   task.NewVerifier(s.Callers),
		Mailboxes: &mailbox.Worker{Store: db, Queue: tasks, Gmail: client, Topic: s.Topic.Name, Now: time.Now, Log: log},
		Replies: &reply.Worker{
			Store:   db,
			Channel: prompt.Email,
			Queue:   tasks,
			Model:   model.Gemini(gemini.New(s.Gemini)),
			Carrier: &mailbox.Carrier{Gmail: client, Now: time.Now, Log: log},
			Now:     time.Now,
			Log:     log,
		},
	}), nil
}
