package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// TokenConfig holds the signing keys.
type TokenConfig struct {
	Keys private.Secret `env:"JWT_SECRET_KEY,required,notEmpty"` // comma separated: the first signs, all verify
}

// minKey is HS256's own strength.
const minKey = 32

// Validate refuses a key that could be guessed.
func (c TokenConfig) Validate() error {
	for _, key := range c.keys() {
		if len(key) < minKey {
			return fmt.Errorf("JWT_SECRET_KEY must be one or several keys of at least %d characters, comma separated; make one with: openssl rand -base64 32", minKey)
		}
	}
	return nil
}

func (c TokenConfig) keys() []string { return strings.Split(c.Keys.Reveal(), ",") }

// What our tokens say of themselves.
const (
	issuer      = "chattercheatah"
	audience    = "chattercheatah-api"
	accessUse   = "access"
	tokenLife   = 12 * time.Hour
	clockLeeway = 30 * time.Second
)

// claims are short: who, for what, until when. Role and tenant are not among them; they are read at each request.
type claims struct {
	jwt.RegisteredClaims
	Use      string `json:"use"`
	Password string `json:"pwd"` // fingerprint of the password that it was issued for
}

// Tokens issues and verifies access tokens: JWTs under HS256.
type Tokens struct {
	keys    map[string][]byte // by id
	primary string
	now     func() time.Time
}

// NewTokens takes keys that have been validated.
func NewTokens(c TokenConfig, now func() time.Time) *Tokens {
	t := &Tokens{keys: map[string][]byte{}, now: now}
	for i, key := range c.keys() {
		sum := sha256.Sum256([]byte(key))
		id := hex.EncodeToString(sum[:4])
		t.keys[id] = []byte(key)
		if i == 0 {
			t.primary = id
		}
	}
	return t
}

// fingerprint tells one stored password hash from another, and nothing of it: the hash is salted.
func fingerprint(passwordHash private.Secret) string {
	sum := sha256.Sum256([]byte(passwordHash.Reveal()))
	return hex.EncodeToString(sum[:8])
}

// Issue makes an access token for a person, good for twelve hours and for as long as they have the password whose hash this is.
func (t *Tokens) Issue(userID int64, passwordHash private.Secret) (token private.Secret, expires time.Time, err error) {
	now := t.now()
	expires = now.Add(tokenLife)
	unsigned := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: strconv.FormatInt(userID, 10),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		Use: accessUse, Password: fingerprint(passwordHash),
	})
	unsigned.Header["kid"] = t.primary
	signed, err := unsigned.SignedString(t.keys[t.primary])
	if err != nil {
		return private.Secret{}, time.Time{}, fmt.Errorf("signing a token: %w", err)
	}
	return private.NewSecret(signed), expires, nil
}

// Verify returns the person whom a token was issued to, and the fingerprint of their password then. fault.Unauthenticated for any
// other token; the error never holds it.
func (t *Tokens) Verify(token string) (userID int64, password string, err error) {
	var c claims
	_, err = jwt.ParseWithClaims(token, &c, t.key,
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(clockLeeway), jwt.WithTimeFunc(t.now), jwt.WithStrictDecoding())
	if err != nil {
		return 0, "", badToken(reasonOf(err))
	}
	userID, err = strconv.ParseInt(c.Subject, 10, 64)
	if err != nil || userID <= 0 || c.Use != accessUse || c.IssuedAt == nil {
		return 0, "", badToken("it is no access token")
	}
	return userID, c.Password, nil
}

func (t *Tokens) key(token *jwt.Token) (any, error) {
	id, _ := token.Header["kid"].(string)
	key, ok := t.keys[id]
	if !ok {
		return nil, errors.New("no such key")
	}
	return key, nil
}

// reasonOf keeps the kind of fault and none of the library's text, which can quote the token.
func reasonOf(err error) string {
	for _, kind := range []error{jwt.ErrTokenExpired, jwt.ErrTokenNotValidYet, jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenInvalidIssuer,
		jwt.ErrTokenInvalidAudience, jwt.ErrTokenSignatureInvalid, jwt.ErrTokenUnverifiable, jwt.ErrTokenRequiredClaimMissing} {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	return "it is malformed"
}

func badToken(reason string) error {
	return fault.Wrap(fault.Unauthenticated, errors.New(reason), "the access token is not valid (any more); log in again")
}
