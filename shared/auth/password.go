package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// MinPasswordLength is what a new password needs, in bytes.
const MinPasswordLength = 8

// maxPasswordLength keeps a hash from being asked of a megabyte.
const maxPasswordLength = 1024

// cost is what one hash takes: argon2id with OWASP's second profile, 19 MiB and two passes.
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

var presentCost = cost{memory: 19 * 1024, passes: 2, threads: 1}

const saltSize, hashSize = 16, 32

// hashing bounds how many hashes are worked out at a time, and with that the memory that log-ins can take.
var hashing = make(chan struct{}, 4)

func waitToHash(ctx context.Context) (done func(), err error) {
	select {
	case hashing <- struct{}{}:
		return func() { <-hashing }, nil
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "")
	}
}

// HashPassword makes the PHC string that is stored for a password. fault.Invalid when it is too short or too long; fault.Unavailable when
// ctx ends before its turn comes.
func HashPassword(ctx context.Context, p private.Secret) (string, error) {
	if n := len(p.Reveal()); n < MinPasswordLength || n > maxPasswordLength {
		return "", fault.New(fault.Invalid, "a password has at least %d and at most %d characters", MinPasswordLength, maxPasswordLength)
	}
	done, err := waitToHash(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt)
	return presentCost.encode(salt, presentCost.hash(p, salt)), nil
}

func (c cost) hash(p private.Secret, salt []byte) []byte {
	return argon2.IDKey([]byte(p.Reveal()), salt, c.passes, c.memory, c.threads, hashSize)
}

func (c cost) encode(salt, hash []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.threads, b64(salt), b64(hash))
}

// VerifyPassword reports whether p is the password that encoded was made from. It waits for its turn; the error is ctx's, or
// says that encoded is no hash of ours.
func VerifyPassword(ctx context.Context, encoded string, p private.Secret) (bool, error) {
	c, salt, want, err := parseHash(encoded)
	if err != nil {
		return false, err
	}
	if len(p.Reveal()) > maxPasswordLength {
		return false, nil
	}
	done, err := waitToHash(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	return subtle.ConstantTimeCompare(c.hash(p, salt), want) == 1, nil
}

// nobody is what an address that nobody has is checked with, at the present cost: no password makes this hash.
var nobody = presentCost.encode(make([]byte, saltSize), make([]byte, hashSize))

var errNoHash = errors.New("the stored password hash cannot be read")

// parseHash reads a PHC string of argon2id and refuses costs that no hash of ours has: a row must not be able to ask for
// gigabytes.
func parseHash(encoded string) (c cost, salt, hash []byte, err error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errNoHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); err != nil {
		return c, nil, nil, errNoHash
	}
	salt, saltErr := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	hash, hashErr := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	sane := c.memory >= 8 && c.memory <= 256<<10 && c.passes >= 1 && c.passes <= 10 && c.threads >= 1 && c.threads <= 8
	if saltErr != nil || hashErr != nil || !sane || len(salt) != saltSize || len(hash) != hashSize {
		return c, nil, nil, errNoHash
	}
	return c, salt, hash, nil
}
