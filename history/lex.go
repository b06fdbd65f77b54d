package history

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// lexer reads JSON without building anything. It accepts what RFC 8259 accepts
// where an event may stand, and nothing else.
type lexer struct {
	b       []byte
	i       int
	scratch []byte // a string that had escapes
}

func (l *lexer) reset(b []byte) { l.b, l.i = b, 0 }

// at adds the column to an error, unless the line was cut.
func (l *lexer) at(err error) error {
	if errors.Is(err, errCut) {
		return err
	}
	return fmt.Errorf("column %d: %w", min(l.i, len(l.b))+1, err)
}

func (l *lexer) space() {
	for l.i < len(l.b) && l.b[l.i] <= ' ' {
		switch l.b[l.i] {
		case ' ', '\t', '\r', '\n':
			l.i++
		default:
			return
		}
	}
}

// open reads c.
func (l *lexer) open(c byte) error {
	if l.i < len(l.b) && l.b[l.i] == c {
		l.i++
		return nil
	}
	return l.openBehindSpace(c)
}

func (l *lexer) openBehindSpace(c byte) error {
	if l.space(); l.i >= len(l.b) {
		return errCut
	}
	if l.b[l.i] != c {
		return fmt.Errorf("found %s; want %q", l.found(), string(c))
	}
	l.i++
	return nil
}

// more reads the comma before the next element, or the end of the list.
func (l *lexer) more(end byte, first bool) (bool, error) {
	if l.i+1 < len(l.b) && l.b[l.i] == ',' && l.b[l.i+1] == '"' && !first {
		l.i++
		return true, nil
	}
	return l.moreBehindSpace(end, first)
}

func (l *lexer) moreBehindSpace(end byte, first bool) (bool, error) {
	if l.space(); l.i >= len(l.b) {
		return false, errCut
	}
	switch c := l.b[l.i]; {
	case c == end:
		l.i++
		return false, nil
	case first:
		return true, nil
	case c != ',':
		return false, fmt.Errorf("found %s; want a comma or %q", l.found(), string(end))
	}
	l.i++
	if l.space(); l.i >= len(l.b) {
		return false, errCut
	}
	if l.b[l.i] == end {
		return false, fmt.Errorf("a comma before %q", string(end))
	}
	return true, nil
}

// field reads the name of a field and the colon behind it. Names need no escapes:
// one that has some is returned as it stands, and is unknown.
func (l *lexer) field() ([]byte, error) {
	if b, i := l.b, l.i; i < len(b) && b[i] == '"' {
		for j := i + 1; j+1 < len(b); j++ {
			if ordinary[b[j]] {
				continue
			}
			if b[j] == '"' && b[j+1] == ':' {
				l.i = j + 2
				return b[i+1 : j], nil
			}
			break
		}
	}
	name, err := l.raw()
	if err != nil {
		return nil, err
	}
	return name, l.open(':')
}

// ordinary bytes of a string stand for themselves, and are one character each.
var ordinary = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

func (l *lexer) found() string {
	r, size := utf8.DecodeRune(l.b[l.i:])
	if r == utf8.RuneError && size <= 1 {
		return fmt.Sprintf("byte 0x%02x", l.b[l.i])
	}
	return strconv.QuoteRune(r)
}

// raw reads a string and returns what stands between its quotes, escapes as they are.
func (l *lexer) raw() ([]byte, error) {
	if err := l.open('"'); err != nil {
		return nil, err
	}
	from := l.i
	for ; l.i < len(l.b); l.i++ {
		switch c := l.b[l.i]; {
		case c == '"':
			l.i++
			return l.b[from : l.i-1], nil
		case c == '\\':
			l.i++
		case c < 0x20:
			return nil, fmt.Errorf("a control character in a string; write it as \\u%04x", c)
		}
	}
	return nil, errCut
}

// string reads a string. What it returns holds until the next call.
func (l *lexer) string() ([]byte, error) {
	if err := l.open('"'); err != nil {
		return nil, err
	}
	from, b := l.i, l.b
	i := from
	for i < len(b) && ordinary[b[i]] {
		i++
	}
	if i < len(b) && b[i] == '"' {
		l.i = i + 1
		return b[from:i], nil
	}
	l.i = i
	return l.slowString(from)
}

