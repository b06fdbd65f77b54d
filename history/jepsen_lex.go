package history

import "math"

// The tokens of an operation in Jepsen's shape. Each function says no to what the
// general reader would read in another way, and to what is cut off.

func skipBlank(b []byte, i int) int {
	for i < len(b) && ednBlank[b[i]] {
		i++
	}
	return i
}

// integer reads a whole number of 64 bits.
func integer(b []byte, i int) (n int64, end int, ok bool) {
	neg := i < len(b) && b[i] == '-'
	if neg {
		i++
	}
	from := i
	var u uint64
	for i < len(b) && b[i]-'0' <= 9 {
		u = u*10 + uint64(b[i]-'0')
		i++
	}
	if digits := i - from; digits == 0 || digits > 18 || i == len(b) || !ednDelimiter[b[i]] {
		return 0, i, false
	}
	if neg {
		return -int64(u), i, true
	}
	return int64(u), i, true
}

// word reads to the next delimiter; of a word that is cut off it returns nothing.
func word(b []byte, i int) (name []byte, end int) {
	from := i
	for i < len(b) && !ednDelimiter[b[i]] {
		i++
	}
	if i == len(b) {
		return nil, i
	}
	return b[from:i], i
}

// keyword reads a keyword of ASCII and returns its name.
func keyword(b []byte, i int) (name []byte, end int, ok bool) {
	if i >= len(b) || b[i] != ':' {
		return nil, i, false
	}
	name, end = word(b, i+1)
	return name, end, len(name) > 0 && plainWord(name)
}

