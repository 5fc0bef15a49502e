package reply

import (
	"errors"
	"maps"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

// How long an answer may get: segments of a text message, characters of a mail.
const (
	maxSegments   = 5
	maxCharacters = 6000
)

// fits says whether an answer is short enough for its channel.
func fits(c prompt.Channel, text string) bool {
	if c == prompt.Email {
		return utf8.RuneCountInString(text) <= maxCharacters
	}
	return telnyx.Segments(text) <= maxSegments
}

// ErrNothingLeft says that nothing of an answer may be sent.
var ErrNothingLeft = errors.New("nothing of the model's answer may be sent")

// lazily compiles a pattern when it is first used: taking texts in links this package too, and must start fast.
func lazily(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// Allowed are the addresses that a tenant's own words contain: links, mailboxes and phone numbers. No other may be sent.
type Allowed map[string]bool

var (
	schemed = lazily(`(?i)[a-z][a-z0-9+.-]*://[^\s<>"\x60]+`)
	link    = lazily(`(?i)(?:(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+(?:xn--[a-z0-9-]*[a-z0-9]|\p{L}+)|\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?(?:[/?#][^\s<>"'\x60]*)?`)
	email   = lazily(`[\p{L}\p{N}._%+~#$&=-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+`)
	// Digits are of one number whatever stands between them, but for what stands between prices, times and the items of a list.
	phone    = lazily(`\d(?:[^\p{L}\p{N},:;$€£%]{0,5}\d){6,}`)
	american = lazily(`(?:1\D{0,5})?\d{3}\D{0,5}\d{3}\D{0,5}\d{4}`)
)

// AllowedFrom collects the addresses in a tenant's own words.
func AllowedFrom(texts ...string) Allowed {
	a := Allowed{}
	for _, text := range texts {
		for _, found := range addresses(text) {
			a[found] = true
		}
	}
	return a
}

// And returns a with the addresses in more of the tenant's own words.
func (a Allowed) And(texts ...string) Allowed {
	both := AllowedFrom(texts...)
	maps.Copy(both, a)
	return both
}

// addresses lists what in a text can be followed, written to or called, each in one canonical form: as a phone finds it, and as a
// reader sees it.
func addresses(text string) []string {
	all := written(text)
	if s := seen(text); s != text {
		all = append(all, written(s)...)
	}
	return all
}

// seen is a text without what cannot be seen, and with plain letters, digits, dots, dashes and spaces for those that look like them.
func seen(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.In(r, unicode.C, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point, unicode.Me):
			return -1
		case unicode.Is(unicode.Pd, r):
			return '-'
		case r == '。':
			return '.'
		case unicode.Is(unicode.Nd, r):
			return digit(r)
		}
		return r
	}, norm.NFKC.String(text))
}

// digit is a decimal digit of any script as one of ours. Those of a script follow each other, from zero on.
func digit(r rune) rune {
	value := rune(0)
	for unicode.Is(unicode.Nd, r-value-1) && value < 9 {
		value++
	}
	return '0' + value
}

func written(text string) []string {
	var all []string
	text = schemed().ReplaceAllStringFunc(text, func(m string) string {
		found, _ := canonicalLink(m)
		all = append(all, found)
		return "; "
	})
	text = email().ReplaceAllStringFunc(text, func(m string) string {
		all = append(all, "mailto:"+strings.ToLower(m))
		return "; "
	})
	text = link().ReplaceAllStringFunc(text, func(m string) string {
		found, host := canonicalLink(m)
		if host != "" && !hasDomain(host) {
			if i := strings.IndexAny(m, "/?#"); i >= 0 {
				all = append(all, written(m[i:])...) // "and/or.example"
			}
			return m
		}
		all = append(all, found)
		return "; "
	})
	for _, m := range phone().FindAllString(text, -1) {
		all = append(all, numbers(m)...)
	}
	return all
}

// numbers are the phone numbers in a row of digits: several American ones, or else one, of whatever length.
func numbers(row string) []string {
	if isDate(row) {
		return nil
	}
	if rest := american().ReplaceAllString(row, ""); onlyDigits(rest) != "" {
		return []string{"tel:" + onlyDigits(row)}
	}
	var all []string
	for _, m := range american().FindAllString(row, -1) {
		digits := onlyDigits(m)
		all = append(all, "tel:"+digits[len(digits)-10:])
	}
	return all
}

// isDate tells 2026-11-24 and its kin, and the years of a season, from a phone number.
var dateForm = lazily(`^(?:(?:19|20)\d{2}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d{2}|20\d{2} ?[-–/] ?20\d{2})$`)

func isDate(s string) bool { return dateForm().MatchString(s) }

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// hasDomain reports whether a host is a domain, or becomes one where its last labels are taken for words: "shop.example.Come".
func hasDomain(host string) bool {
	for strings.Contains(host, ".") {
		if isDomain(host) {
			return true
		}
		host = host[:strings.LastIndexByte(host, '.')]
	}
	return false
}

