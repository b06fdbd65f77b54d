package history

// run gives the sends of one line one by one.
type run struct {
	of Event
	at int
}

// take copies e: its slices are the source's.
func (r *run) take(e *Event) {
	off, key, val, from := r.of.Off[:0], r.of.Key[:0], r.of.Val[:0], r.of.From[:0]
	r.of, r.at = *e, 0
	r.of.Off, r.of.Key = append(off, e.Off...), append(key, e.Key...)
	r.of.Val, r.of.From = append(val, e.Val...), append(from, e.From...)
}

// next fills e with the next send, and says false if there is none.
func (r *run) next(e *Event) bool {
	if r.at >= len(r.of.Val) {
		return false
	}
	off, key, val, from := e.Off[:0], e.Key[:0], e.Val[:0], e.From[:0]
	*e = r.of
	e.Run = false
	e.ID += int64(r.at)
	e.Off, e.Key = element(off, r.of.Off, r.at), element(key, r.of.Key, r.at)
	e.Val, e.From = element(val, r.of.Val, r.at), element(from, r.of.From, r.at)
	r.at++
	return true
}

// element is dst with the ith of all, or nothing where there are none.
func element[T any](dst, all []T, i int) []T {
	if i >= len(all) {
		return dst
	}
	return append(dst, all[i])
}

// Each calls f with every operation that e stands for: e itself, or each send of
// a run, whose slices are parts of e's.
func (e *Event) Each(f func(*Event)) {
	if !e.Run {
		f(e)
		return
	}
	for i := range e.Val {
		one := *e
		one.Run = false
		one.ID += int64(i)
		one.Off, one.Key, one.Val, one.From = part(e.Off, i), part(e.Key, i), part(e.Val, i), part(e.From, i)
		f(&one)
	}
}

func part[T any](all []T, i int) []T {
	if i >= len(all) {
		return nil
	}
	return all[i : i+1 : i+1]
}
