package private_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

func TestPrivate_NoWayOfPrintingShowsTheValue(t *testing.T) {
	t.Parallel()
	type box struct {
		Secret private.Secret
		Phone  private.Phone
		Text   private.Text
	}
	const secret, phone, text = "KEY-very-secret", "+15555550142", "my child is allergic"
	b := box{private.NewSecret(secret), private.MustPhone(phone), private.NewText(text)}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", b)
		fmt.Fprintf(&out, verb+verb+verb+"\n", b.Secret, b.Phone, b.Text)
	}
	marshalled, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(marshalled)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "box", b, "secret", b.Secret, "phone", b.Phone, "text", b.Text)
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "box", b, "secret", b.Secret, "phone", b.Phone, "text", b.Text)
	fmt.Fprintln(&out, errors.Join(fmt.Errorf("sending %v to %v: %v", b.Text, b.Phone, b.Secret)))

	for _, leak := range []string{secret, phone, phone[1:], "5555550142", text, "allergic", fmt.Sprintf("%x", secret)} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("%q is printed in:\n%s", leak, out.String())
		}
	}
	if b.Secret.Reveal() != secret || b.Phone.E164() != phone || b.Text.Reveal() != text {
		t.Error("the values themselves are lost")
	}
}

func TestParsePhone_AcceptsE164Only(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"+15555550142", "+4915555550142"} {
		if p, err := private.ParsePhone(good); err != nil || p.E164() != good {
			t.Errorf("ParsePhone(%q) = %v, %v", good, p, err)
		}
	}
	for _, bad := range []string{"", "5555550142", "+05555550142", "+1 555 555 0142", "sip:a@b.test", "+1555555014x", "+155555", "+15555550142\n", "+1234567890123456"} {
		if _, err := private.ParsePhone(bad); !errors.Is(err, private.ErrNotE164) {
			t.Errorf("ParsePhone(%q) = %v, want ErrNotE164", bad, err)
		}
	}
}

func TestSecret_EqualComparesTheValue(t *testing.T) {
	t.Parallel()
	a := private.NewSecret("one")
	if !a.Equal(private.NewSecret("one")) || a.Equal(private.NewSecret("two")) || a.Equal(private.Secret{}) {
		t.Error("Equal does not compare the value")
	}
}
