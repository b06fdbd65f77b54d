package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/lint"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/worker"
)

// Specs are one spec for each kind of client in the suite, to ask a worker what it
// cannot honour.
func (s *Suite) Specs() []worker.Spec {
	var specs []worker.Spec
	seen := map[string]bool{}
	for _, sc := range s.Scenarios {
		for _, c := range sc.Clients {
			kind := c.Role + " " + c.Commit
			if seen[kind] || c.ConfigFile == nil {
				continue
			}
			seen[kind] = true
			specs = append(specs, worker.Spec{
				Role: c.Role, Config: c.Config, Topic: c.Topic, Input: c.Input, Output: c.Output, Commit: c.Commit, Transaction: c.Transaction,
			})
		}
	}
	return specs
}

// decisive are the properties without which a run would be about another
// configuration.
var decisive = []string{"acks", "enable.idempotence", "transactional.id", "isolation.level", "enable.auto.commit"}

// Drop takes out what the library says it cannot honour ("property: why"), and
// notes it: a run without says nothing about the property. One that decides what
// is promised is an error.
func (s *Suite) Drop(refused []string) error {
	for _, r := range refused {
		property, why, _ := strings.Cut(r, ": ")
		if slices.Contains(decisive, property) {
			return fmt.Errorf("%s%s cannot honour %s (%s): a run without it would be about another configuration; it is honoured by %s",
				s.place(property), s.App.Library, property, why, strings.Join(scenario.HonouredBy(property), ", "))
		}
		gone := false
		for _, sc := range s.Scenarios {
			gone = drop(sc, property) || gone
		}
		note := fmt.Sprintf("%s%s cannot honour %s, so the runs are without it: %s", s.place(property), s.App.Library, property, why)
		if gone && !slices.Contains(s.Notes, note) {
			s.Notes = append(s.Notes, note)
		}
	}
	return nil
}

// place is where a property stands in the user's files, "" if it is not there.
func (s *Suite) place(property string) string {
	for _, f := range []*lint.File{s.App.Producer, s.App.Consumer} {
		if p, set := f.Get(property); set {
			return fmt.Sprintf("%s:%d: ", f.Path, p.Line)
		}
	}
	return ""
}

func drop(s *scenario.Scenario, property string) (gone bool) {
	for i := range s.Clients {
		c := &s.Clients[i]
		if _, set := c.Config[property]; set && c.ConfigFile != nil {
			delete(c.Config, property)
			gone = true
		}
	}
	return gone
}