func (l *lexer) slowString(from int) ([]byte, error) {
	l.scratch = append(l.scratch[:0], l.b[from:l.i]...)
	for l.i < len(l.b) {
		c := l.b[l.i]
		switch {
		case c == '"':
			l.i++
			return l.scratch, nil
		case c == '\\':
			if err := l.escape(); err != nil {
				return nil, err
			}
		case c < 0x20:
			return nil, fmt.Errorf("a control character in a string; write it as \\u%04x", c)
		case c < utf8.RuneSelf:
			l.scratch = append(l.scratch, c)
			l.i++
		default:
			r, size := utf8.DecodeRune(l.b[l.i:])
			if r == utf8.RuneError && size <= 1 {
				if !utf8.FullRune(l.b[l.i:]) {
					return nil, errCut
				}
				return nil, fmt.Errorf("byte 0x%02x is not UTF-8", c)
			}
			l.scratch = append(l.scratch, l.b[l.i:l.i+size]...)
			l.i += size
		}
	}
	return nil, errCut
}

func (l *lexer) escape() error {
	if l.i+1 >= len(l.b) {
		return errCut
	}
	c := l.b[l.i+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		r, err := l.hex4(l.i + 2)
		if err != nil {
			return err
		}
		l.i += 6
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if l.i+1 < len(l.b) && l.b[l.i] == '\\' && l.b[l.i+1] == 'u' {
				if low, err = l.hex4(l.i + 2); err != nil {
					return err
				}
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				l.i += 6
			}
		}
		l.scratch = utf8.AppendRune(l.scratch, r)
		return nil
	default:
		return fmt.Errorf("unknown escape \\%c", c)
	}
	l.scratch = append(l.scratch, c)
	l.i += 2
	return nil
}

func (l *lexer) hex4(i int) (rune, error) {
	if i+4 > len(l.b) {
		return 0, errCut
	}
	n, err := strconv.ParseUint(string(l.b[i:i+4]), 16, 32)
	if err != nil {
		return 0, fmt.Errorf("unknown escape \\u%.4q; want four hexadecimal digits", l.b[i:i+4])
	}
	return rune(n), nil
}

func (l *lexer) int64() (int64, error) {
	if l.space(); l.i >= len(l.b) {
		return 0, errCut
	}
	n, size, ok := number(l.b[l.i:])
	if !ok {
		if l.b[l.i] == '-' && l.i+1 == len(l.b) {
			return 0, errCut
		}
		return 0, fmt.Errorf("found %s; want a whole number of 64 bits", l.found())
	}
	l.i += size
	if l.i < len(l.b) && (l.b[l.i] == '.' || l.b[l.i]|0x20 == 'e') {
		return 0, errors.New("a fraction; want a whole number")
	}
	return n, nil
}

func (l *lexer) bool() (bool, error) {
	if l.space(); l.i >= len(l.b) {
		return false, errCut
	}
	for _, word := range []string{"true", "false"} {
		if ok, err := l.word(word); ok || err != nil {
			return word == "true", err
		}
	}
	return false, fmt.Errorf("found %s; want true or false", l.found())
}

// word reads word if it stands here.
func (l *lexer) word(word string) (bool, error) {
	rest := l.b[l.i:]
	n := min(len(rest), len(word))
	switch {
	case string(rest[:n]) != word[:n]:
		return false, nil
	case n < len(word):
		return false, errCut
	}
	l.i += n
	return true, nil
}

// number reads the whole number that b begins with, and tells how long it is.
func number(b []byte) (n int64, size int, ok bool) {
	neg := len(b) > 0 && b[0] == '-'
	from := 0
	if neg {
		from = 1
	}
	i := from
	var u uint64
	for i < len(b) {
		d := b[i] - '0'
		if d > 9 {
			break
		}
		u = u*10 + uint64(d)
		i++
	}
	switch digits := i - from; {
	case digits == 0, digits > 19, digits > 1 && b[from] == '0':
		return 0, 0, false
	case neg && u <= 1<<63:
		return -int64(u), i, true
	case !neg && u <= math.MaxInt64:
		return int64(u), i, true
	}
	return 0, 0, false
}
