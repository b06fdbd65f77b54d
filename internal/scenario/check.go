package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onceproof/onceproof/guarantee"
)

// check is what the tables cannot say: what must hold between fields. It runs
// after a file was read, even if some of it could not be.
type check struct {
	*decoder
	s *Scenario
}

func (c check) all() {
	c.names()
	c.cluster()
	for i := range c.s.Clients {
		c.client(&c.s.Clients[i])
	}
	c.traces()
	c.run()
	for i := range c.s.Faults {
		c.fault(&c.s.Faults[i], i)
	}
	c.after()
}

// at is the place of the field that ptr points to, or else of what holds it.
func (c check) at(ptr any, holder Pos) Pos {
	if p, ok := c.where[ptr]; ok {
		return p
	}
	return holder
}

// given reports whether the file names the field, even if with a wrong value.
func (c check) given(ptr any) bool { _, ok := c.where[ptr]; return ok }

func (c check) names() {
	seen := map[string]Pos{}
	unique := func(what, name string, p Pos) {
		if name == "" {
			return
		}
		key := what + " " + name
		if first, dup := seen[key]; dup {
			c.fail(p, "a second %s %q; the first is on line %d", what, name, first.Line)
			return
		}
		seen[key] = p
	}
	for i := range c.s.Cluster.Topics {
		t := &c.s.Cluster.Topics[i]
		unique("topic", t.Name, c.at(&t.Name, t.Pos))
	}
	for i := range c.s.Clients {
		cl := &c.s.Clients[i]
		unique("client", cl.Name, c.at(&cl.Name, cl.Pos))
	}
	for i := range c.s.Faults {
		f := &c.s.Faults[i]
		unique("fault", f.Name, c.at(&f.Name, f.Pos))
	}
}

// A broker at rest has written about 1 MiB.
const smallestDisk, largestDisk = 64 << 20, 8 << 30

func (c check) cluster() {
	cl := &c.s.Cluster
	here := c.at(&c.s.Cluster, Pos{1, 1})
	if cl.Backend == "external" {
		if len(cl.Bootstrap) == 0 && !c.given(&cl.Bootstrap) {
			c.fail(here, "backend external needs bootstrap: the host:port of its brokers")
		}
	} else if c.given(&cl.Bootstrap) {
		c.fail(c.where[&cl.Bootstrap], "bootstrap is for backend external; a %s cluster is started by onceproof", cl.Backend)
	}
	for i := range cl.Bootstrap {
		if host, port, ok := strings.Cut(cl.Bootstrap[i], ":"); !ok || host == "" || !isPort(port) {
			c.fail(c.at(&cl.Bootstrap[i], here), "%q is not host:port", cl.Bootstrap[i])
		}
	}
	if cl.Backend != "external" && len(cl.Topics) == 0 && !c.given(&cl.Topics) {
		c.fail(here, "the cluster has no topics")
	}
	if d := cl.Disk; c.given(&cl.Disk) && (d < smallestDisk || d > largestDisk) && !c.failedAt(c.where[&cl.Disk]) {
		c.fail(c.where[&cl.Disk], "a disk of %s: give it 64MiB to 8GiB, which every broker takes from memory as it fills", formatBytes(d))
	}
	for i := range cl.Topics {
		t := &cl.Topics[i]
		if cl.Brokers > 0 && int(t.Replicas) > cl.Brokers {
			c.fail(c.at(&t.Replicas, t.Pos), "topic %q has %d replicas and the cluster only %d brokers", t.Name, t.Replicas, cl.Brokers)
		}
		if min, _ := strconv.Atoi(t.Config["min.insync.replicas"]); min > int(t.Replicas) && t.Replicas > 0 {
			c.fail(c.keys[&t.Config]["min.insync.replicas"], "topic %q needs %d in-sync replicas and has only %d: acks=all never succeeds", t.Name, min, t.Replicas)
		}
	}
}

func isPort(s string) bool { n, err := strconv.ParseUint(s, 10, 16); return err == nil && n > 0 }

// roles of a client are whose properties it may have.
func propertyRoles(role string) ([]string, string) {
	switch role {
	case guarantee.Producer:
		return []string{"producer"}, "a producer"
	case guarantee.Consumer:
		return []string{"consumer"}, "a consumer"
	}
	return []string{"producer", "consumer"}, "a client"
}

