// Package verify runs the user's own configuration, as production has it, through
// the scenarios that say something about what it claims, and answers in one page:
// what it promises, what broke, and the smallest change that mends it.
//
//	properties files ──> lint ──> suite ──> runs ──> answer ──> change ──> runs again
//
// It starts nothing itself: whoever has the harness runs what Suite makes.
package verify

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/lint"
	"github.com/onceproof/onceproof/internal/scenario"
)

// Options shape a suite.
type Options struct {
	Backend   string   // that can do all of its faults: docker, embedded, external; auto = what embedded can do
	Instances int      // of the application; 0 = 2, or 1 where all would share one transactional.id
	Allow     []string // guarantees that need not hold
	AsIs      bool     // timeouts stay as in production, and runs take as long as that takes
}

// Suite is the user's configuration in the scenarios that concern it.
type Suite struct {
	App       *lint.Application
	Scenarios []*scenario.Scenario
	Replaced  []Replaced
	Notes     []string // what was decided, and what was left out and why

	breaks map[string][]string // guarantees that a scenario of the suite is there to break, by its name
}

// Urgent says whether a scenario may break what lint says is forfeited, or at risk: it
// comes before those that cannot.
func (s *Suite) Urgent(sc *scenario.Scenario) bool {
	apps := []*lint.Application{s.App}
	return slices.ContainsFunc(lint.Promises(apps, lint.Lint(apps)), func(p lint.Standing) bool {
		return p.State == lint.Forfeited && slices.Contains(s.breaks[sc.Metadata.Name], p.Guarantee)
	})
}

// breakable are the guarantees that a template is there to break: in itself, or in its control.
func breakable(t *scenario.Scenario) (all []string) {
	for g, v := range t.Expect {
		if v == string(guarantee.Violated) {
			all = append(all, g)
		}
	}
	if t.Control != nil {
		for g, v := range t.Control.Expect {
			if v == string(guarantee.Violated) {
				all = append(all, g)
			}
		}
	}
	return all
}

// pace are the properties that say how fast things happen and not what is
// promised: a run keeps its template's unless Options.AsIs.
var pace = []string{"session.timeout.ms", "heartbeat.interval.ms", "fetch.max.wait.ms", "transaction.timeout.ms"}

// New makes the suite of an application.
func New(a *lint.Application, o Options) (*Suite, error) {
	if a.Producer == nil && a.Consumer == nil {
		return nil, errors.New("there is nothing to run: give --producer, --consumer or both")
	}
	for _, g := range o.Allow {
		if !slices.Contains(scenario.Guarantees, g) {
			return nil, fmt.Errorf("--allow: no guarantee is named %q; %s", g, scenario.Meant(g, scenario.Guarantees))
		}
	}
	if o.Backend != "" && !slices.Contains(scenario.Backends, o.Backend) {
		return nil, fmt.Errorf("--backend: no backend is named %q; %s", o.Backend, scenario.Meant(o.Backend, scenario.Backends))
	}
	if o.Instances < 0 {
		return nil, fmt.Errorf("--instances %d: it is 1 or more", o.Instances)
	}
	s := &Suite{App: a, breaks: map[string][]string{}}
	o.Instances = s.instances(o)
	b := builder{app: a, options: o}
	var err error
	if b.producer, err = take(a.Effective(lint.Producer), lint.Producer, o.Instances); err != nil {
		return nil, err
	}
	if b.consumer, err = take(a.Effective(lint.Consumer), lint.Consumer, o.Instances); err != nil {
		return nil, err
	}
	broker, err := take(a.Broker, lint.Broker, 1)
	if err != nil {
		return nil, err
	}
	b.broker = brokerPart(broker.config)
	s.Replaced = append(b.producer.replaced, b.consumer.replaced...)
	s.Notes = append(s.Notes, b.paced()...)
	if left := len(broker.config) - len(b.broker); left > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("%s: %d properties do not bear on delivery and stay with the run's own brokers", a.Broker.Path, left))
	}
	for _, t := range templates {
		if !t.fits(a) {
			continue
		}
		built, err := b.build(t.scenario)
		if err != nil {
			return nil, err
		}
		if err := scenario.CheckBackend(built, cmp.Or(strings.ReplaceAll(o.Backend, "auto", "embedded"), "embedded")); err != nil {
			s.Notes = append(s.Notes, t.scenario+" is left out: it needs --backend docker")
			continue
		}
		if template, err := scenario.Load(t.scenario); err == nil {
			s.breaks[built.Metadata.Name] = breakable(template)
		}
		s.Scenarios = append(s.Scenarios, built)
	}
	if len(s.Scenarios) == 0 {
		return nil, errors.New("no scenario says anything about this configuration on this backend")
	}
	return s, nil
}

