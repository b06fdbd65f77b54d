package scenario

import (
	"fmt"
	"slices"
	"strings"
)

// Nearest returns the name that x is most likely a misspelling of, "" if none
// is near enough: at most a third of the longer word may
// differ, or half of it be missing at the end.
func Nearest(x string, names []string) string {
	best, least := "", 1<<30
	for _, n := range names {
		far := distance(strings.ToLower(x), strings.ToLower(n))
		if strings.HasPrefix(n, x) && 2*len(x) >= len(n) {
			far = 1 // the rest was forgotten
		}
		if far < least && far*3 <= max(len(x), len(n)) {
			best, least = n, far
		}
	}
	return best
}

// Meant is the end of an error about a name that is none of names: the nearest, else
// all there are.
func Meant(x string, names []string) string {
	if n := Nearest(x, names); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return "there are " + strings.Join(names, ", ")
}

// near returns up to n names, the nearest first.
func near(x string, names []string, n int) []string {
	type scored struct {
		name string
		far  int
	}
	var all []scored
	for _, name := range names {
		far := distance(x, name)
		if strings.Contains(name, x) || strings.Contains(x, name) {
			far = 0
		}
		if far*2 <= max(len(x), len(name)) {
			all = append(all, scored{name, far})
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int { return a.far - b.far })
	var out []string
	for _, s := range all[:min(n, len(all))] {
		out = append(out, s.name)
	}
	return out
}

// didYouMean is the end of an error about an unknown name.
func didYouMean(x string, names []string) string {
	if n := Nearest(x, names); n != "" {
		return fmt.Sprintf("; did you mean %q?", n)
	}
	if len(names) > 0 && len(names) <= 16 {
		return "; there is " + strings.Join(names, ", ")
	}
	return ""
}

// distance is the number of letters to insert, delete, change, or swap with
// their neighbour (optimal string alignment).
func distance(a, b string) int {
	if len(a) > 80 || len(b) > 80 {
		return 1 << 20 // no name is that long
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	before, last, now := rows[0], rows[1], rows[2]
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}
