package history

import (
	"fmt"
	"math/bits"
)

// maxImport bounds what an import remembers of a history, in bytes: its
// processes, keys and values, unless Reader.Limit says otherwise.
const maxImport = 128 << 20

// sender says which send a value is: bit 63 if its invocation was seen, the
// process's index, the number of the send within it. 0: nothing is known.
type sender uint64

const sentBit sender = 1 << 63

func makeSender(proc, n int64, sent bool) sender {
	s := sender(proc<<32 | n)
	if sent {
		s |= sentBit
	}
	return s
}

func (s sender) proc() int64 { return int64(s&^sentBit) >> 32 }
func (s sender) n() int64    { return int64(s & (1<<32 - 1)) }

// valueTable maps the values of all keys to their senders. Jepsen's values are
// unique per key, and count up from 1 there: those of a key that do lie in a
// list by value, the others in one hash table, and those that are no numbers in
// a map for each key.
type valueTable struct {
	sparse []sparseValue // open addressing; its length is a power of two
	filled int
	bytes  int64
	limit  int64
}

type sparseValue struct {
	n    int64
	key  int32
	used bool
	s    sender
}

// keyValues are those of one key.
type keyValues struct {
	pages [][]sender
	count int64 // of values in pages
	texts map[string]sender
}

const pageValues = 1024 // the first page of a key grows up to this

// take adds to what is remembered.
func (t *valueTable) take(bytes int64) error {
	if t.bytes += bytes; t.bytes > t.limit {
		return fmt.Errorf("the processes, keys and values up to here take more than the %d MiB that the import may have; "+
			"give more memory, or split the history", t.limit>>20)
	}
	return nil
}

// find returns where the sender of an integer value stands, nil if it was never seen.
func (t *valueTable) find(k *jepsenKey, n int64) *sender {
	if page := uint64(n) / pageValues; page < uint64(len(k.values.pages)) {
		if p := k.values.pages[page]; int(n%pageValues) < len(p) && p[n%pageValues] != 0 {
			return &p[n%pageValues]
		}
	}
	if t.filled == 0 {
		return nil
	}
	if v := t.slot(k.id, n); v.used {
		return &v.s
	}
	return nil
}

// add remembers an integer value that find did not find.
func (t *valueTable) add(k *jepsenKey, n int64, s sender) error {
	v := &k.values
	if n >= 0 && n < 4*v.count+64 {
		for int64(len(v.pages)) <= n/pageValues {
			v.pages = append(v.pages, nil)
			if err := t.take(24); err != nil {
				return err
			}
		}
		page := &v.pages[n/pageValues]
		if at := int(n % pageValues); at >= len(*page) {
			size := max(16, 1<<bits.Len(uint(at)))
			if err := t.take(int64(size-len(*page)) * 8); err != nil {
				return err
			}
			*page = append(make([]sender, 0, size), *page...)[:size]
		}
		(*page)[n%pageValues] = s
		v.count++
		return nil
	}
	if t.filled*4 >= len(t.sparse)*3 {
		if err := t.grow(); err != nil {
			return err
		}
	}
	*t.slot(k.id, n) = sparseValue{n, k.id, true, s}
	t.filled++
	return nil
}

// slot is where the value stands in the hash table, or would.
func (t *valueTable) slot(key int32, n int64) *sparseValue {
	mask := uint64(len(t.sparse) - 1)
	h := (uint64(n) ^ uint64(key)<<40) * 0x9e3779b97f4a7c15
	for i := h ^ h>>32; ; i++ {
		if v := &t.sparse[i&mask]; !v.used || v.n == n && v.key == key {
			return v
		}
	}
}

func (t *valueTable) grow() error {
	const bytes = 32
	size := max(256, 2*len(t.sparse))
	if err := t.take(int64(size-len(t.sparse)) * bytes); err != nil {
		return err
	}
	was := t.sparse
	t.sparse = make([]sparseValue, size)
	for i := range was {
		if was[i].used {
			*t.slot(was[i].key, was[i].n) = was[i]
		}
	}
	return nil
}
