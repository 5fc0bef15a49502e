package emailpubsub_test

import (
	"encoding/base64"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
)

// with are the claims of Pub/Sub's token, one of them changed; nil takes it out.
func (b *bench) with(name string, value any) jwt.MapClaims {
	c := maps.Clone(b.tasks.Claims(address, account))
	if c[name] = value; value == nil {
		delete(c, name)
	}
	return c
}

// forged is a token with the good claims and any header and signature.
func (b *bench) forged(t *testing.T, header, signature string) string {
	t.Helper()
	parts := strings.Split(b.token, ".")
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + parts[1] + "." + encode([]byte(signature))
}

func (b *bench) hs256(t *testing.T, key []byte) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, b.tasks.Claims(address, account))
	token.Header["kid"] = "local"
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// wrongClaims are tokens of the right signer, each with one thing wrong in it.
func (b *bench) wrongClaims() map[string]string {
	now, wrong := time.Now(), map[string]string{}
	for name, claims := range map[string]jwt.MapClaims{
		"iss other":                 b.with("iss", "https://issuer.example.test"),
		"iss Google's":              b.with("iss", "https://accounts.google.com"),
		"iss empty":                 b.with("iss", ""),
		"iss missing":               b.with("iss", nil),
		"aud other":                 b.with("aud", "https://other.example.test"),
		"aud without the path":      b.with("aud", "https://fn.example.test"),
		"aud with a slash more":     b.with("aud", address+"/"),
		"aud in capitals":           b.with("aud", strings.ToUpper(address)),
		"aud of another and ours":   b.with("aud", []string{"https://other.example.test", address}),
		"aud ours and another":      b.with("aud", []string{address, "https://other.example.test"}),
		"aud an array of others":    b.with("aud", []string{"https://other.example.test"}),
		"aud an empty array":        b.with("aud", []string{}),
		"aud empty":                 b.with("aud", ""),
		"aud missing":               b.with("aud", nil),
		"aud a number":              b.with("aud", 7),
		"exp past":                  b.with("exp", now.Add(-time.Second).Unix()),
		"exp missing":               b.with("exp", nil),
		"exp words":                 b.with("exp", "tomorrow"),
		"iat far in the future":     b.with("iat", now.Add(time.Hour/2).Unix()),
		"nbf far in the future":     b.with("nbf", now.Add(time.Hour/2).Unix()),
		"email other":               b.with("email", "someone@p.example.test"),
		"email in capitals":         b.with("email", strings.ToUpper(account)),
		"email with more":           b.with("email", account+".example.test"),
		"email empty":               b.with("email", ""),
		"email missing":             b.with("email", nil),
		"email an array":            b.with("email", []string{account}),
		"email_verified false":      b.with("email_verified", false),
		"email_verified missing":    b.with("email_verified", nil),
		"email_verified true words": b.with("email_verified", "true"),
		"email_verified 1":          b.with("email_verified", 1),
		"of Cloud Tasks":            b.tasks.Claims(worker, tasks),
		"of ours for the worker":    b.tasks.Claims(worker, account),
		"of Cloud Tasks for us":     b.tasks.Claims(address, tasks),
	} {
		wrong[name] = b.tasks.Sign(claims)
	}
	return wrong
}

// forgeries are tokens with the right claims that nobody of ours has signed.
func (b *bench) forgeries(t *testing.T) map[string]string {
	stranger := tasktest.New(t, tasktest.Options{})
	n, e := b.tasks.PublicKey()
	parts := strings.Split(b.token, ".")
	other := []byte(parts[1])
	other[len(other)/2] ^= 1
	return map[string]string{
		"another's key":                stranger.Sign(b.tasks.Claims(address, account)),
		"alg none":                     b.forged(t, `{"alg":"none","typ":"JWT"}`, ""),
		"alg None with kid":            b.forged(t, `{"alg":"None","kid":"local"}`, ""),
		"alg missing":                  b.forged(t, `{"kid":"local"}`, "x"),
		"alg RS512":                    b.forged(t, `{"alg":"RS512","kid":"local"}`, strings.Repeat("x", 256)),
		"HS256 with the modulus":       b.hs256(t, n),
		"HS256 with modulus, exponent": b.hs256(t, append(n, e...)),
		"HS256 with the PEM":           b.hs256(t, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: n})),
		"ES256 cut short":              b.forged(t, `{"alg":"ES256","typ":"JWT","kid":"local"}`, "short"),
		"ES256 of 31 bytes":            b.forged(t, `{"alg":"ES256","typ":"JWT","kid":"local"}`, strings.Repeat("x", 31)),
		"ES256 of no bytes":            b.forged(t, `{"alg":"ES256","typ":"JWT","kid":"local"}`, ""),
		"RS256 cut short":              b.forged(t, `{"alg":"RS256","typ":"JWT","kid":"local"}`, "short"),
		"an unknown kid":               b.forged(t, `{"alg":"RS256","typ":"JWT","kid":"unknown"}`, strings.Repeat("x", 256)),
		"a cut signature":              b.token[:len(b.token)-8],
		"no signature":                 parts[0] + "." + parts[1] + ".",
		"two parts":                    parts[0] + "." + parts[1],
		"other claims":                 parts[0] + "." + string(other) + "." + parts[2],
		"removed by Google":            parts[0] + "." + parts[1] + ".SIGNATURE_REMOVED_BY_GOOGLE",
		"garbage":                      "x.y.z",
		"dots":                         "..",
		"a megabyte":                   strings.Repeat("a", 1<<20),
	}
}

