package telnyx_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

// The key of RFC 8032, test 1, and what it signs.
const (
	seedHex   = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
	publicKey = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	otherKey  = "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
	signedAt  = "1700000000"
)

type vector struct{ name, body, signature string }

var vectors = []vector{
	{
		"an event",
		`{"data":{"event_type":"message.received","id":"b301ed3f-1490-491f-995f-6e64e69674d4","record_type":"event"}}`,
		"QYe475sgK7N3GMPkEX+GGMqPCrTgkbLO6dGLiuwpJFU+dT/EE1bibGTdQxewE723wynlYHLMR2sHmewQBHwuDQ==",
	},
	{"no body", "", "rCd4Wrq89Q/PGOdFxiyXKd/BhCfaVjBc6L4IDQVtenxv+Tou8wn9F/rTnj0xItbd0Za6Dvt/32tZd1LIK4c4Bg=="},
	{
		"the separator in UTF-8",
		`{"data":{"payload":{"text":"café 😀 | pipe"}}}`,
		"7tndxC3ptwKg4172krsb9PFTRSCvjTDrGPhS8BSQ2ud9qnwhQaujSiFmNrCQANneABBPIlOYzoqvLyG23WBfBw==",
	},
}

var verifiedAt = time.Unix(1700000000, 0)

func keysOf(t testing.TB, list string) telnyx.PublicKeys {
	t.Helper()
	var keys telnyx.PublicKeys
	if err := keys.UnmarshalText([]byte(list)); err != nil {
		t.Fatal(err)
	}
	return keys
}

func headers(signature, timestamp string) http.Header {
	h := http.Header{}
	h.Set(telnyx.SignatureHeader, signature)
	h.Set(telnyx.TimestampHeader, timestamp)
	return h
}

// sign signs with the key of the vectors, whatever the timestamp looks like.
func sign(t testing.TB, timestamp, body string) string {
	t.Helper()
	seed, err := hex.DecodeString(seedHex)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(ed25519.Sign(ed25519.NewKeyFromSeed(seed), []byte(timestamp+"|"+body)))
}

func wantUnsigned(t testing.TB, what string, err error) {
	t.Helper()
	if !errors.Is(err, telnyx.ErrSignature) || fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("%s: Verify = %v, want ErrSignature and unauthenticated", what, err)
	}
}

func TestVerify_AcceptsWhatTelnyxSigned(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		if err := telnyx.Verify(keysOf(t, publicKey), headers(v.signature, signedAt), []byte(v.body), verifiedAt); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		if got := sign(t, signedAt, v.body); got != v.signature {
			t.Errorf("%s: these tests sign %q, Telnyx %q", v.name, got, v.signature)
		}
	}
}

func TestVerify_AcceptsAnyOfSeveralKeysWhereverItStands(t *testing.T) {
	t.Parallel()
	h, body := headers(vectors[0].signature, signedAt), []byte(vectors[0].body)
	for _, list := range []string{publicKey + "," + otherKey, otherKey + "," + publicKey, otherKey + ", " + otherKey + " ," + publicKey} {
		if err := telnyx.Verify(keysOf(t, list), h, body, verifiedAt); err != nil {
			t.Errorf("keys %q: %v", list, err)
		}
	}
	wantUnsigned(t, "two wrong keys", telnyx.Verify(keysOf(t, otherKey+","+otherKey), h, body, verifiedAt))
	wantUnsigned(t, "no key", telnyx.Verify(nil, h, body, verifiedAt))
}

func TestVerify_AcceptsTheFakesSignatures(t *testing.T) {
	t.Parallel()
	fake, body := telnyxtest.New(telnyxtest.Options{}), []byte(`{"data":{}}`)
	if err := telnyx.Verify(keysOf(t, fake.PublicKey()), fake.Sign(body, verifiedAt), body, verifiedAt); err != nil {
		t.Error(err)
	}
	wantUnsigned(t, "another account", telnyx.Verify(keysOf(t, publicKey), fake.Sign(body, verifiedAt), body, verifiedAt))
}

