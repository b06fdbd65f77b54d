package scenarios

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

//go:embed *.yaml
var shipped embed.FS

// Files returns the shipped scenarios, for those who want to start from one.
func Files() fs.FS { return shipped }

// builtin marks the File of a shipped scenario.
const builtin = "builtin:"

// ErrNotFound is wrapped by Load's error when there is no such scenario.
var ErrNotFound = errors.New("no such scenario")

// order is how the shipped scenarios are best read: the recipe, what each of
// its steps buys, and what is needed instead.
var order = []string{
	"guide-recipe", "exactly-once",
	"one-partition", "replication-3", "unique-key", "unique-group-id", "commit-after-each-record", "retries",
}

// Load reads one scenario from a file path or the name of a shipped one. A name
// has no slash and no extension.
func Load(nameOrPath string) (*Scenario, error) {
	if looksLikeName(nameOrPath) {
		if text, err := fs.ReadFile(shipped, nameOrPath+".yaml"); err == nil {
			return Parse(builtin+nameOrPath, text)
		}
		if info, err := os.Stat(nameOrPath); err != nil || info.IsDir() {
			return nil, notFound(nameOrPath)
		}
	}
	text, err := os.ReadFile(nameOrPath)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, notFound(nameOrPath)
	case err != nil:
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	return Parse(nameOrPath, text)
}

// Source returns the text of a shipped scenario.
func Source(name string) ([]byte, error) {
	if looksLikeName(name) {
		if text, err := fs.ReadFile(shipped, name+".yaml"); err == nil {
			return text, nil
		}
	}
	return nil, notFound(name)
}

func looksLikeName(s string) bool {
	return !strings.ContainsAny(s, `/\`) && path.Ext(s) == ""
}

func notFound(s string) error {
	names := Names()
	hint := ""
	if n := near(strings.TrimSuffix(path.Base(s), path.Ext(s)), names, 3); len(n) > 0 {
		hint = "; near it are " + strings.Join(n, ", ")
	}
	return fmt.Errorf("%w: %q%s; `onceproof list` shows all", ErrNotFound, s, hint)
}

// Names returns the names of the shipped scenarios in the order in which they
// are best read.
func Names() []string {
	files, _ := fs.Glob(shipped, "*.yaml") // the pattern is well-formed: no error
	var names []string
	for _, n := range order {
		if slices.Contains(files, n+".yaml") {
			names = append(names, n)
		}
	}
	for _, f := range files {
		if n := strings.TrimSuffix(f, ".yaml"); !slices.Contains(names, n) {
			names = append(names, n)
		}
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
		checkControl(d, s)
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
		cl.ConfigPos = d.keys[&cl.Config]
		if !given(&cl.Library) && len(cl.Command) == 0 {
			cl.Library = DefaultLibrary
		}
		if !given(&cl.Count) {
			cl.Count = 1
		}
		if !given(&cl.Commit) && (cl.Role == Consumer || cl.Role == Processor) {
			cl.Commit = CommitAuto // as the Java client
		}
		if !given(&cl.Unsupported) {
			cl.Unsupported = "error"
		}
	}
	if c := s.Control; c != nil && len(c.Clients) > 0 {
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
		if m := s.Faults[i].When.On; m != nil {
			if m.Phase == "" {
				m.Phase = PhaseRequest
			}
			if a, ok := actionOf(s.Faults[i].Kind); ok && m.Nth == 0 && m.Prob == 0 && !a.strikesRequest(&s.Faults[i]) {
				m.Nth = 1 // a process dies once
			}
		}
	}
}
