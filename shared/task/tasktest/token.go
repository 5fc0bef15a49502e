package tasktest

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const keyID = "local"

// Claims are a token's as Google's would be: for audience, of account, good for an hour.
func (s *Server) Claims(audience, account string) jwt.MapClaims {
	now := time.Now()
	return jwt.MapClaims{
		"iss": s.issuer, "aud": audience, "azp": account, "sub": account, "email": account, "email_verified": true,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
}

// Token signs a token for audience as account.
func (s *Server) Token(audience, account string) string { return s.Sign(s.Claims(audience, account)) }

// tokenReuse is how long one token serves for all calls of an account to an audience.
const tokenReuse = 5 * time.Minute

type caller struct{ audience, account string }

type issued struct {
	token string
	at    time.Time
}

// callerToken is what a call carries.
func (s *Server) callerToken(audience, account string) string {
	s.tokenMu.Lock()
	defer s.tokenMu.Unlock()
	who := caller{audience, account}
	if t := s.tokens[who]; time.Since(t.at) < tokenReuse {
		return t.token
	}
	t := issued{s.Token(audience, account), time.Now()}
	s.tokens[who] = t
	return t.token
}

// Sign signs any claims with the stand-in's key.
func (s *Server) Sign(claims jwt.MapClaims) string {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"] = keyID
	signed, err := token.SignedString(s.key)
	if err != nil {
		panic("tasktest: the claims cannot be written as JSON")
	}
	return signed
}

// PublicKey is what its tokens are verified with, as DER would carry it: modulus and exponent.
func (s *Server) PublicKey() (n, e []byte) {
	return s.key.N.Bytes(), big.NewInt(int64(s.key.E)).Bytes()
}

func (s *Server) serveKeys(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/certs" {
		http.NotFound(w, r)
		return
	}
	n, e := s.PublicKey()
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID,
		"n": base64.RawURLEncoding.EncodeToString(n), "e": base64.RawURLEncoding.EncodeToString(e),
	}}})
}