// isDomain tells what a phone would make a link of, "shop.example", from "e.g." and "p.m.": it ends in a suffix under which
// names are registered, by a registry or by a company such as github.io, or in one that is reserved for examples; or it is an IP address.
func isDomain(host string) bool {
	ascii, err := idna.Lookup.ToASCII(host)
	if err != nil { // not a name that may be registered, such as ab--cd.com, and yet one that a phone may try
		ascii, err = idna.Punycode.ToASCII(host)
	}
	if err == nil {
		host = ascii
	}
	suffix, registry := publicsuffix.PublicSuffix(host)
	return registry || strings.Contains(suffix, ".") || net.ParseIP(host) != nil || strings.HasSuffix(host, ".test") || strings.HasSuffix(host, ".example")
}

// canonicalLink drops what does not change where a link leads: http and https, www, the host's case, a last slash, the sentence's
// punctuation. host is "" for what cannot be read, and would be a link all the same.
func canonicalLink(s string) (canonical, host string) {
	s = strings.TrimRight(s, `.,;:!?)]}*_>'”’»`+"/")
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return "link:" + s, ""
	}
	u.Host = strings.TrimPrefix(strings.ToLower(u.Host), "www.")
	rest := strings.TrimRight(u.EscapedPath(), "/")
	if u.RawQuery != "" {
		rest += "?" + u.RawQuery
	}
	if u.Fragment != "" {
		rest += "#" + u.EscapedFragment()
	}
	if u.User != nil {
		rest = u.User.String() + "@" + rest
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		rest += " by " + u.Scheme
	}
	return "link:" + u.Host + rest, u.Hostname()
}

func (a Allowed) permits(sentence string) bool {
	for _, found := range addresses(sentence) {
		if !a[found] {
			return false
		}
	}
	return true
}

// Check makes of a model's answer what may be sent on a channel: plain text, only addresses that the tenant's own words contain, at
// most five segments or 6,000 characters of mail. A sentence with a foreign address is dropped whole, and so are sentences at the end
// that are too many; a link is never cut. ErrNothingLeft when nothing remains.
func Check(c prompt.Channel, answer private.Text, allowed Allowed) (private.Text, error) {
	text := plain(answer.Reveal(), c == prompt.Email)
	var kept []string
	for _, s := range sentences(text) {
		if allowed.permits(s) {
			kept = append(kept, s)
		}
	}
	for len(kept) > 1 && !fits(c, strings.Join(kept, "")) {
		kept = kept[:len(kept)-1]
	}
	text = cutWords(c, strings.TrimSpace(strings.Join(kept, "")))
	// Joining and cutting can bring together what stood apart; what was checked in parts is checked once more as a whole.
	if !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) || !allowed.permits(text) {
		return private.Text{}, ErrNothingLeft
	}
	return private.NewText(text), nil
}

// cutWords drops words from the end until the text fits. Links hold no space, so none is cut.
func cutWords(c prompt.Channel, text string) string {
	for !fits(c, text) {
		end := strings.LastIndexAny(text, " \n")
		if end < 0 {
			return ""
		}
		text = strings.TrimSpace(text[:end])
	}
	return text
}

// sentenceBreak ends a sentence: punctuation and white space, or a new line. A dot within an address has no space after it.
var sentenceBreak = lazily(`[.!?…]+["'”’)]*\s+|\n+`)

// sentences splits a text into parts that make it up again when joined.
func sentences(text string) []string {
	var all []string
	start := 0
	for _, m := range sentenceBreak().FindAllStringIndex(text, -1) {
		all = append(all, text[start:m[1]])
		start = m[1]
	}
	return append(all, text[start:])
}

// What of markdown is taken off, in this order.
var markdown = []struct {
	find func() *regexp.Regexp
	put  string
}{
	{lazily("(?m)^[ \\t]*```.*$"), ""},
	{lazily(`!?\[([^\]\n]*)\]\((\S+?)\)`), "$1: $2"},
	{lazily(`(?m)^[ \t]{0,3}#{1,6}[ \t]+`), ""},
	{lazily(`(?m)^[ \t]*[-*•][ \t]+`), ""},
	{lazily(`(?m)^[ \t]*>[ \t]?`), ""},
	{lazily(`\*\*([^*\n]+)\*\*`), "$1"},
	{lazily(`\*([^*\s][^*\n]*)\*`), "$1"},
	{lazily(`(^|\s)__([^_\n]+)__`), "$1$2"},
	{lazily("`([^`\n]*)`"), "$1"},
	{lazily(`(?i)^\s*(?:assistant|receptionist|ai|bot)\s*:\s*`), ""},
}

var (
	manySpaces   = lazily(`[ \t]+`)
	manyNewlines = lazily(`\s*\n\s*`)
	paragraph    = lazily(`[ \t]*\n[ \t]*\n\s*`)
)

// plain takes markdown, control and direction marks off, and joins white space; paragraphs keeps the lines between paragraphs empty.
func plain(s string, paragraphs bool) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200B, r == 0xFEFF, r == 0x200E, r == 0x200F, r == 0x2060:
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s), ""))
	for _, m := range markdown {
		s = m.find().ReplaceAllString(s, m.put)
	}
	s = manySpaces().ReplaceAllString(s, " ")
	if !paragraphs {
		return strings.TrimSpace(manyNewlines().ReplaceAllString(s, "\n"))
	}
	parts := paragraph().Split(strings.TrimSpace(s), -1)
	for i, part := range parts {
		parts[i] = manyNewlines().ReplaceAllString(part, "\n")
	}
	return strings.Join(parts, "\n\n")
}
