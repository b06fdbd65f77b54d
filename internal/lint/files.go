package lint

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
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
	errs = append(errs, a.contradiction())
	if err := errors.Join(errs...); err != nil {
		return nil, notes, err
	}
	return a, notes, a.infer(fs.Pattern)
}

func unknownLibrary(name string) error {
	return fmt.Errorf("no library is named %q; %s", name, scenario.Meant(name, Libraries()))
}

// translate gives what library calls by names of its own Kafka's names.
func (f *File) translate(library string) (notes []string) {
	for i := range f.Properties {
		p := &f.Properties[i]
		if name, ok := scenario.KafkasName(library, p.Name); ok {
			notes = append(notes, fmt.Sprintf("%s:%d: %s is read as %s, which is Kafka's name of it", f.Path, p.Line, p.Name, name))
			p.Name = name
		}
	}
	return notes
}

// contradiction is a pair of the producer's lines with which clients refuse to start.
func (a *Application) contradiction() error {
	id, on, acks := a.producer("transactional.id"), a.producer("enable.idempotence"), a.producer("acks")
	switch {
	case id.set() && on.set() && on.is("false"):
		return fmt.Errorf("%s:%d: enable.idempotence=false contradicts transactional.id in line %d: Kafka's own client refuses to start", on.File, on.Line, id.Line)
	case id.set() && acks.set() && !acks.is("all"):
		return fmt.Errorf("%s:%d: acks=%s contradicts transactional.id in line %d: Kafka's own client refuses to start", acks.File, acks.Line, acks.Value, id.Line)
	case on.set() && on.is("true") && acks.set() && !acks.is("all"):
		return fmt.Errorf("%s:%d: acks=%s contradicts enable.idempotence=true in line %d: Kafka's own client refuses to start", acks.File, acks.Line, acks.Value, on.Line)
	}
	return nil
}

// infer finds the role and the commit pattern from what is given.
func (a *Application) infer(pattern string) error {
	if pattern != "" && !slices.Contains(scenario.CommitPatterns, pattern) {
		return fmt.Errorf("no commit pattern is named %q; %s", pattern, scenario.Meant(pattern, scenario.CommitPatterns))
	}
	id := a.producer("transactional.id")
	switch {
	case a.Producer != nil && a.Consumer != nil:
		a.Role = guarantee.Processor
	case a.Producer != nil:
		a.Role = guarantee.Producer
	case a.Consumer != nil:
		a.Role = guarantee.Consumer
	}
	switch {
	case a.Role == guarantee.Producer && (id.set() || pattern == guarantee.CommitTxn):
		a.Batch = 1
	case a.Consumer == nil:
	case pattern != "":
		a.Commit = pattern
	case a.Role == guarantee.Processor && id.set():
		a.Commit = guarantee.CommitTxn
	case a.consumer("enable.auto.commit").is("true"):
		a.Commit = guarantee.CommitAuto
	default:
		a.Commit = guarantee.CommitBatch
	}
	return nil
}

// checked says what in f is not as Kafka, and library, has it.
func (f *File) checked(part Part, library string) (notes []string, err error) {
	var errs []error
	seen := map[string]int{}
	names := scenario.PropertyNames(string(part))
	if n := len(f.Properties); n > 0 && !slices.ContainsFunc(f.Properties, func(p Property) bool {
		_, known := scenario.LookupProperty(string(part), p.Name)
		return known || scenario.Alone(library, p.Name)
	}) {
		return nil, fmt.Errorf("%s:%d: none of its properties is a %s's, the first is %q; is it a properties file, and the %s's?", f.Path, f.Properties[0].Line, part, f.Properties[0].Name, part)
	}
	for _, p := range f.Properties {
		if first := seen[p.Name]; first > 0 {
			notes = append(notes, fmt.Sprintf("%s:%d: %s is set in line %d already; the last one counts", f.Path, p.Line, p.Name, first))
		}
		seen[p.Name] = p.Line
		known, ok := scenario.LookupProperty(string(part), p.Name)
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
	if scenario.Alone(library, name) {
		return name + " is librdkafka's alone, and is not looked at"
	}
	none := fmt.Sprintf("the %s has no property %s, so it does nothing; ", part, name)
	if owner := scenario.Owner(name); owner != "" && part != Broker {
		return none + "it is " + owner
	}
	for _, other := range []Part{Producer, Consumer, Broker} {
		if _, ok := scenario.LookupProperty(string(other), name); ok {
			return none + "it is a " + string(other) + "'s"
		}
	}
	if near := scenario.Nearest(name, names); near != "" {
		return none + "did you mean " + near + "?"
	}
	return ""
}