// plainWord says that a word is a number, keyword or symbol as it stands.
func plainWord(name []byte) bool {
	if c := name[0]; c == '#' || c == '^' || c == '\\' || c == '\'' || c == '@' || c == '`' || c == '~' {
		return false
	}
	for _, c := range name {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// quoted reads a string that stands for itself.
func quoted(b []byte, i int) (text []byte, end int, ok bool) {
	from := i + 1
	for i++; i < len(b) && b[i] != '"'; i++ {
		if b[i] < ' ' || b[i] >= 0x7f || b[i] == '\\' {
			return nil, i, false
		}
	}
	if i >= len(b) {
		return nil, i, false
	}
	return b[from:i], i + 1, true
}

// open passes over an opening bracket and the blanks behind it.
func open(b []byte, i int) (end int, closing byte) {
	if i < len(b) {
		switch b[i] {
		case '[':
			return skipBlank(b, i+1), ']'
		case '(':
			return skipBlank(b, i+1), ')'
		}
	}
	return i, 0
}

// value reads the value of an operation: micro-operations or keys.
func (d *decoder) value(i int, op *kafkaOp) (end int, ok bool) {
	b := d.b
	d.edn.forms++
	if name, end := word(b, i); string(name) == "nil" {
		return end, true
	}
	i, closing := open(b, i)
	if closing == 0 {
		return i, false
	}
	mops, keys := len(d.blk.mops), len(d.blk.keys)
	for i < len(b) && b[i] != closing {
		if b[i] == '[' || b[i] == '(' {
			d.blk.mops = append(d.blk.mops, microOp{})
			i, ok = d.mop(i, &d.blk.mops[len(d.blk.mops)-1])
		} else {
			var key int64
			key, i, ok = d.key(i)
			d.blk.keys = append(d.blk.keys, key)
		}
		if !ok {
			return i, false
		}
		i = skipBlank(b, i)
	}
	op.mops, op.keys = at(mops, len(d.blk.mops)), at(keys, len(d.blk.keys))
	return i + 1, i < len(b)
}

// mop reads a micro-operation.
func (d *decoder) mop(i int, m *microOp) (end int, ok bool) {
	b := d.b
	i, closing := open(b, i)
	name, i, ok := keyword(b, i)
	if !ok {
		return i, false
	}
	i = skipBlank(b, i)
	d.edn.forms += 2
	switch string(name) {
	case "poll":
		if i < len(b) && b[i] != closing {
			if i, ok = d.polled(i, m); !ok {
				return i, false
			}
		}
	case "send":
		m.kind = mopSend
		if m.key, i, ok = d.key(i); !ok {
			return i, false
		}
		if i, ok = d.record(skipBlank(b, i), &m.rec); !ok {
			return i, false
		}
	default:
		return i, false
	}
	i = skipBlank(b, i)
	return i + 1, i < len(b) && b[i] == closing
}

// polled reads what a poll returned: nil, or {key [[offset value] …]}.
func (d *decoder) polled(i int, m *microOp) (end int, ok bool) {
	b := d.b
	d.edn.forms++
	if b[i] != '{' {
		name, end := word(b, i)
		return end, string(name) == "nil"
	}
	m.kind = mopPolled
	from := len(d.blk.polled)
	for i = skipBlank(b, i+1); i < len(b) && b[i] != '}'; i = skipBlank(b, i) {
		var p polledKey
		if p.key, i, ok = d.key(i); !ok {
			return i, false
		}
		if p.recs, i, ok = d.records(skipBlank(b, i)); !ok {
			return i, false
		}
		d.blk.polled = append(d.blk.polled, p)
	}
	m.polled = at(from, len(d.blk.polled))
	return i + 1, i < len(b)
}

// records reads [[offset value] …].
func (d *decoder) records(i int) (_ span, end int, ok bool) {
	b := d.b
	d.edn.forms++
	i, closing := open(b, i)
	if closing == 0 {
		return span{}, i, false
	}
	recs := d.blk.recs
	from := len(recs)
	for i < len(b) && b[i] != closing {
		recs = append(recs, record{})
		r := &recs[len(recs)-1]
		if i, ok = d.record(i, r); !ok {
			d.blk.recs = recs
			return span{}, i, false
		}
		if i < len(b) && b[i] == ' ' {
			i++
		}
		i = skipBlank(b, i)
	}
	d.blk.recs = recs
	return at(from, len(recs)), i + 1, i < len(b)
}

// record reads [offset value], or a value alone.
func (d *decoder) record(i int, r *record) (end int, ok bool) {
	b := d.b
	i, closing := open(b, i)
	if closing == 0 {
		return d.atom(i, r)
	}
	d.edn.forms += 2
	if r.off, end, ok = integer(b, i); ok {
		r.hasOff = true
	} else if name, at := word(b, i); string(name) == "nil" {
		r.off, end = 0, at
	} else {
		return i, false
	}
	if i, ok = d.atom(skipBlank(b, end), r); !ok {
		return i, false
	}
	i = skipBlank(b, i)
	return i + 1, i < len(b) && b[i] == closing
}

// atom reads a value that is no collection.
func (d *decoder) atom(i int, r *record) (end int, ok bool) {
	b := d.b
	d.edn.forms++
	if r.n, end, ok = integer(b, i); ok {
		r.kind = valueInt
		return end, true
	}
	if i >= len(b) {
		return i, false
	}
	switch b[i] {
	case ':':
		_, end, ok = keyword(b, i)
		ok = ok && b[i+1] != ':'
	case '"':
		_, end, ok = quoted(b, i)
	case 'n':
		name, end := word(b, i)
		return end, string(name) == "nil"
	}
	if !ok || end-i > abridged {
		return i, false
	}
	r.kind, r.n = valueText, int64(d.blk.text(d.intern.text(b[i:end])))
	return end, true
}

// key reads a key: a number from 0 on, or a name.
func (d *decoder) key(i int) (key int64, end int, ok bool) {
	b := d.b
	d.edn.forms++
	if key, end, ok = integer(b, i); ok {
		return key, end, key >= 0 && key <= math.MaxInt32
	}
	if i >= len(b) {
		return 0, i, false
	}
	var name []byte
	switch b[i] {
	case ':':
		name, end, ok = keyword(b, i)
		ok = ok && name[0] != ':'
	case '"':
		name, end, ok = quoted(b, i)
		ok = ok && len(name) > 0
	}
	if !ok {
		return 0, i, false
	}
	return int64(-1 - d.blk.text(d.intern.name(name))), end, true
}
