package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/clients"
	"github.com/onceproof/onceproof/internal/process"
)

// Library is what can be had of one library here.
type Library struct {
	Name     string                `json:"library"`
	Version  string                `json:"version"` // the pinned one
	Language string                `json:"language"`
	State    string                `json:"state"` // one of the states below
	Workers  []process.BuiltWorker `json:"workers"`
	Lacks    []clients.Lack        `json:"lacks"` // what building it needs and is not here
	Build    string                `json:"build,omitempty"`
}

// States of a library.
const (
	BuiltIn       = "built-in"
	Built         = "built"
	CanBeBuilt    = "can-be-built"
	CannotBeBuilt = "cannot-be-built"
)

// usable says whether a run can have the library's pinned version now.
func (s Library) usable() bool { return s.State == BuiltIn || s.State == Built }

func (s Library) String() string {
	switch s.State {
	case BuiltIn:
		return "built in" + s.others()
	case Built:
		return s.Workers[0].Path + s.others()
	case CanBeBuilt:
		return "not built; build it with " + s.Build + s.others()
	default:
		lacks := make([]string, len(s.Lacks))
		for i, l := range s.Lacks {
			lacks[i] = l.String()
		}
		return "not built, and cannot be built here: " + strings.Join(lacks, "; ") + s.others()
	}
}

// others names the versions that are built besides the pinned one.
func (s Library) others() string {
	var versions []string
	for _, w := range s.Workers {
		if w.Version != "" {
			versions = append(versions, w.Version)
		}
	}
	if len(versions) == 0 {
		return ""
	}
	return " (built too: " + strings.Join(versions, ", ") + ")"
}

// Libraries looks for each library's workers, and for the tools to build them.
func Libraries(ctx context.Context) []Library {
	var all []Library
	for _, name := range process.Libraries() {
		l, _ := clients.Find(name) // another's worker has a name and nothing else
		s := Library{Name: name, Version: l.Pinned(), Language: l.Language, Workers: process.BuiltWorkers(name), Lacks: []clients.Lack{}}
		pinned := slices.ContainsFunc(s.Workers, func(w process.BuiltWorker) bool { return w.Version == "" })
		switch {
		case name == process.Builtin:
			s.State = BuiltIn
		case pinned:
			s.State = Built
		default:
			s.Lacks = append(s.Lacks, l.Lacks(ctx)...)
			if s.State = CanBeBuilt; len(s.Lacks) > 0 {
				s.State = CannotBeBuilt
			}
			s.Build = "onceproof clients build " + name
		}
		if s.Workers == nil {
			s.Workers = []process.BuiltWorker{}
		}
		all = append(all, s)
	}
	return all
}

// lacksOf are the tools that building another version of a built library lacks.
func lacksOf(ctx context.Context, name string) []clients.Lack {
	l, _ := clients.Find(name)
	return append([]clients.Lack{}, l.Lacks(ctx)...)
}
