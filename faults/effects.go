package faults

import (
	"slices"
	"sync"
)

// activeEffects are what strikes do to brokers that run on, or to the links between
// them: less memory, a full disk, late packets. A target feels all of them together,
// whatever the order in which they come and go. The zero value is ready.
type activeEffects[K comparable, T any] struct {
	mu       sync.Mutex // held while the effects on a target are applied, so that changes arrive in order
	byTarget map[K][]*activeEffect[T]
}

// activeEffect is one strike's.
type activeEffect[T any] struct {
	value T
	by    string // the strike, for others to name
}

// add adds e to a target and applies all of the target's effects. e counts even when
// that fails: remove it.
func (es *activeEffects[K, T]) add(k K, e *activeEffect[T], apply func(all []T) error) error {
	es.mu.Lock()
	defer es.mu.Unlock()
	if es.byTarget == nil {
		es.byTarget = map[K][]*activeEffect[T]{}
	}
	es.byTarget[k] = append(es.byTarget[k], e)
	return apply(es.all(k))
}

// remove takes e away from a target and applies what is left. It may be repeated.
func (es *activeEffects[K, T]) remove(k K, e *activeEffect[T], apply func(all []T) error) error {
	es.mu.Lock()
	defer es.mu.Unlock()
	es.byTarget[k] = slices.DeleteFunc(es.byTarget[k], func(o *activeEffect[T]) bool { return o == e })
	return apply(es.all(k))
}

// all are the effects on a target. Call with mu held.
func (es *activeEffects[K, T]) all(k K) []T {
	var all []T
	for _, e := range es.byTarget[k] {
		all = append(all, e.value)
	}
	return all
}

// of are the effects on a target.
func (es *activeEffects[K, T]) of(k K) []T {
	es.mu.Lock()
	defer es.mu.Unlock()
	return es.all(k)
}

// names are the strikes that have an effect on a target.
func (es *activeEffects[K, T]) names(k K) []string {
	es.mu.Lock()
	defer es.mu.Unlock()
	var names []string
	for _, e := range es.byTarget[k] {
		names = append(names, e.by)
	}
	return names
}

// byAll are the effects on each target that has any.
func (es *activeEffects[K, T]) byAll() map[K][]T {
	es.mu.Lock()
	defer es.mu.Unlock()
	all := map[K][]T{}
	for k := range es.byTarget {
		if values := es.all(k); len(values) > 0 {
			all[k] = values
		}
	}
	return all
}
