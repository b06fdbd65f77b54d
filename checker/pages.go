package checker

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"unsafe"
)

// Rows in a page, as powers of two. Neighbouring offsets, and neighbouring
// numbers of one process's sends, share a page, so that every pass touches each
// page a constant number of times. Where rows lie far apart, pages are small.
const (
	denseRows  = 10
	sparseRows = 4
)

// pool bounds the memory of all tables of one judge. Pages beyond the limit
// move to one temporary file. Pages that a row's address may point into stay:
// while depth is above 0 (an event is being observed, a scan calls its function),
// only a scan within a scan moves pages, and only those that it brought itself.
// The bytes of a page that moved are used again, or given back to the system
// when too many of them lie idle: pages of one size cannot use those of another.
//
//	        at, get                 trim: over the limit
//	absent ─────────> resident <──────────────────────────> on disk
//	                             at, get, scan
type pool struct {
	limit    int64
	resident int64
	depth    int
	free     map[int][]spare // by size
	idle     int64           // bytes of spares that still take memory
	slabs    [][]byte
	slab     int64   // size of the last one
	clock    []*page // resident pages, oldest first; touched ones get a second chance
	file     *os.File
	end      int64
	err      error
	spills   int64
	work     int64 // rows that were looked at
}

// page is some rows of one table.
type page struct {
	data    []byte // nil when on disk
	size    int32
	pins    int32
	slot    int64 // place in the file, -1 if it has none
	touched bool
	dirty   bool // differs from what the file has
}

// spare is memory for a page: of one that moved, or of a new slab.
type spare struct {
	b    []byte
	used bool // holds what it held, and so takes memory
}

func newPool(limit int64) *pool { return &pool{limit: limit, free: map[int][]spare{}} }

// over says that trim would move something.
func (p *pool) over() bool { return p.resident > p.limit }

// trim moves untouched pages to the file until the limit is kept. A failure to
// write is kept in err, and nothing moves any more.
func (p *pool) trim() {
	if p.resident <= p.limit || p.err != nil || p.depth > 0 {
		return
	}
	goal := p.limit - p.limit/16
	kept := p.clock[:0]
	scanned := 0
	for i, g := range p.clock {
		scanned = i + 1
		switch {
		case g.data == nil:
		case p.resident <= goal || g.touched || g.pins > 0:
			g.touched = false
			kept = append(kept, g)
		default:
			if err := p.spill(g); err != nil {
				p.err = err
				kept = append(kept, g)
			}
		}
		if p.err != nil {
			break
		}
	}
	p.clock = append(kept, p.clock[scanned:]...)
}

func (p *pool) spill(g *page) error {
	if p.file == nil {
		f, err := os.CreateTemp("", "onceproof-check-*")
		if err != nil {
			return fmt.Errorf("make room for state past the memory limit: %w", err)
		}
		p.file = f
		// Unlinked at once: a killed checker leaves nothing behind.
		_ = os.Remove(f.Name())
	}
	if g.slot < 0 {
		g.slot, g.dirty = p.end, true
		p.end += int64(g.size)
	}
	if g.dirty {
		if _, err := p.file.WriteAt(g.data, g.slot); err != nil {
			return fmt.Errorf("move state past the memory limit to disk: %w", err)
		}
		g.dirty = false
	}
	p.release(g.data)
	g.data = nil
	p.resident -= int64(g.size)
	p.spills++
	return nil
}

// release makes bytes free for another page of their size.
func (p *pool) release(b []byte) {
	f := spare{b, true}
	if p.idle+int64(len(b)) > p.limit/32 { // more than a trim frees: of another size
		f.used = !giveBack(b)
	}
	if f.used {
		p.idle += int64(len(b))
	}
	p.free[len(b)] = append(p.free[len(b)], f)
}

func (p *pool) load(g *page) {
	s := p.bytes(int(g.size))
	g.data = s.b
	if g.slot < 0 && s.used {
		clear(g.data)
	}
	if g.slot >= 0 && p.file != nil {
		if _, err := p.file.ReadAt(g.data, g.slot); err != nil && p.err == nil {
			p.err = fmt.Errorf("read back state that was moved to disk: %w", err)
		}
	}
	p.resident += int64(g.size)
	p.clock = append(p.clock, g)
}

