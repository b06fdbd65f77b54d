package lint

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/settings"
)

// File and Property are a file's settings; settings reads them.
type (
	File     = settings.File
	Property = settings.Property
)

// Files are the configuration files of one application, "" where there is none.
type Files struct {
	Library                    string
	Pattern                    string // commit pattern; "" = inferred
	Producer, Consumer, Broker string
	Config                     []string          // files of a framework, or of a producer and a consumer in one
	Manifest                   string            // of Kubernetes or compose
	As                         string            // the framework of Config's files; "" = found out
	Profile                    string            // of Spring or Quarkus
	Set                        map[string]string // values for placeholders
	Client                     string            // the only one that is looked at; "" = all
}

// Opened is what the files say.
type Opened struct {
	Apps     []*Application
	Readings []*settings.Reading
	Notes    []string // what is no error and worth a word
}

// Open reads and checks the files. A value that Kafka would refuse is an error
// with its line; every one is reported.
func (fs Files) Open() (*Opened, error) {
	if !Knows(fs.Library) {
		return nil, unknownLibrary(fs.Library)
	}
	if fs.Producer+fs.Consumer+fs.Broker+fs.Manifest == "" && len(fs.Config) == 0 {
		return nil, errors.New("no configuration file is given: --producer, --consumer, --broker, --config or --manifest")
	}
	if fs.Pattern != "" && !slices.Contains(scenario.CommitPatterns, fs.Pattern) {
		return nil, fmt.Errorf("no commit pattern is named %q; %s", fs.Pattern, scenario.Meant(fs.Pattern, scenario.CommitPatterns))
	}
	o := opener{files: fs, out: &Opened{}, plain: &Application{Library: fs.Library}, seen: map[string]bool{}}
	if note := versionNote(fs.Library); note != "" {
		o.out.Notes = append(o.out.Notes, note)
	}
	o.read()
	if o.out.Readings == nil && len(o.errs) == 0 {
		return nil, errors.New("the files say nothing of Kafka")
	}
	o.applications()
	return o.out, errors.Join(o.errs...)
}

// opener gathers what the files say, and all that is wrong with them.
type opener struct {
	files Files
	out   *Opened
	plain *Application // of the producer's, consumer's and broker's own files
	seen  map[string]bool
	errs  []error
}

func (o *opener) options(part Part) settings.Options {
	return settings.Options{Part: string(part), Library: o.files.Library, Dialect: o.files.As, Profile: o.files.Profile, Set: o.files.Set}
}

func (o *opener) read() {
	fs := o.files
	for _, part := range []struct {
		part Part
		path string
	}{{Producer, fs.Producer}, {Consumer, fs.Consumer}, {Broker, fs.Broker}} {
		if part.path == "" {
			continue
		}
		options := o.options(part.part)
		options.Dialect = ""
		r, err := settings.Read(part.path, options)
		switch {
		case err != nil:
			o.fail(err)
		case r.Dialect != "": // a framework's file has both sides
			o.framework(r)
		default:
			o.own(part.part, r)
		}
	}
	for _, path := range fs.Config {
		r, err := settings.Read(path, o.options(""))
		if err != nil {
			o.fail(err)
			continue
		}
		o.framework(r)
	}
	if fs.Manifest != "" {
		all, err := settings.Manifest(fs.Manifest, o.options(""))
		o.fail(err)
		for _, r := range all {
			o.framework(r)
		}
	}
}

func (o *opener) fail(err error) {
	if err != nil && !slices.ContainsFunc(o.errs, func(e error) bool { return e.Error() == err.Error() }) {
		o.errs = append(o.errs, err)
	}
}

// own takes a file that is the producer's, the consumer's or the brokers' alone.
func (o *opener) own(part Part, r *settings.Reading) {
	if err := wrongFile(part, o.files.Library, r); err != nil {
		o.fail(err)
		return
	}
	o.out.Readings = append(o.out.Readings, r)
	o.out.Notes = append(o.out.Notes, r.Notes...)
	f := &File{Path: r.Path}
	var facts map[string]Property
	for _, c := range r.Clients {
		facts = c.Facts
		if got := partOf(c, part); got != nil {
			f = got
		}
	}
	o.out.Notes = append(append(o.out.Notes, translated(f)...), slips(part, r)...)
	*map[Part]**File{Producer: &o.plain.Producer, Consumer: &o.plain.Consumer, Broker: &o.plain.Broker}[part] = f
	o.plain.take(facts, r)
	o.fail(checked(part, f))
}

// framework takes a file that may speak of several clients.
func (o *opener) framework(r *settings.Reading) {
	if o.seen[r.Path+" "+r.Dialect] && o.files.Manifest == "" {
		return // given as --producer and as --consumer
	}
	o.seen[r.Path+" "+r.Dialect] = true
	o.out.Readings = append(o.out.Readings, r)
	o.out.Notes = append(o.out.Notes, r.Notes...)
	for _, a := range frameworkClients(r, o.files.Library) {
		if o.files.Client != "" && a.Client != o.files.Client {
			continue
		}
		for _, part := range []Part{Producer, Consumer, Broker} {
			o.fail(checked(part, a.FileOf(part)))
		}
		if a.Commit == "" {
			o.fail(a.infer(o.files.Pattern))
		} else if o.files.Pattern != "" && a.Role != guarantee.Producer {
			a.Commit, a.Inferred = o.files.Pattern, false
		}
		o.out.Apps = append(o.out.Apps, a)
	}
}

