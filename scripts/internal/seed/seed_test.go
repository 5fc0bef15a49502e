package seed_test

import (
	"testing"

	"github.com/chattercheatah/chattercheatah/scripts/internal/seed"
	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

func TestAdmin_ARandomPasswordIsToldOnceAndOnlyOfAnAdminWhoWasMade(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	admin := seed.Admin{Email: "op@p.test"}
	first, err := admin.Seed(t.Context(), db.Operator)
	if err != nil || !first.Made || len(first.Password.Reveal()) < 20 {
		t.Fatalf("Seed = %+v, %v", first, err)
	}
	u, err := db.Store.UserByEmail(t.Context(), admin.Email)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := auth.VerifyPassword(t.Context(), u.PasswordHash.Reveal(), first.Password); err != nil || !ok || !u.IsGlobalAdmin() {
		t.Errorf("the password is not the admin's: %v, %v", ok, err)
	}
	again, err := admin.Seed(t.Context(), db.Operator)
	if err != nil || again != (seed.SeededAdmin{}) {
		t.Errorf("the second time Seed = %+v, %v; want nothing made and no password", again, err)
	}
	given, err := seed.Admin{Email: "other@p.test", Password: private.NewSecret("a good password")}.Seed(t.Context(), db.Operator)
	if err != nil || !given.Made || !given.Password.IsZero() {
		t.Errorf("with a password Seed = %+v, %v; want it made, and the password not repeated", given, err)
	}
}

func TestAdmin_AGivenPasswordIsNotTooShort(t *testing.T) {
	t.Parallel()
	for password, ok := range map[string]bool{"": true, "1234567": false, "12345678": true} {
		_, err := boot.Settings[seed.Admin](boot.Environment{"ADMIN_EMAIL": "op@p.test", "ADMIN_PASSWORD": password})
		if (err == nil) != ok {
			t.Errorf("ADMIN_PASSWORD of %d characters: %v; want ok %v", len(password), err, ok)
		}
	}
}
