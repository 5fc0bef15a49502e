// Package seed makes what every installation starts with: the global admin and the global base prompt. The operators'
// commands and the local server use it.
package seed

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Admin is the global admin to be. Without a password a random one is made.
type Admin struct {
	Email    string         `env:"ADMIN_EMAIL,required,notEmpty"`
	Password private.Secret `env:"ADMIN_PASSWORD"`
}

// Validate names each setting that is malformed.
func (a Admin) Validate() error {
	var errs []error
	if !strings.Contains(a.Email, "@") {
		errs = append(errs, errors.New("ADMIN_EMAIL must be an e-mail address"))
	}
	if !a.Password.IsZero() && len(a.Password.Reveal()) < auth.MinPasswordLength {
		errs = append(errs, fmt.Errorf("ADMIN_PASSWORD must have at least %d characters", auth.MinPasswordLength))
	}
	return errors.Join(errs...)
}

// SeededAdmin is what came of an admin.
type SeededAdmin struct {
	Made     bool           // false when somebody has that address already, whose password stays
	Password private.Secret // the random one, of an admin who was made without a given one
}

// Seed makes the admin, unless somebody has that address already.
func (a Admin) Seed(ctx context.Context, s *store.Store) (SeededAdmin, error) {
	password, random := a.Password, private.Secret{}
	if password.IsZero() {
		random = private.NewSecret(rand.Text())
		password = random
	}
	hash, err := auth.HashPassword(ctx, password)
	if err != nil {
		return SeededAdmin{}, err
	}
	made, err := s.Operator().By(store.ByCommand("seed-admin")).SeedAdmin(ctx, a.Email, private.NewSecret(hash))
	if err != nil || !made {
		return SeededAdmin{}, err
	}
	return SeededAdmin{true, random}, nil
}

// BasePrompt publishes the global base prompt where none is live; made says whether it did. One that an operator has
// published stays.
func BasePrompt(ctx context.Context, s *store.Store) (made bool, err error) {
	versions, err := s.Operator().GlobalPrompts(ctx)
	if err != nil || slices.ContainsFunc(versions, func(b store.Bundle) bool { return b.Status == store.Production }) {
		return false, err
	}
	_, err = s.Operator().By(store.ByCommand("create-base-prompt")).PublishGlobalPrompt(ctx, prompt.Any, "Global base", prompt.Base())
	return err == nil, err
}

// Run opens the database that env names and does one piece of seeding with it.
func Run[S any](env boot.Environment, do func(ctx context.Context, settings S, s *store.Store) error) error {
	settings, err := boot.Settings[struct {
		Database boot.Database
		Own      S
	}](env)
	if err != nil {
		return err
	}
	db, err := settings.Database.Open()
	if err != nil {
		return err
	}
	defer db.Close()
	return do(context.Background(), settings.Own, db)
}
