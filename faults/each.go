package faults

import (
	"errors"
	"fmt"
	"strings"
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

// sightings looks at each of what was struck, all at once, and tells what was seen;
// of what other strikes still hold, that it is left to them.
func sightings[T fmt.Stringer](
	struck []T, others func(int, T) []string, look func(int, T) (string, error),
) (string, error) {
	if len(struck) == 0 {
		return "nothing was struck", nil
	}
	seen := make([]string, len(struck))
	err := each(struck, func(i int, one T) (err error) {
		if by := others(i, one); len(by) > 0 {
			seen[i] = leftTo(one, by)
			return nil
		}
		seen[i], err = look(i, one)
		return err
	})
	if err != nil {
		return "", err
	}
	return strings.Join(seen, "; "), nil
}

// leftTo is what is seen at the end of a strike of something that others still hold.
func leftTo(what fmt.Stringer, others []string) string {
	return fmt.Sprintf("%s is left to %s", what, strings.Join(others, ", "))
}