func TestVerify_RefusesMissingAndMalformedHeaders(t *testing.T) {
	t.Parallel()
	good, body := vectors[0].signature, vectors[0].body
	raw, err := base64.StdEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]http.Header{
		"no headers":              {},
		"no signature":            {telnyx.TimestampHeader: {signedAt}},
		"no timestamp":            {telnyx.SignatureHeader: {good}},
		"empty signature":         headers("", signedAt),
		"empty timestamp":         headers(good, ""),
		"hex signature":           headers(hex.EncodeToString(raw), signedAt),
		"base64url signature":     headers(base64.URLEncoding.EncodeToString(raw), signedAt),
		"unpadded signature":      headers(strings.TrimRight(good, "="), signedAt),
		"63 bytes":                headers(base64.StdEncoding.EncodeToString(raw[:63]), signedAt),
		"65 bytes":                headers(base64.StdEncoding.EncodeToString(append(raw[:64:64], 0)), signedAt),
		"64 zero bytes":           headers(base64.StdEncoding.EncodeToString(make([]byte, 64)), signedAt),
		"another body's":          headers(vectors[1].signature, signedAt),
		"two signatures":          headers(good+","+good, signedAt),
		"Twilio's header instead": {"X-Twilio-Signature": {good}, telnyx.TimestampHeader: {signedAt}},
	}
	for name, h := range tests {
		wantUnsigned(t, name, telnyx.Verify(keysOf(t, publicKey), h, []byte(body), verifiedAt))
	}
	wantUnsigned(t, "wrong key", telnyx.Verify(keysOf(t, otherKey), headers(good, signedAt), []byte(body), verifiedAt))
}

func TestVerify_RefusesATimestampThatIsNotTheSignedOne(t *testing.T) {
	t.Parallel()
	for _, timestamp := range []string{"1700000001", "1699999999", "01700000000", "+1700000000", "1700000000.0", " 1700000000", "1700000000 "} {
		err := telnyx.Verify(keysOf(t, publicKey), headers(vectors[0].signature, timestamp), []byte(vectors[0].body), verifiedAt)
		wantUnsigned(t, fmt.Sprintf("timestamp %q", timestamp), err)
	}
}

// Even what the right key has signed is refused when its timestamp does not lie near now.
func TestVerify_RefusesASignedTimestampThatIsNoTime(t *testing.T) {
	t.Parallel()
	for _, timestamp := range []string{
		"now", "1700000000.0", "1.7e9", "0x6553f100", "1_700_000_000", " 1700000000", "1700000000 ", "-1700000000", "0", "-1",
		"1700000000000", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "99999999999999999999", "2023-11-14T22:13:20Z",
	} {
		err := telnyx.Verify(keysOf(t, publicKey), headers(sign(t, timestamp, "{}"), timestamp), []byte("{}"), verifiedAt)
		wantUnsigned(t, fmt.Sprintf("signed timestamp %q", timestamp), err)
	}
}

func TestVerify_HoldsForFiveMinutesEitherWay(t *testing.T) {
	t.Parallel()
	for offset, held := range map[time.Duration]bool{
		0: true, 299 * time.Second: true, 300 * time.Second: true, -299 * time.Second: true, -300 * time.Second: true,
		300*time.Second + time.Nanosecond: false, -300*time.Second - time.Nanosecond: false,
		301 * time.Second: false, -301 * time.Second: false, 24 * time.Hour: false, -24 * time.Hour: false,
	} {
		err := telnyx.Verify(keysOf(t, publicKey), headers(vectors[0].signature, signedAt), []byte(vectors[0].body), verifiedAt.Add(offset))
		if held && err != nil {
			t.Errorf("%v after it was signed: %v", offset, err)
		}
		if !held {
			wantUnsigned(t, fmt.Sprintf("%v after it was signed", offset), err)
		}
	}
}

func TestVerify_RefusesEverySingleBitFlip(t *testing.T) {
	t.Parallel()
	keys, v, flips := keysOf(t, publicKey), vectors[0], 0
	for part, original := range map[string]string{"body": v.body, "signature": v.signature, "timestamp": signedAt} {
		for bit := range len(original) * 8 {
			values := map[string]string{"body": v.body, "signature": v.signature, "timestamp": signedAt}
			values[part] = flip(original, bit)
			err := telnyx.Verify(keys, headers(values["signature"], values["timestamp"]), []byte(values["body"]), verifiedAt)
			wantUnsigned(t, fmt.Sprintf("bit %d of the %s", bit, part), err)
			flips++
		}
	}
	if flips < 600 {
		t.Errorf("only %d flips were tried", flips)
	}
}

func flip(s string, bit int) string {
	b := []byte(s)
	b[bit/8] ^= 1 << (bit % 8)
	return string(b)
}

