package mail

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// blocks are the elements that begin and end a line.
var blocks = names("address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt", "fieldset",
	"figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "legend", "li", "main", "nav",
	"ol", "option", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul")

// empty are the elements that have no end.
var empty = names("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")

// silent are the elements whose text nobody reads.
var silent = names("head", "title", "script", "style", "noscript", "template", "svg", "math", "object", "iframe", "noembed", "noframes", "select",
	"textarea", "audio", "video", "canvas", "map")

// closing are the elements that another of their kind ends.
var closing = names("p", "li", "tr", "td", "th", "dt", "dd", "option")

// hides reports whether a style, without its blanks, takes an element out of sight.
func hides(style string) bool {
	for rule := range strings.SplitSeq(style, ";") {
		property, value, _ := strings.Cut(rule, ":")
		value, _, _ = strings.Cut(value, "!")
		switch property {
		case "display", "visibility", "mso-hide":
			if value == "none" || value == "hidden" || value == "all" {
				return true
			}
		case "font-size", "max-height", "opacity":
			if strings.TrimRight(value, "pxtem%") == "0" {
				return true
			}
		}
	}
	return false
}

const (
	maxOpen  = 200 // elements inside each other that are told apart
	maxLevel = 3   // > signs at the beginning of a line
)

// element is one that has begun.
type element struct {
	name                  string
	hidden, quote, signed bool
	preformatted          bool
}

// page turns HTML into text, token by token, so that nothing a mail does makes it cost more than its size.
type page struct {
	out                         strings.Builder
	open                        []element
	hidden, quotes, signed, pre int  // how many of the open elements do that
	fresh                       bool // nothing stands on the line
	space, cellEnded            bool // what comes next on the line is another word, another cell
}

// htmlText is the text of a page, with > before lines that are quoted, and the marks of text.go. Blocks begin lines, cells of a row are parted by
// a bar, and what is hidden, runs or styles is left out.
func htmlText(source string) string {
	p := page{fresh: true}
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return tidy(p.out.String())
		case html.TextToken:
			p.text(string(z.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			p.start(z)
		case html.EndTagToken:
			name, _ := z.TagName()
			p.end(string(name))
		}
	}
}

// text writes what stands between tags. The tokenizer has kept entities: they are read here, once.
func (p *page) text(s string) {
	if p.hidden > 0 {
		return
	}
	s = clean(s)
	if p.pre > 0 {
		for i, part := range strings.Split(s, "\n") {
			if i > 0 {
				p.newLine()
			}
			p.words(part)
		}
		return
	}
	p.words(s)
}

func (p *page) words(s string) {
	for i, word := range strings.Fields(s) {
		if i > 0 || strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\n") {
			p.space = true
		}
		p.write(word)
	}
	if s != "" && strings.TrimRight(s, " \n") != s {
		p.space = true
	}
}

func (p *page) write(word string) {
	if p.fresh {
		if p.signed > 0 {
			p.out.WriteRune(markSignature)
		}
		if p.quotes > 0 {
			p.out.WriteString(strings.Repeat(">", min(p.quotes, maxLevel)) + " ")
		}
	} else if p.cellEnded {
		p.out.WriteString(" | ")
	} else if p.space {
		p.out.WriteByte(' ')
	}
	p.fresh, p.space, p.cellEnded = false, false, false
	p.out.WriteString(word)
}

// begin ends the line when something stands on it.
func (p *page) begin() {
	if !p.fresh {
		p.newLine()
	}
}

func (p *page) newLine() {
	p.out.WriteByte('\n')
	p.fresh, p.space, p.cellEnded = true, false, false
}

func (p *page) start(z *html.Tokenizer) {
	raw, more := z.TagName()
	e := element{name: string(raw)}
	if !more && e.name == "br" {
		if p.hidden == 0 {
			p.newLine()
		}
		return
	}
	p.attributes(&e, z, more)
	if empty[e.name] {
		if p.hidden == 0 && (e.name == "br" || e.name == "hr") {
			p.newLine()
		}
		return
	}
	if n := len(p.open); n > 0 && closing[e.name] && p.open[n-1].name == e.name {
		p.pop(n - 1)
	}
	if blocks[e.name] && p.hidden == 0 {
		p.begin()
	}
	p.endCell(e.name)
	e.hidden = e.hidden || silent[e.name]
	e.preformatted = e.name == "pre"
	if len(p.open) < maxOpen {
		p.open = append(p.open, e)
		p.count(e, 1)
	}
}

// attributes reads what of an element matters: whether it is hidden, quotes, or is a signature.
func (p *page) attributes(e *element, z *html.Tokenizer, more bool) {
	var class, id, style, kind string
	for n := 0; more && n < 50; n++ {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch text := strings.ToLower(string(value[:min(len(value), 1000)])); string(key) {
		case "class":
			class = " " + text + " "
		case "id":
			id = text
		case "type":
			kind = text
		case "style":
			style = strings.ReplaceAll(text, " ", "")
		case "hidden":
			e.hidden = true
		}
	}
	e.hidden = e.hidden || hides(style)
	own := strings.Contains(style, "border:none") || strings.Contains(style, "border:0") // how Gmail and Apple Mail indent
	e.quote = e.name == "blockquote" && (!own || kind == "cite" || strings.Contains(class, "gmail_quote")) ||
		e.name == "div" && hasAny(class, "yahoo_quoted ", " protonmail_quote ", " zmail_extra ")
	e.signed = hasAny(class, " gmail_signature ", " protonmail_signature_block") ||
		id == "applemailsignature" || id == "signature" || id == "ms-outlook-mobile-signature"
	if (strings.HasSuffix(id, "divrplyfwdmsg") || id == "mail-editor-reference-message-container") && p.hidden == 0 && p.quotes == 0 {
		p.begin()
		p.out.WriteRune(markQuote)
		p.newLine()
	}
}

func hasAny(s string, all ...string) bool {
	return slices.ContainsFunc(all, func(part string) bool { return strings.Contains(s, part) })
}

func (p *page) end(name string) {
	for i := len(p.open) - 1; i >= 0; i-- {
		if p.open[i].name == name {
			p.pop(i)
			break
		}
	}
	if blocks[name] && p.hidden == 0 {
		p.begin()
	}
	p.endCell(name)
}

// endCell has what comes next on the line parted from what stands there, where a cell begins or ends.
func (p *page) endCell(name string) {
	p.cellEnded = p.cellEnded || (name == "td" || name == "th") && p.hidden == 0 && !p.fresh
}

// pop ends the element at i and all in it.
func (p *page) pop(i int) {
	for _, e := range p.open[i:] {
		if e.quote || e.signed {
			p.begin()
		}
		p.count(e, -1)
	}
	p.open = p.open[:i]
}

func (p *page) count(e element, by int) {
	if (e.quote || e.signed) && by > 0 {
		p.begin()
	}
	if e.hidden {
		p.hidden += by
	}
	if e.quote {
		p.quotes += by
	}
	if e.signed {
		p.signed += by
	}
	if e.preformatted {
		p.pre += by
	}
}
