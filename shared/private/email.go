package private

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
)

// ErrNotEmail is what ParseEmail answers for anything that is not one bare e-mail address.
var ErrNotEmail = errors.New("an e-mail address must look like name@example.com, without anything around it")

// maxEmail is what RFC 5321 lets an address have, in bytes.
const maxEmail = 254

// ParseEmail accepts one e-mail address without a name or brackets, and returns it without the white space around it, its case
// as it was. It returns ErrNotEmail, which never repeats the input.
func ParseEmail(s string) (string, error) {
	s = strings.TrimSpace(s)
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Address != s || len(s) > maxEmail || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return "", ErrNotEmail
	}
	return s, nil
}