func (c check) client(cl *Client) {
	who := fmt.Sprintf("client %q", cl.Name)
	if cl.Role == "" { // said already
		return
	}
	need := func(ptr any, field, val, why string) {
		if val == "" && !c.given(ptr) && len(cl.Command) == 0 && len(cl.Program) == 0 {
			c.fail(cl.Pos, "%s is a %s and has no %q%s", who, cl.Role, field, why)
		}
	}
	refuse := func(ptr any, field string, set bool, why string) {
		if set {
			c.fail(c.at(ptr, cl.Pos), "%s is a %s: %q has no effect there; remove it%s", who, cl.Role, field, why)
		}
	}
	produces, consumes := cl.Role != guarantee.Consumer, cl.Role != guarantee.Producer
	c.application(cl, who)
	if len(cl.Program) > 0 {
		c.program(cl, who)
	}
	if cl.Role == guarantee.Producer {
		need(&cl.Topic, "topic", cl.Topic, ": where it sends")
	} else {
		need(&cl.Input, "input", cl.Input, ": what it reads")
		refuse(&cl.Topic, "topic", cl.Topic != "", "; input is what it reads")
		refuse(&cl.Transaction, "transaction", cl.Transaction != 0, "; commit: transaction makes a processor transactional")
		refuse(&cl.Max, "max", cl.Max != 0, "")
	}
	if cl.Role == guarantee.Processor {
		need(&cl.Output, "output", cl.Output, ": where it sends")
	} else {
		refuse(&cl.Output, "output", cl.Output != "", "")
	}
	if !consumes {
		refuse(&cl.Input, "input", cl.Input != "", "; topic is where it sends")
		refuse(&cl.Commit, "commit", cl.Commit != "", "")
		refuse(&cl.Process, "process", c.given(&cl.Process), "")
	}
	if !produces {
		refuse(&cl.Rate, "rate", cl.Rate != 0, "; process: {time: …} slows it")
		refuse(&cl.Size, "size", cl.Size != 0, "")
		if strings.HasPrefix(cl.Commit, guarantee.CommitTxn) {
			c.fail(c.at(&cl.Commit, cl.Pos), "%s is a consumer: it produces nothing that a transaction could hold; role: processor does", who)
		}
	}
	for _, t := range []*string{&cl.Topic, &cl.Input, &cl.Output, &cl.Retry.Topic} {
		if *t != "" {
			c.topic(*t, c.at(t, cl.Pos))
		}
	}
	if cl.Output != "" && cl.Output == cl.Input {
		c.fail(c.at(&cl.Output, cl.Pos), "%s writes to its own input: it would never end", who)
	}
	c.habits(cl, who)
	c.clientConfig(cl, who, produces, consumes)
}

// habits checks that each of a client's habits has something to go wrong with.
func (c check) habits(cl *Client, who string) {
	for i, h := range cl.Habits {
		at := c.at(&cl.Habits[i], c.at(&cl.Habits, cl.Pos))
		inTxn := cl.Commit == guarantee.CommitTxn
		switch h {
		case guarantee.HabitIgnoreSendErrors:
			if !inTxn && cl.Transaction == 0 {
				c.fail(at, "%s has the habit %s and no transactions; without them, a send that failed after its retry is given up anyway", who, h)
			}
		case guarantee.HabitDedupInMemory:
			if cl.Role == guarantee.Producer {
				c.fail(at, "%s is a producer: it has no inputs to remember (%s)", who, h)
			}
		case guarantee.HabitHandOff:
			if cl.Commit != guarantee.CommitAuto && cl.Commit != guarantee.CommitBatch {
				c.fail(at, "%s has the habit %s, which needs commit: auto or commit: after-batch", who, h)
			}
		default:
			if !inTxn {
				c.fail(at, "%s has the habit %s, which only commit: transaction has a place for", who, h)
			}
		}
		if slices.Index(cl.Habits, h) < i {
			c.fail(at, "%s has the habit %s twice", who, h)
		}
	}
}

// program checks what only onceproof's own workers can be asked to do.
func (c check) program(cl *Client, who string) {
	if len(cl.Command) > 0 || cl.Library != "" {
		c.fail(c.at(&cl.Program, cl.Pos), "%s is a program or a worker: give program, or library, or command", who)
	}
	for _, f := range []struct {
		ptr   any
		field string
		set   bool
	}{
		{&cl.Rate, "rate", cl.Rate != 0}, {&cl.Size, "size", cl.Size != 0}, {&cl.Max, "max", cl.Max != 0},
		{&cl.Process, "process", c.given(&cl.Process)}, {&cl.Retry, "retry", c.given(&cl.Retry)},
	} {
		if f.set {
			c.fail(c.at(f.ptr, cl.Pos), "%s is a program: %q has no effect; remove it", who, f.field)
		}
	}
	for _, word := range cl.Program {
		if bad := unknownIn(word, append([]string{"${bootstrap}", "${run}"}, placeholders...)); bad != "" {
			c.fail(c.at(&cl.Program, cl.Pos), "%s: unknown placeholder %s in its program%s", who, bad, didYouMean(bad, append([]string{"${bootstrap}", "${run}"}, placeholders...)))
		}
	}
}

