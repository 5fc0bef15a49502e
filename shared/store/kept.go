package store

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// KeptSecret is what may be told of a credential that is kept sealed.
type KeptSecret struct {
	IsSet    bool
	Opens    bool   // with a key of FIELD_ENCRYPTION_KEY; what does not has to be sent again
	LastFour string // "" when the credential is shorter than shownFrom characters, or does not open
}

// shownFrom is how many characters a credential has at least of which four may be shown.
const shownFrom = 12

func (t *Tenant) kept(sealed []byte, column string) KeptSecret {
	if sealed == nil {
		return KeptSecret{}
	}
	plain, err := t.store.keys.Open(sealed, t.id(), column)
	if err != nil {
		return KeptSecret{IsSet: true}
	}
	k := KeptSecret{IsSet: true, Opens: true}
	if characters := []rune(plain.Reveal()); len(characters) >= shownFrom {
		k.LastFour = string(characters[len(characters)-4:])
	}
	return k
}

// seal makes of a change of a credential one of its column: nil stays nil, and one that is cleared is empty.
func (t *Tenant) seal(change *private.Secret, column string) ([]byte, error) {
	switch {
	case change == nil:
		return nil, nil
	case change.IsZero():
		return []byte{}, nil
	default:
		return t.store.keys.Seal(*change, t.id(), column)
	}
}

// e164 makes of a change of a number one of its column, as seal does.
func e164(change *private.Phone) *string {
	if change == nil {
		return nil
	}
	number := change.E164()
	return &number
}

// The constraints that a change of one field can break by the present value of another.
const (
	smsNeedsNumber     = "tenant_sms_configs_enabled_needs_number"
	voiceNeedsNumber   = "tenant_voice_configs_enabled_needs_number"
	calendarNeedsGrant = "tenant_calendar_configs_enabled_needs_grant"
	emailNeedsMailbox  = "tenant_email_configs_enabled_needs_mailbox"
)

// explain makes a broken constraint fault.Invalid, with a text that says how to mend it. Any other error stays.
func explain(err error, constraint, text string) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == constraint {
		return fault.Wrap(fault.Invalid, err, "%s", text)
	}
	return err
}