// bytes are for one page.
func (p *pool) bytes(size int) spare {
	f := p.free[size]
	if len(f) == 0 {
		p.slab = min(max(2*p.slab, leastSlab), slabSize, max(p.limit/8, leastSlab))
		n := int(max(1, p.slab/int64(size)))
		f = slices.Grow(f, n)
		slab, err := newSlab(n * size)
		if err != nil {
			p.fail(err)
			return spare{b: alignedBytes(size)}
		}
		p.slabs = append(p.slabs, slab)
		for i := range n {
			f = append(f, spare{b: slab[i*size : (i+1)*size : (i+1)*size]})
		}
	}
	last := f[len(f)-1]
	p.free[size] = f[:len(f)-1]
	if last.used {
		p.idle -= int64(size)
	}
	return last
}

// Bytes that the pool asks for at a time: little at first, since most histories are short.
const (
	leastSlab = 64 << 10
	slabSize  = 4 << 20
)

// fail keeps the first error.
func (p *pool) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// close gives everything back. No row may be used any more.
func (p *pool) close() error {
	var err error
	for _, b := range p.slabs {
		err = errors.Join(err, freeSlab(b))
	}
	p.slabs, p.free = nil, nil
	if p.file != nil {
		err = errors.Join(err, p.file.Close())
		p.file = nil
	}
	return err
}

