package mail

import (
	"bytes"
	"io"
	"mime"
	"net/textproto"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// header holds the fields of a mail by their name in lower case: unfolded, otherwise as they were sent, in the order of the mail.
type header map[string][]string

const (
	maxValue  = 16 << 10 // bytes of a field's value that are read
	maxFields = 20       // fields of one name that are read
)

// fields is what is read of all.
func fields(all textproto.MIMEHeader) header {
	h := make(header, len(all))
	for name, values := range all {
		for _, value := range values[:min(len(values), maxFields)] {
			name = strings.ToLower(name)
			h[name] = append(h[name], strings.TrimSpace(value[:min(len(value), maxValue)]))
		}
	}
	return h
}

// first is the first field of that name, or "".
func (h header) first(name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

var (
	named = regexp.MustCompile(`^[!-9;-~]{1,78}[ \t]*:`)                 // how a field begins
	blank = regexp.MustCompile(`\n\r?\n`)                                // what ends them
	odd   = regexp.MustCompile(`(?m)^(?:[^!-~ \t\r\n]|[!-9;-~]+[^!-~])`) // a line that neither is a field nor goes on with one
)

// split parts the fields at the beginning of raw from what follows the blank line after them. Where no field comes first all of raw is the
// body, and where no blank line comes the body begins at the first line that is no field.
func split(raw []byte) (head, body []byte) {
	if bytes.HasPrefix(raw, []byte("From ")) { // which is how a mailbox file begins a mail
		_, raw, _ = bytes.Cut(raw, []byte("\n"))
	}
	if !named.Match(raw) {
		return nil, raw
	}
	if at := blank.FindIndex(raw); at != nil {
		return raw[:at[0]], raw[at[1]:]
	}
	if at := odd.FindIndex(raw); at != nil {
		return raw[:at[0]], raw[at[0]:]
	}
	return raw, nil
}

// word is the beginning of an encoded word of RFC 2047: its charset, which RFC 2231 lets a language follow.
var word = regexp.MustCompile(`=\?([A-Za-z0-9_.:\-]{1,40})(?:\*[A-Za-z-]{0,20})?\?([bBqQ])\?`)

// decodeWords reads the encoded words of a field and returns one clean line. What is no good word stays as it is. Many a sender cuts characters
// in two: the beginning of one at the end of a word goes with the next. A mark, which is no part of any clean line, keeps the standard library
// from decoding some charsets itself.
func decodeWords(s string) string {
	const mark = string(markQuote)
	var begun []byte
	words := mime.WordDecoder{CharsetReader: func(label string, in io.Reader) (io.Reader, error) {
		raw, err := io.ReadAll(in)
		whole := len(raw)
		if label = strings.TrimPrefix(label, mark); label == "utf-8" {
			raw = append(begun, raw...)
			whole = len(raw) - cutRune(raw)
		}
		begun = raw[whole:]
		return strings.NewReader(decode(raw[:whole], label)), err
	}}
	s, _ = words.DecodeHeader(word.ReplaceAllString(decode([]byte(s), ""), "=?"+mark+"$1?$2?")) // decode always can
	return oneLine(s)
}

// decode turns bytes of a charset into valid UTF-8. Without a charset, or with one that nobody knows, it takes them for UTF-8 when they may
// be, else for Windows-1252.
func decode(raw []byte, label string) string {
	enc, name := charset.Lookup(strings.Trim(label, " '\""))
	switch {
	case len(raw) == 0:
		return ""
	case enc == nil, name == "utf-8", name == "windows-1252", name == "replacement", enc == encoding.Replacement:
		whole := raw[:len(raw)-cutRune(raw)]
		if utf8.Valid(whole) && (len(whole) == len(raw) || name == "utf-8" || wide(whole)) {
			return string(whole)
		}
		if name == "utf-8" && wide(raw) {
			return strings.ToValidUTF8(string(raw), "\uFFFD")
		}
		enc = charmap.Windows1252
	}
	out, _ := enc.NewDecoder().Bytes(raw)
	return strings.ToValidUTF8(string(out), "\uFFFD")
}

// cutRune is how many bytes at the end are the beginning of a character whose rest was cut off.
func cutRune(raw []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(raw); n++ {
		if end := raw[len(raw)-n:]; utf8.RuneStart(end[0]) {
			if utf8.FullRune(end) {
				return 0
			}
			return n
		}
	}
	return 0
}

// wide reports whether some character of more than one byte is there.
func wide(raw []byte) bool {
	return bytes.ContainsFunc(raw, func(r rune) bool { return r >= utf8.RuneSelf && r != utf8.RuneError })
}
