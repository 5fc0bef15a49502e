package worker

import (
	"net/http"

	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/task"
)

type settings struct {
	Database boot.Database
	Callers  task.VerifierConfig
	Operator api.Operator
}

func init() { boot.Register("OperationsWorker", open) }

func open(env boot.Environment) (http.Handler, error) {
	s, err := boot.Settings[settings](env)
	if err != nil {
		return nil, err
	}
	db, err := s.Database.Open()
	if err != nil {
		return nil, err
	}
	return New(Deps{Log: boot.Log(), Store: db, Callers: task.NewVerifier(s.Callers), Operator: s.Operator}), nil
}
