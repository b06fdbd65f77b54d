package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/scenarios"
)

// holding is the folder of the scenarios that must hold, and of the guide's recipe.
const holding = "shipped/"

// builtin marks the File of a shipped scenario.
const builtin = "builtin:"

// ErrNotFound is wrapped by Load's error when there is no such scenario.
var ErrNotFound = errors.New("no such scenario")

// order is how the shipped scenarios are best read: the recipe, what each of
// its steps buys, and what is needed instead.
var order = []string{
	"guide-recipe", "exactly-once",
	"one-partition", "replication-3", "unique-key", "unique-group-id", "commit-after-each-record", "retries",
	"lost-acknowledgement", "reordering",
	"crash-around-end-txn", "late-end-txn", "producer-sleeps", "zombie-wakes", "rebalance-storm", "consumer-protocol",
	"transaction-expires", "coordinator-dies-in-commit", "coordinator-moves", "group-coordinator-dies", "rolling-restart", "leader-isolated",
	"slow-link", "slow-disk", "frozen-disk", "disk-full", "clock-skew",
	"offsets-deleted", "random-mix",
}

// Load reads one scenario from a file path, or a shipped one by its name. A
// shipped scenario's name with -control or -fixed is that twin of it.
func Load(nameOrPath string) (*Scenario, error) {
	if s, err := loadShipped(nameOrPath); err == nil || !errors.Is(err, ErrNotFound) {
		return s, err
	}
	text, err := os.ReadFile(nameOrPath)
	switch {
	case errors.Is(err, fs.ErrNotExist), err != nil && looksLikeName(nameOrPath):
		return nil, notFound(nameOrPath)
	case err != nil:
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	return Parse(nameOrPath, text)
}

func loadShipped(name string) (*Scenario, error) {
	if full, ok := fullName(name); ok {
		text, err := readShipped(full)
		if err != nil {
			return nil, fmt.Errorf("read shipped scenario: %w", err)
		}
		return Parse(builtin+full, text)
	}
	for suffix, twin := range map[string]func(*Scenario) (*Scenario, error){
		"-control": (*Scenario).WithControl, "-fixed": (*Scenario).WithFixed,
	} {
		base, ok := strings.CutSuffix(name, suffix)
		if _, exists := fullName(base); !ok || !exists {
			continue
		}
		s, err := loadShipped(base)
		if err != nil {
			return nil, err
		}
		return twin(s)
	}
	return nil, notFound(name)
}

// Matching returns the shipped scenarios that a pattern such as mistakes/* matches,
// in the order in which they are best read; anything that is no pattern is returned
// as it is.
func Matching(pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}, nil
	}
	var names []string
	for _, name := range fullNames() {
		matches, err := path.Match(pattern, name)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", pattern, err)
		}
		if matches {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%w: none matches %q; `onceproof list` shows all", ErrNotFound, pattern)
	}
	return names, nil
}

// fullName is the name of a shipped scenario with its folder, mistakes/acks-0; those
// of shipped/ have none. The folder may be left out.
func fullName(name string) (string, bool) {
	i := slices.IndexFunc(fullNames(), func(full string) bool { return full == name || path.Base(full) == name })
	if i < 0 {
		return "", false
	}
	return fullNames()[i], true
}

// readShipped reads the file of a shipped scenario by its full name.
func readShipped(full string) ([]byte, error) {
	if !strings.Contains(full, "/") {
		full = holding + full
	}
	return fs.ReadFile(scenarios.Files, full+".yaml")
}

// Source returns the text of a shipped scenario.
func Source(name string) ([]byte, error) {
	full, ok := fullName(name)
	if !ok {
		return nil, notFound(name)
	}
	return readShipped(full)
}

