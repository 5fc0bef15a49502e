package private_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

func TestParseEmail_TakesOneBareAddress(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"pat@exampleco.test":              "pat@exampleco.test",
		" \tPat.Doe+swim@Exampleco.test ": "Pat.Doe+swim@Exampleco.test",
		"grüße@exampleco.test":            "grüße@exampleco.test",
	} {
		if got, err := private.ParseEmail(given); err != nil || got != want {
			t.Errorf("ParseEmail(%q) = %q, %v; want %q", given, got, err, want)
		}
	}
}

func TestParseEmail_RefusesTheRestWithoutRepeatingIt(t *testing.T) {
	t.Parallel()
	for _, given := range []string{
		"", " ", "pat", "pat@", "@exampleco.test", "pat@exampleco.test, sam@exampleco.test", "Pat <pat@exampleco.test>", "<pat@exampleco.test>",
		"pat@exampleco.test (Pat)", "pat @exampleco.test", `"pat doe"@exampleco.test`, "pat@exampleco.test\x00", "pat@exampleco.test\r\nBcc: sam@exampleco.test",
		"pat@@exampleco.test", "pat@exampleco..test", "\xff@exampleco.test", strings.Repeat("p", 250) + "@exampleco.test",
	} {
		got, err := private.ParseEmail(given)
		if !errors.Is(err, private.ErrNotEmail) || got != "" {
			t.Errorf("ParseEmail(%q) = %q, %v; want ErrNotEmail", given, got, err)
		}
	}
}
