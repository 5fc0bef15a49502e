package google_test

import (
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

func TestConfig_ThePartsOfTheClientBelongTogether(t *testing.T) {
	t.Parallel()
	secret := private.NewSecret("s")
	for _, tt := range []struct {
		config google.Config
		ok     bool
	}{
		{google.Config{}, true},
		{google.Config{ClientID: "c", ClientSecret: secret, Base: "http://localhost:8080/local/google"}, true},
		{google.Config{ClientID: "c"}, false},
		{google.Config{ClientSecret: secret}, false},
		{google.Config{Base: "google.test"}, false},
	} {
		if err := tt.config.Validate(); (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt.config, err)
		}
	}
}
