package checker

import (
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/history"
)

// The tables hold no strings: processes, partitions, groups and producer ids
// are small numbers, and a value or a place is one word.

// value is a history.Value: 24 bits of process, 40 bits of number. 0 is none.
type value uint64

// place is a topic-partition and an offset: 16 bits and 48 bits. 0 is none.
type place uint64

const (
	maxN     = 1<<40 - 1
	maxOff   = 1<<48 - 1
	maxProcs = 1<<24 - 2
	maxTPs   = 1<<16 - 2
)

func makeValue(proc int32, n int64) value { return value(uint64(proc+1)<<40 | uint64(n)) }
func (v value) proc() int32               { return int32(v>>40) - 1 }
func (v value) n() int64                  { return int64(v & maxN) }

func makePlace(tp int32, off int64) place { return place(uint64(tp+1)<<48 | uint64(off)) }
func (p place) tp() int32                 { return int32(p>>48) - 1 }
func (p place) off() int64                { return int64(p & maxOff) }

// names turns strings into indexes of the judge's slices.
type names struct {
	procs  map[string]int32
	tps    map[history.TopicPartition]int32
	groups map[string]int32

	lastProc   string
	lastProcID int32
	lastTP     history.TopicPartition
	lastTPID   int32
}

func newNames() names {
	return names{
		procs:      map[string]int32{},
		tps:        map[history.TopicPartition]int32{},
		groups:     map[string]int32{},
		lastProcID: -1,
		lastTPID:   -1,
	}
}

// splitProc takes "till/0/1" apart: client "till", instance "till/0".
func splitProc(name string) (client, instance string) {
	last := strings.LastIndexByte(name, '/')
	if last < 0 {
		return name, name
	}
	instance = name[:last]
	if mid := strings.LastIndexByte(instance, '/'); mid >= 0 {
		return instance[:mid], instance
	}
	return instance, instance
}

func (j *judge) proc(name string) (int32, error) {
	if j.names.lastProcID >= 0 && name == j.names.lastProc {
		return j.names.lastProcID, nil
	}
	id, ok := j.names.procs[name]
	if !ok {
		if len(j.procs) >= maxProcs {
			return 0, fmt.Errorf("more than %d processes", maxProcs)
		}
		name = strings.Clone(name)
		id = int32(len(j.procs))
		j.names.procs[name] = id
		j.procs = append(j.procs, j.newProc(name))
	}
	j.names.lastProc, j.names.lastProcID = j.procs[id].name, id
	return id, nil
}

func (j *judge) tp(tp history.TopicPartition) (int32, error) {
	if j.names.lastTPID >= 0 && tp == j.names.lastTP {
		return j.names.lastTPID, nil
	}
	id, ok := j.names.tps[tp]
	if !ok {
		if len(j.parts) >= maxTPs {
			return 0, fmt.Errorf("more than %d partitions", maxTPs)
		}
		tp.Topic = strings.Clone(tp.Topic)
		id = int32(len(j.parts))
		j.names.tps[tp] = id
		j.parts = append(j.parts, j.newPart(tp))
	}
	j.names.lastTP, j.names.lastTPID = j.parts[id].tp, id
	return id, nil
}

func (j *judge) group(name string) int32 {
	id, ok := j.names.groups[name]
	if !ok {
		name = strings.Clone(name)
		id = int32(len(j.groups))
		j.names.groups[name] = id
		j.groups = append(j.groups, &group{name: name, inputs: map[int32]*inputPart{}})
	}
	return id
}

func (j *judge) val(v history.Value) (value, error) {
	if v.Proc == "" {
		return 0, nil // a record that no worker of ours made
	}
	if v.N < 0 || v.N > maxN {
		return 0, fmt.Errorf("value %s#%d: number out of range", v.Proc, v.N)
	}
	p, err := j.proc(v.Proc)
	if err != nil {
		return 0, err
	}
	return makeValue(p, v.N), nil
}

func (j *judge) placeOf(in history.Input) (place, error) {
	if in.TP.Topic == "" {
		return 0, nil
	}
	if in.Off < 0 || in.Off > maxOff {
		return 0, fmt.Errorf("input offset %d out of range", in.Off)
	}
	tp, err := j.tp(in.TP)
	if err != nil {
		return 0, err
	}
	return makePlace(tp, in.Off), nil
}

func (j *judge) valName(v value) string {
	if v == 0 {
		return "a record of unknown origin"
	}
	return fmt.Sprintf("%s#%d", j.procs[v.proc()].name, v.n())
}

func tpName(tp history.TopicPartition) string {
	if tp.Part < 0 {
		return tp.Topic
	}
	return fmt.Sprintf("%s/%d", tp.Topic, tp.Part)
}

func (j *judge) placeName(p place) string {
	return fmt.Sprintf("%s@%d", tpName(j.parts[p.tp()].tp), p.off())
}
