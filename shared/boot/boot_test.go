package boot_test

import (
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

type settings struct {
	Database boot.Database
	Public   boot.PublicURL
	Keys     telnyx.PublicKeys `env:"TELNYX_PUBLIC_KEY"`
	Count    int               `env:"COUNT" envDefault:"3"`
}

func TestSettings_EverythingWrongIsReportedAtOnceByNameAndNoValue(t *testing.T) {
	t.Parallel()
	_, err := boot.Settings[settings](boot.Environment{
		"FIELD_ENCRYPTION_KEY": "wrong", "API_BASE_URL": "wrong", "ENVIRONMENT": "local", "TELNYX_PUBLIC_KEY": "wrong", "COUNT": "wrong",
	})
	if err == nil {
		t.Fatal("want an error")
	}
	for _, name := range []string{"DATABASE_URL is required", "FIELD_ENCRYPTION_KEY", "API_BASE_URL", "TELNYX_PUBLIC_KEY: a Telnyx public key is", "COUNT is not a valid int"} {
		if strings.Count(err.Error(), name) != 1 {
			t.Errorf("%q is not reported once in:\n%v", name, err)
		}
	}
	if strings.Contains(err.Error(), "wrong") {
		t.Errorf("the report holds a value:\n%v", err)
	}
}

func TestSettings_DefaultsHold(t *testing.T) {
	t.Parallel()
	s, err := boot.Settings[settings](boot.Environment{"DATABASE_URL": "postgres://db.example.test/x", "API_BASE_URL": "https://fn.example.test"})
	if err != nil || s.Count != 3 || s.Public.Environment != "production" {
		t.Errorf("Settings = %+v, %v", s, err)
	}
}

func TestDatabase_TakesTheAddressesThatPeopleHave(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"postgres://user:password@db.example.test:5432/app":                    true,
		"postgresql://user:password@db.example.test/app?sslmode=require":       true,
		"postgresql+asyncpg://user:password@db.example.test:5432/app":          true,
		"postgresql+asyncpg://user:password@db.example.test/app?ssl=require":   true,
		"postgresql+asyncpg://user:password@db.example.test/app?a=b&ssl=allow": true,
		"mysql://user:password@db.example.test/app":                            false,
		"db.example.test":                       false,
		"postgres://user:pass word@db:port/app": false,
	} {
		err := boot.Database{URL: private.NewSecret(url)}.Validate()
		if (err == nil) != ok {
			t.Errorf("%s: %v; want ok %v", url, err, ok)
		}
		if err != nil && (strings.Contains(err.Error(), "pass word") || !strings.Contains(err.Error(), "DATABASE_URL")) {
			t.Errorf("%s: the error is %v", url, err)
		}
	}
}

func TestPublicURL_IsSafeOutsideOfDevelopment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		environment, url string
		ok               bool
	}{
		{"local", "http://localhost:8080", true},
		{"local", "localhost:8080", false},
		{"local", "http://localhost:8080/", false},
		{"production", "https://fn.example.test", true},
		{"production", "http://fn.example.test", false},
		{"staging", "http://fn.example.test", false},
		{"elsewhere", "https://fn.example.test", false},
	} {
		if err := (boot.PublicURL{BaseURL: tt.url, Environment: tt.environment}).Validate(); (err == nil) != tt.ok {
			t.Errorf("%s in %s: %v; want ok %v", tt.url, tt.environment, err, tt.ok)
		}
	}
}
