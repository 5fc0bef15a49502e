package emailoauth

import (
	"errors"
	"net/http"
	"regexp"
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
	Topic     string `env:"GMAIL_TOPIC"`
}

// topicName is a topic's full name (docs.cloud.google.com/pubsub, "Resource names").
var topicName = regexp.MustCompile(`^projects/[a-z][a-z0-9.:-]*/topics/[A-Za-z][A-Za-z0-9._~%+-]{2,254}$`)

// Validate wants a topic and a sealing key where mailboxes can be connected.
func (w wiring) Validate() error {
	errs := []error{w.Database.Validate(), w.Tokens.Validate(), w.Public.Validate(), w.Google.Validate()}
	if w.Google.ClientID != "" {
		errs = append(errs, boot.Required("GMAIL_TOPIC", w.Topic != ""), boot.Required("FIELD_ENCRYPTION_KEY", !w.Database.Key.IsZero()))
	}
	if w.Topic != "" && !topicName.MatchString(w.Topic) {
		errs = append(errs, errors.New("GMAIL_TOPIC must be a topic's full name: projects/PROJECT/topics/NAME"))
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
		Topic:    s.Topic,
		Now:      time.Now,
	}
	if s.Google.ClientID != "" {
		d.OAuth = google.NewOAuth(s.Google)
	}
	return New(d), nil
}
