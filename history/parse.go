package history

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
)

// ParseLine reads one line that MarshalLine or a worker wrote: one JSON object,
// its fields in any order. Src and Proc may be missing, as in a worker's lines.
// It overwrites all of e and reuses the slices that e has. Strings do not refer
// to line. An error names the column and what was expected there.
func ParseLine(line []byte, e *Event) error {
	p := parsers.Get().(*parser)
	defer parsers.Put(p)
	defer p.reset(nil)
	return p.event(line, e)
}

var parsers = sync.Pool{New: func() any { return newParser() }}

// errCut says that a line ends where more must follow.
var errCut = errors.New("the line ends in the middle of an event")

// parser reads lines. It keeps what it has seen, so that the lines of one
// history share their strings and allocate nothing in the long run.
type parser struct {
	lexer
	intern *interner
	lastID int64 // of the run that is being read
	procs  [remembered]string
	tps    [remembered]rememberedTP
}

func newParser() *parser { return &parser{intern: newInterner()} }

// Fields of an event, as bits of what a line has shown.
const (
	fT = 1 << iota
	fSrc
	fProc
	fType
	fOp
	fID
	fTxn
	fGroup
	fTP
	fOff
	fKey
	fVal
	fFrom
	fPID
	fEpoch
	fInTxn
	fMarker
	fMeta
	fErr
	fNote
	fData
)

var fieldNames = []string{"t", "src", "proc", "type", "op", "id", "txn", "group", "tp", "off", "key", "val",
	"from", "pid", "epoch", "in-txn", "marker", "meta", "err", "note", "data"}

func (p *parser) event(line []byte, e *Event) error {
	off, key, val, from := e.Off[:0], e.Key[:0], e.Val[:0], e.From[:0]
	*e = Event{Off: off, Key: key, Val: val, From: from}
	if len(line) > MaxLine {
		return fmt.Errorf("a line of %d bytes; the limit is %d: split the batch into several events", len(line), MaxLine)
	}
	if p.canonical(line, e) {
		return e.check()
	}
	*e = Event{Off: off, Key: key, Val: val, From: from}
	p.reset(line)
	if err := p.fields(e); err != nil {
		return p.at(err)
	}
	if p.space(); p.i < len(p.b) {
		return p.at(fmt.Errorf("%.20q behind the event; want one JSON object a line", p.b[p.i:]))
	}
	return e.check()
}

func (p *parser) fields(e *Event) error {
	if err := p.open('{'); err != nil {
		return err
	}
	seen := 0
	for first := true; ; first = false {
		more, err := p.more('}', first)
		if err != nil {
			return err
		}
		if !more {
			if e.Run && int64(len(e.Val)) != p.lastID-e.ID+1 {
				return fmt.Errorf("%d val for the ids %d..%d; a run has one for each", len(e.Val), e.ID, p.lastID)
			}
			return missing(seen)
		}
		name, err := p.field()
		if err != nil {
			return err
		}
		field, err := p.value(name, e)
		if err != nil {
			return err
		}
		if field != 0 && seen&field != 0 {
			return fmt.Errorf("%q stands twice", name)
		}
		seen |= field
	}
}

func missing(seen int) error {
	switch {
	case seen&fType == 0:
		return errors.New("no \"type\"; want invoke, ok, fail or info")
	case seen&fOp == 0:
		return errors.New("no \"op\", such as \"send\"")
	case seen&fT == 0:
		return errors.New("no \"t\", the nanoseconds of CLOCK_MONOTONIC")
	case seen&fEpoch != 0 && seen&fPID == 0:
		return errors.New("\"epoch\" without \"pid\"")
	}
	return nil
}

