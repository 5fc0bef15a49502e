package mail

import (
	"regexp"
	"strings"

	"github.com/jhillyerd/enmime/v2"
	"golang.org/x/net/html/charset"
)

const maxSource = 1 << 20 // bytes of text that are cleaned or taken from its HTML, all parts together

// walk goes through the parts of a mail and keeps what it finds besides the text.
type walk struct {
	source      int
	attachments []Attachment
	report      string // the report-type of a multipart/report, or "report"
	invitation  bool   // a calendar object that asks or answers
	hollow      bool   // a multipart without a part
}

// read returns the text of a part and of those in it, with the marks of text.go.
func (w *walk) read(p *enmime.Part) string {
	mtype := p.ContentType
	switch {
	case p.FirstChild != nil:
		return w.multipart(p)
	case mtype == "" && p.Parent != nil && p.Parent.ContentType == "multipart/digest":
		mtype = "message/rfc822"
	case strings.HasPrefix(mtype, "multipart/"):
		w.hollow = w.hollow || p.Boundary != ""
		mtype = "text/plain"
	case !strings.Contains(mtype, "/"):
		mtype = "text/plain"
	}
	if p.Disposition == "attachment" || p.FileName != "" && w.source > 0 || mtype != "text/plain" && mtype != "text/html" {
		w.attach(p, mtype)
		return ""
	}
	return w.text(p, mtype)
}

// multipart puts the texts of the parts together: of alternatives the plainest that is not blank, of related ones the first.
func (w *walk) multipart(p *enmime.Part) string {
	if p.ContentType == "multipart/report" {
		w.report = strings.ToLower(parameter(p, "report-type"))
		if w.report == "" {
			w.report = "report"
		}
	}
	var texts []string
	for child := p.FirstChild; child != nil; child = child.NextSibling {
		text := w.read(child)
		switch {
		case strings.TrimSpace(text) == "":
		case len(texts) > 0 && p.ContentType == "multipart/related":
		case len(texts) > 0 && p.ContentType == "multipart/alternative":
			if child.ContentType == "text/plain" {
				texts[0] = text // HTML came first, against the rule
			}
		default:
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "\n\n")
}

// calls is the method of a calendar object that wants or is an answer (RFC 5546), in its content or its type. PUBLISH is that of files.
var calls = regexp.MustCompile(`(?im)^(?:METHOD:)?[ \t]*(?:REQUEST|REPLY|CANCEL|COUNTER|REFRESH|DECLINECOUNTER)[ \t\r]*$`)

func (w *walk) attach(p *enmime.Part, mtype string) {
	if mtype == "text/calendar" && (calls.MatchString(parameter(p, "method")) || calls.Match(p.Content[:min(len(p.Content), 64<<10)])) {
		w.invitation = true
	}
	if len(w.attachments) < maxAttachments {
		w.attachments = append(w.attachments, Attachment{Type: cut(oneLine(mtype), 100), Size: int64(len(p.Content))})
	}
}

func (w *walk) text(p *enmime.Part, mtype string) string {
	raw := p.Content[:min(len(p.Content), max(0, maxSource-w.source))]
	w.source += len(raw)
	label := "" // enmime made UTF-8 of it
	switch {
	case p.Charset == "utf-8":
		label = "utf-8"
	case p.Charset == eightBit && mtype == "text/html":
		if _, name, certain := charset.DetermineEncoding(raw[:min(len(raw), 1024)], mtype); certain || name != "windows-1252" {
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