func TestVerify_TellsTheReasonAndNoneOfTheValues(t *testing.T) {
	t.Parallel()
	const body = `{"text":"my child is allergic"}`
	good := sign(t, signedAt, body)
	for name, h := range map[string]http.Header{
		"missing": headers("", signedAt), "not a number": headers(good, "17000-00000"), "too far": headers(good, "1600000000"),
		"malformed": headers("sig-not-base64", signedAt), "no known key": headers(vectors[1].signature, signedAt),
	} {
		err := telnyx.Verify(keysOf(t, publicKey), h, []byte(body), verifiedAt)
		if err == nil || !strings.Contains(err.Error(), telnyx.ErrSignature.Error()+": ") {
			t.Errorf("%s: %v, want a reason", name, err)
		}
		for _, leak := range []string{"allergic", good, vectors[1].signature, "sig-not-base64", signedAt, "17000-00000", "1600000000", publicKey} {
			if strings.Contains(fmt.Sprintf("%v %+v", err, err), leak) {
				t.Errorf("%s: the error tells %q: %v", name, leak, err)
			}
		}
	}
}

func TestPublicKeys_AreReadInThePortalsFormOnly(t *testing.T) {
	t.Parallel()
	raw, err := base64.StdEncoding.DecodeString(publicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, good := range []string{publicKey, " " + publicKey + "\n"} {
		if _, err := telnyx.ParsePublicKey(good); err != nil {
			t.Errorf("ParsePublicKey(%q): %v", good, err)
		}
	}
	for _, bad := range []string{
		"", " ", "key", hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw[:31]), base64.StdEncoding.EncodeToString(append(raw[:32:32], 0)),
		base64.RawStdEncoding.EncodeToString(raw), publicKey + "," + publicKey, "-----BEGIN PUBLIC KEY-----", strings.Replace(publicKey, "URo=", "URp=", 1),
	} {
		if _, err := telnyx.ParsePublicKey(bad); !errors.Is(err, telnyx.ErrPublicKey) {
			t.Errorf("ParsePublicKey(%q) = %v, want ErrPublicKey", bad, err)
		}
	}
	for _, bad := range []string{"", ",", publicKey + ",", "," + publicKey, publicKey + ";" + otherKey} {
		var keys telnyx.PublicKeys
		if err := keys.UnmarshalText([]byte(bad)); !errors.Is(err, telnyx.ErrPublicKey) {
			t.Errorf("the list %q = %v, want ErrPublicKey", bad, err)
		}
	}
}

func TestPublicKeys_AListReplacesTheOneBefore(t *testing.T) {
	t.Parallel()
	keys := keysOf(t, publicKey+","+otherKey)
	if len(keys) != 2 || keys[0] == keys[1] {
		t.Fatalf("%d keys", len(keys))
	}
	if err := keys.UnmarshalText([]byte(otherKey)); err != nil || len(keys) != 1 {
		t.Errorf("%d keys, %v; want the second list alone", len(keys), err)
	}
}

func FuzzVerify(f *testing.F) {
	for _, v := range vectors {
		f.Add([]byte(v.body), v.signature, signedAt)
		f.Add([]byte(v.body+" "), v.signature, signedAt)
	}
	f.Add([]byte("{}"), "", "")
	f.Add([]byte{0xff, 0}, strings.Repeat("A", 86)+"==", "-9223372036854775808")
	keys, now := keysOf(f, otherKey+","+publicKey), strconv.FormatInt(verifiedAt.Unix(), 10)
	f.Fuzz(func(t *testing.T, body []byte, signature, timestamp string) {
		err := telnyx.Verify(keys, headers(signature, timestamp), body, verifiedAt)
		if err != nil {
			wantUnsigned(t, "arbitrary", err)
		} else if !isVector(string(body), timestamp) {
			t.Errorf("accepted %q at %q, which nobody signed", body, timestamp)
		}
		own := headers(sign(t, now, string(body)), now)
		if err := telnyx.Verify(keys, own, body, verifiedAt); err != nil {
			t.Errorf("a good signature of %q: %v", body, err)
		}
		wantUnsigned(t, "one byte more", telnyx.Verify(keys, own, append(body[:len(body):len(body)], 'x'), verifiedAt))
	})
}

func isVector(body, timestamp string) bool {
	for _, v := range vectors {
		if v.body == body && timestamp == signedAt {
			return true
		}
	}
	return false
}
