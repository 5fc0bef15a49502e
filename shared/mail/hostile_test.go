package mail_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jhillyerd/enmime/v2"

	"github.com/chattercheatah/chattercheatah/shared/mail"
)

// checkClean holds what is true of every mail: bounds, valid UTF-8, nothing that nobody sees.
func checkClean(t testing.TB, m *mail.Message) {
	t.Helper()
	said, whole := m.Said.Reveal(), m.Whole.Reveal()
	if utf8.RuneCountInString(said) > mail.MaxText || utf8.RuneCountInString(whole) > mail.MaxWhole || utf8.RuneCountInString(m.Subject) > 500 {
		t.Errorf("too long: Said %d, Whole %d, Subject %d", len(said), len(whole), len(m.Subject))
	}
	if whole != "" && said == "" {
		t.Error("Said is empty and Whole is not")
	}
	for _, s := range []string{said, whole, m.Subject, m.From.Name, m.ReplyTo.Name} {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
			return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == 0xE000 || r == 0xE001
		}) {
			t.Errorf("not clean: %q", s)
		}
	}
	if strings.ContainsAny(m.Subject+m.From.Name+m.MessageID+m.InReplyTo+strings.Join(m.References, ""), "\r\n") {
		t.Errorf("a field has a line break: %q, %q", m.Subject, m.From.Name)
	}
	if len(m.Attachments) > 100 || len(m.To) > 100 || len(m.Cc) > 100 || len(m.References) > 50 {
		t.Error("a list is not bounded")
	}
}

