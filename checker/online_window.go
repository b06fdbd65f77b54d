package checker

import (
	"hash/maphash"

	"github.com/onceproof/onceproof/history"
)

// window keeps rows by partition (and group) and offset, and forgets the oldest
// chunk of them when there are too many.
type window[T any] struct {
	chunks map[chunkKey]*[chunkRows]T
	order  []chunkKey // a ring, in the order in which they were made
	next   int
}

const chunkRows = 128

type chunkKey struct {
	group, part int32
	n           int64
}

func newWindow[T any](most int) window[T] {
	return window[T]{chunks: map[chunkKey]*[chunkRows]T{}, order: make([]chunkKey, 0, most)}
}

// at is the row at off, made if it was absent or forgotten.
func (w *window[T]) at(group, part int32, off int64) *T {
	k := chunkKey{group, part, off / chunkRows}
	c := w.chunks[k]
	if c == nil {
		if len(w.order) < cap(w.order) {
			c = new([chunkRows]T)
			w.order = append(w.order, k)
		} else {
			oldest := w.order[w.next]
			c = w.chunks[oldest]
			clear(c[:])
			delete(w.chunks, oldest)
			w.order[w.next] = k
			w.next = (w.next + 1) % len(w.order)
		}
		w.chunks[k] = c
	}
	return &c[off%chunkRows]
}

// get is the row at off, or nil if nothing is known of it.
func (w *window[T]) get(group, part int32, off int64) *T {
	if c := w.chunks[chunkKey{group, part, off / chunkRows}]; c != nil && off >= 0 {
		return &c[off%chunkRows]
	}
	return nil
}

// recent remembers where values stand, the newest of them.
type recent struct {
	at   map[uint64]place
	ring []uint64
	next int
}

func newRecent(most int) recent {
	return recent{at: map[uint64]place{}, ring: make([]uint64, 0, most)}
}

func (r *recent) put(v uint64, at place) {
	if _, ok := r.at[v]; !ok {
		if len(r.ring) < cap(r.ring) {
			r.ring = append(r.ring, v)
		} else {
			delete(r.at, r.ring[r.next])
			r.ring[r.next] = v
			r.next = (r.next + 1) % len(r.ring)
		}
	}
	r.at[v] = at
}

var valueSeed = maphash.MakeSeed()

// hashed stands for a value whose process may be forgotten; 0 is none. Two values
// that share one are taken for the same, and so for no violation.
func hashed(v history.Value) uint64 {
	if v.Proc == "" {
		return 0
	}
	h := maphash.String(valueSeed, v.Proc) ^ uint64(v.N)*0x9E3779B97F4A7C15
	return max(1, h)
}
