package checker

import "slices"

// sorter sorts more rows than memory may hold: runs of batchRows are sorted as they
// come and lie in the pool's tables, which move to disk past the limit; a cursor
// merges them. Rows that compare as equal keep the order in which they came.
type sorter[T any] struct {
	pool *pool
	cmp  func(a, b T) int
	buf  []T
	runs []*spool[T]
}

func newSorter[T any](p *pool, cmp func(a, b T) int) *sorter[T] {
	return &sorter[T]{pool: p, cmp: cmp}
}

func (s *sorter[T]) add(row T) {
	if len(s.buf) == batchRows {
		s.flush()
	}
	s.buf = append(s.buf, row)
}

// flush makes a run of what is in memory.
func (s *sorter[T]) flush() {
	slices.SortStableFunc(s.buf, s.cmp)
	run := newSpool[T](s.pool)
	for _, row := range s.buf {
		run.add(row)
	}
	s.runs = append(s.runs, run)
	s.buf = s.buf[:0]
}

// sorted begins a pass. No more rows may be added; several passes may go on at once.
func (s *sorter[T]) sorted() *cursor[T] {
	slices.SortStableFunc(s.buf, s.cmp)
	c := &cursor[T]{s: s}
	for i := range len(s.runs) + 1 {
		c.push(head[T]{run: i})
	}
	return c
}

// close gives the runs' memory back.
func (s *sorter[T]) close() {
	for _, r := range s.runs {
		r.rows.drop()
	}
	s.runs, s.buf = nil, nil
}

// cursor gives the rows of a sorter in order.
type cursor[T any] struct {
	s     *sorter[T]
	heads []head[T] // a heap: the smallest first
	given int64
}

// head is the next row of a run; the last run is the one in memory.
type head[T any] struct {
	run int
	at  int64
	row T
}

// next is the next row, false behind the last one.
func (c *cursor[T]) next() (row T, ok bool) {
	if len(c.heads) == 0 {
		return row, false
	}
	h := c.heads[0]
	last := len(c.heads) - 1
	c.heads[0] = c.heads[last]
	c.heads = c.heads[:last]
	c.sift()
	c.push(head[T]{run: h.run, at: h.at + 1})
	if c.given++; c.given%batchRows == 0 {
		c.s.pool.trim()
	}
	return h.row, true
}

// each calls f for every row from here on.
func (c *cursor[T]) each(f func(row T)) {
	for row, ok := c.next(); ok; row, ok = c.next() {
		f(row)
	}
}

// push takes in the row that h points to, if its run has one.
func (c *cursor[T]) push(h head[T]) {
	switch {
	case h.run == len(c.s.runs):
		if h.at >= int64(len(c.s.buf)) {
			return
		}
		h.row = c.s.buf[h.at]
	default:
		if run := c.s.runs[h.run]; h.at < run.n {
			h.row = *run.rows.get(h.at)
		} else {
			return
		}
	}
	c.heads = append(c.heads, h)
	for i := len(c.heads) - 1; i > 0; {
		up := (i - 1) / 2
		if !c.before(i, up) {
			return
		}
		c.heads[i], c.heads[up] = c.heads[up], c.heads[i]
		i = up
	}
}

// sift moves the first head down to its place.
func (c *cursor[T]) sift() {
	for i := 0; ; {
		least := i
		for k := 2*i + 1; k <= 2*i+2 && k < len(c.heads); k++ {
			if c.before(k, least) {
				least = k
			}
		}
		if least == i {
			return
		}
		c.heads[i], c.heads[least] = c.heads[least], c.heads[i]
		i = least
	}
}

func (c *cursor[T]) before(i, k int) bool {
	a, b := &c.heads[i], &c.heads[k]
	d := c.s.cmp(a.row, b.row)
	return d < 0 || d == 0 && a.run < b.run
}
