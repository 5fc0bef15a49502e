package gmail

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// A mail whose base64url has both of the letters that only it has, and when it was received.
const (
	mailText = "From: a\r\n\r\nH>>>???x"
	received = 1772133235749
)

var parts = []string{
	`"id":"18c0"`, `"threadId" : "18bf"`, `"labelIds":["INBOX","Label_7"]`, `"raw":"` + base64.URLEncoding.EncodeToString([]byte(mailText)) + `"`,
	`"internalDate":"1772133235749"`, `"sizeEstimate":42`, `"payload":{"headers":[{"name":"raw","value":"}]\""},[],{}],"n":[1,-2.5e3,true,null]}`,
}

func wanted(t *testing.T, what, content string) {
	t.Helper()
	for _, r := range []io.Reader{strings.NewReader(content), iotest.OneByteReader(strings.NewReader(content)), iotest.DataErrReader(strings.NewReader(content))} {
		m, err := scan(r, 1<<20)
		if err != nil || m.ID != "18c0" || m.ThreadID != "18bf" || strings.Join(m.Labels, " ") != "INBOX Label_7" || string(m.Raw) != mailText || m.Size != 42 ||
			!m.Received.Equal(time.UnixMilli(received)) || m.Truncated {
			t.Errorf("%s: %+v, %v", what, m, err)
		}
	}
}

func TestScan_TakesTheFieldsInAnyOrder(t *testing.T) {
	t.Parallel()
	for i := range parts {
		turned := append(append([]string{}, parts[i:]...), parts[:i]...)
		wanted(t, fmt.Sprint("from ", i), "{"+strings.Join(turned, ",")+"}")
		wanted(t, fmt.Sprint("spaced, from ", i), " {\n "+strings.Join(turned, "\n , ")+"\r\n}\n")
	}
}

func TestScan_TakesEscapesAndBothAlphabets(t *testing.T) {
	t.Parallel()
	whole := "{" + strings.Join(parts, ",") + "}"
	encoded := base64.URLEncoding.EncodeToString([]byte(mailText))
	for what, raw := range map[string]string{
		"no padding":   base64.RawURLEncoding.EncodeToString([]byte(mailText)),
		"the other":    base64.StdEncoding.EncodeToString([]byte(mailText)),
		"with slashes": strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(mailText)), "/", `\/`),
		"each escaped": escaped(encoded),
		"lines":        encoded[:4] + `\r\n` + encoded[4:],
	} {
		wanted(t, what, strings.Replace(whole, encoded, raw, 1))
	}
	wanted(t, "an escaped key", strings.Replace(whole, `"raw"`, `"\u0072aw"`, 1))
	m, err := scan(strings.NewReader(`{"id":"\ud83d\ude00\u00fc\n\"","raw":""}`), 1)
	if err != nil || m.ID != "😀ü\n\"" || m.Truncated || len(m.Raw) != 0 {
		t.Errorf("%q, %v", m.ID, err)
	}
}

func escaped(s string) string {
	var b strings.Builder
	for _, c := range s {
		fmt.Fprintf(&b, `\u%04x`, c)
	}
	return b.String()
}

func TestScan_TakesNothingThatIsCutOrNoMessage(t *testing.T) {
	t.Parallel()
	whole := "{" + strings.Join(parts, ",") + "}"
	for end := range len(whole) {
		if m, err := scan(strings.NewReader(whole[:end]), 5); !errors.Is(err, errUnreadable) {
			t.Fatalf("cut after %d bytes: %+v, %v; want that it cannot be read", end, m, err)
		}
	}
	for _, garbage := range []string{
		"", "null", "[]", `"raw"`, "{}", `{"id":"1"}`, `{"raw":null}`, `{"raw":7}`, `{"raw":"a"}`, `{"raw":"!!!!"}`, `{"raw":"QQ","raw":"QQ"}`, `{"raw":"QQ",}`, `{,"raw":"QQ"}`,
		`{"raw" "QQ"}`, `{"raw":"QQ" "id":"1"}`, `{raw:"QQ"}`, `{"raw":"Q` + "\n" + `Q"}`, `{"raw":"\q"}`, `{"raw":"QQ","x":}`, `{"raw":"QQ","x":]}`, `{"raw":"QQ","x":[}}`, `{"raw":"QQ","x":,}`,
		`{"raw":"QQ","internalDate":"soon"}`, `{"raw":"QQ","internalDate":-1}`, `{"raw":"QQ","sizeEstimate":1e99}`, `{"raw":"QQ","sizeEstimate":` + strings.Repeat("1", 100) + `}`,
		`{"raw":"QQ","id":"` + strings.Repeat("1", maxText+1) + `"}`, `{"raw":"QQ","x":` + strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1) + `}`,
		`{"raw":"QQ","id":"\ud83d"}`, `{"raw":"QQ","id":"\u12"}`, `{"raw":"QQ","id":"\uZZZZ"}`,
	} {
		if m, err := scan(strings.NewReader(garbage), 100); !errors.Is(err, errUnreadable) {
			t.Errorf("%.60s: %+v, %v; want that it cannot be read", garbage, m, err)
		}
	}
	broken := errors.New("the connection broke")
	if _, err := scan(io.MultiReader(strings.NewReader(whole[:60]), iotest.ErrReader(broken)), 5); !errors.Is(err, broken) {
		t.Errorf("%v; want the connection's own error", err)
	}
}

// TestMessage_FiftyMegabytesCostAFew runs alone, or it would count what the others use.
func TestMessage_FiftyMegabytesCostAFew(t *testing.T) {
	const size, most = 50 << 20, 1 << 20
	chunk := strings.Repeat("QUJD", 4<<10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"snippet":"`)
		for range 5 << 20 / len(chunk) {
			_, _ = io.WriteString(w, chunk)
		}
		_, _ = io.WriteString(w, `","raw":"`)
		for range size / 3 * 4 / len(chunk) {
			_, _ = io.WriteString(w, chunk)
		}
		_, _ = io.WriteString(w, `","id":"18c0","internalDate":"1772133235749"}`)
	}))
	t.Cleanup(server.Close)
	c, err := NewClient(google.Config{Base: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	g := google.Grant{AccessToken: private.NewSecret("ya29.kept"), Expires: time.Now().Add(time.Hour)}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := c.Message(t.Context(), g, "18c0", most)
	runtime.ReadMemStats(&after)
	if err != nil || len(m.Raw) != most || !m.Truncated || string(m.Raw[most-3:]) != "BCA" || !m.Received.Equal(time.UnixMilli(received)) {
		t.Fatalf("%d bytes, truncated %t, %v", len(m.Raw), m.Truncated, err)
	}
	if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 16 { // it is 5, and 11 under the race detector
		t.Errorf("it cost %d MB; want a few at most, for the %d MB that were kept", used, most>>20)
	}
}

func FuzzScan(f *testing.F) {
	f.Add("{"+strings.Join(parts, ",")+"}", int64(5))
	f.Add(`{"raw":"QQ","x":[{}]}`, int64(0))
	f.Fuzz(func(t *testing.T, content string, most int64) {
		most = max(0, most%1000)
		m, err := scan(strings.NewReader(content), most)
		if err != nil && !errors.Is(err, errUnreadable) {
			t.Errorf("%v; want that it cannot be read", err)
		}
		if int64(len(m.Raw)) > most || len(m.ID) > 4*maxText {
			t.Errorf("%d bytes of mail, %d of an id", len(m.Raw), len(m.ID))
		}
	})
}