// hostile are mails that cost a careless reader time or memory out of proportion, each of n bytes or so, with the words "the words" in them where
// they can be found.
func hostile(n int) map[string]string {
	const head = "From: pat@customer.test\r\nSubject: x\r\n"
	var nested strings.Builder
	nested.WriteString(head)
	for i := range n / 100 {
		fmt.Fprintf(&nested, "Content-Type: multipart/mixed; boundary=\"boundary-number-%d\"\r\n\r\n--boundary-number-%d\r\n", i, i)
	}
	same := head + strings.Repeat("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", n/45)
	many := func(part string) string {
		return head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nthe words\r\n" + strings.Repeat(part, n/len(part)) + "\r\n--b--\r\n"
	}
	deep := func(unit string) string {
		var out strings.Builder
		for i := range 30 {
			fmt.Fprintf(&out, "Content-Type: multipart/mixed; boundary=%d-\r\n\r\n--%d-\r\n", i, i)
		}
		return head + out.String() + strings.Repeat(unit, n/len(unit))
	}
	html := head + "Content-Type: text/html\r\n\r\nthe words"
	fill := func(before, unit, after string) string { return before + strings.Repeat(unit, n/len(unit)) + after }
	return map[string]string{
		"nested": nested.String(), "nested with one boundary": same,
		"empty parts": many("\r\n--b"), "parts with headers": many("\r\n--b\r\nA: b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nx"),
		"boundaries in one line": many("--b "), "boundaries that are none": many("\r\n--bb"),
		"headers":                  fill(head, "X-Junk-Header: "+strings.Repeat("y", 60)+"\r\n", "From: late@customer.test\r\n\r\nthe words"),
		"one header":               fill(head+"X-Junk: ", "y", "\r\n\r\nthe words"),
		"a folded header":          fill("Subject: x", "\r\n y", "\r\n\r\nthe words"),
		"many readable headers":    fill(head, "To: a@b.test\r\nCc: c@d.test\r\n", "\r\nthe words"),
		"header names":             fill(head, "a:\r\n", "\r\nthe words"),
		"colons":                   fill(head+"\r\nthe words\n", ":", ""),
		"one line":                 fill(head+"\r\nthe words ", "a", ""),
		"empty lines":              fill(head+"\r\nthe words", "\n", ""),
		"quote signs":              fill(head+"\r\nthe words\n", ">", ""),
		"lines of quote signs":     fill(head+"\r\nthe words\n", ">\n", ""),
		"attributions":             fill(head+"\r\nthe words\n", "On 2026 a\n", ""),
		"attribution in one line":  fill(head+"\r\nthe words\nOn ", "wrote 2026 ", ":"),
		"From lines":               fill(head+"\r\nthe words\n", "From: a\n", ""),
		"signatures":               fill(head+"\r\nthe words\n", "-- \n\n", ""),
		"sent from":                fill(head+"\r\nthe words\n", "Sent from my iPhone iPhone iPhone\n", ""),
		"opened elements":          fill(html, "<div>", ""),
		"opened quotes":            fill(html+"\n", "<blockquote>a", ""),
		"closed elements":          fill(html, "<b></i>", ""),
		"hidden elements":          fill(html, "<p style='display:none'>", ""),
		"attributes":               fill(html+"<p ", "a=b ", ">"),
		"a comment":                fill(html+"<!--", "-", ""),
		"entities":                 fill(html, "&#", ""),
		"angle brackets":           fill(html, "<", ""),
		"cells":                    fill(html, "<td>a</td>", ""),
		"encoded words":            fill("From: pat@customer.test\r\nSubject: ", "=?utf-8?q?", "\r\n\r\nthe words"),
		"encoded words in folds":   fill("From: pat@customer.test\r\nSubject: x", "\r\n =?utf-8?q?a?=", "\r\n\r\nthe words"),
		"addresses":                fill("From: ", "<a@b.test>, ", "\r\nSubject: x\r\n\r\nthe words"),
		"angles in addresses":      fill("From: ", "<", "\r\nSubject: x\r\n\r\nthe words"),
		"comments in addresses":    fill("From: ", "(", "\r\nSubject: x\r\n\r\nthe words"),
		"quotes in addresses":      fill("From: ", `"\`, "\r\nSubject: x\r\n\r\nthe words"),
		"references":               fill("References: ", "<a@b.test> ", "\r\nSubject: x\r\n\r\nthe words"),
		"parameters":               fill(head+"Content-Type: text/plain", "; a=b", "\r\n\r\nthe words"),
		"quotes in parameters":     fill(head+`Content-Type: text/plain; a="`, `\"`, "\r\n\r\nthe words"),
		"bytes that are no base64": fill(head+"Content-Transfer-Encoding: base64\r\n\r\ndGhlIHdvcmRz\r\n", "\xff", ""),
		"equals signs":             fill(head+"Content-Transfer-Encoding: quoted-printable\r\n\r\nthe words", "=", ""),
		"blanks after equals":      fill(head+"Content-Transfer-Encoding: quoted-printable\r\n\r\nthe words=", " ", "x"),
		"bytes that are no base64 under a folded name": fill(head+"Content-Transfer-Encoding:\r\n base64\r\n\r\n", "\xff\n", ""),
		"bytes that are no quoted-printable":           fill(head+"Content-Transfer-Encoding: quoted-printable\r\n\r\nthe words", "sch\xf6ne ", ""),
		"line feeds in nested parts":                   deep("\n-"), "a line in nested parts": deep("a"), "header names in nested parts": deep("a:\r\n"),
		"nested parts beside each other": many("\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n"),
		"a calendar":                     fill(head+"Content-Type: text/calendar\r\n\r\n", "METHOD:\n", ""),
	}
}

// Sixteen times as much may take sixteen times as long; what is quadratic takes 256 times. The slack is for a busy machine. It does not run beside
// other tests, whose allocations it would count.
func TestParse_HostileMailsCostInProportionToTheirSize(t *testing.T) {
	const small, big = 1 << 16, 1 << 20
	little := hostile(small)
	for name, raw := range hostile(big) {
		quick, _ := cost(t, little[name])
		slow, allocated := cost(t, raw)
		if slow > 48*quick+500*time.Millisecond {
			t.Errorf("%s: %v for %d bytes and %v for %d", name, quick, len(little[name]), slow, len(raw))
		}
		if allocated > 32*uint64(len(raw)) {
			t.Errorf("%s: %d bytes were allocated for a mail of %d", name, allocated, len(raw))
		}
	}
}

// cost is the time and the memory of reading a mail and a form in it.
func cost(t *testing.T, raw string) (time.Duration, uint64) {
	t.Helper()
	given := []byte(strings.Replace(raw, "Subject: x\r\n", "Subject: form\r\n", 1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	m, err := mail.Parse(given)
	if err != nil {
		t.Fatal(err)
	}
	m.Form([]string{"form"})
	spent := time.Since(start)
	runtime.ReadMemStats(&after)
	checkClean(t, m)
	return spent, after.TotalAlloc - before.TotalAlloc
}

func TestParse_TheWordsAreFoundInHostileMails(t *testing.T) {
	t.Parallel()
	for name, raw := range hostile(100_000) {
		m, err := mail.Parse([]byte(raw))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(raw, "the words") && !strings.Contains(m.Whole.Reveal(), "the words") {
			t.Errorf("%s: the words are not found", name)
		}
	}
}

func TestParse_NothingIsAnErrorWithoutItsWords(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "\r\n\r\n", " \t\n"} {
		if m, err := mail.Parse([]byte(raw)); !errors.Is(err, mail.ErrEmpty) || m != nil {
			t.Errorf("Parse(%q) = %v, %v", raw, m, err)
		}
	}
}

func TestParse_FiftyMegabytesAreReadFromTheirFirstFour(t *testing.T) {
	var raw bytes.Buffer
	raw.WriteString("From: Pat <pat@customer.test>\r\nSubject: Photos\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHere are the photos.\r\n" +
		"--b\r\nContent-Type: image/jpeg; name=a.jpg\r\nContent-Disposition: attachment; filename=a.jpg\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	row := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("x"), 57)) + "\r\n"
	for raw.Len() < 50<<20 {
		raw.WriteString(row)
	}
	raw.WriteString("--b--\r\n")
	for _, given := range [][]byte{raw.Bytes()[:mail.MaxRaw], raw.Bytes()} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := mail.Parse(given)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		if m.Said.Reveal() != "Here are the photos." || len(m.Attachments) != 1 || m.Attachments[0].Type != "image/jpeg" || m.Attachments[0].Size < 3_000_000 {
			t.Errorf("read as %q with %v", m.Said.Reveal(), m.Attachments)
		}
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 4*mail.MaxRaw { // half of it without the race detector
			t.Errorf("%d bytes were allocated for a mail of %d", spent, len(given))
		}
	}
}

// What a library does not survive is read as plain text.
func TestParse_APanicOverThePartsLeavesTheFieldsAndThePlainText(t *testing.T) {
	t.Parallel()
	const raw = "From: Pat <pat@customer.test>\r\nSubject: Hours\r\nAuto-Submitted: auto-replied\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\n\r\nthe words\r\n--b--\r\n"
	for name, fail := range map[string]func() error{
		"panic": func() error { panic("the words") },
		"error": func() error { return errors.New("the words") },
	} {
		m, err := mail.ParseWith([]byte(raw), func(r io.Reader, types enmime.CustomParseMediaType) (*enmime.Part, error) {
			all, err := io.ReadAll(r)
			if err != nil || bytes.Contains(all, []byte("the words")) {
				return nil, fail()
			}
			return mail.Read(bytes.NewReader(all), types)
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.From.Email != "pat@customer.test" || m.Subject != "Hours" || m.Automatic != mail.AutoSubmitted {
			t.Errorf("%s: the fields are %+v", name, m)
		}
		if got, want := m.Whole.Reveal(), "--b\n\nthe words\n--b--"; got != want {
			t.Errorf("%s: the text is %q, want %q", name, got, want)
		}
	}
}

// A reader that fails whatever it is given leaves the text alone.
func TestParse_AReaderThatAlwaysPanicsLeavesTheText(t *testing.T) {
	t.Parallel()
	m, err := mail.ParseWith([]byte("Subject: x\n\nthe words"), func(io.Reader, enmime.CustomParseMediaType) (*enmime.Part, error) { panic("broken") })
	if err != nil || m.Whole.Reveal() != "the words" || m.Subject != "" {
		t.Errorf("read as %+v, %v", m, err)
	}
}

// The first parts of a mail with too many are read as parts, and what is nested too deep as text.
func TestParse_BeyondTheBoundsTheFirstPartsAreStillRead(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]string{
		"parts":      strings.Repeat("--b\nContent-Type: image/png\n\nx\n", 600),
		"multiparts": strings.Repeat("--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\nContent-Type: image/png\n\nx\n--c--\n", 20),
		"a header":   "--b\n" + strings.Repeat("X-Junk: "+strings.Repeat("y", 60)+"\n", 10_000) + "\nlast\n",
		"no base64":  "--b\nContent-Transfer-Encoding:\n base64\n\n" + strings.Repeat("!!!\n", 100_000),
	} {
		m := parse(t, "From: pat@x.test\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nthe words\n"+more+"--b--\n")
		if first, _, _ := strings.Cut(m.Whole.Reveal(), "\n"); first != "the words" {
			t.Errorf("%s: the text begins with %q", name, first)
		}
	}
}

// The base64 of an attachment, or of the text, may end or be broken anywhere.
func TestParse_BrokenBase64LosesNothingElse(t *testing.T) {
	t.Parallel()
	for _, broken := range []string{"A", "AAAAA", "AAAA=AAAAA", "\xc3\xa9AAAA", "-_-_", "", "="} {
		m := parse(t, "From: pat@x.test\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\ndGhlIHdvcmRz\n"+
			"--b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\n"+broken+"\n--b\n\nand more\n--b--\n")
		if got := m.Whole.Reveal(); got != "the words\n\nand more" || len(m.Attachments) != 1 {
			t.Errorf("%q: read as %q with %v", broken, got, m.Attachments)
		}
	}
}

// A transfer encoding of the whole, which RFC 2045 6.4 forbids, or one that nothing has, leaves the words.
func TestParse_WordsThatAreCalledBase64AreRead(t *testing.T) {
	t.Parallel()
	const head = "From: pat@x.test\nContent-Transfer-Encoding: BASE64\nContent-Type: "
	for _, rest := range []string{
		"multipart/mixed; boundary=b\n\n--b\n\nIs it - the pool, that is - open?\n--b--\n",
		"text/plain\n\nIs it - the pool, that is - open?\n",
		"text/html\n\n<i>Is it</i> - the pool, that is - open?\n",
	} {
		if got := parse(t, head+rest).Whole.Reveal(); got != "Is it - the pool, that is - open?" {
			t.Errorf("%q: read as %q", rest, got)
		}
	}
}
