package history

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of one EDN form at the top level: one operation.
const (
	maxFormBytes = 4 << 20
	maxForms     = 1 << 20 // forms within it
)

// errMore says that a text ends within a form, and that what follows it may help.
var errMore = errors.New("the text ends within a form")

// ednReader reads any form of EDN into a tree. Tags, metadata and comments are
// read over. It is slow: operations in the shape that Jepsen gives them are
// decoded without it (jepsen_decode.go).
type ednReader struct {
	b     []byte
	i     int  // next byte
	at    int  // where the token that was read last begins: the place of an error
	from  int  // where the operation begins
	end   bool // nothing follows b
	forms int  // of this operation
	token []byte
}

// begin starts an operation at b[from].
func (d *ednReader) begin(from int) { d.i, d.at, d.from, d.forms = from, from, from, 0 }

func (d *ednReader) read() (byte, error) {
	switch {
	case d.i-d.from >= maxFormBytes:
		d.at = d.from
		return 0, fmt.Errorf("an operation of more than %d bytes; split it into several", maxFormBytes)
	case d.i == len(d.b):
		return 0, errMore
	}
	d.i++
	return d.b[d.i-1], nil
}

// start skips what separates forms and returns the byte that the next begins with.
func (d *ednReader) start() (byte, error) {
	for {
		c, err := d.read()
		switch {
		case err != nil:
			return 0, err
		case ednBlank[c]:
		case c == ';':
			feed := bytes.IndexByte(d.b[d.i:], '\n')
			if feed < 0 {
				feed = len(d.b) - d.i
			}
			d.i += feed
		default:
			d.at = d.i - 1
			return c, nil
		}
	}
}

// form reads the form that begins with c, which was read.
func (d *ednReader) form(c byte, depth int) (form, error) {
	if d.forms++; d.forms > maxForms {
		d.at = d.from
		return form{}, fmt.Errorf("an operation of more than %d parts; split it into several", maxForms)
	}
	if depth > 2*maxDepth {
		return form{}, fmt.Errorf("more than %d levels of brackets; no operation of Jepsen's is nested so deep", 2*maxDepth)
	}
	pos := int32(d.i - 1)
	f, err := d.anyForm(c, depth)
	f.pos = pos
	return f, err
}

func (d *ednReader) anyForm(c byte, depth int) (form, error) {
	switch c {
	case '[':
		return d.list(ednList, ']', depth)
	case '(':
		return d.list(ednList, ')', depth)
	case '{':
		return d.list(ednMap, '}', depth)
	case '"':
		s, err := d.string()
		return form{kind: ednString, text: s}, err
	case '#':
		return d.dispatch(depth)
	case '^': // metadata
		if _, err := d.nested(depth); err != nil {
			return form{}, err
		}
		return d.nested(depth)
	case '\'', '@', '`', '~':
		return d.nested(depth)
	case ']', ')', '}':
		return form{}, fmt.Errorf("found %q without its opening bracket", string(rune(c)))
	case '\\':
		first, err := d.read()
		if err != nil {
			return form{}, err
		}
		text, err := d.word(c, first)
		return form{kind: ednSymbol, text: text}, err
	}
	text, err := d.word(c)
	if err != nil {
		return form{}, err
	}
	return atom(text), nil
}

// nested reads the next form, which must be there.
func (d *ednReader) nested(depth int) (form, error) {
	c, err := d.start()
	if err != nil {
		return form{}, err
	}
	return d.form(c, depth+1)
}

func (d *ednReader) list(kind formKind, end byte, depth int) (form, error) {
	f := form{kind: kind}
	from := d.i - 1
	for {
		c, err := d.start()
		if err != nil {
			return f, err
		}
		if c == end {
			if kind == ednMap && len(f.list)%2 != 0 {
				d.at = from
				return f, errors.New("a map with a key that has no value")
			}
			return f, nil
		}
		if c == '#' {
			if discarded, err := d.discard(depth); discarded || err != nil {
				if err != nil {
					return f, err
				}
				continue
			}
		}
		element, err := d.form(c, depth+1)
		if err != nil {
			return f, err
		}
		f.list = append(f.list, element)
	}
}

// discard reads over the form behind "#_", whose '#' was read.
func (d *ednReader) discard(depth int) (bool, error) {
	c, err := d.read()
	if err != nil {
		return false, err
	}
	if c != '_' {
		d.i--
		return false, nil
	}
	_, err = d.nested(depth)
	return true, err
}

// dispatch reads what stands behind '#': a set, or a form with a tag.
func (d *ednReader) dispatch(depth int) (form, error) {
	c, err := d.read()
	if err != nil {
		return form{}, err
	}
	switch c {
	case '{':
		return d.list(ednSet, '}', depth)
	case '"':
		s, err := d.string()
		return form{kind: ednString, text: s}, err
	case '#': // ##Inf, ##NaN
		text, err := d.word(c)
		return form{kind: ednSymbol, text: text}, err
	case '_':
		if _, err := d.nested(depth); err != nil {
			return form{}, err
		}
		return d.nested(depth)
	case '\'', '(':
		return d.form(c, depth+1)
	case '<':
		return form{}, errors.New("found #<, an object that cannot be read back")
	}
	if _, err := d.word(c); err != nil { // the tag, or the namespace of #:a{…}
		return form{}, err
	}
	return d.nested(depth)
}

// word reads a token that begins with the given bytes, which were read.
func (d *ednReader) word(begin ...byte) (string, error) {
	d.token = append(d.token[:0], begin...)
	for {
		c, err := d.read()
		if err == errMore && d.end {
			break
		}
		if err != nil {
			return "", err
		}
		if ednDelimiter[c] {
			d.i--
			break
		}
		d.token = append(d.token, c)
	}
	if !utf8.Valid(d.token) {
		return "", fmt.Errorf("%.40q is not UTF-8", d.token)
	}
	return string(d.token), nil
}

func (d *ednReader) string() (string, error) {
	d.token = d.token[:0]
	for {
		c, err := d.read()
		if err != nil {
			return "", err
		}
		switch c {
		case '"':
			return strings.ToValidUTF8(string(d.token), "\ufffd"), nil
		case '\\':
			if err := d.escape(); err != nil {
				return "", err
			}
		default:
			d.token = append(d.token, c)
		}
	}
}

func (d *ednReader) escape() error {
	c, err := d.read()
	if err != nil {
		return err
	}
	switch c {
	case 'n':
		c = '\n'
	case 't':
		c = '\t'
	case 'r':
		c = '\r'
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'u':
		var digits [4]byte
		for i := range digits {
			if digits[i], err = d.read(); err != nil {
				return err
			}
		}
		n, err := strconv.ParseUint(string(digits[:]), 16, 32)
		if err != nil {
			return fmt.Errorf("unknown escape \\u%.4q; want four hexadecimal digits", digits[:])
		}
		d.token = utf8.AppendRune(d.token, rune(n))
		return nil
	}
	d.token = append(d.token, c)
	return nil
}

// ednBlank are the bytes that separate forms, ednDelimiter those that end a token.
var ednBlank, ednDelimiter = byteSet(" \t\n\r,\f"), byteSet(" \t\n\r,\f()[]{}\";")

func byteSet(s string) (t [256]bool) {
	for i := range len(s) {
		t[s[i]] = true
	}
	return t
}
