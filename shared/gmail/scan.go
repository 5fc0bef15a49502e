package gmail

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// errUnreadable stands for every answer that is not a message in JSON.
var errUnreadable = errors.New("an answer that cannot be read")

// Bounds on what is held of an answer, each far above what Gmail writes.
const (
	maxText   = 1 << 10 // bytes of a key, an id or a label
	maxLabels = 1000    // labels; the rest is skipped
	maxDepth  = 100     // values inside each other, of what is skipped
)

// scan reads one message in JSON as it comes in, with at most most bytes of its mail. What it does not know is skipped, not held.
func scan(r io.Reader, most int64) (m Message, err error) {
	s := &scanner{bufio.NewReaderSize(r, 32<<10)}
	seen := map[string]bool{}
	err = s.list('{', '}', func() error {
		key, err := s.text()
		if err != nil {
			return err
		}
		if c, err := s.next(); err != nil || c != ':' {
			return errUnreadable
		}
		if _, known := fields[key]; !known {
			return s.skip()
		}
		if seen[key] {
			return errUnreadable
		}
		seen[key] = true
		return fields[key](s, &m, most)
	})
	if err == nil && !seen["raw"] {
		err = errUnreadable
	}
	return m, err
}

// fields are what a message is read from.
var fields = map[string]func(s *scanner, m *Message, most int64) error{
	"id":       func(s *scanner, m *Message, _ int64) (err error) { m.ID, err = s.text(); return err },
	"threadId": func(s *scanner, m *Message, _ int64) (err error) { m.ThreadID, err = s.text(); return err },
	"labelIds": func(s *scanner, m *Message, _ int64) (err error) { m.Labels, err = s.labels(); return err },
	"raw": func(s *scanner, m *Message, most int64) (err error) {
		m.Raw, m.Truncated, err = s.mail(most)
		return err
	},
	"sizeEstimate": func(s *scanner, m *Message, _ int64) (err error) {
		m.Size, err = s.number()
		return err
	},
	"internalDate": func(s *scanner, m *Message, _ int64) error {
		ms, err := s.number()
		m.Received = time.UnixMilli(ms).UTC()
		return err
	},
}

// scanner reads JSON. It is strict in what it takes and lenient in what it skips.
type scanner struct{ r *bufio.Reader }

// next is the next byte that is not white space.
func (s *scanner) next() (byte, error) {
	for {
		c, err := s.r.ReadByte()
		if err != nil {
			return 0, cut(err)
		}
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c, nil
		}
	}
}

// cut is an answer that ended in the middle, or the error of the connection.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return errUnreadable
	}
	return err
}

// list reads what stands between two brackets, each element with element.
func (s *scanner) list(open, closed byte, element func() error) error {
	if c, err := s.next(); err != nil || c != open {
		return either(err)
	}
	c, err := s.next()
	for first := true; err == nil; first = false {
		switch {
		case c == closed:
			return nil
		case first:
			err = s.r.UnreadByte()
		case c != ',':
			return errUnreadable
		}
		if err == nil {
			err = element()
		}
		if err == nil {
			c, err = s.next()
		}
	}
	return err
}

func either(err error) error {
	if err == nil {
		return errUnreadable
	}
	return err
}

// text reads a string.
func (s *scanner) text() (string, error) {
	if c, err := s.next(); err != nil || c != '"' {
		return "", either(err)
	}
	text, err := io.ReadAll(io.LimitReader(&content{scanner: s}, maxText+1))
	if err == nil && len(text) > maxText {
		err = errUnreadable
	}
	return strings.ToValidUTF8(string(text), "\uFFFD"), err
}

// number reads a whole number, which Gmail writes as a string when it may be large.
func (s *scanner) number() (int64, error) {
	c, err := s.next()
	if err == nil {
		err = s.r.UnreadByte()
	}
	if err != nil {
		return 0, err
	}
	read := s.literal
	if c == '"' {
		read = s.text
	}
	text, err := read()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, errUnreadable
	}
	return n, nil
}

// literal reads a number, true, false or null.
func (s *scanner) literal() (string, error) {
	var text []byte
	for len(text) < 64 {
		c, err := s.r.ReadByte()
		if err != nil {
			return "", cut(err)
		}
		if !bytes.ContainsRune([]byte("+-.0123456789abcdefghijklmnopqrstuvwxyzE"), rune(c)) {
			if len(text) == 0 {
				break
			}
			return string(text), s.r.UnreadByte()
		}
		text = append(text, c)
	}
	return "", errUnreadable
}

func (s *scanner) labels() (labels []string, err error) {
	err = s.list('[', ']', func() error {
		label, err := s.text()
		if len(labels) < maxLabels {
			labels = append(labels, label)
		}
		return err
	})
	return labels, err
}

