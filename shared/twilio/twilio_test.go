package twilio_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/twilio"
)

const (
	theirToken   = "12345"
	theirAddress = "https://mycompany.com/myapp.php?foo=1&bar=2"
	theirSign    = "vOEb5UThFn24KEfnOFLQY2AE5FY="
	ourToken     = "test_token_0123456789abcdef012345"
	ourAddress   = "https://example.test/api/v1/sms/inbound"
	ourSign      = "lgsREsAn3kSBq3NrRueiLdyPYOw="
	ourBody      = "ToCountry=US&ToState=TX&SmsMessageSid=SM00000000000000000000000000000001&NumMedia=0&ToCity=&FromZip=77001" +
		"&SmsSid=SM00000000000000000000000000000001&FromState=TX&SmsStatus=received&FromCity=HOUSTON&Body=Hi+there&FromCountry=US&To=%2B15555550123" +
		"&ToZip=&NumSegments=1&MessageSid=SM00000000000000000000000000000001&AccountSid=AC00000000000000000000000000000001&From=%2B15555550199&ApiVersion=2010-04-01"
)

// theirForm is the example of Twilio's own libraries.
func theirForm() url.Values {
	return url.Values{
		"Digits": {"1234"}, "CallSid": {"CA1234567890ABCDE"}, "To": {"+18005551212"}, "Caller": {"+14158675309"}, "From": {"+14158675309"},
		"ReasonConferenceEnded": {"test"}, "Reason": {"Participant"},
	}
}

func form(t testing.TB, body string) url.Values {
	t.Helper()
	values, err := url.ParseQuery(body)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func verify(token, address string, form url.Values, signature string) error {
	return twilio.Verify(private.NewSecret(token), address, form, signature)
}

func wantUnsigned(t testing.TB, what string, err error) {
	t.Helper()
	if !errors.Is(err, twilio.ErrSignature) || fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("%s: Verify = %v, want ErrSignature and unauthenticated", what, err)
	}
}

func TestVerify_AcceptsWhatTwilioSigned(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, token, address string
		form                 url.Values
		signature            string
	}{
		{"Twilio's example", theirToken, theirAddress, theirForm(), theirSign},
		{"the same over http", theirToken, strings.Replace(theirAddress, "https", "http", 1), theirForm(), "n2xBNyzSW7rfYStDtOFiFMv7qNo="},
		{"a form body", theirToken, theirAddress, form(t, "property=value&boolean=true"), "NBdBDr/T/lgjI+tlgpXjKZQZs/k="},
		{
			"the address alone", theirToken, theirAddress + "&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620", nil,
			"a9nBmqA0ju/hNViExpshrM61xv4=",
		},
		{"an incoming text with empty values", ourToken, ourAddress, form(t, ourBody), ourSign},
	}
	for _, tt := range tests {
		if err := verify(tt.token, tt.address, tt.form, tt.signature); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := twilio.Sign(private.NewSecret(tt.token), tt.address, tt.form); got != tt.signature {
			t.Errorf("%s: Sign = %q, want %q", tt.name, got, tt.signature)
		}
	}
}

func TestVerify_RefusesEverythingElse(t *testing.T) {
	t.Parallel()
	without := theirForm()
	without.Del("Digits")
	more := theirForm()
	more.Set("Empty", "")
	renamed := theirForm()
	renamed.Set("Extra", "x")
	tests := []struct {
		name, token, address string
		form                 url.Values
		signature            string
	}{
		{"signed in another order", theirToken, theirAddress, theirForm(), "95+Bu0JVPi0r/SsESZCVf0dWAjw="},
		{"another token", theirToken + "6", theirAddress, theirForm(), theirSign},
		{"no token", "", theirAddress, theirForm(), theirSign},
		{"no token, signed with none", "", theirAddress, theirForm(), twilio.Sign(private.Secret{}, theirAddress, theirForm())},
		{"no signature", theirToken, theirAddress, theirForm(), ""},
		{"a lower case signature", theirToken, theirAddress, theirForm(), strings.ToLower(theirSign)},
		{"an unpadded signature", theirToken, theirAddress, theirForm(), strings.TrimRight(theirSign, "=")},
		{"two signatures", theirToken, theirAddress, theirForm(), theirSign + "," + theirSign},
		{"another scheme", theirToken, strings.Replace(theirAddress, "https", "http", 1), theirForm(), theirSign},
		{"another host", theirToken, strings.Replace(theirAddress, "mycompany", "another", 1), theirForm(), theirSign},
		{"another port", theirToken, strings.Replace(theirAddress, ".com", ".com:80", 1), theirForm(), "x" + theirSign},
		{"another query", theirToken, strings.TrimSuffix(theirAddress, "&bar=2"), theirForm(), theirSign},
		{"no address", theirToken, "", theirForm(), theirSign},
		{"an address that is none", theirToken, "https://mycompany.com:bad/%zz", theirForm(), theirSign},
		{"no form", theirToken, theirAddress, nil, theirSign},
		{"a parameter less", theirToken, theirAddress, without, theirSign},
		{"a parameter more", theirToken, theirAddress, renamed, theirSign},
		{"an empty value left out", ourToken, ourAddress, form(t, strings.Replace(ourBody, "&Body=Hi+there", "", 1)), ourSign},
	}
	for _, tt := range tests {
		wantUnsigned(t, tt.name, verify(tt.token, tt.address, tt.form, tt.signature))
	}
	wantUnsigned(t, "an empty parameter more", verify(theirToken, theirAddress, more, theirSign))
}