// value reads the value of one field and tells which it was, 0 for a foreign one
// and for null, which means left out.
func (p *parser) value(name []byte, e *Event) (field int, err error) {
	p.space()
	null, err := p.word("null")
	if err != nil {
		return 0, err
	}
	if null && slices.Contains(fieldNames, string(name)) {
		return 0, nil
	}
	switch string(name) {
	case "t":
		e.T, err = p.int64()
		return fT, err
	case "src":
		e.Src, err = p.src()
		return fSrc, err
	case "proc":
		e.Proc, err = p.proc()
		return fProc, err
	case "type":
		e.Type, err = p.typ()
		return fType, err
	case "op":
		e.Op, err = p.op()
		return fOp, err
	case "id":
		e.ID, p.lastID, err = p.ids()
		e.Run = p.lastID > e.ID
		return fID, err
	case "txn":
		e.Txn, err = p.int64()
		return fTxn, err
	case "group":
		e.Group, err = p.name()
		return fGroup, err
	case "tp":
		e.TP, err = p.topicPartition()
		return fTP, err
	case "off":
		e.Off, err = p.offsets(e.Off)
		return fOff, err
	case "key":
		e.Key, err = p.keys(e.Key)
		return fKey, err
	case "val":
		e.Val, err = p.values(e.Val)
		return fVal, err
	case "from":
		e.From, err = p.inputs(e.From)
		return fFrom, err
	case "pid":
		e.HasPID = true
		e.PID, err = p.int64()
		return fPID, err
	case "epoch":
		e.Epoch, err = p.int16()
		return fEpoch, err
	case "in-txn":
		e.InTxn, err = p.bool()
		return fInTxn, err
	case "marker":
		e.Marker, err = p.marker()
		return fMarker, err
	case "meta":
		e.Meta, err = p.text()
		return fMeta, err
	case "err":
		e.Err, err = p.err()
		return fErr, err
	case "note":
		e.Note, err = p.name()
		return fNote, err
	case "data":
		e.Data, err = p.data()
		return fData, err
	}
	if strings.HasPrefix(string(name), "x-") {
		if !null {
			_, err = p.any(0)
		}
		return 0, err
	}
	return 0, fmt.Errorf("unknown field %.40q%s; a field of your own begins with \"x-\"", name, nearest(string(name), fieldNames))
}

// ids reads 41, or the range "41..60" of a run.
func (p *parser) ids() (first, last int64, err error) {
	if p.space(); p.i >= len(p.b) || p.b[p.i] != '"' {
		first, err = p.int64()
		return first, first, err
	}
	b, err := p.string()
	if err != nil {
		return 0, 0, err
	}
	first, last, ok := numbers(b)
	if !ok {
		return 0, 0, fmt.Errorf("id %.40q; want a number, or a range such as \"41..60\"", b)
	}
	return first, last, room(0, first, last)
}

func (p *parser) src() (Source, error) {
	b, err := p.string()
	if err != nil {
		return "", err
	}
	switch string(b) {
	case "client":
		return SrcClient, nil
	case "wire":
		return SrcWire, nil
	case "fault":
		return SrcFault, nil
	case "audit":
		return SrcAudit, nil
	case "harness":
		return SrcHarness, nil
	}
	return "", fmt.Errorf("src %.40q; want client, wire, fault, audit or harness", b)
}

func (p *parser) typ() (Type, error) {
	b, err := p.string()
	if err != nil {
		return "", err
	}
	switch string(b) {
	case "invoke":
		return Invoke, nil
	case "ok":
		return OK, nil
	case "fail":
		return Fail, nil
	case "info":
		return Info, nil
	}
	return "", fmt.Errorf("type %.40q; want invoke, ok, fail or info", b)
}

func (p *parser) op() (Op, error) {
	b, err := p.string()
	if err != nil {
		return "", err
	}
	return p.opName(b), nil
}

func (p *parser) opName(b []byte) Op {
	switch string(b) { // the frequent ones
	case "send":
		return OpSend
	case "poll":
		return OpPoll
	case "log":
		return OpLog
	case "visible":
		return OpVisible
	}
	return Op(p.intern.name(b))
}

func (p *parser) marker() (string, error) {
	b, err := p.string()
	if err != nil {
		return "", err
	}
	switch string(b) {
	case "commit":
		return "commit", nil
	case "abort":
		return "abort", nil
	}
	return "", fmt.Errorf("marker %.40q; want commit or abort", b)
}

func (p *parser) proc() (string, error) {
	b, err := p.string()
	if err != nil {
		return "", err
	}
	return p.procName(b), nil
}

func (p *parser) procName(b []byte) string {
	known := &p.procs[slot(b)]
	if string(b) != *known {
		*known = p.intern.name(b)
	}
	return *known
}

func (p *parser) name() (string, error) {
	b, err := p.string()
	if err != nil {
		return "", err
	}
	return p.intern.name(b), nil
}

func (p *parser) text() (string, error) {
	b, err := p.string()
	if err != nil {
		return "", err
	}
	return p.intern.text(b), nil
}

func (p *parser) int16() (int16, error) {
	n, err := p.int64()
	if err == nil && (n < math.MinInt16 || n > math.MaxInt16) {
		err = fmt.Errorf("%d does not fit 16 bits", n)
	}
	return int16(n), err
}
