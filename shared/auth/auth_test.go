package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

func TestPassword_OnlyTheRightOneVerifies(t *testing.T) {
	t.Parallel()
	hash, err := auth.HashPassword(t.Context(), private.NewSecret("a good password"))
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{"a good password": true, "a good password ": false, "A good password": false, "": false, strings.Repeat("x", 2000): false} {
		if got, err := auth.VerifyPassword(t.Context(), hash, private.NewSecret(password)); err != nil || got != want {
			t.Errorf("VerifyPassword(%.20q) = %v, %v; want %v", password, got, err, want)
		}
	}
	if again, _ := auth.HashPassword(t.Context(), private.NewSecret("a good password")); again == hash {
		t.Error("two hashes of one password are equal: there is no salt")
	}
}

func TestPassword_TooShortOrTooLongIsRefused(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"", "seven77", strings.Repeat("x", 1025)} {
		if _, err := auth.HashPassword(t.Context(), private.NewSecret(p)); err == nil || fault.KindOf(err) != fault.Invalid {
			t.Errorf("a password of %d characters: %v; want invalid", len(p), err)
		}
	}
}

// strange are stored hashes that are none of ours, some of which would take gigabytes.
var strange = []string{
	"", "x", "$argon2id$v=19$m=19456,t=2,p=1$AAAA$BBBB", "$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"$argon2id$v=19$m=4194304,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"$argon2id$v=19$m=19456,t=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"$argon2id$v=16$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"$2b$12$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
}

func TestPassword_AStoredHashThatIsNoneOfOursIsAnError(t *testing.T) {
	t.Parallel()
	for _, hash := range strange {
		if ok, err := auth.VerifyPassword(t.Context(), hash, private.NewSecret("x")); ok || err == nil {
			t.Errorf("VerifyPassword(%q) = %v, %v; want an error", hash, ok, err)
		}
	}
}

func FuzzVerifyPassword(f *testing.F) {
	for _, hash := range strange {
		f.Add(hash)
	}
	f.Fuzz(func(t *testing.T, hash string) {
		if len(hash) < 80 || strings.Count(hash, "$") != 5 {
			if ok, _ := auth.VerifyPassword(t.Context(), hash, private.NewSecret("x")); ok {
				t.Errorf("%q verifies", hash)
			}
		}
	})
}

var at = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func tokens(keys string) *auth.Tokens {
	return auth.NewTokens(auth.TokenConfig{Keys: private.NewSecret(keys)}, func() time.Time { return at })
}

var key, oldKey = strings.Repeat("k", 32), strings.Repeat("o", 32)

func keyID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return fmt.Sprintf("%x", sum[:4])
}

// sign makes a token with anything in it.
func sign(method jwt.SigningMethod, with any, kid string, change func(jwt.MapClaims)) string {
	c := jwt.MapClaims{"iss": "chattercheatah", "aud": "chattercheatah-api", "sub": "7", "use": "access", "iat": at.Unix(), "exp": at.Add(time.Hour).Unix()}
	if change != nil {
		change(c)
	}
	token := jwt.NewWithClaims(method, c)
	token.Header["kid"] = kid
	signed, err := token.SignedString(with)
	if err != nil {
		panic(err)
	}
	return signed
}

func TestToken_IsForThePersonItWasIssuedTo(t *testing.T) {
	t.Parallel()
	token, expires, err := tokens(key).Issue(7, private.NewSecret("x"))
	if err != nil || expires.Sub(at) != 12*time.Hour {
		t.Fatalf("Issue = %v, %v", expires, err)
	}
	if id, _, err := tokens(key).Verify(token.Reveal()); err != nil || id != 7 {
		t.Errorf("Verify = %d, %v; want 7", id, err)
	}
	if strings.Contains(fmt.Sprint(token), token.Reveal()) {
		t.Error("a token prints itself")
	}
}

func TestToken_KeysAreRotatedWithoutLoggingAnybodyOut(t *testing.T) {
	t.Parallel()
	old, _, err := tokens(oldKey).Issue(7, private.NewSecret("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := tokens(key + "," + oldKey).Verify(old.Reveal()); err != nil {
		t.Errorf("a token under the second key: %v", err)
	}
	if _, _, err := tokens(key).Verify(old.Reveal()); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("a token under a key that is gone: %v; want unauthenticated", err)
	}
}