// instances is how many of the application run at once, and says so where it was
// decided here.
func (s *Suite) instances(o Options) int {
	if o.Instances > 0 {
		return o.Instances
	}
	id, set := s.App.Producer.Get("transactional.id")
	if set && !strings.Contains(id.Value, "${") {
		s.Notes = append(s.Notes, fmt.Sprintf("%s:%d: transactional.id=%s is one instance's, so one runs; --instances 2 shows what two do to each other",
			s.App.Producer.Path, id.Line, id.Value))
		return 1
	}
	return 2
}

// brokerPart are the broker properties that bear on delivery.
func brokerPart(config map[string]string) map[string]string {
	out := map[string]string{}
	for name, v := range config {
		if slices.Contains([]string{"min.insync.replicas", "unclean.leader.election.enable", "transaction.max.timeout.ms", "offsets.retention.minutes",
			"transaction.partition.verification.enable", "transactional.id.expiration.ms", "unclean.leader.election.interval.ms"}, name) {
			out[name] = v
		}
	}
	return out
}

// builder puts the user's configuration into templates.
type builder struct {
	app                *lint.Application
	options            Options
	producer, consumer taken
	broker             map[string]string
}

// paced says which timeouts the runs do not take over.
func (b *builder) paced() []string {
	if b.options.AsIs {
		return nil
	}
	var notes []string
	for _, t := range []taken{b.producer, b.consumer} {
		for _, name := range pace {
			if v, ok := t.config[name]; ok {
				notes = append(notes, fmt.Sprintf("%s:%d: %s=%s: each scenario has its own, so that a crash is noticed in seconds; --as-is keeps yours", t.path, t.lines[name], name, v))
			}
		}
	}
	return notes
}

func (b *builder) build(name string) (*scenario.Scenario, error) {
	t, err := scenario.Load(name)
	if err != nil {
		return nil, err
	}
	s := *t
	s.Metadata.Name = "verify-" + t.Metadata.Name
	s.Metadata.Description = "Your configuration in: " + t.Metadata.Description
	s.Control, s.Fixed, s.File = nil, nil, "verify"
	s.Cluster.Backend = cmp.Or(b.options.Backend, s.Cluster.Backend)
	s.Cluster.Config = maps.Clone(t.Cluster.Config)
	if s.Cluster.Config == nil {
		s.Cluster.Config = map[string]string{}
	}
	maps.Copy(s.Cluster.Config, b.broker)
	s.Expect = map[string]string{}
	for _, g := range b.options.Allow {
		s.Expect[g] = scenario.Any
	}
	s.Clients = slices.Clone(t.Clients)
	alone := !slices.ContainsFunc(t.Clients, func(c scenario.Client) bool { return c.Role == guarantee.Consumer })
	for i := range s.Clients {
		b.configure(&s.Clients[i], alone)
	}
	b.aim(&s, t)
	if b.options.AsIs {
		b.stretch(&s)
	}
	return &s, nil
}

