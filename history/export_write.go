package history

import (
	"fmt"
	"strconv"
)

// key numbers a partition, and says so in a comment.
func (x *ednExport) key(tp TopicPartition) int {
	k, ok := x.keys[tp]
	if !ok {
		k = len(x.keys)
		x.keys[tp] = k
		fmt.Fprintf(x.w, "; key %d is %s\n", k, strconv.Quote(tp.String()))
	}
	return k
}

const ednSends = 1_000_000_000 // numbers of one process

// value numbers a record: the process, and the send within it.
func (x *ednExport) value(v Value) (int64, error) {
	k, ok := x.values[v.Proc]
	if !ok {
		k = int64(len(x.values)) + 1
		x.values[v.Proc] = k
		fmt.Fprintf(x.w, "; values from %d are of %s\n", k*ednSends, strconv.Quote(v.Proc))
	}
	if v.N < 0 || v.N >= ednSends {
		return 0, fmt.Errorf("export: value %s; the export has room for numbers below %d", v, ednSends)
	}
	return k*ednSends + v.N, nil
}

func (x *ednExport) write(process int, typ Type, f, value string) {
	x.writeLine(strconv.Itoa(process), typ, f, value)
}

func (x *ednExport) writeLine(process string, typ Type, f, value string) {
	x.line = fmt.Appendf(x.line[:0], "{:index %d, :time %d, :type :%s, :process %s, :f :%s, :value %s}\n",
		x.index, x.t, typ, process, f, value)
	x.index++
	_, _ = x.w.Write(x.line) // Flush reports it
}

// fault tells the two ends of what struck, as a nemesis does.
func (x *ednExport) fault(e *Event) {
	kind, _ := e.Data["kind"].(string)
	if kind == "" {
		kind = "fault"
	}
	switch e.Op {
	case OpRecover, OpGone:
		kind = "stop-" + kind
	case OpInject, OpEffect:
	default:
		return
	}
	x.writeLine(":nemesis", Info, kind, strconv.Quote(e.Proc))
}