func TestToken_AnyOtherIsRefusedAndNeverRepeated(t *testing.T) {
	t.Parallel()
	id := keyID(key)
	for name, token := range map[string]string{
		"garbage":          "x.y.z",
		"empty":            "",
		"expired":          sign(jwt.SigningMethodHS256, []byte(key), id, func(c jwt.MapClaims) { c["exp"] = at.Add(-time.Minute).Unix() }),
		"without expiry":   sign(jwt.SigningMethodHS256, []byte(key), id, func(c jwt.MapClaims) { delete(c, "exp") }),
		"without issue":    sign(jwt.SigningMethodHS256, []byte(key), id, func(c jwt.MapClaims) { delete(c, "iat") }),
		"from the future":  sign(jwt.SigningMethodHS256, []byte(key), id, func(c jwt.MapClaims) { c["iat"] = at.Add(time.Hour).Unix() }),
		"another issuer":   sign(jwt.SigningMethodHS256, []byte(key), id, func(c jwt.MapClaims) { c["iss"] = "elsewhere" }),
		"another audience": sign(jwt.SigningMethodHS256, []byte(key), id, func(c jwt.MapClaims) { c["aud"] = "elsewhere" }),
		"for another use":  sign(jwt.SigningMethodHS256, []byte(key), id, func(c jwt.MapClaims) { c["use"] = "refresh" }),
		"for nobody":       sign(jwt.SigningMethodHS256, []byte(key), id, func(c jwt.MapClaims) { c["sub"] = "0" }),
		"for no number":    sign(jwt.SigningMethodHS256, []byte(key), id, func(c jwt.MapClaims) { c["sub"] = "seven" }),
		"unsigned":         sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, id, nil),
		"HS512":            sign(jwt.SigningMethodHS512, []byte(key), id, nil),
		"another key":      sign(jwt.SigningMethodHS256, []byte(oldKey), id, nil),
		"no such key":      sign(jwt.SigningMethodHS256, []byte(key), "00000000", nil),
		"no key's name":    sign(jwt.SigningMethodHS256, []byte(key), "", nil),
		"no use":           sign(jwt.SigningMethodHS256, []byte(key), id, func(c jwt.MapClaims) { delete(c, "use") }),
		"for later":        sign(jwt.SigningMethodHS256, []byte(key), id, func(c jwt.MapClaims) { c["nbf"] = at.Add(time.Hour).Unix() }),
		"for a negative":   sign(jwt.SigningMethodHS256, []byte(key), id, func(c jwt.MapClaims) { c["sub"] = "-7" }),
		"no issuer":        sign(jwt.SigningMethodHS256, []byte(key), id, func(c jwt.MapClaims) { delete(c, "iss") }),
		"no audience":      sign(jwt.SigningMethodHS256, []byte(key), id, func(c jwt.MapClaims) { delete(c, "aud") }),
		"an empty key":     sign(jwt.SigningMethodHS256, []byte{}, id, nil),
		"the key's name":   sign(jwt.SigningMethodHS256, []byte(id), id, nil),
		"RS256":            sign(jwt.SigningMethodRS256, rsaKey, id, nil),
		"PS256":            sign(jwt.SigningMethodPS256, rsaKey, id, nil),
		"ES256":            sign(jwt.SigningMethodES256, ecKey, id, nil),
		"EdDSA":            sign(jwt.SigningMethodEdDSA, edKey, id, nil),
		"a public key":     sign(jwt.SigningMethodHS256, publicPEM, id, nil),
		"an RS256 label":   relabel(sign(jwt.SigningMethodHS256, []byte(key), id, nil), "RS256"),
		"a none label":     relabel(sign(jwt.SigningMethodHS256, []byte(key), id, nil), "none"),
		"a hs256 label":    relabel(sign(jwt.SigningMethodHS256, []byte(key), id, nil), "hs256"),
		"two tokens":       sign(jwt.SigningMethodHS256, []byte(key), id, nil) + "." + sign(jwt.SigningMethodHS256, []byte(key), id, nil),
	} {
		_, _, err := tokens(key).Verify(token)
		if fault.KindOf(err) != fault.Unauthenticated || err == nil {
			t.Errorf("%s: %v; want unauthenticated", name, err)
		} else if token != "" && strings.Contains(err.Error(), token) {
			t.Errorf("%s: the error repeats the token", name)
		}
	}
	if _, _, err := tokens(key).Verify(sign(jwt.SigningMethodHS256, []byte(key), id, nil)); err != nil {
		t.Errorf("the same token with nothing changed: %v", err)
	}
}

