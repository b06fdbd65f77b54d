package history

import "unsafe"

// interner returns equal strings as one, so that a history of millions of events
// holds each process and topic once. What it holds is bounded: a history that
// never repeats itself costs allocations, not memory.
type interner struct {
	seen  map[string]string
	facts map[string]any // the same strings, as values of data
	arena []byte
}

const (
	internEntries = 1 << 14
	internLen     = 256
	arenaSize     = 4 << 10
)

func newInterner() *interner {
	return &interner{seen: make(map[string]string, 64), facts: make(map[string]any)}
}

// name is for text that repeats.
func (in *interner) name(b []byte) string {
	if len(b) > internLen {
		return string(b)
	}
	if s, ok := in.seen[string(b)]; ok {
		return s
	}
	if len(in.seen) >= internEntries {
		clear(in.seen)
	}
	s := string(b)
	in.seen[s] = s
	return s
}

// fact is name for a value of data.
func (in *interner) fact(b []byte) any {
	if len(b) > internLen {
		return string(b)
	}
	if s, ok := in.facts[string(b)]; ok {
		return s
	}
	if len(in.facts) >= internEntries {
		clear(in.facts)
	}
	s := string(b)
	in.facts[s] = s
	return s
}

// text is for text that does not repeat: many short strings share an allocation.
func (in *interner) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) > internLen {
		return string(b)
	}
	if cap(in.arena)-len(in.arena) < len(b) {
		in.arena = make([]byte, 0, arenaSize)
	}
	from := len(in.arena)
	in.arena = append(in.arena, b...)
	// What was appended is never written again: the string stays as it is.
	return unsafe.String(&in.arena[from], len(b))
}

// remembered names are found again by their last bytes, which tell the processes
// and partitions of a run apart.
const remembered = 64

type rememberedTP struct {
	text string
	tp   TopicPartition
}

func slot(b []byte) int {
	h := uint(len(b))
	for i := max(0, len(b)-6); i < len(b); i++ {
		h = h*31 + uint(b[i])
	}
	return int(h % remembered)
}
