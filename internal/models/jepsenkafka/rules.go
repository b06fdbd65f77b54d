package jepsenkafka

import "slices"

// Names of Jepsen's anomalies, as jepsen.tests.kafka reports them.
const (
	LostWrite           = "lost-write"
	Unseen              = "unseen"
	Duplicate           = "duplicate"
	InconsistentOffsets = "inconsistent-offsets"
	AbortedRead         = "G1a"
	PrecommittedRead    = "precommitted-read"
	CircularFlow        = "G1c"
	WriteCycle          = "G0"
	CircularRealtime    = "G1c-realtime"
	PollSkip            = "poll-skip"
	NonmonotonicPoll    = "nonmonotonic-poll"
	IntPollSkip         = "int-poll-skip"
	IntNonmonotonicPoll = "int-nonmonotonic-poll"
	IntSendSkip         = "int-send-skip"
	NonmonotonicSend    = "nonmonotonic-send"
	IntNonmonotonicSend = "int-nonmonotonic-send"
	NoWriter            = "no-writer-of-value" // Jepsen's checker throws it
)

// at is a value of a key.
type at struct {
	key   int
	value int64
}

// rules is one application of Jepsen's rules to a history.
type rules struct {
	h       *History
	found   map[string]int
	allowed map[string]int   // found, but allowed
	writer  map[at]int       // the completion that sent the value
	seen    map[at]bool      // values that an ok operation read
	logs    map[int]*dense   // the version order of each key
	slots   map[int][]placed // what was seen of each key's log, by offset
}

// placed is a value that was seen at an offset.
type placed struct{ off, value int64 }

// dense is a key's log without its gaps.
type dense struct {
	index  map[int64]int // of a value: its last place
	first  map[int64]int // its first place
	values [][]int64     // at each place
}

// Violations names what Jepsen's checker would call wrong, with the number of
// cases. What it always allows (G0, int-send-skip) is left out, and so is what it
// allows where processes subscribe (poll-skip, nonmonotonic-poll). It differs from
// Jepsen in one point: an assign that seeks to the beginning begins its keys anew.
func Violations(h *History) map[string]int { return apply(h).found }

// apply applies all rules.
func apply(h *History) *rules {
	r := &rules{
		h: h, found: map[string]int{}, allowed: map[string]int{}, writer: map[at]int{}, seen: map[at]bool{},
		logs: map[int]*dense{}, slots: map[int][]placed{},
	}
	r.index()
	r.versions()
	r.lost()
	r.unseen()
	r.visibility()
	r.within()
	r.between()
	r.circular()
	if h.Config.Mode == BySubscribe {
		for _, name := range []string{PollSkip, NonmonotonicPoll} {
			if n := r.found[name]; n > 0 {
				r.allowed[name] = n
				delete(r.found, name)
			}
		}
	}
	return r
}

// Right says whether Kafka forbids what the name says of the history, though
// Jepsen's checker does not look for it there: aborted records in operations that
// are not ok, sends of one process in reverse order across an assign or subscribe,
// a reader that was assigned its partitions beside others that subscribe,
// and transactions that read each other's sends, one of which read too early.
func Right(h *History, name string) bool {
	r := apply(h)
	switch name {
	case AbortedRead:
		return abortedVisibly(r)
	case NonmonotonicSend, PollSkip, NonmonotonicPoll:
		return r.allowed[name] > 0
	case PrecommittedRead:
		return r.found[CircularFlow] > 0 || r.found[CircularRealtime] > 0
	}
	return false
}

// abortedVisibly says whether any operation was given a record of a failed one.
func abortedVisibly(r *rules) (found bool) {
	r.completions(func(_ int, o *Op) {
		o.reads(func(key int, p Pair) {
			w, known := r.writer[at{key, p.Value}]
			found = found || known && r.h.Ops[w].Type == Fail
		})
	})
	return found
}

// tornVisibly says whether a transaction of unknown outcome was read in part, and
// another part that has no offset was not.
func tornVisibly(r *rules) (found bool) {
	r.completions(func(_ int, o *Op) {
		read, unread := 0, 0
		o.sends(func(m *MicroOp) {
			if r.seen[at{m.Key, m.Value}] {
				read++
			} else if !m.Acked {
				unread++
			}
		})
		found = found || o.Type == Info && read > 0 && unread > 0
	})
	return found
}

