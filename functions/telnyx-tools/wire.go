package telnyxtools

import (
	"errors"
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
	"github.com/chattercheatah/chattercheatah/shared/gcal"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/jackrabbit"
	"github.com/chattercheatah/chattercheatah/shared/meeting"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

type wiring struct {
	Database   boot.Database
	Ephemeral  ephemeral.Config
	Tasks      task.Config
	Keys       telnyx.PublicKeys `env:"TELNYX_PUBLIC_KEY"`
	Fallback   string            `env:"TOOLS_FALLBACK_TENANT_ID"`
	Jackrabbit string            `env:"JACKRABBIT_BASE_URL"`
	Google     google.Config
}

// Validate wants the platform's key: without it a call of a tenant without a key or secret of its own could never be trusted.
func (w wiring) Validate() error {
	_, err := tenant.ToolID(w.Fallback)
	if err != nil {
		err = errors.New("TOOLS_FALLBACK_TENANT_ID must be a tenant's id, or empty for none")
	}
	return errors.Join(w.Database.Validate(), w.Tasks.Validate(), w.Google.Validate(), boot.Required("TELNYX_PUBLIC_KEY", len(w.Keys) > 0), err)
}

// firstFranchise is the tenant that the runbook's fallback is for, unless the setting says otherwise; set and empty it says nobody.
const firstFranchise = "3"

func init() { boot.Register("TelnyxTools", open) }

func open(env boot.Environment) (http.Handler, error) {
	s, err := boot.Settings[wiring](env)
	if err != nil {
		return nil, err
	}
	if _, set := env["TOOLS_FALLBACK_TENANT_ID"]; !set {
		s.Fallback = firstFranchise
	}
	fallback, err := tenant.ToolID(s.Fallback)
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
	log := boot.Log()
	state := ephemeral.New(s.Ephemeral, time.Now)
	return New(Deps{
		Log:      log,
		Tools:    &webhook.Tools{Store: db, Keys: s.Keys, Fallback: fallback, Now: time.Now, Log: log},
		Queue:    task.NewQueue(s.Tasks),
		Meetings: &meeting.Meetings{Google: calendars, Now: time.Now, Log: log},
		Classes: &booking.Classes{
			Client: jackrabbit.NewClient(s.Jackrabbit), Cache: state.Cache("jackrabbit_openings", 24*time.Hour), Now: time.Now, Log: log,
		},
	}), nil
}
