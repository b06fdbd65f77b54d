package faults

import (
	"slices"
	"sync"
)

// burdens are what strikes lay on running brokers, or on the links between them: less
// memory, a full disk, late packets. What one bears is all of them together, in any
// order of coming and going. The zero value is ready.
type burdens[K comparable, T any] struct {
	mu sync.Mutex // held while what they come to is applied, so that changes arrive in order
	on map[K][]*burden[T]
}

// burden is one strike's.
type burden[T any] struct {
	what T
	by   string // the strike, for others to name
}

// lay adds b and applies what k bears now. It counts even when that fails:
// lift it.
func (bs *burdens[K, T]) lay(k K, b *burden[T], apply func(all []T) error) error {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if bs.on == nil {
		bs.on = map[K][]*burden[T]{}
	}
	bs.on[k] = append(bs.on[k], b)
	return apply(bs.all(k))
}

// lift takes b away and applies what is left. It may be repeated.
func (bs *burdens[K, T]) lift(k K, b *burden[T], apply func(all []T) error) error {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	bs.on[k] = slices.DeleteFunc(bs.on[k], func(o *burden[T]) bool { return o == b })
	return apply(bs.all(k))
}

// all is what k bears. Call with mu held.
func (bs *burdens[K, T]) all(k K) []T {
	var all []T
	for _, b := range bs.on[k] {
		all = append(all, b.what)
	}
	return all
}

// amounts is what k bears.
func (bs *burdens[K, T]) amounts(k K) []T {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	return bs.all(k)
}

// by names the strikes that burden k.
func (bs *burdens[K, T]) by(k K) []string {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	var names []string
	for _, b := range bs.on[k] {
		names = append(names, b.by)
	}
	return names
}

// everything is what each bears, of those that bear anything.
func (bs *burdens[K, T]) everything() map[K][]T {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	all := map[K][]T{}
	for k := range bs.on {
		if what := bs.all(k); len(what) > 0 {
			all[k] = what
		}
	}
	return all
}
