package trial

import (
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
	"github.com/chattercheatah/chattercheatah/shared/gemini"
	"github.com/chattercheatah/chattercheatah/shared/reply/model"
)

type settings struct {
	Database boot.Database
	Tokens   auth.TokenConfig
	Gemini   gemini.Config

	Ephemeral ephemeral.Config
}

func init() { boot.Register("PromptTrial", open) }

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
		Model: model.Gemini(gemini.New(s.Gemini)),
		Limit: ephemeral.New(s.Ephemeral, time.Now).Throttle("prompt_trials", 60, 10*time.Minute),
		Now:   time.Now,
	}), nil
}
