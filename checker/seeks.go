package checker

import (
	"cmp"
	"math"
	"slices"
)

// seeks are the moves that clients of a group made of their own will in a partition.
type seeks struct {
	moves  []seek
	sorted bool
	least  [][]int64 // the smallest offset of each run of 1, 2, 4, … moves, in the order of time
}

type seek struct{ t, off int64 }

func (j *judge) seeksOf(register int64) *seeks {
	s := j.seeks[register]
	if s == nil {
		s = &seeks{}
		j.seeks[register] = s
	}
	return s
}

func (s *seeks) add(t, off int64) { s.moves = append(s.moves, seek{t, off}) }

// back says that a move within from..to went to off or further back.
func (s *seeks) back(from, to, off int64) bool {
	if !s.sorted {
		s.order()
	}
	at := func(t int64) int {
		n, _ := slices.BinarySearchFunc(s.moves, t, func(m seek, t int64) int { return cmp.Compare(m.t, t) })
		return n
	}
	lo, hi := at(from), len(s.moves)
	if to < math.MaxInt64 {
		hi = at(to + 1)
	}
	for lo < hi { // in runs as wide as fit
		n := 0
		for n+1 < len(s.least) && lo%(2<<n) == 0 && lo+2<<n <= hi {
			n++
		}
		if s.least[n][lo>>n] <= off {
			return true
		}
		lo += 1 << n
	}
	return false
}

func (s *seeks) order() {
	s.sorted = true
	slices.SortStableFunc(s.moves, func(a, b seek) int { return cmp.Compare(a.t, b.t) })
	row := make([]int64, len(s.moves))
	for i, m := range s.moves {
		row[i] = m.off
	}
	for ; len(row) > 0; row = s.halved(row) {
		s.least = append(s.least, row)
	}
}

// halved are the smaller ones of each pair of a row.
func (s *seeks) halved(row []int64) []int64 {
	out := make([]int64, len(row)/2)
	for i := range out {
		out[i] = min(row[2*i], row[2*i+1])
	}
	return out
}
