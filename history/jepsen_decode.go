package history

import (
	"bytes"
	"errors"
	"fmt"
)

// decoder turns the text of operations into blocks. Operations in the shape that
// Jepsen gives them are read in one pass, byte by byte, into numbers; where
// anything else stands, the operation is read again as a tree of forms. Both ways
// give the same, and the same errors: FuzzEDN holds them to that.
type decoder struct {
	b       []byte
	edn     ednReader
	blk     *block
	intern  *interner
	general bool // trees only: what fuzzing compares with
}

func newDecoder() *decoder { return &decoder{intern: newInterner()} }

// piece is a stretch of a file.
type piece struct {
	text      []byte
	line, col int64 // place of its first byte, from 0
	last      bool  // nothing follows
}

// place is where p.text[i] stands, both from 1.
func (p *piece) place(i int) (line, col int64) {
	before := p.text[:i]
	feed := bytes.LastIndexByte(before, '\n')
	if feed < 0 {
		return p.line + 1, p.col + int64(i) + 1
	}
	return p.line + int64(bytes.Count(before, []byte{'\n'})) + 1, int64(i - feed)
}

// ednState is where between two operations of a file a decoder stands.
type ednState struct {
	began   bool // a form was seen, or the outer bracket
	inside  bool // the outer vector
	outside bool // which has ended
	comment bool // whose line has not ended
	unsure  bool // nobody knows what stands before: stop at a closing bracket
}

// decode appends the operations of p to blk. It returns how far it came: to the
// end, to a form that is not whole, or to what is wrong.
func (d *decoder) decode(p *piece, st *ednState, blk *block) (n int, err error) {
	d.b, d.blk = p.text, blk
	d.edn.b, d.edn.end = p.text, p.last
	lines := places{piece: p}
	i := 0
	for {
		if i = st.skip(d.b, i); i == len(d.b) {
			return i, nil
		}
		switch c := d.b[i]; {
		case st.outside:
			return i, p.wrong(i, fmt.Errorf("found %q behind the end of the history", string(rune(c))))
		case (c == ']' || c == ')') && st.unsure:
			return i, nil
		case st.inside && (c == ']' || c == ')'):
			st.outside = true
			i++
			continue
		case !st.began && (c == '[' || c == '('):
			st.began, st.inside = true, true
			i++
			continue
		}
		end, found, err := d.next(i, st)
		switch {
		case err == errMore:
			return i, nil
		case err != nil:
			at := d.edn.at
			var f *formError
			if errors.As(err, &f) {
				at = int(f.pos)
			}
			return i, p.wrong(at, err)
		case found:
			op := &blk.ops[len(blk.ops)-1]
			op.line, op.col = lines.of(i)
			st.began = true
		}
		i = end
	}
}

// skip passes over what separates operations.
func (st *ednState) skip(b []byte, i int) int {
	for {
		if st.comment {
			feed := bytes.IndexByte(b[i:], '\n')
			if feed < 0 {
				return len(b)
			}
			i += feed
			st.comment = false
		}
		for i < len(b) && ednBlank[b[i]] {
			i++
		}
		if i == len(b) || b[i] != ';' {
			return i
		}
		st.comment = true
	}
}

// places counts lines, for places that are asked for in order.
type places struct {
	*piece
	at   int
	feed int // behind the last line feed before at
	n    int64
}

func (l *places) of(i int) (line, col int64) {
	for {
		feed := bytes.IndexByte(l.text[l.at:i], '\n')
		if feed < 0 {
			break
		}
		l.at += feed + 1
		l.feed = l.at
		l.n++
	}
	l.at = i
	if l.n == 0 {
		return l.line + 1, l.col + int64(i) + 1
	}
	return l.line + l.n + 1, int64(i-l.feed) + 1
}

func (p *piece) wrong(i int, err error) error {
	line, col := p.place(i)
	return &placed{line, col, err}
}

// next reads the form at b[i]: an operation, or one that is discarded, or the
// bracket of all behind a tag.
func (d *decoder) next(i int, st *ednState) (end int, found bool, err error) {
	was := d.blk.lengths()
	if !d.general {
		d.blk.ops = append(d.blk.ops, kafkaOp{})
		if end, ok := d.fast(i, &d.blk.ops[len(d.blk.ops)-1]); ok && end-i <= maxFormBytes && d.edn.forms <= maxForms {
			return end, true, nil
		}
		d.blk.ops = d.blk.ops[:len(d.blk.ops)-1]
		d.blk.back(was)
	}
	d.edn.begin(i)
	c, err := d.edn.read()
	if err != nil {
		return i, false, err
	}
	if c == '#' {
		if discarded, err := d.edn.discard(0); discarded || err != nil {
			return d.edn.i, false, err
		}
		if !st.began {
			if end, ok := d.tagged(i + 1); ok {
				return end, false, nil
			}
		}
	}
	f, err := d.edn.form(c, 0)
	if err != nil {
		return i, false, err
	}
	d.blk.ops = append(d.blk.ops, kafkaOp{})
	if err := d.blk.operation(&f, &d.blk.ops[len(d.blk.ops)-1]); err != nil {
		d.blk.ops = d.blk.ops[:len(d.blk.ops)-1]
		d.blk.back(was)
		return i, false, err
	}
	return d.edn.i, true, nil
}

// tagged finds the vector of all operations behind the tag at b[i].
func (d *decoder) tagged(i int) (end int, ok bool) {
	name := i
	if i = skipTag(d.b, name); i == name {
		return i, false
	}
	for i < len(d.b) && ednBlank[d.b[i]] {
		i++
	}
	return i, i < len(d.b) && (d.b[i] == '[' || d.b[i] == '(')
}

// skipTag passes over the rest of a tag, whose '#' stands before b[i].
func skipTag(b []byte, i int) int {
	if i < len(b) && (b[i]|0x20 < 'a' || b[i]|0x20 > 'z') {
		return i
	}
	for i < len(b) && !ednDelimiter[b[i]] && b[i] < 0x80 {
		i++
	}
	return i
}
