package emailpubsub

import (
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/task"
)

type wiring struct {
	Database boot.Database
	Tokens   auth.TokenConfig
	Tasks    task.Config
	Public   boot.PublicURL
	Pusher   task.PusherConfig
}

func init() { boot.Register("EmailPubsub", open) }

func open(env boot.Environment) (http.Handler, error) {
	s, err := boot.Settings[wiring](env)
	if err != nil {
		return nil, err
	}
	db, err := s.Database.Open()
	if err != nil {
		return nil, err
	}
	return New(Deps{
		Log:        boot.Log(),
		Guard:      auth.NewGuard(db, auth.NewTokens(s.Tokens, time.Now)),
		Pusher:     task.NewPusher(s.Pusher, s.Public.BaseURL+"/api/v1/email/pubsub"),
		Store:      db,
		Queue:      task.MailQueue{Queue: task.NewQueue(s.Tasks)},
		Production: s.Public.Environment == "production",
		Now:        time.Now,
	}), nil
}
