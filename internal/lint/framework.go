package lint

import (
	"slices"
	"strings"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/settings"
)

// frameworkClients are the applications that a framework's file speaks of, each with
// what the framework sets by itself.
func frameworkClients(r *settings.Reading, library string) []*Application {
	if name, _ := scenario.SplitVersion(library); r.Dialect != "" && name != "java" {
		library = "java" // every framework here runs on Kafka's own client
	}
	var shared *settings.Client
	var named []*settings.Client
	for _, c := range r.Clients {
		if c.Name == "" {
			shared = c
		} else {
			named = append(named, c)
		}
	}
	var apps []*Application
	add := func(c *settings.Client) {
		a := &Application{Client: c.Name, Library: library, Framework: r.Dialect, Producer: c.Producer, Consumer: c.Consumer, Broker: c.Broker}
		a.take(c.Facts, r)
		apps = append(apps, a)
	}
	if shared != nil && (len(named) == 0 || r.Dialect == "spring" && (shared.Producer != nil || shared.Consumer != nil)) {
		add(shared)
	}
	for _, c := range named {
		switch r.Dialect {
		case "spring":
			add(bound(c, named, shared))
		case "mirror":
			if from, to, ok := strings.Cut(c.Name, "->"); ok {
				add(below(c, mirrored(shared, named, from, to)))
			}
		default:
			add(below(c, shared))
		}
	}
	if r.Dialect == "mirror" && len(apps) == 0 { // clusters, and no pair of them
		for _, c := range named {
			add(below(c, shared))
		}
	}
	var out []*Application
	for _, a := range apps {
		out = append(out, shape[r.Dialect](a, r.Path)...)
	}
	return slices.DeleteFunc(out, func(a *Application) bool { return a.Producer == nil && a.Consumer == nil && a.Broker == nil })
}

// bound is a binding of Spring Cloud Stream with what its binder says, which begins
// with what Spring Boot says. The binder itself stands for bindings that say nothing.
func bound(c *settings.Client, named []*settings.Client, boot *settings.Client) *settings.Client {
	for _, b := range named {
		if b.Name == settings.Binder && b != c {
			return below(c, below(b, boot))
		}
	}
	return below(c, boot)
}

// mirrored is what a mirror from one cluster to another is told for the clusters: its
// consumer reads the one, its producer writes to the other.
func mirrored(shared *settings.Client, named []*settings.Client, from, to string) *settings.Client {
	out := &settings.Client{Facts: map[string]Property{}}
	for _, c := range named {
		switch c.Name {
		case from:
			out = below(&settings.Client{Consumer: c.Consumer}, out)
		case to:
			out = below(&settings.Client{Producer: c.Producer, Broker: c.Broker, Facts: c.Facts}, out)
		}
	}
	return below(out, shared)
}

// below is a client with what is said for all of them under its own settings.
func below(c, shared *settings.Client) *settings.Client {
	if shared == nil {
		return c
	}
	out := &settings.Client{Name: c.Name, Facts: map[string]Property{}}
	for _, from := range []*settings.Client{shared, c} {
		for k, v := range from.Facts {
			out.Facts[k] = v
		}
		out.Producer, out.Consumer = joined(out.Producer, from.Producer), joined(out.Consumer, from.Consumer)
		out.Broker = joined(out.Broker, from.Broker)
	}
	return out
}

func joined(a, b *File) *File {
	if a == nil || b == nil {
		if b == nil {
			return a
		}
		return b
	}
	return &File{Path: a.Path, Properties: append(slices.Clone(a.Properties), b.Properties...)}
}

// shape makes of a framework's client the applications that it runs.
var shape = map[string]func(a *Application, path string) []*Application{
	"": plainShape, "spring": springShape, "smallrye": smallryeShape, "micronaut": plainShape, "camel": plainShape, "streams": streamsShape,
	"connect": connectShape, "connector": connectShape, "mirror": connectShape, "flink": flinkShape,
}

func plainShape(a *Application, _ string) []*Application { return []*Application{a} }

// framed gives a part defaults of the framework's.
func (a *Application) framed(part Part, values map[string]string) {
	if a.Defaults == nil {
		a.Defaults = map[Part]map[string]Property{}
	}
	if a.Defaults[part] == nil {
		a.Defaults[part] = map[string]Property{}
	}
	for name, v := range values {
		a.Defaults[part][name] = Property{Name: name, Value: v}
	}
}

