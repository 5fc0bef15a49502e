// Package twilio is the wire side of legacy inbound texts: Twilio's webhook signature and its form. Nothing is sent with it.
//
// Contracts: twilio.com, "Validating requests" and "Twilio's request to your incoming message Webhook URL".
package twilio

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio's scheme is HMAC-SHA1
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// EmptyTwiML answers a webhook with no reply.
const EmptyTwiML = `<?xml version="1.0" encoding="UTF-8"?><Response></Response>`

// ErrSignature is in the chain of every error of Verify.
var ErrSignature = errors.New("the Twilio signature does not hold")

// Verify checks X-Twilio-Signature: base64 of HMAC-SHA1, under the account's auth token, of the address that Twilio called
// and of each POST parameter, sorted by name. Twilio signs ports inconsistently, so the address is tried with and without
// its default port. fault.Unauthenticated when none holds.
func Verify(token private.Secret, address string, form url.Values, signature string) error {
	if token.IsZero() || signature == "" {
		return unsigned()
	}
	for _, candidate := range withAndWithoutPort(address) {
		if hmac.Equal([]byte(Sign(token, candidate, form)), []byte(signature)) {
			return nil
		}
	}
	return unsigned()
}

func unsigned() error {
	return fault.Wrap(fault.Unauthenticated, ErrSignature, "the request is not signed by Twilio")
}

// Sign makes the signature of a request.
func Sign(token private.Secret, address string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(token.Reveal()))
	_, _ = mac.Write([]byte(address))
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range form[name] {
			_, _ = mac.Write([]byte(name + value))
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func withAndWithoutPort(address string) []string {
	u, err := url.Parse(address)
	if err != nil {
		return []string{address}
	}
	standard := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	with, without := *u, *u
	without.Host = u.Hostname()
	with.Host = u.Hostname() + ":" + standard
	if u.Port() != "" && u.Port() != standard {
		return []string{address, without.String()}
	}
	return []string{address, with.String(), without.String()}
}

// Inbound is a text as Twilio delivers it.
type Inbound struct {
	MessageSid, AccountSid string
	From, To               private.Phone
	Body                   private.Text
	NumMedia               int
	OptOutType             string // STOP, START or HELP when Twilio has answered already
}

// ParseInbound reads the form of an incoming message. The parts that can be read are returned with the error too.
// fault.Invalid when the message's id or a number is missing.
func ParseInbound(form url.Values) (Inbound, error) {
	m := Inbound{
		MessageSid: form.Get("MessageSid"), AccountSid: form.Get("AccountSid"), OptOutType: form.Get("OptOutType"),
		Body: private.NewText(strings.ToValidUTF8(strings.ReplaceAll(form.Get("Body"), "\x00", ""), "\uFFFD")),
	}
	m.NumMedia, _ = strconv.Atoi(form.Get("NumMedia"))
	m.NumMedia = max(m.NumMedia, 0)
	var fromErr, toErr error
	m.From, fromErr = private.ParsePhone(form.Get("From"))
	m.To, toErr = private.ParsePhone(form.Get("To"))
	if m.MessageSid == "" || fromErr != nil || toErr != nil {
		return m, fault.New(fault.Invalid, "the form is no incoming message: it needs MessageSid, From and To")
	}
	return m, nil
}
