package store_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

func sealingKey(letter string) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32)))
}

func keyring(t *testing.T, setting string) *store.Keyring {
	t.Helper()
	k, err := store.ParseKeyring(private.NewSecret(setting))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const column = "tenant_sms_configs.telnyx_api_key"

func TestSeal_OpensForItsTenantAndColumnAlone(t *testing.T) {
	t.Parallel()
	k := keyring(t, sealingKey("a"))
	sealed, err := k.Seal(private.NewSecret("KEY-secret"), 1042, column)
	if err != nil || strings.Contains(string(sealed), "KEY-secret") {
		t.Fatalf("Seal = %q, %v", sealed, err)
	}
	if plain, err := k.Open(sealed, 1042, column); err != nil || plain.Reveal() != "KEY-secret" {
		t.Errorf("Open = %v, %v", plain, err)
	}
	if _, err := k.Open(sealed, 2048, column); err == nil {
		t.Error("a value moved to another tenant opens")
	}
	if _, err := k.Open(sealed, 1042, "tenant_sms_configs.twilio_auth_token"); err == nil {
		t.Error("a value moved to another column opens")
	}
}

func TestSeal_EveryFlippedBitIsNoticed(t *testing.T) {
	t.Parallel()
	k := keyring(t, sealingKey("a"))
	sealed, err := k.Seal(private.NewSecret("KEY-secret"), 1042, column)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(sealed) * 8 {
		altered := append([]byte(nil), sealed...)
		altered[bit/8] ^= 1 << (bit % 8)
		if _, err := k.Open(altered, 1042, column); err == nil {
			t.Errorf("bit %d flipped and the value opens", bit)
		}
	}
}

func TestSeal_KeysAreRotated(t *testing.T) {
	t.Parallel()
	sealed, err := keyring(t, sealingKey("a")).Seal(private.NewSecret("KEY-secret"), 1042, column)
	if err != nil {
		t.Fatal(err)
	}
	rotated := keyring(t, sealingKey("b")+", "+sealingKey("a"))
	if plain, err := rotated.Open(sealed, 1042, column); err != nil || plain.Reveal() != "KEY-secret" {
		t.Errorf("the old key, second now, opens %v, %v", plain, err)
	}
	again, err := rotated.Seal(private.NewSecret("KEY-secret"), 1042, column)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keyring(t, sealingKey("b")).Open(again, 1042, column); err != nil {
		t.Errorf("the first key does not seal: %v", err)
	}
	if _, err := keyring(t, sealingKey("b")).Open(sealed, 1042, column); err == nil || !strings.Contains(err.Error(), "FIELD_ENCRYPTION_KEY") {
		t.Errorf("a dropped key: %v; want an error that names the setting", err)
	}
}

func TestSeal_AMalformedKeyIsRefusedAndNotRepeated(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{"secret", "c2VjcmV0", sealingKey("a") + ",secret", sealingKey("a") + "," + sealingKey("a")} {
		if _, err := store.ParseKeyring(private.NewSecret(setting)); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "FIELD_ENCRYPTION_KEY") {
			t.Errorf("ParseKeyring = %v; want an error that names the setting and repeats nothing", err)
		}
	}
	if k := keyring(t, sealingKey("a")); strings.Contains(fmt.Sprintf("%v %+v %#v", k, k, k), "aaaa") {
		t.Error("a keyring prints its keys")
	}
}

func TestConfigureSMS_WithoutAKeyNothingIsStored(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	keyless := db.Keyless(t)
	before := db.Snapshot(t, 1042)
	_, err := keyless.For(db.SwimSchool.Scope()).ConfigureSMS(t.Context(), store.SMSConfigChange{TelnyxAPIKey: new(private.NewSecret("KEY-new")), TelnyxProfileID: new("profile")})
	if err == nil || !strings.Contains(err.Error(), "FIELD_ENCRYPTION_KEY") {
		t.Errorf("ConfigureSMS = %v; want an error that names the setting", err)
	}
	if after := db.Snapshot(t, 1042); strings.Join(before, "\n") != strings.Join(after, "\n") {
		t.Error("something was stored")
	}
}

func TestConfigureSMS_KeysAreSealedAtRest(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	rows := db.Query(t, `select to_jsonb(s)::text || encode(telnyx_api_key, 'escape') from tenant_sms_configs s where telnyx_api_key is not null`)
	if len(rows) != 2 {
		t.Fatalf("%d tenants have a key; want 2", len(rows))
	}
	for _, row := range rows {
		if strings.Contains(row, "KEY-demo") {
			t.Errorf("a key lies open: %.80s", row)
		}
	}
}

func TestConfigureSMS_ANumberBelongsToOneTenantAtMost(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	for name, c := range map[string]store.SMSConfigChange{
		"as Telnyx number": {TelnyxPhone: &db.SwimSchoolPhone},
		"as Twilio number": {TwilioPhone: &db.SwimSchoolPhone},
	} {
		_, err := db.Dentist.ConfigureSMS(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), "tenant_phone_numbers_pkey") {
			t.Errorf("%s of another tenant: %v; want a conflict", name, err)
		}
	}
}