// because says which fact decides when the application commits.
func (a *Application) because(fact, path string) {
	p := a.Facts[fact]
	if p.Line == 0 {
		a.Because = Setting{Property: "commit", File: path, Written: fact + " not set"}
		return
	}
	a.Because = Setting{Property: "commit", File: path, Line: p.Line, Column: p.Column, Written: p.Written() + "=" + p.Value}
}

func (a *Application) fact(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "_", " ", "").Replace(strings.TrimSpace(a.Facts[name].Value)))
}

// springShape: the container turns auto-commit off and commits by ack-mode; with a
// prefix of transactional ids the listener runs in a transaction. Spring Cloud Stream's
// binder asks for acks=1 unless told otherwise.
func springShape(a *Application, path string) []*Application {
	a.framed(Consumer, map[string]string{"enable.auto.commit": "false"})
	if a.Client != "" {
		a.framed(Producer, map[string]string{"acks": "1"})
		a.framed(Consumer, map[string]string{"auto.offset.reset": "earliest"})
	}
	if a.Consumer == nil {
		return []*Application{a}
	}
	a.Role = guarantee.Consumer
	if a.Producer != nil {
		a.Role = guarantee.Processor
	}
	id := a.producer("transactional.id")
	switch {
	case a.consumer("enable.auto.commit").is("true"):
		a.Commit = guarantee.CommitAuto
	case id.set():
		a.Commit = guarantee.CommitTxn
	case a.fact("at-most-once") == "true":
		a.Commit = guarantee.CommitBefore
		a.because("at-most-once", path)
	case a.fact("ack-mode") == "record":
		a.Commit = guarantee.CommitEach
		a.because("ack-mode", path)
	default:
		a.Commit = guarantee.CommitBatch
		a.because("ack-mode", path)
	}
	return []*Application{a}
}

// smallryeShape: an outgoing channel asks for acks=1 and an incoming one commits what
// was acknowledged, unless they are told otherwise.
func smallryeShape(a *Application, path string) []*Application {
	a.framed(Consumer, map[string]string{"enable.auto.commit": "false", "auto.offset.reset": "latest"})
	a.framed(Producer, map[string]string{"acks": "1"})
	if a.Consumer == nil || a.Client == "" {
		return []*Application{a}
	}
	switch {
	case a.consumer("enable.auto.commit").is("true"):
		a.Commit = guarantee.CommitAuto
	default:
		a.Commit = guarantee.CommitBatch
		a.because("commit-strategy", path)
	}
	a.Role = guarantee.Consumer
	if a.Producer != nil && !slices.ContainsFunc(a.Producer.Properties, func(p Property) bool { return strings.Contains(p.Written(), "outgoing") }) {
		a.Producer = nil // what is said for every channel
	}
	if a.Producer != nil {
		a.Role = guarantee.Processor
	}
	return []*Application{a}
}

// streamsShape: one application that reads, works and writes, whose guarantee is one
// property. Under exactly once Streams sets the producer's and the consumer's itself.
func streamsShape(a *Application, path string) []*Application {
	guaranteed := a.fact("processing.guarantee")
	a.Role, a.Commit = guarantee.Processor, guarantee.CommitBatch
	if a.Producer == nil {
		a.Producer = &File{Path: path}
	}
	if a.Consumer == nil {
		a.Consumer = &File{Path: path}
	}
	a.Consumer = without(a.Consumer, "enable.auto.commit") // Streams allows no other
	a.framed(Consumer, map[string]string{"enable.auto.commit": "false", "auto.offset.reset": "earliest"})
	a.because("processing.guarantee", path)
	if strings.HasPrefix(guaranteed, "exactly_once") {
		a.Commit = guarantee.CommitTxn
		for _, name := range []string{"enable.idempotence", "transactional.id"} {
			a.Producer = without(a.Producer, name)
		}
		a.Consumer = without(a.Consumer, "isolation.level")
		a.framed(Consumer, map[string]string{"isolation.level": "read_committed"})
		a.framed(Producer, map[string]string{"enable.idempotence": "true", "transaction.timeout.ms": "10000", "transactional.id": "${client}-${instance}"})
	}
	return []*Application{a}
}

