package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Marks stand at the beginning of a line of text that came from HTML, for what plain text has no sign of. They are characters for private
// use, which are taken out of whatever a mail brings, and never leave this package.
const (
	markSignature = '\uE000' // the line is part of a signature
	markQuote     = '\uE001' // from here on everything is quoted
)

// clean makes line breaks \n and white space blanks, and takes out control characters and those that nobody sees: bidirectional and
// zero-width ones, fillers, tags, and our marks.
func clean(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == ' ', r > ' ' && r < 0x7F:
			return r
		case r == '\r', r == '\v', r == '\f', r == 0x85, r == 0x2028, r == 0x2029:
			return '\n'
		case r == '\t', unicode.Is(unicode.Zs, r):
			return ' '
		case r == utf8.RuneError:
			return r
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r), invisible(r):
			return -1
		}
		return r
	}, s)
}

// invisible reports letters and marks that are drawn as nothing, and our own marks.
func invisible(r rune) bool {
	switch r {
	case 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, markSignature, markQuote:
		return true
	}
	return 0xE0000 <= r && r <= 0xE0FFF || 0x180B <= r && r <= 0x180F || r&0xFFFE == 0xFFFE
}

// oneLine is s as one clean line, with single blanks.
func oneLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

// cut is the first n characters of s.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return strings.TrimSpace(s[:i])
		}
		n--
	}
	return s
}

// tidy takes blanks off the ends of lines, and makes one blank line of several.
func tidy(s string) string {
	var out strings.Builder
	out.Grow(len(s))
	blank := 1
	for part := range strings.SplitSeq(s, "\n") {
		part = strings.TrimRight(part, " ")
		if part == "" {
			blank++
			continue
		}
		if out.Len() > 0 {
			out.WriteString("\n\n"[:min(max(blank, 0), 1)+1])
		}
		blank = 0
		out.WriteString(part)
	}
	return out.String()
}

// whole is all of a text without its marks.
func whole(text string) string {
	return cut(strings.TrimSpace(tidy(unmark(text))), MaxWhole)
}

func unmark(text string) string {
	return strings.Map(func(r rune) rune {
		if r == markSignature || r == markQuote {
			return -1
		}
		return r
	}, text)
}

// names is a set of words.
func names(all ...string) map[string]bool {
	set := make(map[string]bool, len(all))
	for _, name := range all {
		set[name] = true
	}
	return set
}
