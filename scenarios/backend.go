package scenarios

import (
	"fmt"
	"slices"
)

var backends = []string{"auto", "docker", "embedded", "external"}

// CheckBackend says what in s the backend (docker, embedded, external) cannot
// do, with the place in the file and the way out; nil if it can do everything.
func CheckBackend(s *Scenario, backend string) error {
	if !slices.Contains(backends, backend) {
		return fmt.Errorf("%q is no backend%s", backend, meant(backend, backends))
	}
	var errs Errors
	fail := func(p Pos, format string, args ...any) {
		errs = append(errs, &Error{File: s.File, Pos: p, Text: fmt.Sprintf(format, args...)})
	}
	for i := range s.Faults {
		f := &s.Faults[i]
		if why := cannot(f, backend); why != "" {
			fail(f.Pos, "%s: %s", f.label(i), why)
		}
	}
	if backend != "docker" && s.Cluster.Controllers > 0 {
		fail(Pos{}, "isolated controllers exist on docker only; use --backend docker or leave cluster.controllers out")
	}
	if backend == "embedded" && len(s.Cluster.Bootstrap) > 0 {
		fail(Pos{}, "cluster.bootstrap is for backend external; use --backend external")
	}
	return errs.sorted()
}

// cannot says why backend cannot do f, "" if it can.
func cannot(f *Fault, backend string) string {
	switch backend {
	case "embedded":
		switch {
		case f.Kind == KindPartition:
			return "the embedded backend has no replication between brokers, so nothing to partition; use --backend docker"
		case f.Kind == KindPause && f.Args.Broker != "":
			return "the embedded brokers live in onceproof's own process and cannot be frozen; use --backend docker, or pause a client"
		}
	case "external":
		switch f.Kind {
		case KindKill, KindStop, KindRestart, KindPartition:
			return fmt.Sprintf("onceproof did not start these brokers and cannot %s them; use --backend docker", f.Kind)
		case KindPause:
			if f.Args.Broker != "" {
				return "onceproof did not start these brokers and cannot pause them; use --backend docker"
			}
		}
	}
	return ""
}
