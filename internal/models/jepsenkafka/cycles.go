package jepsenkafka

import (
	"maps"
	"slices"
)

// circular finds cycles of write-read dependencies (G1c), and those that need the
// order of time as well (G1c-realtime): an ok operation precedes those that were
// invoked after it ended.
func (r *rules) circular() {
	reads := map[int][]int{} // writer -> readers
	r.completions(func(i int, o *Op) {
		o.reads(func(key int, p Pair) {
			if w, known := r.writer[at{key, p.Value}]; known && w != i {
				if e := reads[w]; len(e) == 0 || e[len(e)-1] != i {
					reads[w] = append(e, i)
				}
			}
		})
	})
	n := len(r.h.Ops)
	writes := r.orders()
	if c := cyclic(n, func(i int) []int { return writes[i] }); c > 0 {
		r.allowed[WriteCycle] += c
	}
	if c := cyclic(n, func(i int) []int { return reads[i] }); c > 0 {
		r.found[CircularFlow] += c
		return
	}
	before := r.realtime()
	if c := cyclic(2*n, func(i int) []int {
		if i >= n {
			return before[i]
		}
		return append(append([]int(nil), reads[i]...), before[i]...)
	}); c > 0 {
		r.found[CircularRealtime] += c
	}
}

// orders are the write-write dependencies: who sent the value that stands before
// another one in its partition. Jepsen allows their cycles, since Kafka does not
// isolate writes.
func (r *rules) orders() map[int][]int {
	edges := map[int][]int{}
	for _, key := range slices.Sorted(maps.Keys(r.logs)) {
		last := -1
		for _, values := range r.logs[key].values {
			w, known := r.writer[at{key, values[0]}]
			if known && last >= 0 && w != last {
				edges[last] = append(edges[last], w)
			}
			if known {
				last = w
			}
		}
	}
	return edges
}

// realtime draws the order of time with a node for each entry of the history
// beside the operations, n + its index, so that its size is linear: an ok
// completion leads to its own entry, an entry to the next one, and the entry of an
// invocation to its operation.
func (r *rules) realtime() map[int][]int {
	n := len(r.h.Ops)
	edges := make(map[int][]int, n)
	r.completions(func(i int, o *Op) {
		if o.Type == OK {
			edges[i] = append(edges[i], n+i)
		}
		edges[n+o.Invoked] = append(edges[n+o.Invoked], i)
	})
	for i := range n - 1 {
		edges[n+i] = append(edges[n+i], n+i+1)
	}
	return edges
}

// cyclic counts the strongly connected components with more than one node
// (Tarjan's algorithm, without recursion).
func cyclic(n int, next func(int) []int) (found int) {
	index := make([]int, n)
	low := make([]int, n)
	on := make([]bool, n)
	var stack []int
	type frame struct {
		node  int
		edges []int
	}
	count := 0
	visit := func(v int) frame {
		count++
		index[v], low[v] = count, count
		stack = append(stack, v)
		on[v] = true
		return frame{v, next(v)}
	}
	for root := range n {
		if index[root] != 0 {
			continue
		}
		calls := []frame{visit(root)}
		for len(calls) > 0 {
			f := &calls[len(calls)-1]
			if len(f.edges) > 0 {
				to := f.edges[0]
				f.edges = f.edges[1:]
				if index[to] == 0 {
					calls = append(calls, visit(to))
				} else if on[to] {
					low[f.node] = min(low[f.node], index[to])
				}
				continue
			}
			size := 0
			if low[f.node] == index[f.node] {
				for {
					v := stack[len(stack)-1]
					stack = stack[:len(stack)-1]
					on[v] = false
					size++
					if v == f.node {
						break
					}
				}
			}
			if size > 1 {
				found++
			}
			done := *f
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				up := calls[len(calls)-1].node
				low[up] = min(low[up], low[done.node])
			}
		}
	}
	return found
}
