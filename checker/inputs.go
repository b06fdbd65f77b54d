package checker

import (
	"github.com/onceproof/onceproof/history"
)

// group is one consumer group and what became of its inputs.
type group struct {
	name   string
	inputs map[int32]*inputPart // by partition
	// What its members are seen to do; it decides what accounts for an input.
	processes bool  // process events
	outputs   bool  // output records
	inTxn     bool  // offsets committed in transactions
	outTxn    bool  // output records in transactions
	tiled     int64 // inputs behind its committed offsets
	// Of programs: who they are, and what they made, by topic.
	program *history.ClientInfo
	edges   map[string]*edge
	asides  []*edge // where inputs end instead of making an output
	asked   bool    // whether audited is known
	audited bool    // the audit asked for its offsets
}

// inputPart is one partition as a group's input.
type inputPart struct {
	tp        int32
	rows      *table[input]
	first     int64 // smallest offset polled, -1 if none
	earliest  bool  // starts at the log's start where nothing is committed
	final     int64 // stable committed offset in the audit; if pending, the newest known commit
	hasFinal  bool
	told      bool // some commit of it was told of, whatever became of it
	due       bool // the configuration says that the group reads it from there
	pending   bool // the audit was refused it: an open transaction holds an offset
	finalLine uint32
	lastT     int64 // of the last acknowledged commit
	traced    int64 // smallest offset that a program's output was made from, -1 if none
	tracedEnd int64 // largest + 1
}

// input is what a group did with one input record.
type input struct {
	out      place // first committed output
	procT    int64 // end of the first processing
	txn      int32 // index of the transaction of the last output attempted + 1
	procLine uint32
	procProc int32  // + 1
	again    uint32 // line of the second processing
	attempts uint16 // output sends
	outs     uint8  // committed outputs, up to 3
	done     uint8  // successful processings, up to 3
	flags    uint8
	_        [3]uint8
}

const (
	inMaybe  uint8 = 1 << iota // processed with unknown outcome
	inAside                    // set aside
	inSecond                   // reported as a duplicate
)

func (g *group) input(j *judge, tp int32) *inputPart {
	in := g.inputs[tp]
	if in == nil {
		in = &inputPart{tp: tp, rows: newTable[input](j.pool), first: -1, traced: -1}
		g.inputs[tp] = in
	}
	return in
}

// groupOf is the group in whose name p works: told by an event, else the
// configuration's group.id, else the client's own name.
func (j *judge) groupOf(p *proc) *group {
	if p.group < 0 {
		name := p.client
		if p.info != nil && p.info.Config["group.id"] != "" {
			name = p.info.Config["group.id"]
		}
		p.group = j.group(name)
	}
	return j.groups[p.group]
}

// input is the row of the input that p worked on.
func (j *judge) input(p *proc, from place) *input {
	return j.groupOf(p).input(j, from.tp()).rows.at(from.off())
}

// reader is a client that the configuration gives a group and an input, and the
// group.
type reader struct {
	client *history.ClientInfo
	group  *group
}

// readers are those of which a process was started. What the application of a
// program polls and processes is not seen, so that its silence says nothing.
func (j *judge) readers() []reader {
	started := map[string]bool{}
	for _, p := range j.procs {
		started[p.client] = true
	}
	var all []reader
	for i := range j.header.Clients {
		c := &j.header.Clients[i]
		if id := c.Config["group.id"]; id != "" && c.Input != "" && !c.Program && started[c.Name] {
			all = append(all, reader{c, j.groups[j.group(id)]})
		}
	}
	return all
}

// pollsInput is the group's view of a partition that p polls, nil for a
// consumer outside any group.
func (j *judge) pollsInput(p *proc, tp int32) *inputPart {
	if p.group < 0 && (p.info == nil || p.info.Config["group.id"] == "") {
		return nil
	}
	in := j.groupOf(p).input(j, tp)
	if p.info != nil && p.info.Config["auto.offset.reset"] == "earliest" {
		in.earliest = true
	}
	return in
}

// observeAside takes in an input that was given up on. Where the event names the
// record that stands for it, the audit's log says whether it was put aside; else
// the worker's word is all there is.
func (j *judge) observeAside(p *proc, e *history.Event, line uint32) error {
	if t := e.TP.Topic; t != "" && (p.info == nil || t != p.info.Output && t != p.info.Topic) {
		j.asides[t] = true
	}
	if e.Type != history.OK {
		return nil
	}
	j.counts["set-aside"]++
	if len(e.Val) > 0 {
		return nil
	}
	for i := range e.From {
		from, err := j.placeOf(e.From[i])
		if err != nil {
			return err
		}
		if from != 0 {
			j.input(p, from).flags |= inAside
		}
	}
	return nil
}

func (j *judge) observeProcess(p *proc, e *history.Event, line uint32) error {
	if e.Type == history.Invoke {
		return nil
	}
	for i := range e.From {
		from, err := j.placeOf(e.From[i])
		if err != nil {
			return err
		}
		if from == 0 {
			continue
		}
		in := j.input(p, from)
		switch {
		case e.Type == history.Info:
			in.flags |= inMaybe
		case e.Type == history.OK:
			j.hot.processed++
			j.groupOf(p).processes = true
			if in.done == 0 {
				in.procT, in.procLine, in.procProc = e.T, line, p.id+1
			} else if in.again == 0 {
				in.again = line
			}
			if in.done < 3 {
				in.done++
			}
			if in.done == 2 && !p.txnal && p.lastTxn == 0 {
				j.processedTwice(p, from, in, e, line)
			}
		}
	}
	return nil
}
