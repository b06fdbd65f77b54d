package history

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of one EDN form at the top level: one operation.
const (
	maxFormBytes = 4 << 20
	maxForms     = 1 << 20 // forms within it
)

// ednReader reads forms one by one: those of a file, or, if the file is one
// vector or list, its elements. Tags, metadata and comments are read over.
type ednReader struct {
	r       *bufio.Reader
	line    int64
	bytes   int // read of this form
	forms   int
	token   []byte
	began   bool // the first form was seen
	inside  bool // it was the outer vector
	outside bool // which has ended
	cut     bool // the file ends within a compressed frame
}

func newEDN(r io.Reader) *ednReader {
	return &ednReader{r: bufio.NewReaderSize(r, 64<<10), line: 1}
}

// next returns the next form and the line that it begins on. It returns io.EOF
// at the end, errCut if the file ends within a form or before the outer vector does.
func (d *ednReader) next() (f form, line int64, err error) {
	for {
		d.bytes, d.forms = 0, 0
		c, err := d.start()
		switch {
		case err == io.EOF && (d.cut || d.inside && !d.outside):
			return form{}, d.line, errCut
		case err != nil:
			return form{}, d.line, err
		case d.outside:
			return form{}, d.line, fmt.Errorf("found %q behind the end of the history", string(rune(c)))
		case d.inside && (c == ']' || c == ')'):
			d.outside = true
		case !d.began && (c == '[' || c == '('):
			d.began, d.inside = true, true
		default:
			d.began = true
			line = d.line
			if f, err = d.form(c, 0); err == io.EOF {
				err = errCut
			}
			return f, line, err
		}
	}
}

func (d *ednReader) read() (byte, error) {
	c, err := d.r.ReadByte()
	if err != nil {
		if err == io.ErrUnexpectedEOF {
			d.cut, err = true, io.EOF
		}
		return 0, err
	}
	if d.bytes++; d.bytes > maxFormBytes {
		return 0, fmt.Errorf("an operation of more than %d bytes", maxFormBytes)
	}
	if c == '\n' {
		d.line++
	}
	return c, nil
}

func (d *ednReader) unread(c byte) {
	_ = d.r.UnreadByte() // cannot fail: a byte was just read
	d.bytes--
	if c == '\n' {
		d.line--
	}
}

// start skips what separates forms and returns the byte that the next begins with.
func (d *ednReader) start() (byte, error) {
	for {
		c, err := d.read()
		switch {
		case err != nil:
			return 0, err
		case c == ' ', c == '\t', c == '\n', c == '\r', c == ',', c == '\f':
			d.bytes = max(0, d.bytes-1) // blanks are not counted
		case c == ';':
			for c != '\n' {
				if c, err = d.read(); err != nil {
					return 0, err
				}
			}
			d.bytes = 0
		default:
			return c, nil
		}
	}
}

// form reads the form that begins with c.
func (d *ednReader) form(c byte, depth int) (form, error) {
	if d.forms++; d.forms > maxForms {
		return form{}, fmt.Errorf("an operation of more than %d parts", maxForms)
	}
	if depth > 2*maxDepth {
		return form{}, fmt.Errorf("more than %d levels of brackets", 2*maxDepth)
	}
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
	for {
		c, err := d.start()
		if err != nil {
			return f, err
		}
		if c == end {
			if kind == ednMap && len(f.list)%2 != 0 {
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
		d.unread(c)
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

// word reads a token that begins with the given bytes.
func (d *ednReader) word(begin ...byte) (string, error) {
	d.token = append(d.token[:0], begin...)
	for {
		c, err := d.read()
		if err == io.EOF && len(d.token) > 0 {
			break
		}
		if err != nil {
			return "", err
		}
		if strings.IndexByte(" \t\n\r,\f()[]{}\";", c) >= 0 {
			d.unread(c)
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
