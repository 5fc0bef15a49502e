// Package telnyx is the wire side of Telnyx messaging: webhook signatures, messaging events, sending a text and finding out
// what became of one. It retries nothing: Telnyx has no idempotency key, so a repeated send is a second text.
//
// Contracts: developers.telnyx.com, "Receiving Webhooks for Messaging", "Messages" and "Messaging Error Code Reference".
package telnyx

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// The headers of a signed webhook.
const (
	SignatureHeader = "Telnyx-Signature-Ed25519"
	TimestampHeader = "Telnyx-Timestamp"
)

// Tolerance is how far the timestamp of a signature may lie from now, either way.
const Tolerance = 5 * time.Minute

// PublicKey verifies what one Telnyx account signs.
type PublicKey struct{ key string } // the 32 raw bytes; a string, so that keys compare

// ErrPublicKey is the answer to anything that is not a key as Telnyx's portal shows it.
var ErrPublicKey = errors.New("a Telnyx public key is 32 bytes in base64, as the portal shows it")

// ParsePublicKey reads a key in the portal's form: standard base64 of 32 bytes.
func ParsePublicKey(s string) (PublicKey, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(s))
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return PublicKey{}, ErrPublicKey
	}
	return PublicKey{string(raw)}, nil
}

// PublicKeys are the keys of one or several accounts.
type PublicKeys []PublicKey

// UnmarshalText reads a comma separated list.
func (ks *PublicKeys) UnmarshalText(text []byte) error {
	*ks = nil
	for part := range strings.SplitSeq(string(text), ",") {
		key, err := ParsePublicKey(part)
		if err != nil {
			return err
		}
		*ks = append(*ks, key)
	}
	return nil
}

// ErrSignature is in the chain of every error of Verify.
var ErrSignature = errors.New("the Telnyx signature does not hold")

// Verify checks that one of keys signed timestamp and body within Tolerance of now: Ed25519 over "timestamp|body", byte for
// byte. The error is fault.Unauthenticated; its cause names the reason and none of the values.
func Verify(keys PublicKeys, h http.Header, body []byte, now time.Time) error {
	signature, timestamp := h.Get(SignatureHeader), h.Get(TimestampHeader)
	if signature == "" || timestamp == "" {
		return unsigned("a signature header is missing")
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return unsigned("the timestamp is not a number")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > Tolerance || age < -Tolerance {
		return unsigned("the timestamp is too far from now")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(signature)
	if err != nil || len(raw) != ed25519.SignatureSize {
		return unsigned("the signature is malformed")
	}
	signed := make([]byte, 0, len(timestamp)+1+len(body))
	signed = append(append(append(signed, timestamp...), '|'), body...)
	for _, k := range keys {
		if ed25519.Verify(ed25519.PublicKey(k.key), signed, raw) {
			return nil
		}
	}
	return unsigned("no known key made the signature")
}

func unsigned(reason string) error {
	return fault.Wrap(fault.Unauthenticated, fmt.Errorf("%w: %s", ErrSignature, reason), "the request is not signed by Telnyx")
}