func TestVerify_TheDefaultPortMayBeSignedOrNot(t *testing.T) {
	t.Parallel()
	values, token := theirForm(), private.NewSecret(theirToken)
	const bare, with, plain, plainWith = "https://a.test/x?y=1", "https://a.test:443/x?y=1", "http://a.test/x", "http://a.test:80/x"
	for _, pair := range [][2]string{{bare, bare}, {bare, with}, {with, bare}, {with, with}, {plain, plainWith}, {plainWith, plain}} {
		if err := verify(theirToken, pair[0], values, twilio.Sign(token, pair[1], values)); err != nil {
			t.Errorf("%s signed as %s: %v", pair[0], pair[1], err)
		}
	}
	if err := verify(theirToken, "https://a.test:8443/x", values, twilio.Sign(token, "https://a.test/x", values)); err != nil {
		t.Errorf("a port of our own that was not signed: %v", err)
	}
	for _, pair := range [][2]string{{bare, "https://a.test:80/x?y=1"}, {bare, "https://a.test:8443/x?y=1"}, {"https://a.test:8443/x", "https://a.test:443/x"}, {plain, bare}} {
		wantUnsigned(t, pair[0]+" signed as "+pair[1], verify(theirToken, pair[0], values, twilio.Sign(token, pair[1], values)))
	}
}

