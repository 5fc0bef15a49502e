package mail

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/jhillyerd/enmime/v2/mediatype"
	"golang.org/x/net/html/charset"
)

const (
	maxDepth  = 12      // multiparts inside each other
	maxParts  = 500     // parts that are looked at
	maxSource = 1 << 20 // bytes of text before it is decoded from its charset or its HTML, all parts together
)

// walk reads the parts of a mail and keeps what it finds besides the text.
type walk struct {
	parts, source int
	attachments   []Attachment
	report        string // the report-type of a multipart/report, or "report"
	invitation    bool   // a calendar object that asks or answers
}

// kind is the media type of a part, in lower case, and its parameters. What cannot be read is fallback.
func kind(h header, fallback string) (string, map[string]string) {
	value := h.first("content-type")
	if value == "" {
		return fallback, nil
	}
	mtype, params, _, err := mediatype.Parse(value[:min(len(value), 2000)])
	if err != nil || !strings.Contains(mtype, "/") {
		if start, _, _ := strings.Cut(strings.ToLower(value), ";"); strings.TrimSpace(start) == "text/html" {
			return "text/html", nil
		}
		return fallback, nil
	}
	return strings.ToLower(mtype), params
}

// read returns the text of a part and of those in it, with the marks of text.go.
func (w *walk) read(h header, body []byte, depth int, fallback string) string {
	w.parts++
	mtype, params := kind(h, fallback)
	if strings.HasPrefix(mtype, "multipart/") && depth < maxDepth {
		boundary := params["boundary"]
		if boundary == "" {
			boundary = guess(body)
		}
		if parts := cutParts(body, boundary, maxParts-w.parts); len(parts) > 0 {
			return w.multipart(mtype, params, parts, depth)
		}
		mtype = "text/plain"
	}
	disposition, named := disposition(h, params)
	if disposition == "attachment" || named && w.source > 0 || mtype != "text/plain" && mtype != "text/html" {
		w.attach(mtype, params, h, body)
		return ""
	}
	return w.text(mtype, params, h, body)
}

// multipart puts the texts of the parts together: of alternatives the plainest that is not blank, of related ones the first.
func (w *walk) multipart(mtype string, params map[string]string, parts [][]byte, depth int) string {
	fallback := "text/plain"
	switch mtype {
	case "multipart/digest":
		fallback = "message/rfc822"
	case "multipart/report":
		w.report = strings.ToLower(params["report-type"])
		if w.report == "" {
			w.report = "report"
		}
	}
	var texts []string
	for i, raw := range parts {
		if w.parts >= maxParts {
			break
		}
		h, body := split(raw)
		text := w.read(h, body, depth+1, fallback)
		if strings.TrimSpace(text) == "" || i > 0 && mtype == "multipart/related" && len(texts) > 0 {
			continue
		}
		inner, _ := kind(h, fallback)
		if mtype == "multipart/alternative" && len(texts) > 0 {
			if inner == "text/plain" {
				texts[0] = text // HTML came first, against the rule
			}
			continue
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "\n\n")
}

// disposition says whether a part is an attachment, and whether it has the name of a file.
func disposition(h header, params map[string]string) (string, bool) {
	named := params["name"] != ""
	value := h.first("content-disposition")
	if value == "" {
		return "", named
	}
	mtype, more, _, err := mediatype.Parse(value[:min(len(value), 2000)])
	if err != nil {
		mtype, _, _ = strings.Cut(value, ";")
	}
	return strings.ToLower(strings.TrimSpace(mtype)), named || more["filename"] != ""
}

// calls is the method of a calendar object that wants or is an answer (RFC 5546), in its content or its type. PUBLISH is that of files.
var calls = regexp.MustCompile(`(?im)^(?:METHOD:)?[ \t]*(?:REQUEST|REPLY|CANCEL|COUNTER|REFRESH|DECLINECOUNTER)[ \t\r]*$`)

func (w *walk) attach(mtype string, params map[string]string, h header, body []byte) {
	encoding := strings.ToLower(h.first("content-transfer-encoding"))
	size := int64(len(body))
	if encoding == "base64" {
		size = (size - int64(bytes.Count(body, []byte("\n"))+bytes.Count(body, []byte("\r"))+bytes.Count(body, []byte("=")))) * 3 / 4
	}
	if mtype == "text/calendar" && (calls.MatchString(params["method"]) || calls.Match(transfer(encoding, body, 64<<10))) {
		w.invitation = true
	}
	if len(w.attachments) < maxAttachments {
		w.attachments = append(w.attachments, Attachment{Type: cut(oneLine(mtype), 100), Size: size})
	}
}

// transfer undoes the content transfer encoding, up to limit bytes. An unknown one is taken for none.
func transfer(encoding string, body []byte, limit int) []byte {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return fromBase64(body, limit)
	case "quoted-printable":
		return fromQuoted(body, limit)
	}
	return body[:min(len(body), limit)]
}