// applications puts the plain files' application with the others, which have its brokers.
func (o *opener) applications() {
	for _, a := range o.out.Apps {
		if a.Broker == nil {
			a.Broker = o.plain.Broker
		}
	}
	if a := o.plain; a.Producer != nil || a.Consumer != nil || a.Broker != nil && len(o.out.Apps) == 0 {
		o.fail(a.contradiction())
		o.fail(a.infer(o.files.Pattern))
		o.out.Apps = append(o.out.Apps, a)
	}
	if len(o.out.Apps) == 0 && o.files.Client != "" && len(o.errs) == 0 {
		o.fail(fmt.Errorf("--client %s: the files have no such client", o.files.Client))
	}
}

func unknownLibrary(name string) error {
	return fmt.Errorf("no library is named %q; %s", name, scenario.Meant(name, Libraries()))
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
		return nil
	case a.Role == guarantee.Processor && id.set():
		a.Commit = guarantee.CommitTxn
	case a.consumer("enable.auto.commit").is("true"):
		a.Commit = guarantee.CommitAuto
	default:
		a.Commit = guarantee.CommitBatch
	}
	a.Inferred = a.Consumer != nil
	return nil
}

// wrongFile is a file that is of another part or library than was said.
func wrongFile(part Part, library string, r *settings.Reading) error {
	mine, others := 0, map[string]int{}
	var first settings.Key
	for _, k := range r.Keys {
		if k.Fate == settings.Used || k.Fate == settings.NoBearing {
			mine++
		} else if k.Fate == settings.Elsewhere {
			if len(others) == 0 {
				first = k
			}
			others[k.Why]++
		}
	}
	foreign := 0
	for why, n := range others {
		if strings.HasPrefix(why, "librdkafka's") {
			foreign += n
		}
	}
	if name, _ := scenario.SplitVersion(library); name == "java" && foreign > 1 {
		i := slices.IndexFunc(r.Keys, func(k settings.Key) bool { return strings.HasPrefix(k.Why, "librdkafka's") })
		return fmt.Errorf("%s:%d: %s is librdkafka's, as are %d of its keys, and --library is %s, whose defaults are others; did you mean --library confluent-kafka?",
			r.Path, r.Keys[i].Line, r.Keys[i].Name, foreign, library)
	}
	if mine > 0 || len(r.Keys) == 0 {
		return nil
	}
	if len(others) == 1 {
		for _, other := range []Part{Producer, Consumer, Broker} {
			if first.Why == "a "+string(other) {
				return fmt.Errorf("%s:%d: none of its properties is a %s's, the first is %q; they are a %s's: say --%s %s", r.Path, r.Keys[0].Line, part, r.Keys[0].Name, other, other, r.Path)
			}
		}
	}
	return fmt.Errorf("%s:%d: none of its properties is a %s's, the first is %q; is it a configuration file, and the %s's? --config %s reads a framework's",
		r.Path, r.Keys[0].Line, part, r.Keys[0].Name, part, r.Path)
}

// translated says which lines are read under other words than the file's.
func translated(f *File) (notes []string) {
	for _, p := range f.Properties {
		switch {
		case p.Written() == p.Name && p.Raw == "":
		case p.Raw != "":
			notes = append(notes, fmt.Sprintf("%s:%d: %s=%s is read as %s=%s, which is Kafka's for it", f.Path, p.Line, p.Written(), p.Raw, p.Name, p.Value))
		default:
			notes = append(notes, fmt.Sprintf("%s:%d: %s is read as %s, which is Kafka's name of it", f.Path, p.Line, p.Written(), p.Name))
		}
	}
	return notes
}

// slips are remarks on names and lines that look like a mistake.
func slips(part Part, r *settings.Reading) (notes []string) {
	seen := map[string]int{}
	for _, k := range r.Keys {
		if first := seen[k.Name]; first > 0 {
			notes = append(notes, fmt.Sprintf("%s:%d: %s is set in line %d already; the last one counts", r.Path, k.Line, k.Name, first))
		}
		seen[k.Name] = k.Line
		none := fmt.Sprintf("%s:%d: the %s has no property %s, so it does nothing; ", r.Path, k.Line, part, k.Name)
		switch {
		case k.Fate == settings.Elsewhere && (k.Why == "a producer" || k.Why == "a consumer" || k.Why == "a broker"):
			notes = append(notes, none+"it is "+k.Why+"'s")
		case k.Fate == settings.Elsewhere && strings.Contains(k.Why, "'s name of ") || strings.HasSuffix(k.Why, "'s alone"):
			notes = append(notes, none+"it is "+k.Why)
		case k.Fate == settings.Unknown && k.Why != "":
			notes = append(notes, none+"did you mean "+k.Why+"?")
		}
	}
	return notes
}

// checked says which values Kafka would refuse.
func checked(part Part, f *File) error {
	if f == nil {
		return nil
	}
	var errs []error
	for _, p := range f.Properties {
		known, ok := scenario.LookupProperty(string(part), p.Name)
		if !ok || settings.Open(p.Value) {
			continue
		}
		if err := known.Check(strings.TrimSpace(p.Value)); err != nil {
			written := ""
			if p.Written() != p.Name {
				written = p.Written() + ": "
			}
			errs = append(errs, fmt.Errorf("%s: %s%w", place(f.Path, p), written, err))
		}
	}
	return errors.Join(errs...)
}

// place is a setting's place: "file:line:column".
func place(path string, p Property) string {
	if p.Column > 0 {
		return fmt.Sprintf("%s:%d:%d", path, p.Line, p.Column)
	}
	return fmt.Sprintf("%s:%d", path, p.Line)
}
