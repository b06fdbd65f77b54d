package jepsenkafka

import "strconv"

// Style is the shape in which a history is written; Jepsen's versions and its
// tools differ in it.
type Style struct {
	Tagged bool // #jepsen.history.Op{…} instead of {…}
	Vector bool // one vector of operations instead of one a line
	Types  bool // the rebalance log says revoked, assigned or lost
	Empty  bool // a poll without records says {} and names the keys of no records
}

// EDN writes the history as Jepsen's store does.
func (h *History) EDN(s Style) []byte {
	b := make([]byte, 0, 160*len(h.Ops))
	if s.Vector {
		b = append(b, '[')
	}
	for i := range h.Ops {
		b = h.Ops[i].edn(b, i, s)
		b = append(b, '\n')
	}
	if s.Vector {
		b = append(b, ']', '\n')
	}
	return b
}

func (o *Op) edn(b []byte, index int, s Style) []byte {
	if s.Tagged {
		b = append(b, "#jepsen.history.Op"...)
	}
	b = append(b, "{:index "...)
	b = strconv.AppendInt(b, int64(index), 10)
	b = append(b, ", :time "...)
	b = strconv.AppendInt(b, o.Time, 10)
	b = append(b, ", :type :"...)
	b = append(b, o.Type...)
	b = append(b, ", :process "...)
	if o.Process == Nemesis {
		b = append(b, ":nemesis"...)
	} else {
		b = strconv.AppendInt(b, int64(o.Process), 10)
	}
	b = append(b, ", :f :"...)
	b = append(b, o.F...)
	b = append(b, ", :value "...)
	b = o.value(b, s)
	if o.Seek {
		b = append(b, ", :seek-to-beginning? true"...)
	}
	if o.End {
		b = append(b, ", :end-process? true"...)
	}
	if o.Error != "" {
		b = append(b, ", :error "...)
		b = append(b, o.Error...)
	}
	if len(o.Rebalance) > 0 {
		b = append(b, ", :rebalance-log ("...)
		for i, r := range o.Rebalance {
			if i > 0 {
				b = append(b, ' ')
			}
			b = append(b, '{')
			if s.Types {
				b = append(b, ":type :"...)
				b = append(b, r.Type...)
				b = append(b, ", "...)
			}
			b = append(b, ":keys "...)
			b = append(keys(b, r.Keys), '}')
		}
		b = append(b, ')')
	}
	return append(b, '}')
}

func (o *Op) value(b []byte, s Style) []byte {
	switch {
	case o.Process == Nemesis:
		return append(b, o.Fault...)
	case o.F == Crash:
		return append(b, "nil"...)
	case o.F == Debug && o.Type == OK:
		b = append(b, "{:node \"n1\", :node-id 1, :partitions {"...)
		for i, key := range o.Keys {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = strconv.AppendInt(b, int64(key), 10)
			b = append(b, " {:leader 1, :replicas [1 2 3]}"...)
		}
		return append(b, "}}"...)
	case len(o.Micro) == 0:
		return keys(b, o.Keys)
	}
	b = append(b, '[')
	for i := range o.Micro {
		if i > 0 {
			b = append(b, ' ')
		}
		b = o.Micro[i].edn(b, s)
	}
	return append(b, ']')
}

func (m *MicroOp) edn(b []byte, s Style) []byte {
	if m.IsSend {
		b = append(b, "[:send "...)
		b = strconv.AppendInt(b, int64(m.Key), 10)
		b = append(b, ' ')
		if m.Acked {
			return append(pair(b, Pair{m.Offset, m.Value}), ']')
		}
		return append(strconv.AppendInt(b, m.Value, 10), ']')
	}
	if !m.Done {
		return append(b, "[:poll]"...)
	}
	b = append(b, "[:poll {"...)
	for i, batch := range m.Polled {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendInt(b, int64(batch.Key), 10)
		b = append(b, " ["...)
		for j, p := range batch.Pairs {
			if j > 0 {
				b = append(b, ' ')
			}
			b = pair(b, p)
		}
		b = append(b, ']')
	}
	if s.Empty && len(m.Polled) == 0 {
		b = append(b, "0 []"...)
	}
	return append(b, "}]"...)
}

func pair(b []byte, p Pair) []byte {
	b = append(b, '[')
	if p.Offset == NoOffset {
		b = append(b, "nil"...)
	} else {
		b = strconv.AppendInt(b, p.Offset, 10)
	}
	b = append(b, ' ')
	return append(strconv.AppendInt(b, p.Value, 10), ']')
}

func keys(b []byte, keys []int) []byte {
	b = append(b, '[')
	for i, key := range keys {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, int64(key), 10)
	}
	return append(b, ']')
}
