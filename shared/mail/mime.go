package mail

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/jhillyerd/enmime/v2"
	"github.com/jhillyerd/enmime/v2/mediatype"
	"golang.org/x/net/html/charset"
)

// The bounds that enmime does not have. For 4 MiB it takes 0.4 s at every level that they are nested, 9 kB of buffers for each part, a hundred
// bytes for each field of a header and an error of 150 for each byte that does not belong into base64.
const (
	maxMultiparts = 8         // those after them are text
	maxParts      = 500       // lines that may begin a part; what is behind is not read
	maxHeader     = 256 << 10 // bytes of the fields of a mail or a part; what is behind is not read
	maxStrange    = 50_000    // bytes that do not belong into base64, where it may have begun; what is behind is not read
	maxBoundary   = 200       // bytes; RFC 2046 has 70
	maxMediaType  = 2000      // bytes
)

// eightBit stands for the charset of text that names none, or one whose name means little: its bytes are left alone, for decode. The name is
// that of RFC 1428.
const eightBit = "unknown-8bit"

// reader reads the parts of a mail.
type reader func(io.Reader, enmime.CustomParseMediaType) (*enmime.Part, error)

// read is enmime as it loses least: what is malformed is left out, what is cut off is kept, and no charset is guessed at.
func read(r io.Reader, mediaType enmime.CustomParseMediaType) (*enmime.Part, error) {
	return enmime.NewParser(
		enmime.SkipMalformedParts(true), enmime.MultipartWOBoundaryAsSinglePart(true), enmime.MaxStoredPartErrors(1),
		enmime.SetReadPartErrorPolicy(func(*enmime.Part, error) bool { return true }),
		enmime.DisableCharacterDetection(true), enmime.SetCustomParseMediaType(mediaType),
	).ReadParts(r)
}

// all reads the fields, the parts and the text of a mail.
func (read reader) all(raw []byte) (header, walk, string) {
	if soft.Match(raw) {
		raw = soft.ReplaceAll(raw, []byte("=$1"))
	}
	head, body := split(raw)
	head = head[:min(len(head), maxHeader)]
	body = bounded(head, body)
	root, err := read.parts(head, body)
	switch {
	case err != nil:
		root = read.flat(head, body)
	case neverEncoded(root, body):
		root.Content = body
	}
	w := walk{}
	text := w.read(root)
	if w.hollow && len(w.attachments) == 0 && strings.TrimSpace(text) == "" {
		w = walk{}
		text = w.read(read.flat(head, body))
	}
	return fields(root.Header), w, text
}

// soft is the end of a line of quoted-printable that goes on, with blanks that came in on the way (RFC 2045 6.7, rule 3). Elsewhere blanks at
// the end of a line say nothing.
var soft = regexp.MustCompile(`=[ \t]+(\r?\n)`)

// neverEncoded reports whether a mail calls itself base64 and is words, of which enmime makes noise.
func neverEncoded(root *enmime.Part, body []byte) bool {
	return root.FirstChild == nil && root.TextContent() && claims([]byte(root.Header.Get("Content-Transfer-Encoding"))) &&
		8*(outside(body)+bytes.Count(body, []byte(" "))) > len(body)
}

// parts are those of a mail, or an error when they cannot be read, even if that made the reader panic.
func (read reader) parts(head, body []byte) (root *enmime.Part, err error) {
	defer func() {
		if broken := recover(); broken != nil { // its value may quote the mail
			root, err = nil, fmt.Errorf("the parts of the mail could not be read: %T", broken)
		}
	}()
	types := mediaTypes{body: body}
	return read(io.MultiReader(bytes.NewReader(bytes.TrimRight(head, "\r\n")), strings.NewReader("\r\n\r\n"), bytes.NewReader(body)), types.parse)
}

// flat is a mail as one part: its fields, and its body as it stands.
func (read reader) flat(head, body []byte) *enmime.Part {
	root, err := read.parts(head, nil)
	if err != nil {
		root = &enmime.Part{}
	}
	return &enmime.Part{Header: root.Header, ContentType: "text/plain", Content: body}
}

