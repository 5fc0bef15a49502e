package api

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Operator is how an operator's command reaches a system: its address and the log-in of a global admin.
type Operator struct {
	Base     string         `env:"API_BASE,required,notEmpty"`
	Email    string         `env:"ADMIN_EMAIL,required,notEmpty"`
	Password private.Secret `env:"ADMIN_PASSWORD,required,notEmpty"`
}

// Validate names each setting that is malformed.
func (o Operator) Validate() error {
	_, err := New(o.Base)
	if !strings.Contains(o.Email, "@") {
		err = errors.Join(err, errors.New("ADMIN_EMAIL must be an e-mail address"))
	}
	return err
}

// LogIn gives the client of the global admin. It is an error when the person is none.
func (o Operator) LogIn(ctx context.Context) (*Client, error) {
	c, err := New(o.Base)
	if err != nil {
		return nil, err
	}
	in, err := c.LogIn(ctx, o.Email, o.Password)
	if err != nil {
		return nil, fmt.Errorf("logging in with ADMIN_EMAIL and ADMIN_PASSWORD: %w", err)
	}
	var me struct {
		IsGlobalAdmin bool `json:"is_global_admin"`
	}
	if err := in.Call(ctx, "GET", "/auth/me", nil, &me); err != nil {
		return nil, err
	}
	if !me.IsGlobalAdmin {
		return nil, errors.New("ADMIN_EMAIL logs in, and is not a global admin")
	}
	return in, nil
}