func TestVerify_RefusesEverySingleBitFlip(t *testing.T) {
	t.Parallel()
	flips := 0
	for bit := range len(ourSign) * 8 {
		wantUnsigned(t, fmt.Sprintf("bit %d of the signature", bit), verify(ourToken, ourAddress, form(t, ourBody), flip(ourSign, bit)))
		flips++
	}
	for name, values := range form(t, ourBody) {
		for bit := range len(values[0]) * 8 {
			changed := form(t, ourBody)
			changed.Set(name, flip(values[0], bit))
			wantUnsigned(t, fmt.Sprintf("bit %d of %s", bit, name), verify(ourToken, ourAddress, changed, ourSign))
			flips++
		}
	}
	for bit := range len(ourToken) * 8 {
		wantUnsigned(t, fmt.Sprintf("bit %d of the token", bit), verify(flip(ourToken, bit), ourAddress, form(t, ourBody), ourSign))
		flips++
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

func TestVerify_TellsNoneOfTheValues(t *testing.T) {
	t.Parallel()
	err := verify(ourToken, ourAddress, form(t, ourBody), theirSign)
	for _, leak := range []string{ourToken, ourSign, theirSign, "Hi there", "5555550199", "5555550123"} {
		if strings.Contains(fmt.Sprintf("%v %+v %s", err, err, fault.PublicText(err)), leak) {
			t.Errorf("the error tells %q: %v", leak, err)
		}
	}
}

func TestEmptyTwiML_IsAnAnswerWithNothingInIt(t *testing.T) {
	t.Parallel()
	var answer struct {
		XMLName xml.Name
		Inner   string `xml:",innerxml"`
	}
	if err := xml.Unmarshal([]byte(twilio.EmptyTwiML), &answer); err != nil || answer.XMLName.Local != "Response" || answer.Inner != "" {
		t.Errorf("%+v, %v", answer, err)
	}
}

func TestParseInbound_ReadsTheForm(t *testing.T) {
	t.Parallel()
	base := twilio.Inbound{
		MessageSid: "SM1", AccountSid: "AC1", From: private.MustPhone("+15555550199"), To: private.MustPhone("+15555550123"), Body: private.NewText("Hi there"),
	}
	with := func(change func(*twilio.Inbound)) twilio.Inbound { m := base; change(&m); return m }
	const plain = "MessageSid=SM1&AccountSid=AC1&From=%2B15555550199&To=%2B15555550123"
	long := with(func(m *twilio.Inbound) {
		m.MessageSid, m.AccountSid = "SM00000000000000000000000000000001", "AC00000000000000000000000000000001"
	})
	tests := []struct {
		name, body string
		want       twilio.Inbound
		refused    bool
	}{
		{"a real one", ourBody, long, false},
		{"no text", plain, with(func(m *twilio.Inbound) { m.Body = private.Text{} }), false},
		{"pictures", plain + "&Body=Hi+there&NumMedia=2&MediaUrl0=https%3A%2F%2Fm.test%2F1", with(func(m *twilio.Inbound) { m.NumMedia = 2 }), false},
		{"less than no pictures", plain + "&Body=Hi+there&NumMedia=-3", base, false},
		{"pictures that are no number", plain + "&Body=Hi+there&NumMedia=two", base, false},
		{"an opt-out", plain + "&Body=STOP&OptOutType=STOP", with(func(m *twilio.Inbound) { m.Body, m.OptOutType = private.NewText("STOP"), "STOP" }), false},
		{"emoji and line ends", plain + "&Body=caf%C3%A9+%F0%9F%98%80%0A%26", with(func(m *twilio.Inbound) { m.Body = private.NewText("café 😀\n&") }), false},
		{"NUL", plain + "&Body=Hi+%00there", base, false},
		{"no UTF-8", plain + "&Body=Hi%FF", with(func(m *twilio.Inbound) { m.Body = private.NewText("Hi\uFFFD") }), false},
		{"a status report", "MessageSid=SM1&AccountSid=AC1&MessageStatus=delivered", twilio.Inbound{MessageSid: "SM1", AccountSid: "AC1"}, true},
		{"nothing", "", twilio.Inbound{}, true},
		{"no id", strings.Replace(plain, "MessageSid=SM1&", "", 1) + "&Body=Hi+there", with(func(m *twilio.Inbound) { m.MessageSid = "" }), true},
		{"the old name of the id alone", strings.Replace(plain, "MessageSid", "SmsSid", 1) + "&Body=Hi+there", with(func(m *twilio.Inbound) { m.MessageSid = "" }), true},
		{"from a short code", strings.Replace(plain, "%2B15555550199", "24273", 1) + "&Body=Hi+there", with(func(m *twilio.Inbound) { m.From = private.Phone{} }), true},
		{"to nobody", strings.Replace(plain, "%2B15555550123", "", 1) + "&Body=Hi+there", with(func(m *twilio.Inbound) { m.To = private.Phone{} }), true},
		{"another channel", strings.Replace(plain, "From=", "From=whatsapp%3A", 1) + "&Body=Hi+there", with(func(m *twilio.Inbound) { m.From = private.Phone{} }), true},
		{"a plus that became a space", strings.Replace(plain, "From=%2B", "From=+", 1) + "&Body=Hi+there", with(func(m *twilio.Inbound) { m.From = private.Phone{} }), true},
	}
	for _, tt := range tests {
		got, err := twilio.ParseInbound(form(t, tt.body))
		if (err != nil) != tt.refused || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want refused: %v", tt.name, err, tt.refused)
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(private.Phone{}, private.Text{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if err != nil && (strings.Contains(err.Error(), "Hi there") || strings.Contains(err.Error(), "5555550")) {
			t.Errorf("%s: the error tells the message: %v", tt.name, err)
		}
	}
}

func FuzzParseInbound(f *testing.F) {
	for _, body := range []string{ourBody, "", "MessageSid=SM1&From=%2B15555550199&To=%2B15555550123&Body=%FF%00&NumMedia=99999999999999999999", "From=a&From=b;To=%zz"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		values, _ := url.ParseQuery(body)
		m, err := twilio.ParseInbound(values)
		if complete := m.MessageSid != "" && !m.From.IsZero() && !m.To.IsZero(); complete != (err == nil) {
			t.Errorf("complete %v, error %v", complete, err)
		}
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v is not invalid", err)
		}
		if text := m.Body.Reveal(); !utf8.ValidString(text) || strings.Contains(text, "\x00") || m.NumMedia < 0 {
			t.Errorf("%q with %d pictures cannot be stored", text, m.NumMedia)
		}
	})
}

func FuzzVerify(f *testing.F) {
	f.Add(ourAddress, ourBody, ourSign)
	f.Add(theirAddress, "a=1&a=2&b=", "")
	f.Add("https://[::1]:443/%2f", "%zz", "=")
	f.Add(":", "", strings.Repeat("A", 27)+"=")
	token := private.NewSecret(ourToken)
	f.Fuzz(func(t *testing.T, address, body, signature string) {
		values, _ := url.ParseQuery(body)
		right := twilio.Sign(token, address, values)
		if err := twilio.Verify(token, address, values, right); err != nil {
			t.Errorf("a good signature of %q with %q: %v", address, body, err)
		}
		wantUnsigned(t, "one character more", twilio.Verify(token, address, values, right+"A"))
		wantUnsigned(t, "another token", twilio.Verify(private.NewSecret("another"), address, values, right))
		if err := twilio.Verify(token, address, values, signature); err != nil {
			wantUnsigned(t, "arbitrary", err)
		} else if signature != right && !strings.Contains(address, ":") {
			t.Errorf("accepted %q of %q with %q, which nobody signed", signature, address, body)
		}
	})
}