// clientConfig checks a client's properties, and its commit pattern against them.
func (c check) clientConfig(cl *Client, who string, produces, consumes bool) {
	roles, whose := propertyRoles(cl.Role)
	for _, key := range sortedKeys(cl.Config) {
		val, at := cl.Config[key], c.property(cl, key)
		if key == "bootstrap.servers" {
			c.fail(at, "%s: bootstrap.servers is given by the harness; leave it out", who)
			continue
		}
		if wrong := wrongProperty(roles, whose, key, val); wrong != "" {
			c.fail(at, "%s: %s", who, wrong)
		}
		if bad := unknownPlaceholder(val); bad != "" {
			c.fail(at, "%s: unknown placeholder %s in %s%s", who, bad, key, didYouMean(bad, placeholders))
		}
	}
	txnID := cl.Config["transactional.id"]
	transactional := strings.HasPrefix(cl.Commit, guarantee.CommitTxn)
	if transactional && produces && txnID == "" {
		c.fail(c.at(&cl.Commit, cl.Pos), "%s: commit: %s needs a transactional.id in config, such as %s-${instance}", who, cl.Commit, cl.Name)
	}
	if txnID != "" && produces {
		if strings.EqualFold(cl.Config["enable.idempotence"], "false") {
			c.fail(c.property(cl, "enable.idempotence"), "%s: a transactional.id needs enable.idempotence; clients refuse to start without", who)
		}
		if a, ok := cl.Config["acks"]; ok && a != "all" && a != "-1" {
			c.fail(c.property(cl, "acks"), "%s: a transactional.id needs acks=all; clients refuse to start with %s", who, a)
		}
		switch {
		case cl.Role == guarantee.Producer && cl.Transaction == 0 && !c.given(&cl.Transaction) && len(cl.Program) == 0:
			c.fail(c.property(cl, "transactional.id"), "%s has a transactional.id and no \"transaction\": how many records each holds", who)
		case cl.Role == guarantee.Processor && !transactional && cl.Commit != "":
			c.fail(c.property(cl, "transactional.id"), "%s has a transactional.id and commits %s; commit: transaction uses it (or transaction-offsets-outside, to see what goes wrong)", who, cl.Commit)
		}
	}
	if cl.Role == guarantee.Producer && cl.Transaction > 0 && txnID == "" {
		c.fail(c.at(&cl.Transaction, cl.Pos), "%s: transactions need a transactional.id in config, such as %s-${instance}", who, cl.Name)
	}
	if consumes && len(cl.Command) == 0 && len(cl.Program) == 0 && cl.Config["group.id"] == "" {
		c.fail(cl.Pos, "%s commits offsets (%s) and has no group.id in config", who, cl.Commit)
	}
	if cl.Commit == guarantee.CommitAuto && strings.EqualFold(cl.Config["enable.auto.commit"], "false") {
		c.fail(c.property(cl, "enable.auto.commit"), "%s: commit: auto and enable.auto.commit=false contradict each other", who)
	}
}

// property is the place of a client's property.
func (c check) property(cl *Client, key string) Pos {
	if p, ok := c.keys[&cl.Config][key]; ok {
		return p
	}
	return cl.Pos
}

// topic checks that a topic is one of the cluster's.
func (c check) topic(t string, p Pos) (Topic, bool) {
	for _, known := range c.s.Cluster.Topics {
		if known.Name == t {
			return known, true
		}
	}
	if c.s.Cluster.Backend == "external" { // it may be there already
		return Topic{}, false
	}
	c.fail(p, "the cluster has no topic %q%s", t, didYouMean(t, c.topicNames()))
	return Topic{}, false
}

func (c check) topicNames() []string {
	var names []string
	for _, t := range c.s.Cluster.Topics {
		names = append(names, t.Name)
	}
	return names
}

func (c check) run() {
	r, here := &c.s.Run, c.at(&c.s.Run, Pos{1, 1})
	if c.given(&r.Duration) && r.Duration == 0 && !c.failedAt(c.where[&r.Duration]) {
		c.fail(c.where[&r.Duration], "run: duration must be longer than 0")
	}
	if r.Duration > 0 && r.Warmup >= r.Duration {
		c.fail(c.at(&r.Warmup, here), "warm-up (%v) takes the whole run (%v)", r.Warmup, r.Duration)
	}
	if c.given(&r.Drain) && r.Drain == 0 && !c.failedAt(c.where[&r.Drain]) {
		c.fail(c.where[&r.Drain], "run: drain is 0, so consumers cannot catch up and no loss could be found; set drain to a few seconds")
	}
}

func (c check) failedAt(p Pos) bool {
	return slices.ContainsFunc(c.errs, func(e *Error) bool { return e.Pos == p })
}

var placeholders = []string{"${client}", "${instance}", "${incarnation}", "${random}"}

// unknownPlaceholder returns the first ${…} of v that nobody replaces.
func unknownPlaceholder(v string) string { return unknownIn(v, placeholders) }

// unknownIn is the first placeholder in v that is not among known, "" if none.
func unknownIn(v string, known []string) string {
	for {
		_, rest, ok := strings.Cut(v, "${")
		if !ok {
			return ""
		}
		word, after, closed := strings.Cut(rest, "}")
		if p := "${" + word + "}"; !closed || !slices.Contains(known, p) {
			return p
		}
		v = after
	}
}
