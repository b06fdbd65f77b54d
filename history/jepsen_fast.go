package history

import "math"

// Fields of an operation, as bits of what was seen.
const (
	kType = 1 << iota
	kF
	kProcess
	kTime
	kIndex
	kValue
	kError
	kSeek
	kLog
	kOther
)

func fieldOf(name []byte) int {
	switch string(name) {
	case "type":
		return kType
	case "f":
		return kF
	case "process":
		return kProcess
	case "time":
		return kTime
	case "index":
		return kIndex
	case "value":
		return kValue
	case "error":
		return kError
	case "seek-to-beginning?":
		return kSeek
	case "rebalance-log":
		return kLog
	}
	return kOther
}

// fast reads the operation at b[i] if it has Jepsen's shape, and tells how far it
// came. It says no to anything else, wrong or right.
func (d *decoder) fast(i int, op *kafkaOp) (end int, ok bool) {
	b, depth := d.b, 0
	d.edn.begin(i)
	d.edn.forms = 1
	if b[i] == '#' {
		d.edn.forms++
		depth++
		if j := skipTag(b, i+1); j == i+1 {
			return i, false
		} else {
			i = skipBlank(b, j)
		}
	}
	if i >= len(b) || b[i] != '{' {
		return i, false
	}
	i++
	seen, time, index := 0, int64(-1), int64(-1)
	for {
		i = skipBlank(b, i)
		if i >= len(b) || b[i] != ':' {
			break
		}
		name := i + 1
		for i++; i < len(b) && !ednDelimiter[b[i]]; i++ {
		}
		field := fieldOf(b[name:i])
		if seen&field&^kOther != 0 || field == kOther && (i == name || b[name] == ':' || !plainWord(b[name:i])) {
			return i, false
		}
		seen |= field
		d.edn.forms++
		i = skipBlank(b, i)
		if i >= len(b) {
			return i, false
		}
		switch field {
		case kTime:
			time, i, ok = integer(b, i)
			d.edn.forms++
		case kIndex:
			index, i, ok = integer(b, i)
			d.edn.forms++
		default:
			i, ok = d.field(field, i, op, depth+1)
		}
		if !ok {
			return i, false
		}
	}
	if i >= len(b) || b[i] != '}' || seen&(kType|kF|kProcess) != kType|kF|kProcess {
		return i, false
	}
	for _, n := range [...]int64{index, time} {
		if n >= 0 && n < math.MaxInt64 {
			op.t = n + 1
		}
	}
	return i + 1, op.fits()
}

// fits says that the value that was read is one of such an operation.
func (op *kafkaOp) fits() bool {
	switch op.f {
	case kindSend, kindPoll, kindTxn:
		return op.keys.of(0)
	case kindAssign, kindSubscribe:
		return op.mops.of(0)
	case kindCrash:
		return true
	}
	return false
}

// field reads the value of one field at b[i].
func (d *decoder) field(field, i int, op *kafkaOp, depth int) (end int, ok bool) {
	b := d.b
	switch field {
	case kType, kF:
		name, end, ok := keyword(b, i)
		if !ok {
			return i, false
		}
		d.edn.forms++
		if field == kType {
			op.typ = typeOf(name)
			return end, op.typ != noType
		}
		op.f = kindOf(name)
		return end, op.f != noKind
	case kProcess:
		d.edn.forms++
		op.process, end, ok = integer(b, i)
		return end, ok
	case kValue:
		return d.value(i, op)
	case kSeek:
		d.edn.forms++
		name, end := word(b, i)
		op.seek = string(name) == "true"
		return end, op.seek || string(name) == "false"
	}
	return d.other(field, i, op, depth)
}

// other reads a field that needs a tree.
func (d *decoder) other(field, i int, op *kafkaOp, depth int) (end int, ok bool) {
	if field == kOther {
		if name, end := word(d.b, i); len(name) > 0 && plainWord(name) {
			d.edn.forms++
			return end, true
		}
	}
	d.edn.i = i
	c, err := d.edn.read()
	if err != nil || c == '#' || c == ';' { // it may be read over
		return i, false
	}
	f, err := d.edn.form(c, depth)
	if err != nil {
		return i, false
	}
	switch field {
	case kError:
		if reason := jepsenError(&f); reason != nil {
			op.rare = &rareParts{err: reason}
		}
	case kLog:
		return d.edn.i, d.blk.rebalances(&f, op) == nil
	}
	return d.edn.i, true
}

func typeOf(name []byte) opType {
	switch string(name) {
	case "invoke":
		return opInvoke
	case "ok":
		return opOK
	case "fail":
		return opFail
	case "info":
		return opInfo
	}
	return noType
}

func kindOf(name []byte) opKind {
	switch string(name) {
	case "send":
		return kindSend
	case "poll":
		return kindPoll
	case "txn":
		return kindTxn
	case "assign":
		return kindAssign
	case "subscribe":
		return kindSubscribe
	case "crash":
		return kindCrash
	}
	return noKind
}
