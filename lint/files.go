package lint

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/scenarios"
)

// Files are the properties files of one application, "" where there is none.
type Files struct {
	Library                    string
	Pattern                    string // commit pattern; "" = inferred
	Producer, Consumer, Broker string
}

// Open reads and checks the files. A value that Kafka would refuse is an error
// with its line; every one is reported. notes are what is no error and worth a
// word: names that nobody knows and that look like a slip, a property set twice.
func (fs Files) Open() (a *Application, notes []string, err error) {
	if !Knows(fs.Library) {
		return nil, nil, fmt.Errorf("no library is named %q; there are %s", fs.Library, strings.Join(Libraries(), ", "))
	}
	if fs.Producer == "" && fs.Consumer == "" && fs.Broker == "" {
		return nil, nil, errors.New("no properties file is given: --producer, --consumer or --broker")
	}
	a = &Application{Library: fs.Library}
	var errs []error
	for _, part := range []struct {
		part Part
		path string
		to   **File
	}{{Producer, fs.Producer, &a.Producer}, {Consumer, fs.Consumer, &a.Consumer}, {Broker, fs.Broker, &a.Broker}} {
		if part.path == "" {
			continue
		}
		f, err := ReadFile(part.path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		*part.to = f
		more, err := f.checked(part.part)
		notes, errs = append(notes, more...), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, notes, err
	}
	return a, notes, a.infer(fs.Pattern)
}

// infer finds the role and the commit pattern from what is given.
func (a *Application) infer(pattern string) error {
	if pattern != "" && !slices.Contains(scenarios.CommitPatterns, pattern) {
		return fmt.Errorf("no commit pattern is named %q; there are %s", pattern, strings.Join(scenarios.CommitPatterns, ", "))
	}
	id := a.producer("transactional.id")
	switch {
	case a.Producer != nil && a.Consumer != nil:
		a.Role = scenarios.Processor
	case a.Producer != nil:
		a.Role = scenarios.Producer
	case a.Consumer != nil:
		a.Role = scenarios.Consumer
	}
	switch {
	case a.Role == scenarios.Producer && (id.set() || pattern == scenarios.CommitTxn):
		a.Batch = 1
	case a.Consumer == nil:
	case pattern != "":
		a.Commit = pattern
	case a.Role == scenarios.Processor && id.set():
		a.Commit = scenarios.CommitTxn
	case a.consumer("enable.auto.commit").is("true"):
		a.Commit = scenarios.CommitAuto
	default:
		a.Commit = scenarios.CommitBatch
	}
	return nil
}

// checked says what in f is not as Kafka has it.
func (f *File) checked(part Part) (notes []string, err error) {
	var errs []error
	seen := map[string]int{}
	names := scenarios.PropertyNames(string(part))
	for _, p := range f.Properties {
		if first := seen[p.Name]; first > 0 {
			notes = append(notes, fmt.Sprintf("%s:%d: %s is set in line %d already; the last one counts", f.Path, p.Line, p.Name, first))
		}
		seen[p.Name] = p.Line
		known, ok := scenarios.LookupProperty(string(part), p.Name)
		if !ok {
			if near := scenarios.Nearest(p.Name, names); near != "" {
				notes = append(notes, fmt.Sprintf("%s:%d: the %s has no property %s, so it does nothing; did you mean %s?", f.Path, p.Line, part, p.Name, near))
			}
			continue
		}
		if err := known.Check(strings.TrimSpace(p.Value)); err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", f.Path, p.Line, err))
		}
	}
	return notes, errors.Join(errs...)
}
