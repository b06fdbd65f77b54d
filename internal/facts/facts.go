// Package facts names what wire, fault and harness events say in history.Event.Data:
// each fact has one name and one type here, for those who write it and those who read
// it. A fact is read the same from an event in memory, where a number has the type that
// it was written with, and from a file, where it is an int64 and a list is []any.
//
//	facts.TxnID.Set(&e, "till-0")
//	told, ok := facts.ToldClient.Of(&e)
package facts

import "github.com/onceproof/onceproof/history"

// Text is a fact of a few words.
type Text[T ~string] string

// Of returns the fact, and whether e has it.
func (k Text[T]) Of(e *history.Event) (T, bool) {
	s, ok := e.Data[string(k)].(string)
	return T(s), ok
}

// Get returns the fact, "" if e does not have it.
func (k Text[T]) Get(e *history.Event) T {
	v, _ := k.Of(e)
	return v
}

// Set puts the fact into e, which has a Data of its own.
func (k Text[T]) Set(e *history.Event, v T) { put(e, string(k), string(v)) }

// Number is a whole number.
type Number[T int | int16 | int32 | int64 | uint32] string

// Of returns the fact, and whether e has it.
func (k Number[T]) Of(e *history.Event) (T, bool) { return toNumber[T](e.Data[string(k)]) }

// Get returns the fact, 0 if e does not have it.
func (k Number[T]) Get(e *history.Event) T {
	v, _ := k.Of(e)
	return v
}

// Set puts the fact into e, which has a Data of its own.
func (k Number[T]) Set(e *history.Event, v T) { put(e, string(k), v) }

// Flag is true or false; absent is false.
type Flag string

// Get returns the fact.
func (k Flag) Get(e *history.Event) bool {
	v, _ := e.Data[string(k)].(bool)
	return v
}

// Set puts the fact into e, which has a Data of its own.
func (k Flag) Set(e *history.Event, v bool) { put(e, string(k), v) }

// Texts is a list of words. An empty list says something else than none.
type Texts string

// Of returns the fact, and whether e has it.
func (k Texts) Of(e *history.Event) ([]string, bool) {
	switch v := e.Data[string(k)].(type) {
	case []string:
		return v, true
	case []any:
		all := make([]string, 0, len(v))
		for _, one := range v {
			if s, ok := one.(string); ok {
				all = append(all, s)
			}
		}
		return all, true
	}
	return nil, false
}

// Set puts the fact into e, which has a Data of its own.
func (k Texts) Set(e *history.Event, v []string) { put(e, string(k), v) }

// Numbers is a list of broker ids and the like.
type Numbers string

// Of returns the fact, and whether e has it.
func (k Numbers) Of(e *history.Event) ([]int32, bool) {
	switch v := e.Data[string(k)].(type) {
	case []int32:
		return v, true
	case []any:
		var all []int32
		for _, one := range v {
			if n, ok := toNumber[int32](one); ok {
				all = append(all, n)
			}
		}
		return all, true
	}
	return nil, false
}

// Set puts the fact into e, which has a Data of its own.
func (k Numbers) Set(e *history.Event, v []int32) { put(e, string(k), v) }

// Counts are numbers by name.
type Counts string

// Of returns the fact, and whether e has it.
func (k Counts) Of(e *history.Event) (map[string]int, bool) {
	switch v := e.Data[string(k)].(type) {
	case map[string]int:
		return v, true
	case map[string]any:
		all := make(map[string]int, len(v))
		for name, one := range v {
			if n, ok := toNumber[int](one); ok {
				all[name] = n
			}
		}
		return all, true
	}
	return nil, false
}

// Set puts the fact into e, which has a Data of its own.
func (k Counts) Set(e *history.Event, v map[string]int) { put(e, string(k), v) }

func put(e *history.Event, key string, v any) {
	if e.Data == nil {
		e.Data = map[string]any{}
	}
	e.Data[key] = v
}

func toNumber[T int | int16 | int32 | int64 | uint32](v any) (T, bool) {
	switch n := v.(type) {
	case T:
		return n, true
	case int64: // from a file
		return T(n), true
	case int32:
		return T(n), true
	case int16:
		return T(n), true
	case int:
		return T(n), true
	case uint32:
		return T(n), true
	case float64:
		return T(n), true
	}
	return 0, false
}
