// Package private holds the types for values that must never be read by the wrong eyes: credentials, phone numbers and
// what customers write. Each prints, formats, logs and marshals itself redacted, so that a careless %v, slog attribute or
// error text gives nothing away; the value itself is reached by one method whose name says so.
//
// It is imported by every package that carries such a value and imports the standard library alone.
package private

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
)

// redacted stands in for every hidden value.
const redacted = "[redacted]"

// Secret is a credential: an API key, a token, a password. The zero Secret is empty.
type Secret struct{ value string }

// NewSecret hides value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the credential itself, for the one call that needs it.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether there is no credential.
func (s Secret) IsZero() bool { return s.value == "" }

// Equal compares in constant time.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.value), []byte(other.value)) == 1
}

// UnmarshalText takes the credential from a setting or a JSON string.
func (s *Secret) UnmarshalText(text []byte) error { s.value = string(text); return nil }

// MarshalText writes the redacted form.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Format prints the redacted form for every verb, %#v included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue logs the redacted form.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String is empty for an empty credential and the same mark for every other one.
func (s Secret) String() string {
	if s.value == "" {
		return ""
	}
	return redacted
}

// Phone is a telephone number in E.164 form, for example +15555550142, or the zero Phone.
type Phone struct{ e164 string }

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// ErrNotE164 is what ParsePhone answers for anything that is not a number in E.164 form.
var ErrNotE164 = errors.New("a phone number must be in E.164 form, for example +15555550142")

// ParsePhone accepts a number in E.164 form and nothing else. It returns ErrNotE164, which never repeats the input.
func ParsePhone(s string) (Phone, error) {
	if !e164.MatchString(s) {
		return Phone{}, ErrNotE164
	}
	return Phone{s}, nil
}

// MustPhone is ParsePhone for constants and tests; it panics on anything else.
func MustPhone(s string) Phone {
	p, err := ParsePhone(s)
	if err != nil {
		panic(err)
	}
	return p
}

// E164 returns the full number, for storage and for the provider.
func (p Phone) E164() string { return p.e164 }

// IsZero reports whether there is no number.
func (p Phone) IsZero() bool { return p.e164 == "" }

// UnmarshalText parses a number in E.164 form; an empty text is the zero Phone.
func (p *Phone) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*p = Phone{}
		return nil
	}
	parsed, err := ParsePhone(string(text))
	*p = parsed
	return err
}

// MarshalText writes the redacted form; an API that owes its caller the number asks for E164.
func (p Phone) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Format prints the redacted form for every verb, %#v included.
func (p Phone) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.String())) }

// LogValue logs the redacted form.
func (p Phone) LogValue() slog.Value { return slog.StringValue(p.String()) }

// String shows how long the number is and its last two digits: enough to tell two log lines apart, not to call anyone.
func (p Phone) String() string {
	if p.e164 == "" {
		return ""
	}
	return "+" + strings.Repeat("*", len(p.e164)-3) + p.e164[len(p.e164)-2:]
}

// Fingerprint is a short stable digest of the number, for keys that must not carry it.
func (p Phone) Fingerprint() string {
	sum := sha256.Sum256([]byte("phone:" + p.e164))
	return hex.EncodeToString(sum[:8])
}

// Text is what a person wrote or will read: a message body, a prompt, an answer.
type Text struct{ value string }

// NewText hides value.
func NewText(value string) Text { return Text{value} }

// Reveal returns the words themselves.
func (t Text) Reveal() string { return t.value }

// IsZero reports whether there are no words.
func (t Text) IsZero() bool { return t.value == "" }

// UnmarshalText takes the words from a JSON string.
func (t *Text) UnmarshalText(text []byte) error { t.value = string(text); return nil }

// MarshalText writes the redacted form.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Format prints the redacted form for every verb, %#v included.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.String())) }

// LogValue logs the redacted form.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// String shows only how long the text is.
func (t Text) String() string {
	if t.value == "" {
		return ""
	}
	return fmt.Sprintf("[%d bytes]", len(t.value))
}