// completions calls f for each completed operation on records.
func (r *rules) completions(f func(i int, o *Op)) {
	for i := range r.h.Ops {
		if o := &r.h.Ops[i]; o.Type != Invoke && len(o.Micro) > 0 {
			f(i, o)
		}
	}
}

func (r *rules) index() {
	r.completions(func(i int, o *Op) {
		o.sends(func(m *MicroOp) { r.writer[at{m.Key, m.Value}] = i })
		if o.Type == OK {
			o.reads(func(key int, p Pair) { r.seen[at{key, p.Value}] = true })
		}
	})
	r.completions(func(i int, o *Op) {
		o.reads(func(key int, p Pair) {
			if _, known := r.writer[at{key, p.Value}]; !known {
				r.found[NoWriter]++
			}
		})
	})
}

// mustHaveCommitted says whether the sends of the operation are in the log: it is
// ok, or unknown and one of its sends was read.
func (r *rules) mustHaveCommitted(o *Op) bool {
	if o.Type != Info {
		return o.Type == OK
	}
	read := false
	o.sends(func(m *MicroOp) { read = read || r.seen[at{m.Key, m.Value}] })
	return read
}

// versions orders each key's values by what acknowledgements and polls say of
// their offsets.
func (r *rules) versions() {
	r.completions(func(_ int, o *Op) {
		o.reads(func(key int, p Pair) { r.slots[key] = append(r.slots[key], placed{p.Offset, p.Value}) })
		if !r.mustHaveCommitted(o) {
			return
		}
		o.sends(func(m *MicroOp) {
			if m.Acked && m.Offset != NoOffset {
				r.slots[m.Key] = append(r.slots[m.Key], placed{m.Offset, m.Value})
			}
		})
	})
	for key, slots := range r.slots {
		slices.SortFunc(slots, func(a, b placed) int {
			if a.off != b.off {
				return int(a.off - b.off)
			}
			return int(a.value - b.value)
		})
		d := &dense{index: map[int64]int{}, first: map[int64]int{}}
		last := NoOffset
		for i, s := range slots {
			if i > 0 && s == slots[i-1] {
				continue
			}
			if s.off != last {
				d.values = append(d.values, nil)
			} else if n := len(d.values) - 1; len(d.values[n]) == 1 {
				r.found[InconsistentOffsets]++
			}
			last = s.off
			n := len(d.values) - 1
			d.values[n] = append(d.values[n], s.value)
			if _, twice := d.first[s.value]; twice {
				r.found[Duplicate]++
			} else {
				d.first[s.value] = n
			}
			d.index[s.value] = n
		}
		r.logs[key] = d
	}
}

// lost finds values that must have been read, since one behind them was.
func (r *rules) lost() {
	bound := map[int]int{}
	for v := range r.seen {
		if d := r.logs[v.key]; d != nil {
			bound[v.key] = max(bound[v.key], d.first[v.value]+1)
		}
	}
	for key, n := range bound {
		d := r.logs[key]
		for i, values := range d.values[:n] {
			for _, v := range values {
				w, known := r.writer[at{key, v}]
				if d.index[v] == i && !r.seen[at{key, v}] && known && r.mustHaveCommitted(&r.h.Ops[w]) {
					r.found[LostWrite]++
				}
			}
		}
	}
}

// unseen finds values that were acknowledged and never read.
func (r *rules) unseen() {
	for v, i := range r.writer {
		if r.h.Ops[i].Type == OK && !r.seen[v] {
			r.found[Unseen]++
		}
	}
}

// visibility finds reads of what failed, and of an operation's own sends.
func (r *rules) visibility() {
	r.completions(func(i int, o *Op) {
		o.reads(func(key int, p Pair) {
			w, known := r.writer[at{key, p.Value}]
			if known && o.Type == OK && r.h.Ops[w].Type == Fail {
				r.found[AbortedRead]++
			}
			if known && w == i {
				r.found[PrecommittedRead]++
			}
		})
	})
}