// alignedBytes is memory for rows of 8-byte alignment.
func alignedBytes(n int) []byte {
	words := make([]uint64, (n+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n)
}

// table is a sparse array of rows without pointers. A row that was never
// touched is absent; a touched page's rows start as zero.
type table[T any] struct {
	pool  *pool
	shift uint8 // rows in a page, as a power of two
	pages map[int64]*page
	lastN int64
	last  *page
}

func newTable[T any](p *pool) *table[T] {
	return &table[T]{pool: p, shift: denseRows, pages: map[int64]*page{}, lastN: -1}
}

// newSparseTable is for rows that lie far apart.
func newSparseTable[T any](p *pool) *table[T] {
	t := newTable[T](p)
	t.shift = sparseRows
	return t
}

// The first rows of a table lie in small pages, as most tables have few rows where
// there are many tables: a partition each, a process each.
const nursery = 1 << denseRows

// pageOf is the page of row i. Pages are in the order of their rows.
func (t *table[T]) pageOf(i int64) int64 {
	if i < nursery {
		return i >> sparseRows
	}
	return i>>t.shift + nursery>>sparseRows
}

// span are the first row and the number of rows of a page.
func (t *table[T]) span(n int64) (first, rows int64) {
	if n < nursery>>sparseRows {
		return n << sparseRows, 1 << sparseRows
	}
	return (n - nursery>>sparseRows) << t.shift, 1 << t.shift
}

// at returns row i to be changed, made if absent. The address is good until the
// pool's next trim.
func (t *table[T]) at(i int64) *T {
	n := t.pageOf(i)
	if n != t.lastN || t.last == nil {
		g := t.pages[n]
		if g == nil {
			var zero T
			_, rows := t.span(n)
			g = &page{size: int32(unsafe.Sizeof(zero)) * int32(rows), slot: -1}
			t.pages[n] = g
		}
		t.lastN, t.last = n, g
	}
	t.last.dirty = true
	return t.row(t.last, i)
}

// get returns row i to be read, or nil if its page was never touched.
func (t *table[T]) get(i int64) *T {
	if i < 0 {
		return nil
	}
	n := t.pageOf(i)
	if n != t.lastN || t.last == nil {
		g := t.pages[n]
		if g == nil {
			return nil
		}
		t.lastN, t.last = n, g
	}
	return t.row(t.last, i)
}

func (t *table[T]) row(g *page, i int64) *T {
	if g.data == nil {
		t.pool.load(g)
	}
	g.touched = true
	t.pool.work++
	var zero T
	mask := int64(1)<<t.shift - 1
	if i < nursery {
		mask = 1<<sparseRows - 1
	}
	off := uintptr(i&mask) * unsafe.Sizeof(zero)
	return (*T)(unsafe.Pointer(&g.data[off]))
}

// scan calls f for every row of every touched page in ascending order, until f
// returns false. f may change the row.
func (t *table[T]) scan(f func(i int64, row *T) bool) { t.pass(0, true, f) }

// read is scan from a row on, for an f that changes none: a page that lies on
// disk already need not be written again.
func (t *table[T]) read(from int64, f func(i int64, row *T) bool) { t.pass(from, false, f) }

func (t *table[T]) pass(from int64, change bool, f func(i int64, row *T) bool) {
	for _, n := range t.sortedPages(from) {
		g := t.pages[n]
		g.dirty = g.dirty || change
		if !t.passPage(g, n, from, f) {
			return
		}
	}
}

// sortedPages are the touched pages with rows from one on.
func (t *table[T]) sortedPages(from int64) []int64 {
	order := make([]int64, 0, len(t.pages))
	for n := range t.pages {
		if n >= t.pageOf(from) {
			order = append(order, n)
		}
	}
	slices.Sort(order)
	t.pool.work += int64(len(order))
	return order
}

func (t *table[T]) passPage(g *page, n, from int64, f func(i int64, row *T) bool) bool {
	first, size := t.span(n)
	brought := g.data == nil
	if brought {
		t.pool.load(g)
	}
	g.touched = true
	g.pins++
	t.pool.depth++
	rows := unsafe.Slice((*T)(unsafe.Pointer(&g.data[0])), size)
	more := true
	for k := max(0, from-first); k < int64(len(rows)) && more; k++ {
		more = f(first+k, &rows[k])
		t.pool.work++
	}
	t.pool.depth--
	g.pins--
	switch {
	case t.pool.depth == 0:
		t.pool.trim()
	case brought && g.pins == 0 && t.pool.over() && t.pool.err == nil:
		if err := t.pool.spill(g); err != nil {
			t.pool.err = err
		}
	}
	return more
}

// drop forgets every row, and gives their memory back.
func (t *table[T]) drop() {
	for _, g := range t.pages {
		if g.data != nil {
			t.pool.release(g.data)
			t.pool.resident -= int64(g.size)
			g.data = nil
		}
	}
	t.pages, t.lastN, t.last = map[int64]*page{}, -1, nil
}

// spool is an append-only list of rows without pointers.
type spool[T any] struct {
	rows *table[T]
	n    int64
}

func newSpool[T any](p *pool) *spool[T] { return &spool[T]{rows: newTable[T](p)} }

func (s *spool[T]) add(v T) int64 {
	*s.rows.at(s.n) = v
	s.n++
	return s.n - 1
}

func (s *spool[T]) at(i int64) *T { return s.rows.at(i) }

// scan calls f for every row in order, until it returns false. f changes none.
func (s *spool[T]) scan(f func(i int64, row *T) bool) {
	s.rows.read(0, func(i int64, row *T) bool { return i < s.n && f(i, row) })
}

// batchRows is how many rows of a spool are sorted in memory at a time.
const batchRows = 1 << 17

// rowCursor goes through the rows of every touched page in ascending order.
type rowCursor[T any] struct {
	t     *table[T]
	order []int64 // of pages
	row   int64   // next, within the first page of order
}

func (t *table[T]) cursor() *rowCursor[T] {
	c := &rowCursor[T]{t: t, order: t.sortedPages(0)}
	return c
}

// next is the next row to be read, good until the pool's next trim.
func (c *rowCursor[T]) next() (i int64, row *T, ok bool) {
	if len(c.order) == 0 {
		return 0, nil, false
	}
	first, n := c.t.span(c.order[0])
	i = first + c.row
	row = c.t.get(i)
	if c.row++; c.row == n {
		c.row, c.order = 0, c.order[1:]
		c.t.pool.trim()
	}
	return i, row, true
}
