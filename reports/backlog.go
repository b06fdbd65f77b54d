package reports

import "github.com/onceproof/onceproof/history"

// backlog follows how far readers are behind, as the clients' own events tell
// it: the high watermark is the highest offset that anyone was told of.
type backlog struct {
	high      map[history.TopicPartition]int64
	positions map[reader]*position
	staged    map[string][]stage // by instance: offsets of its open transaction
	open      map[string]txnLow  // by instance: where its open transaction begins
}

type reader struct {
	group string
	tp    history.TopicPartition
}

type position struct {
	polled, committed int64
	hasCommitted      bool
}

type stage struct {
	reader
	off int64
}

type txnLow map[history.TopicPartition]int64

func newBacklog() backlog {
	return backlog{high: map[history.TopicPartition]int64{}, positions: map[reader]*position{}, staged: map[string][]stage{}, open: map[string]txnLow{}}
}

func (b *backlog) add(p *process, e *history.Event) {
	if e.Type != history.OK {
		return
	}
	switch e.Op {
	case history.OpSend:
		b.raise(e)
		if e.Txn != 0 && len(e.Off) > 0 {
			low := b.open[p.instance]
			if low == nil {
				low = txnLow{}
				b.open[p.instance] = low
			}
			if off, ok := low[e.TP]; !ok || e.Off[0] < off {
				low[e.TP] = e.Off[0]
			}
		}
	case history.OpPoll:
		b.raise(e)
		if p.group != "" && len(e.Off) > 0 {
			b.at(reader{p.group, e.TP}, e.Off[0]).polled = e.Off[len(e.Off)-1] + 1
		}
	case history.OpCommitOffsets:
		b.commit(stage{reader{e.Group, e.TP}, last(e.Off)})
	case history.OpSendOffsets:
		b.staged[p.instance] = append(b.staged[p.instance], stage{reader{e.Group, e.TP}, last(e.Off)})
	case history.OpCommit, history.OpAbort, history.OpInitProducer:
		if e.Op == history.OpCommit {
			for _, s := range b.staged[p.instance] {
				b.commit(s)
			}
		}
		delete(b.staged, p.instance)
		delete(b.open, p.instance)
	}
}

func (b *backlog) raise(e *history.Event) {
	if off := last(e.Off); off >= b.high[e.TP] {
		b.high[e.TP] = off + 1
	}
}

func (b *backlog) commit(s stage) {
	if s.off < 0 || s.tp.Topic == "" {
		return
	}
	p := b.at(s.reader, s.off)
	p.committed, p.hasCommitted = s.off, true
}

func (b *backlog) at(r reader, off int64) *position {
	p := b.positions[r]
	if p == nil {
		p = &position{polled: off}
		b.positions[r] = p
	}
	return p
}

// levels are each group's records to go, and the records that open transactions
// hold back from readers of committed data.
func (b *backlog) levels() (lag map[string]int64, held int64) {
	lag = map[string]int64{}
	for r, p := range b.positions {
		at := p.polled
		if p.hasCommitted {
			at = p.committed
		}
		lag[r.group] += max(0, b.high[r.tp]-at)
	}
	stable := txnLow{}
	for _, low := range b.open {
		for tp, off := range low {
			if s, ok := stable[tp]; !ok || off < s {
				stable[tp] = off
			}
		}
	}
	for tp, off := range stable {
		held += max(0, b.high[tp]-off)
	}
	return lag, held
}

func last(offs []int64) int64 {
	if len(offs) == 0 {
		return -1
	}
	return offs[len(offs)-1]
}
