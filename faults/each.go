package faults

import (
	"errors"
	"sync"
)

// each calls do for every item at once, waits for all, and joins their errors.
func each[T any](items []T, do func(int, T) error) error {
	errs := make([]error, len(items))
	var wg sync.WaitGroup
	for i, item := range items {
		wg.Go(func() { errs[i] = do(i, item) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