// mediaTypes reads the types of parts for enmime, so that none of them makes it give up a part.
type mediaTypes struct {
	body  []byte
	asked int // times that a multipart was read; enmime reads the type of each twice
}

// parse reads a type or a disposition. A multipart has a boundary that occurs, else none; what is no multipart has none.
func (t *mediaTypes) parse(value string) (string, map[string]string, []string, error) {
	mtype, params := mediaType(value)
	boundary := strings.TrimRight(params["boundary"], " \t")
	delete(params, "boundary")
	switch {
	case strings.HasPrefix(mtype, "multipart/") && t.asked < 2*maxMultiparts:
		if boundary == "" || len(boundary) > maxBoundary || !bytes.Contains(t.body, []byte("--"+boundary)) {
			boundary = ""
			if t.asked < 2 {
				boundary = guess(t.body)
			}
		}
		t.asked++
		params["boundary"] = boundary
	case strings.HasPrefix(mtype, "text/"):
		params["charset"] = charsetName(params["charset"])
	}
	return mtype, params, nil, nil
}

// mediaType is a type in lower case and its parameters; of what cannot be read what stands before them.
func mediaType(value string) (string, map[string]string) {
	mtype, params, _, err := mediatype.Parse(value[:min(len(value), maxMediaType)])
	if err != nil {
		mtype, _, _ = strings.Cut(value[:min(len(value), maxMediaType)], ";")
		mtype = strings.ToLower(strings.TrimSpace(mtype))
	}
	if params == nil {
		params = map[string]string{}
	}
	return mtype, params
}

// parameter is one of a part's type.
func parameter(p *enmime.Part, name string) string {
	_, params := mediaType(p.Header.Get("Content-Type"))
	return params[name]
}

// charsetName is what enmime calls a charset. ASCII and Latin-1 are said of anything.
func charsetName(label string) string {
	enc, name := charset.Lookup(strings.Trim(label, " '\""))
	if enc == nil || name == "windows-1252" || name == "replacement" {
		return eightBit
	}
	return name
}

// guess finds the boundary that a multipart does not name: the first line that looks like one and comes again.
func guess(body []byte) string {
	for rest, tries := body, 0; len(rest) > 0 && tries < 5; {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		name, dashed := bytes.CutPrefix(bytes.TrimRight(line, " \t\r"), []byte("--"))
		if dashed {
			tries++
		}
		if dashed && len(name) > 0 && len(name) <= maxBoundary && bytes.IndexByte(name, ' ') < 0 &&
			bytes.Contains(after, append([]byte("\n--"), name...)) {
			return string(name)
		}
		rest = after
	}
	return ""
}

// bounded is a body without what enmime would pay too much for. It reads every byte once.
func bounded(head, body []byte) []byte {
	lower := bytes.ToLower(head)
	multipart, packed := bytes.Contains(lower, []byte("multipart")), bytes.Contains(lower, []byte("base64"))
	parts, strange, header := 0, 0, -1
	for at := 0; at < len(body); {
		line, _, _ := bytes.Cut(body[at:], []byte("\n"))
		switch {
		case multipart && bytes.HasPrefix(line, []byte("--")):
			parts, header = parts+1, at
		case len(line) < 2 && len(bytes.TrimSpace(line)) == 0:
			header = -1
		}
		if packed {
			strange += outside(line)
		}
		if parts > maxParts || strange > maxStrange || header >= 0 && at+len(line)-header > maxHeader {
			return body[:at]
		}
		packed = packed || claims(line)
		at += len(line) + 1
	}
	return body
}

// claims reports whether a line ends in "base64".
func claims(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) >= 6 && bytes.EqualFold(line[len(line)-6:], []byte("base64"))
}

// outside is how many bytes of a line do not belong into base64, blanks not among them.
func outside(line []byte) int {
	n := 0
	for _, c := range line {
		if !alphabet[c] {
			n++
		}
	}
	return n
}

// alphabet are the bytes of base64 and white space.
var alphabet = func() (is [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n") {
		is[c] = true
	}
	return is
}()
