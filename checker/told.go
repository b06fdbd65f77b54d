package checker

import "github.com/onceproof/onceproof/history"

// toldLines remembers the last lines of a process that have no invocation (polls and
// processings), so that a line that was delivered twice counts once. A worker numbers its
// operations, and prints one line for an operation and partition at a time: two lines
// that agree in everything here are one line.
type toldLines [128]toldLine

type toldLine struct {
	id, t, off int64
	tp         int32
	processed  bool
}

// again says whether the line was delivered before, and remembers it.
func (l *toldLines) again(line toldLine) bool {
	at := &l[uint64(line.id*31+line.off*7+int64(line.tp))%uint64(len(l))]
	if *at == line {
		return true
	}
	*at = line
	return false
}

// toldBefore says whether a line without an invocation was delivered twice. Operations
// of an imported history have no such numbers.
func (j *judge) toldBefore(p *proc, e *history.Event) bool {
	if e.Type == history.Invoke || j.header.Format == history.JepsenFormat {
		return false
	}
	line := toldLine{id: e.ID, t: e.T, off: -1, processed: e.Op == history.OpProcess}
	at := e.TP
	switch {
	case len(e.Off) > 0:
		line.off = e.Off[0]
	case len(e.From) > 0:
		at, line.off = e.From[0].TP, e.From[0].Off
	}
	if at.Topic != "" {
		tp, err := j.tp(at)
		if err != nil {
			return false // whoever observes the line says so
		}
		line.tp = tp + 1
	}
	if p.told == nil {
		p.told = new(toldLines)
	}
	return p.told.again(line)
}