// mail reads a string in base64url, of which it keeps at most most bytes.
func (s *scanner) mail(most int64) (raw []byte, truncated bool, err error) {
	if c, err := s.next(); err != nil || c != '"' {
		return nil, false, either(err)
	}
	written := &content{scanner: s}
	var kept bytes.Buffer
	n, err := io.Copy(&kept, io.LimitReader(base64.NewDecoder(base64.RawURLEncoding, urlsafe{written}), most+1))
	if err == nil && n > most {
		truncated = true
		kept.Truncate(int(most))
	}
	if err == nil {
		_, err = io.Copy(io.Discard, written)
	}
	if _, corrupt := errors.AsType[base64.CorruptInputError](err); corrupt || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errUnreadable
	}
	return kept.Bytes(), truncated, err
}

// urlsafe makes base64url without padding of what is written in the other alphabet, or padded.
type urlsafe struct{ r io.Reader }

// Read gives the URL-safe alphabet for either, and no padding.
func (u urlsafe) Read(p []byte) (int, error) {
	for {
		n, err := u.r.Read(p)
		kept := p[:0]
		for _, c := range p[:n] {
			switch c {
			case '=':
			case '+':
				kept = append(kept, '-')
			case '/':
				kept = append(kept, '_')
			default:
				kept = append(kept, c)
			}
		}
		if len(kept) > 0 || err != nil || len(p) == 0 {
			return len(kept), err
		}
	}
}

// skip reads a value that nobody wants.
func (s *scanner) skip() error {
	var closing []byte
	for {
		c, err := s.next()
		if err != nil {
			return err
		}
		switch c {
		case '"':
			_, err = io.Copy(io.Discard, &content{scanner: s})
		case '{', '[':
			closing = append(closing, c+2) // in ASCII, a bracket closes two after it opens
		case '}', ']':
			if len(closing) == 0 || closing[len(closing)-1] != c {
				return errUnreadable
			}
			closing = closing[:len(closing)-1]
		case ',', ':':
			if len(closing) == 0 {
				return errUnreadable
			}
			continue
		default:
			if err = s.r.UnreadByte(); err == nil {
				_, err = s.literal()
			}
		}
		if err != nil || len(closing) > maxDepth {
			return either(err)
		}
		if len(closing) == 0 {
			return nil
		}
	}
}

// content is what stands in a string, from after its opening quote up to its closing one, without the escapes.
type content struct {
	*scanner
	rest []byte // of a character that has been read
	done bool
}

// Read gives the bytes of the string, without its escapes.
func (c *content) Read(p []byte) (n int, err error) {
	for n < len(p) && !c.done {
		if len(c.rest) > 0 {
			copied := copy(p[n:], c.rest)
			n, c.rest = n+copied, c.rest[copied:]
			continue
		}
		if run := c.run(len(p) - n); len(run) > 0 {
			n += copy(p[n:], run)
			_, _ = c.r.Discard(len(run))
			continue
		}
		b, err := c.r.ReadByte()
		switch {
		case err != nil:
			return n, cut(err)
		case b == '"':
			c.done = true
		case b == '\\':
			if err := c.escape(); err != nil {
				return n, err
			}
		case b < ' ':
			return n, errUnreadable
		default:
			p[n] = b
			n++
		}
	}
	if n == 0 && c.done && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// run is what comes next and stands for itself, of what has been received already.
func (c *content) run(most int) []byte {
	run, _ := c.r.Peek(min(most, c.r.Buffered()))
	for i, b := range run {
		if b == '"' || b == '\\' || b < ' ' {
			return run[:i]
		}
	}
	return run
}

// escapes are the bytes that are written with a backslash and one other.
var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (c *content) escape() error {
	b, err := c.r.ReadByte()
	if err != nil {
		return cut(err)
	}
	if b != 'u' {
		plain, known := escapes[b]
		if !known {
			return errUnreadable
		}
		c.rest = []byte{plain}
		return nil
	}
	r, err := c.unit()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(r) {
		var mark [2]byte
		if _, err := io.ReadFull(c.r, mark[:]); err != nil || string(mark[:]) != `\u` {
			return errUnreadable
		}
		low, err := c.unit()
		if err != nil {
			return err
		}
		r = utf16.DecodeRune(r, low)
	}
	c.rest = utf8.AppendRune(nil, r)
	return nil
}

// unit reads four hexadecimal digits.
func (c *content) unit() (rune, error) {
	var digits [4]byte
	if _, err := io.ReadFull(c.r, digits[:]); err != nil {
		return 0, errUnreadable
	}
	n, err := strconv.ParseUint(string(digits[:]), 16, 16)
	if err != nil {
		return 0, errUnreadable
	}
	return rune(n), nil
}
