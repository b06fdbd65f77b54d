package scenario

import (
	"fmt"
	"slices"
)

// Backends are where a cluster can be; auto chooses.
var Backends = []string{"auto", "docker", "embedded", "external"}

// CheckBackend says what in s the backend (docker, embedded, external) cannot
// do, with the place in the file and the way out; nil if it can do everything.
func CheckBackend(s *Scenario, backend string) error {
	if !slices.Contains(Backends, backend) {
		return fmt.Errorf("%q is not a backend%s", backend, didYouMean(backend, Backends))
	}
	var errs Errors
	fail := func(p Pos, format string, args ...any) {
		errs = append(errs, &Error{File: s.File, Pos: p, Text: fmt.Sprintf(format, args...)})
	}
	for i := range s.Faults {
		for _, f := range s.Faults[i].Each() {
			if why := f.Refused(backend); why != "" {
				fail(f.Pos, "%s: %s", f.label(i), why)
			}
		}
	}
	if backend != "docker" && s.Cluster.Controllers > 0 {
		fail(Pos{}, "isolated controllers exist on docker only; use --backend docker or leave cluster.controllers out")
	}
	if backend != "docker" && s.Cluster.Disk > 0 {
		fail(Pos{}, "disks of the brokers' own exist on docker only; use --backend docker or leave cluster.disk out")
	}
	if backend == "embedded" && len(s.Cluster.Bootstrap) > 0 {
		fail(Pos{}, "cluster.bootstrap is for backend external; use --backend external")
	}
	return errs.sorted()
}