func TestPush_ATokenWithAnythingWrongIsRefusedAndNothingRecorded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	wrong := map[string][]string{
		"no header":         nil,
		"an empty header":   {""},
		"no token":          {"Bearer "},
		"Basic":             {"Basic " + b.token},
		"no scheme":         {b.token},
		"two tokens":        {"Bearer " + b.token + " " + b.token},
		"two with a comma":  {"Bearer " + b.token + ", Bearer " + b.token},
		"two headers":       {"Bearer " + b.token, "Bearer " + b.tasks.Token(worker, tasks)},
		"two headers of it": {"Bearer " + b.token, "Bearer " + b.token},
	}
	for name, token := range b.wrongClaims() {
		wrong[name] = []string{"Bearer " + token}
	}
	for name, token := range b.forgeries(t) {
		wrong[name] = []string{"Bearer " + token}
	}
	body := pushed(notice(swimBox, 1710))
	for name, authorization := range wrong {
		w := b.post(strings.NewReader(body), authorization...)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%s was answered %d %s; want 401", name, w.Code, w.Body)
		}
	}
	b.wantNothing(t, "after every wrong token")
}

func TestPush_TheServicesHeadersProveNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := httptest.NewRequest(http.MethodPost, "/api/v1/email/pubsub", strings.NewReader(pushed(notice(swimBox, 1710))))
	for _, name := range []string{"X-CloudTasks-TaskName", "X-CloudTasks-QueueName", "X-CloudScheduler", "X-Goog-Authenticated-User-Email"} {
		r.Header.Set(name, account)
	}
	w := httptest.NewRecorder()
	if b.handler.ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
		t.Errorf("answered %d; want 401", w.Code)
	}
	b.wantNothing(t, "after headers alone")
}

func TestPush_GooglesIssuerHasTwoSpellings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.handler = b.build(t, setting{issuer: "https://accounts.google.com"})
	for issuer, want := range map[string]int{
		"https://accounts.google.com": http.StatusOK, "accounts.google.com": http.StatusOK,
		"http://accounts.google.com": http.StatusUnauthorized, "https://accounts.google.com/": http.StatusUnauthorized,
		"https://https://accounts.google.com": http.StatusUnauthorized, "accounts.google.com.example.test": http.StatusUnauthorized, "": http.StatusUnauthorized,
	} {
		w := b.post(strings.NewReader(pushed(notice(swimBox, 1710))), "Bearer "+b.tasks.Sign(b.with("iss", issuer)))
		if w.Code != want {
			t.Errorf("the issuer %q was answered %d %s; want %d", issuer, w.Code, w.Body, want)
		}
	}
}

func TestPush_WhileTheIssuersKeysCannotBeHadItIsToComeAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.handler = b.build(t, setting{keys: "http://127.0.0.1:1/certs"})
	if status, _ := b.push(pushed(notice(swimBox, 1710))); status != http.StatusServiceUnavailable {
		t.Errorf("answered %d; want 503", status)
	}
	b.wantNothing(t, "without the issuer's keys")
	b.handler = b.build(t, setting{})
	if status, outcome := b.push(pushed(notice(swimBox, 1710))); status != http.StatusOK || outcome != "ok queued" {
		t.Errorf("the repeat was answered %d %s", status, outcome)
	}
}
