package harness

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/worker"
)

// Worker is the command of a library's worker, "name" or "name@version". The error of
// a name that no library has wraps client.ErrNoLibrary and says the nearest that there
// is; that of a worker that is not built wraps client.ErrNoWorker and says how to.
func Worker(library string) ([]string, error) {
	command, err := process.Lookup(library)
	if !errors.Is(err, process.ErrNoLibrary) {
		return command, err
	}
	name, _ := process.SplitVersion(library)
	if near := scenario.Nearest(name, process.Libraries()); near != "" {
		err = fmt.Errorf("%w %q; did you mean %q?", process.ErrNoLibrary, name, near)
	}
	return nil, err
}

// CheckLibraries finds the clients of s whose library there is not, and the properties
// that a library has nothing for. Whether its worker
// is built is the run's to say.
func CheckLibraries(s *scenario.Scenario) error {
	var wrong scenario.Errors
	for _, c := range s.Clients {
		if len(c.Command)+len(c.Program) > 0 {
			continue
		}
		if _, err := Worker(c.Library); errors.Is(err, process.ErrNoLibrary) {
			wrong = append(wrong, &scenario.Error{File: s.File, Pos: cmp.Or(c.LibraryPos, c.Pos), Text: fmt.Sprintf("client %q: %v", c.Name, err)})
		}
		for _, property := range slices.Sorted(maps.Keys(c.Config)) {
			if c.Unsupported != "warn" && scenario.Lacks(c.Library, property) {
				wrong = append(wrong, &scenario.Error{File: s.File, Pos: cmp.Or(c.ConfigPos[property], c.Pos), Text: fmt.Sprintf("client %q: %s does not support %s (supported by %s); remove it, or set unsupported: warn",
					c.Name, c.Library, property, strings.Join(scenario.HonouredBy(property), ", "))})
			}
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return wrong
}

// workerCommands finds every client's worker before anything starts.
func workerCommands(s *scenario.Scenario, w World) (map[string][]string, error) {
	if err := w.fits(s); err != nil {
		return nil, err
	}
	commands := make(map[string][]string)
	for _, c := range s.Clients {
		if w.Workers[c.Library] != nil {
			continue
		}
		commands[c.Name] = append(slices.Clone(c.Command), c.Program...) // one of them
		if len(commands[c.Name]) > 0 {
			continue
		}
		command, err := Worker(c.Library)
		if err != nil {
			return nil, fmt.Errorf("client %s: %w", c.Name, err)
		}
		commands[c.Name] = command
	}
	return commands, nil
}

// elsewhere says of properties that m's worker refused where they stand and which
// libraries honour them, a line each; nothing if err is about something else.
func (f *fleet) elsewhere(m *member, err error, hello worker.Hello) string {
	if !errors.Is(err, process.ErrRefused) {
		return ""
	}
	var lines strings.Builder
	for _, refused := range hello.Refused {
		property, _, _ := strings.Cut(refused, ":")
		place := cmp.Or(m.spec.ConfigFile[property], f.file)
		if pos, known := m.spec.ConfigPos[property]; known {
			place = fmt.Sprintf("%s:%d", place, pos.Line)
		}
		if who := scenario.HonouredBy(property); len(who) > 0 {
			fmt.Fprintf(&lines, "\n\t%s: %s is honoured by %s", place, property, strings.Join(who, ", "))
		}
	}
	return lines.String()
}
