package jepsenkafka

import (
	"slices"
)

// unresolved is the position of a partition that was just assigned.
const unresolved int64 = -1

// consumer is the consumer half of a process's client.
type consumer struct {
	assigned []int
	pos      map[int]int64
	last     map[int]int64 // the last offset that an ok operation polled
	topics   []int         // subscribed
	member   *member
}

// producer is the producer half; its transactional id is new for each client.
type producer struct {
	txn     *txn
	landing []*landing // sends that are still under way
}

// landing is a send of unknown outcome that may still reach the log.
type landing struct {
	done bool
	land func()
}

// take adds partitions without a position.
func (c *consumer) take(keys []int) {
	for _, key := range keys {
		if !slices.Contains(c.assigned, key) {
			c.assigned = append(c.assigned, key)
		}
		c.pos[key] = unresolved
	}
}

// give drops partitions and their positions.
func (c *consumer) give(keys []int) {
	c.assigned = minus(c.assigned, keys)
	for _, key := range keys {
		delete(c.pos, key)
		delete(c.last, key)
	}
}

// assign replaces the partitions; one that stays keeps its position.
func (c *consumer) assign(keys []int, seek bool) {
	c.give(minus(c.assigned, keys))
	c.take(minus(keys, c.assigned))
	if seek {
		for _, key := range keys {
			c.pos[key] = 0
			delete(c.last, key)
		}
	}
}

// poll returns the next records of some of the consumer's partitions.
func (w *world) poll(t *thread) []Batch {
	c := t.consumer
	if w.chance(w.c.Slow) && !w.final {
		return nil
	}
	keys := slices.Clone(c.assigned)
	w.r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	quota := 1 + w.r.IntN(w.c.Batch)
	if w.final {
		quota = max(w.c.Batch, w.started/20) // few enough polls that one client survives them all
	}
	var got []Batch
	for _, key := range keys {
		if quota == 0 || !w.locate(c, key) {
			continue
		}
		if pairs := w.fetch(t, key, &quota); len(pairs) > 0 {
			got = append(got, Batch{key, pairs})
		}
	}
	slices.SortFunc(got, func(a, b Batch) int { return a.Key - b.Key })
	return got
}

// locate finds the position at which the consumer begins with a partition: the
// committed offset, or what auto.offset.reset says. While a transaction has an
// offset under way there is no answer (UNSTABLE_OFFSET_COMMIT).
func (w *world) locate(c *consumer, key int) bool {
	if c.pos[key] != unresolved {
		return true
	}
	if w.group.pending[key] > 0 {
		return false
	}
	if off, ok := w.group.committed[key]; ok {
		c.pos[key] = off
	} else if w.c.Latest {
		c.pos[key] = w.partition(key).lso(key)
	} else {
		c.pos[key] = 0
	}
	return true
}

// fetch reads one partition under read_committed, from the position on, at most
// quota records.
func (w *world) fetch(t *thread, key int, quota *int) []Pair {
	p, c := w.partition(key), t.consumer
	var pairs []Pair
	at, end := c.pos[key], w.reach(t, key)
	for ; at < end && *quota > 0; at++ {
		if e := &p.entries[at]; e.visible() || w.leaks(t, key, e) {
			pairs = append(pairs, Pair{at, e.value})
			*quota--
		}
	}
	c.pos[key] = max(at, c.pos[key])
	p.fetched = max(p.fetched, c.pos[key])
	return pairs
}

// rewind is what Jepsen's client does after an operation that is not ok: it seeks
// each key that the operation polled back to the first offset that it polled of
// it, unless the key is not assigned any more.
func (c *consumer) rewind(micro []MicroOp) {
	first := map[int]bool{}
	for _, m := range micro {
		for _, b := range m.Polled {
			if len(b.Pairs) == 0 || first[b.Key] {
				continue
			}
			first[b.Key] = true
			if slices.Contains(c.assigned, b.Key) {
				c.pos[b.Key] = b.Pairs[0].Offset
			}
		}
	}
}

// polledOffsets are the offsets that Jepsen's client sends into the transaction:
// behind the highest that each key's polls returned.
func polledOffsets(micro []MicroOp) map[int]int64 {
	offsets := map[int]int64{}
	for _, m := range micro {
		for _, b := range m.Polled {
			for _, p := range b.Pairs {
				offsets[b.Key] = max(offsets[b.Key], p.Offset+1)
			}
		}
	}
	return offsets
}