func looksLikeName(s string) bool {
	return !strings.ContainsAny(s, `/\`) && path.Ext(s) == ""
}

func notFound(s string) error {
	hint := ""
	if n := near(strings.TrimSuffix(path.Base(s), path.Ext(s)), Names(), 3); len(n) > 0 {
		hint = "; near it are " + strings.Join(n, ", ")
	}
	return fmt.Errorf("%w: %q%s; `onceproof list` shows all", ErrNotFound, s, hint)
}

// fullNames are the full names of the shipped scenarios in the order in which they are
// best read.
var fullNames = sync.OnceValue(func() []string {
	names := slices.Clone(order)
	for _, pattern := range []string{holding + "*.yaml", "mistakes/*.yaml", "bugs/*.yaml"} {
		all, _ := fs.Glob(scenarios.Files, pattern) // the pattern is well-formed: no error
		for _, file := range all {
			name := strings.TrimPrefix(strings.TrimSuffix(file, ".yaml"), holding)
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
})

// Names returns the names of the shipped scenarios in the order in which they
// are best read.
func Names() []string {
	var names []string
	for _, full := range fullNames() {
		names = append(names, path.Base(full))
	}
	return names
}

// List returns the shipped scenarios in the order in which they are best read.
func List() ([]*Scenario, error) {
	var out []*Scenario
	for _, n := range Names() {
		s, err := Load(n)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// Parse reads one scenario from YAML; file is used in errors, which name every
// mistake with line and column (Errors). Defaults are filled in.
func Parse(file string, yaml []byte) (*Scenario, error) {
	n, bad := parseYAML(yaml)
	if bad != nil {
		bad.File = file
		return nil, Errors{bad}
	}
	d := newDecoder()
	s := &Scenario{File: file}
	scenarioRecord.decode(d, n, s)
	s.fillIn(d)
	check{d, s}.all()
	if len(d.errs) == 0 {
		checkTwins(d, s)
	}
	for _, e := range d.errs {
		e.File = file
	}
	if err := d.errs.sorted(); err != nil {
		return nil, err
	}
	return s, nil
}

// fillIn sets what the file leaves open.
func (s *Scenario) fillIn(d *decoder) {
	given := func(ptr any) bool { _, ok := d.where[ptr]; return ok }
	c := &s.Cluster
	c.ConfigPos = d.keys[&c.Config]
	if !given(&c.Backend) {
		c.Backend = "auto"
	}
	if !given(&c.Brokers) {
		c.Brokers = 3
	}
	for i := range c.Topics {
		t := &c.Topics[i]
		if !given(&t.Partitions) {
			t.Partitions = 1
		}
		if !given(&t.Replicas) {
			t.Replicas = int16(max(1, min(3, c.Brokers)))
		}
	}
	for i := range s.Clients {
		cl := &s.Clients[i]
		cl.ConfigPos = maps.Clone(d.keys[&cl.Config])
		for field, ptr := range map[string]any{"commit": &cl.Commit, "habits": &cl.Habits, "retry": &cl.Retry} {
			if at, ok := d.where[ptr]; ok {
				if cl.ConfigPos == nil {
					cl.ConfigPos = map[string]Pos{}
				}
				cl.ConfigPos[field] = at
			}
		}
		cl.LibraryPos = d.where[&cl.Library]
		if !given(&cl.Library) && len(cl.Command) == 0 && len(cl.Program) == 0 {
			cl.Library = DefaultLibrary
		}
		if !given(&cl.Count) {
			cl.Count = 1
		}
		if !given(&cl.Commit) && (cl.Role == guarantee.Consumer || cl.Role == guarantee.Processor) {
			cl.Commit = guarantee.CommitAuto // as the Java client
		}
		if len(cl.Program) > 0 && !given(&cl.App.State) {
			cl.App.State = StateKeep
		}
		if !given(&cl.Unsupported) {
			cl.Unsupported = "error"
		}
	}
	for _, c := range []*Control{s.Control, s.Fixed} {
		if c == nil || len(c.Clients) == 0 {
			continue
		}
		c.ClientsPos = map[string]map[string]Pos{}
		for name := range c.Clients {
			c.ClientsPos[name] = d.keys[inside{&c.Clients, name}]
		}
	}
	if !given(&s.Run.Warmup) {
		s.Run.Warmup = DefaultWarmup
	}
	if !given(&s.Run.Drain) {
		s.Run.Drain = DefaultDrain
	}
	for i := range s.Faults {
		s.Faults[i].fillIn()
		if r := s.Faults[i].Random; r != nil {
			for j := range r.From {
				r.From[j].fillIn()
			}
		}
	}
}

func (f *Fault) fillIn() {
	m := f.When.On
	if m == nil {
		return
	}
	if m.Phase == "" && m.Event == "" {
		m.Phase = PhaseRequest
		if f.Kind == KindDuplicate {
			m.Phase = PhaseResponse
		}
	}
	if a, ok := actionOf(f.Kind); ok && m.Nth == 0 && m.Prob == 0 && !a.strikesRequest(f) {
		m.Nth = 1 // a process dies once
	}
}