func (w *walk) text(mtype string, params map[string]string, h header, body []byte) string {
	raw := transfer(h.first("content-transfer-encoding"), body, max(0, maxSource-w.source))
	w.source += len(raw)
	label := params["charset"]
	if label == "" && mtype == "text/html" {
		if _, name, certain := charset.DetermineEncoding(raw[:min(len(raw), 1024)], "text/html"); certain || name != "windows-1252" {
			label = name
		}
	}
	text := strings.TrimPrefix(decode(raw, label), "\uFEFF")
	if mtype == "text/html" || looksHTML(text) {
		return htmlText(text)
	}
	return tidy(clean(text))
}

// looksHTML reports whether text is a page of HTML that is called plain.
func looksHTML(text string) bool {
	start := strings.ToLower(strings.TrimSpace(text[:min(len(text), 200)]))
	return strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html")
}

const maxBoundary = 200 // bytes; RFC 2046 has 70

// guess finds the boundary that a multipart does not name: the first line that looks like one and comes again.
func guess(body []byte) string {
	for rest, tries := body, 0; len(rest) > 0 && tries < 5; {
		line, after := cutLine(rest)
		name, dashed := bytes.CutPrefix(bytes.TrimRight(line, " \t"), []byte("--"))
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

// cutParts cuts a multipart at its boundary, into limit parts at most; none when the boundary does not occur. The last one may lack its end.
// It reads the body once.
func cutParts(body []byte, boundary string, limit int) [][]byte {
	boundary = strings.TrimRight(boundary, " \t")
	if boundary == "" || len(boundary) > maxBoundary {
		return nil
	}
	mark := []byte("--" + boundary)
	var parts [][]byte
	start := -1
	for at := 0; len(parts) < limit; {
		found := bytes.Index(body[at:], mark)
		if found < 0 {
			break
		}
		begin := at + found
		at = begin + len(mark)
		if begin > 0 && body[begin-1] != '\n' {
			continue
		}
		line, _ := cutLine(body[begin:])
		tail := bytes.TrimRight(line[len(mark):], " \t")
		last := bytes.HasPrefix(tail, []byte("--"))
		if len(tail) > 0 && !last {
			continue
		}
		if start >= 0 {
			parts = append(parts, trimEnd(body[start:begin]))
		}
		at = min(begin+len(line), len(body))
		start = -1
		if last {
			return parts
		}
		if end := bytes.IndexByte(body[at:], '\n'); end >= 0 {
			at += end + 1
			start = at
		}
		if start >= 0 && bytes.HasPrefix(body[start:], mark) {
			at = start // an empty part
		}
	}
	if start >= 0 && len(parts) < limit {
		parts = append(parts, body[start:])
	}
	return parts
}

// trimEnd takes off the line break that belongs to the boundary after it.
func trimEnd(part []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(part, []byte("\n")), []byte("\r"))
}
