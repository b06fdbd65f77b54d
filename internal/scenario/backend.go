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
		return fmt.Errorf("%q is no backend%s", backend, didYouMean(backend, Backends))
	}
	var errs Errors
	fail := func(p Pos, format string, args ...any) {
		errs = append(errs, &Error{File: s.File, Pos: p, Text: fmt.Sprintf(format, args...)})
	}
	for i := range s.Faults {
		for _, f := range s.Faults[i].Each() {
			if why := cannot(&f, backend); why != "" {
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

// cannot says why backend cannot do f, "" if it can.
func cannot(f *Fault, backend string) string {
	ofBroker := f.Args.Client == ""
	switch backend {
	case "embedded":
		switch f.Kind {
		case KindPartition:
			return "the embedded backend has no replication between brokers, so nothing to partition; use --backend docker"
		case KindImpair, KindShrinkISR, KindReassign, KindElect:
			return "the embedded backend has no replication between brokers; use --backend docker"
		case KindPause:
			if ofBroker {
				return "the embedded brokers live in onceproof's own process and cannot be frozen; use --backend docker, or pause a client"
			}
		case KindWipe, KindFillDisk, KindSlowDisk, KindFreezeDisk, KindSkew, KindStarve, KindSqueeze:
			return "the embedded brokers live in onceproof's own process, with no disk, clock or memory of their own; use --backend docker"
		case KindMoveCoordinator:
			return "the embedded backend has no topics of its own whose leader could move; use --backend docker, or kill the coordinator"
		}
	case "external":
		switch f.Kind {
		case KindKill, KindPartition, KindImpair, KindShrinkISR, KindRoll, KindWipe, KindFillDisk, KindSlowDisk, KindFreezeDisk, KindSkew, KindStarve, KindSqueeze:
			return ours + fmt.Sprintf("%s them; use --backend docker", f.Kind)
		case KindStop, KindRestart, KindPause:
			if ofBroker {
				return ours + fmt.Sprintf("%s them; use --backend docker", f.Kind)
			}
		}
	}
	return ""
}

const ours = "onceproof did not start these brokers and cannot "