// connectShape: a worker runs sources, which write, and sinks, which read.
func connectShape(a *Application, path string) []*Application {
	enabled := a.fact("exactly.once.source.support") == "enabled" || a.fact("exactly.once.support") == "required"
	source, sink := *a, *a
	source.Client, sink.Client = strings.TrimSpace(a.Client+" sources"), strings.TrimSpace(a.Client+" sinks")
	source.Consumer, sink.Producer = nil, nil
	source.Role, sink.Role = guarantee.Producer, guarantee.Consumer
	source.Defaults, sink.Defaults = nil, nil
	if source.Producer == nil {
		source.Producer = &File{Path: path}
	}
	source.framed(Producer, map[string]string{"acks": "all", "enable.idempotence": "false", "max.in.flight.requests.per.connection": "1", "delivery.timeout.ms": "2147483647"})
	if enabled {
		source.Batch = 1
		source.framed(Producer, map[string]string{"enable.idempotence": "true", "transactional.id": "${client}-${instance}", "max.in.flight.requests.per.connection": "5"})
	}
	if sink.Consumer == nil {
		sink.Consumer = &File{Path: path}
	}
	sink.Commit, sink.Inferred = guarantee.CommitBatch, true
	sink.framed(Consumer, map[string]string{"enable.auto.commit": "false", "auto.offset.reset": "earliest"})
	switch {
	case a.Framework == "mirror":
		if enabled { // the positions are in the target's transaction; there is no group
			source.Consumer, source.Role, source.Commit = sink.Consumer, guarantee.Processor, guarantee.CommitTxn
			source.Defaults[Consumer] = sink.Defaults[Consumer]
		} else {
			source.Consumer, source.Role, source.Commit = sink.Consumer, guarantee.Processor, guarantee.CommitBatch
			source.Defaults[Consumer] = sink.Defaults[Consumer]
		}
		source.Client = strings.TrimSpace(a.Client)
		source.because("exactly.once.source.support", path)
		return []*Application{&source}
	case strings.Contains(strings.ToLower(a.Facts["connector.class"].Value), "sink"):
		return []*Application{&sink}
	case strings.Contains(strings.ToLower(a.Facts["connector.class"].Value), "source"):
		return []*Application{&source}
	}
	return []*Application{&source, &sink}
}

// flinkShape: a table is a source or a sink; with exactly once a sink commits its
// transaction at each checkpoint, and a source's positions are in the checkpoint.
func flinkShape(a *Application, path string) []*Application {
	once := a.fact("delivery-guarantee") == "exactly_once" && a.fact("checkpoint-mode") != "at_least_once"
	mode := a.fact("startup-mode")
	a.framed(Consumer, map[string]string{"enable.auto.commit": "false", "auto.offset.reset": map[bool]string{true: "latest", false: "earliest"}[mode == "latest_offset"]})
	if p := a.Facts["startup-mode"]; mode == "latest_offset" {
		a.Defaults[Consumer]["auto.offset.reset"] = Property{Name: "auto.offset.reset", Value: "latest", Line: p.Line, Column: p.Column, Key: p.Written(), Raw: p.Value}
	}
	a.framed(Producer, map[string]string{"transaction.timeout.ms": "3600000"})
	sink := a.Facts["delivery-guarantee"].Line > 0 || a.Producer != nil && func() bool { _, ok := a.Producer.Get("transactional.id"); return ok }()
	source := a.Facts["startup-mode"].Line > 0
	if !sink && !source {
		sink, source = true, true
	}
	if !sink {
		a.Producer = nil
	} else if a.Producer == nil {
		a.Producer = &File{Path: path}
	}
	if !source {
		a.Consumer = nil
	} else if a.Consumer == nil {
		a.Consumer = &File{Path: path}
	}
	a.Role = map[[2]bool]string{{true, true}: guarantee.Processor, {true, false}: guarantee.Producer, {false, true}: guarantee.Consumer}[[2]bool{sink, source}]
	switch {
	case once && sink && source:
		a.Commit = guarantee.CommitTxn
	case once && sink:
		a.Batch = 1
	case source:
		a.Commit = guarantee.CommitBatch
	}
	if a.Commit != "" {
		a.because("delivery-guarantee", path)
	}
	return []*Application{a}
}