// The keys of other algorithms, with which a token may claim to be signed.
var (
	rsaKey      = must(rsa.GenerateKey(rand.Reader, 2048))
	ecKey       = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	_, edKey, _ = ed25519.GenerateKey(rand.Reader)
	publicPEM   = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(&rsaKey.PublicKey))})
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// relabel makes a token claim another algorithm and signs it anew with our key, as an attacker could not.
func relabel(token, algorithm string) string {
	_, rest, _ := strings.Cut(token, ".")
	body, _, _ := strings.Cut(rest, ".")
	header := fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"JWT"}`, algorithm, keyID(key))
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + body
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func TestToken_NoPartOfOneIsOne(t *testing.T) {
	t.Parallel()
	token := sign(jwt.SigningMethodHS256, []byte(key), keyID(key), nil)
	for n := range len(token) {
		for _, part := range []string{token[:n], token[n+1:], token[:n] + token[n+1:]} {
			if _, _, err := tokens(key).Verify(part); fault.KindOf(err) != fault.Unauthenticated || err == nil {
				t.Errorf("cut at %d it verifies: %v", n, err)
			}
		}
	}
	if _, _, err := tokens(key).Verify(token); err != nil {
		t.Errorf("whole: %v", err)
	}
}

func TestToken_EveryFlippedBitOfItsSignatureIsNoticed(t *testing.T) {
	t.Parallel()
	token := sign(jwt.SigningMethodHS256, []byte(key), keyID(key), nil)
	signed, _, _ := strings.Cut(token, "."+token[strings.LastIndex(token, ".")+1:])
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(signed))
	signature := mac.Sum(nil)
	for bit := range len(signature) * 8 {
		flipped := append([]byte(nil), signature...)
		flipped[bit/8] ^= 1 << (bit % 8)
		if _, _, err := tokens(key).Verify(signed + "." + base64.RawURLEncoding.EncodeToString(flipped)); err == nil {
			t.Errorf("bit %d flipped and the token verifies", bit)
		}
	}
}

func FuzzVerifyToken(f *testing.F) {
	f.Add("x.y.z")
	f.Add(sign(jwt.SigningMethodHS256, []byte(oldKey), keyID(key), nil))
	f.Fuzz(func(t *testing.T, token string) {
		if _, _, err := tokens(key).Verify(token); err == nil {
			t.Errorf("%q verifies", token)
		}
	})
}

func TestTokenConfig_AShortKeyIsRefusedByName(t *testing.T) {
	t.Parallel()
	for setting, ok := range map[string]bool{key: true, key + "," + oldKey: true, "short": false, key + ",short": false, key + ",": false} {
		err := auth.TokenConfig{Keys: private.NewSecret(setting)}.Validate()
		if (err == nil) != ok || err != nil && (!strings.Contains(err.Error(), "JWT_SECRET_KEY") || strings.Contains(err.Error(), "short")) {
			t.Errorf("%d characters: %v; want ok %v", len(setting), err, ok)
		}
	}
}

func TestGuard_RoleAndTenantAreTheRowsOfThisMoment(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.Exec(t, `insert into users (id, email, password_hash, role, tenant_id) values (7, 'lead@exampleco.test', 'x', 'tenant_admin', 1042)`)
	guard := auth.NewGuard(db.Store, tokens(key))
	token, _, err := tokens(key).Issue(7, private.NewSecret("x"))
	if err != nil {
		t.Fatal(err)
	}
	request := func() *http.Request {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "bearer "+token.Reveal())
		return r
	}
	if own, err := guard.TenantAdmin(request()); err != nil || own.Scope().ID() != 1042 {
		t.Fatalf("TenantAdmin = %v, %v", own, err)
	}
	db.Exec(t, `update users set tenant_id = 2048 where id = 7`)
	if own, err := guard.TenantAdmin(request()); err != nil || own.Scope().ID() != 2048 {
		t.Errorf("after a move: %v", err)
	}
	db.Exec(t, `update users set role = 'user' where id = 7`)
	if _, err := guard.TenantAdmin(request()); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("after a demotion: %v; want forbidden", err)
	}
	db.Exec(t, `update tenants set is_active = false where id = 2048`)
	if _, err := guard.Tenant(request()); err == nil {
		t.Error("a closed tenant's person gets in")
	}
	db.Exec(t, `update tenants set is_active = true where id = 2048`)
	db.Exec(t, `delete from users where id = 7`)
	if _, err := guard.Tenant(request()); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("after the row is gone: %v; want unauthenticated", err)
	}
}

func TestGuard_ATokenFromBeforeThePasswordIsWorthless(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.Exec(t, `insert into users (id, email, password_hash, role, tenant_id) values (7, 'lead@exampleco.test', 'x', 'tenant_admin', 1042)`)
	guard := auth.NewGuard(db.Store, tokens(key))
	token, _, err := tokens(key).Issue(7, private.NewSecret("x"))
	if err != nil {
		t.Fatal(err)
	}
	for hash, want := range map[string]bool{"x": true, "another": false} {
		db.Exec(t, `update users set password_hash = $1 where id = 7`, hash)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
		if _, err := guard.Person(r); (err == nil) != want || err != nil && (fault.KindOf(err) != fault.Unauthenticated || !strings.Contains(fault.PublicText(err), "password has been changed")) {
			t.Errorf("issued for the password x, and it is %s now: %v; want admitted %v", hash, err, want)
		}
	}
}

func TestGuard_ChangePasswordIsRefusedToWhoeverComesSecond(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	guard := auth.NewGuard(db.Store, tokens(key))
	hash, err := auth.HashPassword(t.Context(), private.NewSecret("a good password"))
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, `insert into users (id, email, password_hash, role, tenant_id) values (7, 'lead@exampleco.test', $1, 'tenant_admin', 1042)`, hash)
	u, err := db.Store.User(t.Context(), 7, 0)
	if err != nil {
		t.Fatal(err)
	}
	change := func(to string) error {
		_, err := guard.ChangePassword(t.Context(), u, private.NewSecret("a good password"), private.NewSecret(to), "")
		return err
	}
	if err := change("the first one"); err != nil {
		t.Fatal(err)
	}
	if err := change("the second one"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a change of what is the password no more: %v; want conflict", err)
	}
}
