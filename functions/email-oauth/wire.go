package emailoauth

import (
	"errors"
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/google"
)

type wiring struct {
	Database  boot.Database
	Tokens    auth.TokenConfig
	Ephemeral ephemeral.Config
	Public    boot.PublicURL
	Google    google.Config
	Topic     gmail.Topic
}

// Validate wants a topic and a sealing key where mailboxes can be connected.
func (w wiring) Validate() error {
	errs := []error{w.Database.Validate(), w.Tokens.Validate(), w.Public.Validate(), w.Google.Validate()}
	if w.Google.ClientID != "" {
		errs = append(errs, w.Topic.Validate(), boot.Required("FIELD_ENCRYPTION_KEY", !w.Database.Key.IsZero()))
	}
	return errors.Join(errs...)
}

func init() { boot.Register("EmailOauth", open) }

func open(env boot.Environment) (http.Handler, error) {
	s, err := boot.Settings[wiring](env)
	if err != nil {
		return nil, err
	}
	db, err := s.Database.Open()
	if err != nil {
		return nil, err
	}
	mail, err := gmail.NewClient(s.Google)
	if err != nil {
		return nil, err
	}
	state := ephemeral.New(s.Ephemeral, time.Now)
	d := Deps{
		Log:      boot.Log(),
		Guard:    auth.NewGuard(db, auth.NewTokens(s.Tokens, time.Now)),
		States:   state.Once("email_oauth", StateLife),
		Starts:   state.Throttle("email_oauth_starts", 20, time.Hour),
		Gmail:    mail,
		Redirect: s.Public.BaseURL + CallbackPath,
		Topic:    s.Topic.Name,
		Now:      time.Now,
	}
	if s.Google.ClientID != "" {
		d.OAuth = google.NewOAuth(s.Google)
	}
	return New(d), nil
}
