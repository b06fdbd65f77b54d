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
		return nil, nil, unknownLibrary(fs.Library)
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
		notes = append(notes, f.translate(fs.Library)...)
		more, err := f.checked(part.part, fs.Library)
		notes, errs = append(notes, more...), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, notes, err
	}
	return a, notes, a.infer(fs.Pattern)
}

func unknownLibrary(name string) error {
	if near := scenarios.Nearest(name, Libraries()); near != "" {
		return fmt.Errorf("no library is named %q; did you mean %q?", name, near)
	}
	return fmt.Errorf("no library is named %q; there are %s", name, strings.Join(Libraries(), ", "))
}

// translate gives what library calls by names of its own Kafka's names.
func (f *File) translate(library string) (notes []string) {
	for i := range f.Properties {
		p := &f.Properties[i]
		if name, ok := scenarios.KafkasName(library, p.Name); ok {
			notes = append(notes, fmt.Sprintf("%s:%d: %s is read as %s, which is Kafka's name of it", f.Path, p.Line, p.Name, name))
			p.Name = name
		}
	}
	return notes
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

// checked says what in f is not as Kafka, and library, has it.
func (f *File) checked(part Part, library string) (notes []string, err error) {
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
			if why := unknown(part, library, p.Name, names); why != "" {
				notes = append(notes, fmt.Sprintf("%s:%d: %s", f.Path, p.Line, why))
			}
			continue
		}
		if err := known.Check(strings.TrimSpace(p.Value)); err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", f.Path, p.Line, err))
		}
	}
	return notes, errors.Join(errs...)
}

// unknown is what there is to say of a name that Kafka's part does not have: "" of one
// that may be the application's own.
func unknown(part Part, library, name string, names []string) string {
	if scenarios.Alone(library, name) {
		return name + " is librdkafka's alone, and is not looked at"
	}
	none := fmt.Sprintf("the %s has no property %s, so it does nothing; ", part, name)
	if owner := scenarios.Owner(name); owner != "" && part != Broker {
		return none + "it is " + owner
	}
	for _, other := range []Part{Producer, Consumer, Broker} {
		if _, ok := scenarios.LookupProperty(string(other), name); ok {
			return none + "it is a " + string(other) + "'s"
		}
	}
	if near := scenarios.Nearest(name, names); near != "" {
		return none + "did you mean " + near + "?"
	}
	return ""
}