// configure gives a client of a template the user's configuration: the processor
// has both files, a producer beside it the producer's unless that is
// transactional, in which case it stands for somebody else's, and a reader of the
// output the consumer's. Where nothing else reads (alone), a consumer takes the
// processor's place.
func (b *builder) configure(c *scenario.Client, alone bool) {
	c.Library = b.app.Library
	was := c.Config
	switch {
	case c.Role == guarantee.Processor && b.app.Role == guarantee.Processor:
		c.Commit = b.app.Commit
		c.Count = b.options.Instances
		c.Habits = nil // a template's own mistake
		b.set(c, b.consumer, b.producer)
	case c.Role == guarantee.Processor && b.app.Role == guarantee.Consumer && alone: // its work has no output
		c.Role, c.Output, c.Commit, c.Count, c.Habits = guarantee.Consumer, "", b.app.Commit, b.options.Instances, nil
		b.set(c, b.consumer)
	case c.Role == guarantee.Producer && (b.app.Role == guarantee.Producer || producesAlone(b.app)):
		if b.app.Batch == 0 {
			c.Transaction = 0
		}
		b.set(c, b.producer)
	case c.Role == guarantee.Consumer && b.app.Consumer != nil:
		b.set(c, b.consumer)
		if b.app.Role == guarantee.Processor {
			c.Config["group.id"] = cmp.Or(c.Config["group.id"], "app") + "-readers"
			delete(c.Config, "group.instance.id")
		}
		if b.app.Role == guarantee.Consumer {
			c.Commit = b.app.Commit
		} else if c.Commit != guarantee.CommitAuto {
			c.Config["enable.auto.commit"] = "false" // it stands for other readers, which commit what they have read
		}
	default:
		return
	}
	if c.Role != guarantee.Producer {
		c.Config["group.id"] = cmp.Or(c.Config["group.id"], was["group.id"])
		if _, set := c.Config["auto.offset.reset"]; !set && b.app.Consumer == nil {
			c.Config["auto.offset.reset"] = was["auto.offset.reset"]
		}
	}
	for _, name := range pace {
		if v, ok := was[name]; ok && !b.options.AsIs {
			c.Config[name] = v
			delete(c.ConfigPos, name)
		}
	}
	if !transacts(c) {
		delete(c.Config, "transactional.id")
		delete(c.Config, "transaction.timeout.ms")
	}
	if key, ok := was["onceproof.key"]; ok {
		c.Config["onceproof.key"] = key
	}
}

func transacts(c *scenario.Client) bool {
	return c.Transaction > 0 || c.Commit == guarantee.CommitTxn || c.Commit == guarantee.CommitTxnOutside
}

// set takes over files; of a property that is in both, the last one's value.
func (b *builder) set(c *scenario.Client, files ...taken) {
	c.Config, c.ConfigPos, c.ConfigFile = map[string]string{}, map[string]scenario.Pos{}, map[string]string{}
	for _, t := range files {
		for name, v := range t.config {
			c.Config[name] = v
			c.ConfigPos[name] = scenario.Pos{Line: t.lines[name], Col: 1}
			c.ConfigFile[name] = t.path
		}
	}
}

// aim points faults at the user's group and transactional.id.
func (b *builder) aim(s *scenario.Scenario, t *scenario.Scenario) {
	s.Faults = slices.Clone(t.Faults)
	for i := range s.Faults {
		for j, c := range s.Clients {
			to := &s.Faults[i].Args.Broker
			*to = scenario.Target(strings.NewReplacer(
				"group "+t.Clients[j].Config["group.id"]+")", "group "+c.Config["group.id"]+")",
				"txn "+first(t.Clients[j])+")", "txn "+first(c)+")",
			).Replace(string(*to)))
		}
	}
}

// first is the transactional.id of a client's first instance.
func first(c scenario.Client) string {
	return strings.NewReplacer("${client}", c.Name, "${instance}", "0").Replace(cmp.Or(c.Config["transactional.id"], "\x00"))
}

// stretch makes a run long enough for timeouts as production has them.
func (b *builder) stretch(s *scenario.Scenario) {
	for _, c := range s.Clients {
		for _, name := range pace {
			if v, ok := millis(c.Config[name]); ok && name != "heartbeat.interval.ms" {
				s.Run.Duration = max(s.Run.Duration, v+10*time.Second)
				s.Run.Drain = max(s.Run.Drain, 2*v)
			}
		}
		if _, set := c.Config["session.timeout.ms"]; !set && c.Role != guarantee.Producer {
			s.Run.Duration, s.Run.Drain = max(s.Run.Duration, 55*time.Second), max(s.Run.Drain, 90*time.Second)
		}
	}
}

func millis(v string) (time.Duration, bool) {
	d, err := time.ParseDuration(v + "ms")
	return d, err == nil
}
