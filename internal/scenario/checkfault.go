package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// label names a fault in errors: `fault "leader-dies"` or `fault 2 (kill)`.
func (f *Fault) label(i int) string {
	if f.Name != "" {
		return fmt.Sprintf("fault %q", f.Name)
	}
	if f.Random != nil {
		return fmt.Sprintf("fault %d (random)", i+1)
	}
	return fmt.Sprintf("fault %d (%s)", i+1, f.Kind)
}

func (c check) fault(f *Fault, i int) {
	who := f.label(i)
	triggers := c.triggers(f)
	if len(triggers) > 1 {
		c.fail(f.Pos, "%s has two triggers, %s; give one", who, strings.Join(triggers, " and "))
		return
	}
	if f.Random != nil {
		c.random(f, triggers, who)
		return
	}
	a, ok := actionOf(f.Kind)
	if !ok {
		if !c.failedInside(f) {
			c.fail(f.Pos, "fault %d has no action; there is %s", i+1, actionNames())
		}
		return
	}
	c.action(f, a, who)
	c.times(f, who)
}

// action checks what f does, and to what.
func (c check) action(f *Fault, a action, who string) {
	on := f.When.On != nil
	switch {
	case a.wire && on && f.When.On.Event != "":
		c.fail(c.at(&f.When.On.Event, f.Pos), "%s strikes a request: it needs a request as its trigger, not an event of the history", who)
	case a.wire && !on:
		c.fail(
			c.at(&f.Kind, f.Pos),
			"%s strikes a request: say which, as in on: {request: Produce, client: %s, nth: 40}", who,
			c.anyClient(),
		)
	case a.strikesRequest(f) && (f.Args.Client != "" || f.Args.Broker != ""):
		c.fail(c.at(&f.Kind, f.Pos), "%s strikes the request of its trigger: put client and broker under on", who)
	case a.strikesRequest(f) && f.Args.Way != "":
		c.fail(c.at(&f.Args.Way, f.Pos), "%s strikes a request or its response: phase under on says which", who)
	case (a.path || a.link && !on) && f.Args.Client == "" && f.Args.Broker == "":
		c.fail(c.at(&f.Kind, f.Pos), "%s needs client, broker or an on trigger", who)
	}
	c.lasting(f, a, who)
	c.args(f, who)
	if on {
		c.match(f, a, who)
	}
}

// random checks a mix, and each fault that it draws from.
func (c check) random(f *Fault, triggers []string, who string) {
	r := f.Random
	pos := c.at(&f.Random, f.Pos)
	switch {
	case f.Kind != "":
		c.fail(pos, "%s has a mix and the action %s; write two faults", who, f.Kind)
	case len(triggers) > 0:
		c.fail(f.Pos, "%s has its own times: leave out %s", who, triggers[0])
	case c.given(&f.For):
		c.fail(c.where[&f.For], "%s: each fault of a mix has its own \"for\"", who)
	case len(r.From) == 0 && !c.failedInside(f):
		c.fail(pos, "%s random: from is empty; add at least one fault", who)
	case c.given(&r.Every) && r.Every.Min <= 0:
		c.fail(c.at(&r.Every, pos), "%s every: %v must be longer than 0", who, r.Every)
	case (r.Burst > 0) != (r.Quiet.Max > 0):
		c.fail(pos, "%s needs both burst and quiet, or neither", who)
	}
	for i := range r.From {
		m := &r.From[i]
		one := fmt.Sprintf("%s: %s", who, m.label(i))
		a, ok := actionOf(m.Kind)
		if !ok {
			if !c.failedInside(f) {
				c.fail(m.Pos, "%s: fault %d has no action; there is %s", who, i+1, actionNames())
			}
			continue
		}
		if m.When.On != nil && !a.strikesRequest(m) {
			c.fail(
				c.at(&m.When.On, m.Pos),
				"%s strikes at a time that is drawn; only faults that strike a request have an on in a mix", one,
			)
			continue
		}
		c.action(m, a, one)
		if run := c.s.Run; c.s.Run.Warmup+r.Every.Max+m.For.Max > run.Duration && run.Duration > run.Warmup {
			c.fail(
				c.at(&m.For, m.Pos),
				"%s outlives the run: it strikes at %v or later, lasts %v, and the run ends at %v", one,
				run.Warmup+r.Every.Max, m.For, run.Duration,
			)
		}
	}
}

func actionNames() string {
	var names []string
	for _, a := range actions {
		names = append(names, string(a.kind))
	}
	return strings.Join(names, ", ")
}

func (c check) triggers(f *Fault) []string {
	var given []string
	w := &f.When
	set := []bool{w.At != nil, w.Every != nil, w.On != nil, w.Progress != nil, len(w.After) > 0}
	for i, ptr := range []any{&w.At, &w.Every, &w.On, &w.Progress, &w.After} {
		if set[i] || c.given(ptr) {
			given = append(given, triggerNames[i])
		}
	}
	return given
}

// badTrigger reports whether f's trigger could not be read.
func (c check) badTrigger(f *Fault) bool {
	for _, ptr := range []any{&f.When.At, &f.When.Every, &f.When.Progress} {
		if p, ok := c.where[ptr]; ok && c.failedAt(p) {
			return true
		}
	}
	return false
}

// failedInside reports whether an error about a field of f's record stands already.
func (c check) failedInside(f *Fault) bool {
	end := 1 << 30
	for i := range c.s.Faults {
		if l := c.s.Faults[i].Pos.Line; l > f.Pos.Line && l < end {
			end = l
		}
	}
	return slices.ContainsFunc(c.errs, func(e *Error) bool { return e.Pos.Line >= f.Pos.Line && e.Pos.Line < end })
}

// lasting checks that a fault has `for` exactly where it means something.
func (c check) lasting(f *Fault, a action, who string) {
	once := a.strikesRequest(f) && f.When.On.Nth > 0
	switch {
	case a.lasts && !a.strikesRequest(f) && f.For.Max == 0 && !c.given(&f.For):
		c.fail(f.Pos, "%s has no \"for\"; add the duration after which it ends", who)
	case c.given(&f.For) && f.For.Max == 0 && !c.failedAt(c.where[&f.For]):
		c.fail(c.where[&f.For], "%s \"for\" must be longer than 0", who)
	case c.given(&f.For) && once:
		c.fail(c.where[&f.For], "%s takes no \"for\": it strikes one request", who)
	case c.given(&f.For) && !a.lasts && !a.wire && !a.mayLast:
		c.fail(c.where[&f.For], "%s takes no \"for\": its effect is immediate", who)
	}
}

// times checks that a fault strikes after warm-up and is healed before the load ends.
func (c check) times(f *Fault, who string) {
	r := c.s.Run
	if r.Duration == 0 || r.Warmup >= r.Duration || c.badTrigger(f) {
		return
	}
	first, pos := r.Warmup, f.Pos
	switch w := f.When; {
	case w.At != nil:
		first, pos = *w.At, c.at(&f.When.At, f.Pos)
		switch {
		case first >= r.Duration:
			c.fail(pos, "%s strikes at %v, after the run's end (%v)", who, first, r.Duration)
			return
		case first < r.Warmup:
			c.fail(pos, "%s strikes at %s, during warm-up (%v)", who, zeroOr(first), r.Warmup)
			return
		}
	case w.Progress != nil:
		first, pos = time.Duration(*w.Progress*float64(r.Duration)), c.at(&f.When.Progress, f.Pos)
		switch {
		case first >= r.Duration:
			c.fail(pos, "%s strikes at the run's end", who)
			return
		case first < r.Warmup:
			c.fail(pos, "%s strikes at %s (%v), during warm-up (%v)", who, formatPercent(*w.Progress), first, r.Warmup)
			return
		}
	case w.Every != nil:
		pos = c.at(&f.When.Every, f.Pos)
		switch {
		case w.Every.Min <= 0:
			c.fail(pos, "%s every: %v must be longer than 0", who, *w.Every)
			return
		case f.For.Max > w.Every.Min:
			c.fail(
				pos,
				"%s lasts up to %v and comes again after as little as %v: it would strike what it has not healed",
				who, f.For.Max, w.Every.Min,
			)
			return
		}
		first += w.Every.Max
	case w.On != nil:
		first = 0 // armed when the load begins
	}
	if end := first + f.For.Max; end > r.Duration {
		if f.For.Max > 0 {
			pos = c.at(&f.For, pos)
		}
		c.fail(
			pos, "%s outlives the run: it strikes at %v or later, lasts %v, and the run ends at %v", who, first,
			f.For, r.Duration,
		)
	}
}

// args checks what an action is aimed at.
func (c check) args(f *Fault, who string) {
	a := &f.Args
	if a.Client != "" {
		c.clientRef(a.Client, c.at(&a.Client, f.Pos), who)
	}
	for _, t := range []*Target{&a.Broker, &a.Isolate, &a.To} {
		c.target(*t, c.at(t, f.Pos), who)
	}
	if a.TP != "" {
		c.partition(a.TP, c.at(&a.TP, f.Pos), who, true)
	}
	if a.Topic != "" {
		c.topic(a.Topic, c.at(&a.Topic, f.Pos))
	}
	c.replicas(f, who)
	if a.Group != "" {
		c.group(a.Group, c.at(&a.Group, f.Pos), who)
	}
	if a.TxnID != "" {
		c.txnID(a.TxnID, c.at(&a.TxnID, f.Pos), who)
	}
	if c.given(&a.Delay) && a.Delay.Max == 0 && !c.failedAt(c.where[&a.Delay]) {
		c.fail(c.where[&a.Delay], "%s by must be longer than 0", who)
	}
	if a.Until != "" {
		c.until(f, who)
	}
	if f.Kind == KindPartition || f.Kind == KindImpair {
		c.split(f, who)
	}
	if f.Kind == KindImpair && !c.given(&a.Delay) && !c.given(&a.Loss) && !c.given(&a.Rate) && a.Delay.Max == 0 &&
		a.Loss == 0 &&
		a.Rate == 0 {
		c.fail(c.at(&f.Kind, f.Pos), "%s: missing by, loss or rate, as in by: 50ms..150ms", who)
	}
	if f.Kind == KindFillDisk && c.s.Cluster.Disk == 0 && !c.given(&c.s.Cluster.Disk) {
		c.fail(
			c.at(&f.Kind, f.Pos),
			"%s: the brokers' disk is the engine's own, which others "+
				"write to; give them disks of their own, as in cluster: {disk: 256MiB}",
			who,
		)
	}
	if (f.Kind == KindMoveLeader || f.Kind == KindMoveCoordinator) && c.s.Cluster.Brokers == 1 {
		c.fail(c.at(&f.Kind, f.Pos), "%s: cannot move: the cluster has one broker", who)
	}
}

// replicas checks what is aimed at a partition's replicas.
func (c check) replicas(f *Fault, who string) {
	a := &f.Args
	pos := c.at(&f.Kind, f.Pos)
	topic, _, _ := strings.Cut(a.TP, "/")
	t, known := c.lookup(topic)
	brokers := c.s.Cluster.Brokers
	seen := map[int32]bool{}
	for _, id := range a.Replicas {
		if seen[id] {
			c.fail(c.at(&a.Replicas, pos), "%s: broker %d is named twice", who, id)
		}
		seen[id] = true
		c.target(Target(fmt.Sprintf("broker(%d)", id)), c.at(&a.Replicas, pos), who)
	}
	switch {
	case !known || t.Replicas == 0:
	case f.Kind == KindReassign && len(a.Replicas) == 0 && int(t.Replicas) >= brokers:
		c.fail(
			pos, "%s: topic %q has a replica on each of the %d brokers: there is no other to move one to", who,
			topic, brokers,
		)
	case f.Kind == KindShrinkISR && max(a.Keep, 1) >= int(t.Replicas):
		c.fail(pos, "%s: topic %q has %d replica(s): it cannot lose one", who, topic, t.Replicas)
	}
}

// until checks what a request is held for.
func (c check) until(f *Fault, who string) {
	pos := c.at(&f.Args.Until, f.Pos)
	if f.When.On == nil {
		c.fail(pos, "%s delays a link and ends after \"for\"; remove until", who)
		return
	}
	var names []string
	for i := range c.s.Faults {
		if g := &c.s.Faults[i]; g != f && g.Name == f.Args.Until {
			return
		} else if g != f && g.Name != "" {
			names = append(names, g.Name)
		}
	}
	c.fail(pos, "%s until: unknown fault %q%s", who, f.Args.Until, didYouMean(f.Args.Until, names))
}

func (c check) split(f *Fault, who string) {
	a := &f.Args
	pos := c.at(&f.Kind, f.Pos)
	isolate, split, oneWay := a.Isolate != "" ||
		c.given(&a.Isolate), len(a.Split) > 0 ||
		c.given(&a.Split), a.To != "" ||
		c.given(&a.To)
	forms := 0
	for _, given := range []bool{isolate, split, oneWay} {
		if given {
			forms++
		}
	}
	switch {
	case forms != 1:
		c.fail(pos, "%s takes one of isolate: TARGET, split: [[1], [2, 3]], or from: TARGET with to: TARGET", who)
	case oneWay && (a.From == "" || a.From == Brokers) && !c.failedAt(c.at(&a.From, Pos{})):
		c.fail(c.at(&a.From, pos), "%s: one way needs from: TARGET and to: TARGET", who)
	case isolate && a.From != "" && a.From != Brokers:
		c.fail(c.at(&a.From, pos), "%s: an isolated broker is parted from: brokers; for one way give from and to", who)
	case split && a.From != "":
		c.fail(c.at(&a.From, pos), "%s: split takes no from", who)
	}
	if a.From != Brokers {
		c.target(a.From, c.at(&a.From, pos), who)
	}
	if c.s.Cluster.Brokers == 1 {
		c.fail(pos, "%s: there is only one broker", who)
		return
	}
	for _, group := range a.Split {
		if len(group) == 0 {
			c.fail(c.at(&a.Split, pos), "%s: split: a group is empty", who)
		}
		for i, id := range group {
			if slices.Contains(group[:i], id) {
				c.fail(c.at(&a.Split, pos), "%s: broker %d is twice in one group", who, id)
			}
			c.target(Target(fmt.Sprintf("broker(%d)", id)), c.at(&a.Split, pos), who)
		}
	}
	if len(a.Split) > 1 && !parts(a.Split) {
		c.fail(
			c.at(&a.Split, pos),
			"%s: any two of these brokers share a group, so nothing parts them; a broker in two groups sees both",
			who,
		)
	}
	if split && len(a.Split) < 2 && !c.failedAt(c.where[&a.Split]) {
		c.fail(c.where[&a.Split], "%s: split needs at least two groups", who)
	}
}

// parts says whether two brokers of these groups share none.
func parts(groups [][]int32) bool {
	for _, a := range slices.Concat(groups...) {
		for _, b := range slices.Concat(groups...) {
			if a != b &&
				!slices.ContainsFunc(groups, func(g []int32) bool { return slices.Contains(g, a) && slices.Contains(g, b) }) {
				return true
			}
		}
	}
	return false
}

// match checks what an on trigger asks for.
func (c check) match(f *Fault, a action, who string) {
	m := f.When.On
	here := c.at(&f.When.On, f.Pos)
	if m.Event != "" || c.given(&m.Event) {
		c.event(m, here, who)
		return
	}
	if m.Type != "" {
		c.fail(c.at(&m.Type, here), "%s: type needs an event; add event or remove type", who)
	}
	if m.Client != "" {
		c.clientRef(m.Client, c.at(&m.Client, here), who)
	}
	c.target(m.Broker, c.at(&m.Broker, here), who)
	if m.TP != "" {
		c.partition(m.TP, c.at(&m.TP, here), who, false)
	}
	if m.TxnID != "" {
		c.txnID(m.TxnID, c.at(&m.TxnID, here), who)
		if m.Request != "" && !slices.Contains(txnRequests, m.Request) {
			c.fail(
				c.at(&m.Request, here), "%s: %s names no transactional.id; %s do", who, m.Request,
				strings.Join(txnRequests, ", "),
			)
		}
	}
	if m.TP != "" && m.Request != "" && !slices.Contains(topicRequests, m.Request) {
		c.fail(c.at(&m.Request, here), "%s: %s names no topic; %s do", who, m.Request, strings.Join(topicRequests, ", "))
	}
	if *m == (Match{Nth: m.Nth, Times: m.Times, Prob: m.Prob, Phase: m.Phase}) && !c.failedAt(here) {
		c.fail(
			here, "%s matches every request of every client: say which, as in on: {request: Produce, client: %s}",
			who, c.anyClient(),
		)
	}
	c.versions(m, here, who)
	if m.Nth > 0 && m.Prob > 0 {
		c.fail(c.at(&m.Prob, here), "%s: nth and probability exclude each other; remove one", who)
	}
	if m.Times > 0 && !a.strikesRequest(f) {
		c.fail(c.at(&m.Times, here), "%s takes no times: it strikes once", who)
	}
	if a.kind == KindHold && m.Phase == PhaseResponse {
		c.fail(c.at(&m.Phase, here), "%s holds a request on its way to the broker; phase response has none", who)
	}
	if a.kind == KindDuplicate {
		switch {
		case m.Phase == PhaseRequest:
			c.fail(c.at(&m.Phase, here), "%s comes once the broker has answered: its phase is response, or leave it out", who)
		case m.Request != "" && !slices.Contains(repeatedRequests, m.Request):
			c.fail(
				c.at(&m.Request, here), "%s: clients do not send %s again as it was; they do %s", who, m.Request,
				strings.Join(repeatedRequests, ", "),
			)
		case m.Request == "":
			c.fail(
				here, "%s: say which request; clients send these again as they were: %s", who,
				strings.Join(repeatedRequests, ", "),
			)
		}
	}
}

// repeatedRequests are what clients send again, as they were, when an answer is lost.
var repeatedRequests = []string{
	"Produce",
	"InitProducerId",
	"AddPartitionsToTxn",
	"AddOffsetsToTxn",
	"TxnOffsetCommit",
	"EndTxn",
	"OffsetCommit",
}

// versions checks that a request has the versions that a match asks for.
func (c check) versions(m *Match, here Pos, who string) {
	if !m.Version.Given {
		return
	}
	pos := c.at(&m.Version, here)
	if m.Request == "" {
		c.fail(pos, "%s: version needs a request; add request", who)
		return
	}
	if key, ok := APIKey(m.Request); ok {
		if newest := kmsg.RequestForKey(key).MaxVersion(); m.Version.Min > newest {
			c.fail(pos, "%s: %s has no version %d; the newest that is known is %d", who, m.Request, m.Version.Min, newest)
		}
	}
}

// event checks an on trigger that waits for what a client reports.
func (c check) event(m *Match, here Pos, who string) {
	if m.Client != "" {
		c.clientRef(m.Client, c.at(&m.Client, here), who)
	}
	if m.TP != "" {
		c.partition(m.TP, c.at(&m.TP, here), who, false)
	}
	if m.Event != "" && *m != (Match{Event: m.Event, Type: m.Type, Client: m.Client, TP: m.TP, Nth: m.Nth}) {
		c.fail(here, "%s: an event has type, client, topic and nth; the rest is of requests", who)
	}
}

func (c check) anyClient() string {
	if len(c.s.Clients) > 0 && c.s.Clients[0].Name != "" {
		return c.s.Clients[0].Name
	}
	return "NAME"
}

func (c check) clientRef(ref string, p Pos, who string) {
	name, inst, err := ParseClient(strings.TrimSuffix(ref, "/*"))
	if err != nil {
		return
	}
	var names []string
	for _, cl := range c.s.Clients {
		if cl.Name == name {
			if inst >= cl.Count && cl.Count > 0 {
				c.fail(
					p, "%s: client %q has %d instance(s), from %s/0 to %s/%d; there is no %s", who, name, cl.Count,
					name, name, cl.Count-1, ref,
				)
			}
			return
		}
		names = append(names, cl.Name)
	}
	c.fail(p, "%s: there is no client %q%s", who, name, didYouMean(name, names))
}

// partition checks "topic" or "topic/partition".
func (c check) partition(tp string, p Pos, who string, whole bool) {
	name, part, err := ParseTopicPartition(tp)
	if err != nil {
		return
	}
	t, ok := c.topic(name, p)
	switch {
	case part < 0 && whole:
		c.fail(p, "%s: %s is a topic; name a partition, such as %s/0", who, tp, tp)
	case ok && part >= t.Partitions && t.Partitions > 0:
		c.fail(
			p, "%s: topic %q has %d partition(s), from 0 to %d; there is no %s", who, name, t.Partitions,
			t.Partitions-1, tp,
		)
	}
}

// target checks that what t names can exist.
func (c check) target(t Target, p Pos, who string) {
	ref, err := t.Parse()
	if t == "" || err != nil {
		return
	}
	brokers := c.s.Cluster.Brokers
	switch ref.Kind {
	case TargetBroker:
		isController := int(ref.Broker) > firstController && int(ref.Broker) <= firstController+c.s.Cluster.Controllers
		if c.s.Cluster.Backend != "external" && brokers > 0 && (ref.Broker < 1 || int(ref.Broker) > brokers) &&
			!isController {
			c.fail(p, "%s: there is no broker %d; the cluster has 1 to %d", who, ref.Broker, brokers)
		}
	case TargetLeader, TargetFollower:
		c.partition(fmt.Sprintf("%s/%d", ref.Topic, ref.Part), p, who, true)
		if top, ok := c.lookup(ref.Topic); ok && ref.Kind == TargetFollower && top.Replicas == 1 {
			c.fail(p, "%s: topic %q has one replica and so no follower", who, ref.Topic)
		}
	case TargetGroupCoordinator:
		c.group(ref.Group, p, who)
	case TargetTxnCoordinator:
		c.txnID(ref.TxnID, p, who)
	case TargetMinority:
		if brokers > 0 && brokers < 3 && c.s.Cluster.Backend != "external" {
			c.fail(p, "%s: %d broker(s) have no minority", who, brokers)
		}
	}
}

// firstController: isolated controllers are numbered from the next on.
const firstController = 100

func (c check) lookup(topic string) (Topic, bool) {
	for _, t := range c.s.Cluster.Topics {
		if t.Name == topic {
			return t, true
		}
	}
	return Topic{}, false
}

func (c check) group(id string, p Pos, who string) {
	if c.pattern(id, p, who) {
		return
	}
	groups := c.propertyValues("group.id")
	if !possible(id, groups) {
		c.fail(p, "%s: no client has group.id %q%s", who, id, didYouMean(id, groups))
	}
}

func (c check) txnID(id string, p Pos, who string) {
	if c.pattern(id, p, who) {
		return
	}
	ids := c.propertyValues("transactional.id")
	if !possible(id, ids) {
		c.fail(p, "%s: no client has transactional.id %q%s", who, id, didYouMean(id, ids))
	}
}

// pattern says whether id is an expression behind "~", for names that nobody knows before
// the run: Kafka Streams draws a part of its transactional ids at each start.
func (c check) pattern(id string, p Pos, who string) bool {
	text, is := strings.CutPrefix(id, "~")
	if !is {
		return false
	}
	if _, err := regexp.Compile(text); err != nil {
		c.fail(p, "%s: %s: %v", who, id, err)
	}
	return true
}

// propertyValues are the values of a property in all clients, one for each
// instance where ${client} and ${instance} tell them apart.
func (c check) propertyValues(key string) []string {
	var out []string
	for _, cl := range c.s.Clients {
		v := cl.Config[key]
		if v == "" {
			continue
		}
		v = strings.ReplaceAll(v, "${client}", cl.Name)
		if !strings.Contains(v, "${instance}") {
			out = append(out, v)
			continue
		}
		for i := range cl.Count {
			out = append(out, strings.ReplaceAll(v, "${instance}", strconv.Itoa(i)))
		}
	}
	return out
}

// possible reports whether id can be one of values; what ${random} and
// ${incarnation} become is not known yet.
func possible(id string, values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool {
		fixed, _, open := strings.Cut(v, "${")
		return v == id || open && strings.HasPrefix(id, fixed)
	})
}

// after checks that chains of faults have a beginning.
func (c check) after() {
	by := map[string]*Fault{}
	var names []string
	for i := range c.s.Faults {
		if f := &c.s.Faults[i]; f.Name != "" {
			by[f.Name] = f
			names = append(names, f.Name)
		}
	}
	for i := range c.s.Faults {
		f := &c.s.Faults[i]
		here := c.at(&f.When.After, f.Pos)
		missing := false
		for k, cause := range f.When.After {
			pos := c.at(&f.When.After[k], here)
			if slices.Contains(f.When.After[:k], cause) {
				c.fail(pos, "%s waits for %q twice", f.label(i), cause)
			}
			if by[cause] == nil {
				missing = true
				others := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == f.Name })
				c.fail(pos, "%s after: unknown fault %q%s", f.label(i), cause, didYouMean(cause, others))
			}
		}
		if !missing && waitsForItself(f, by) {
			c.fail(here, "%s after: the fault waits for itself through other faults", f.label(i))
		}
	}
}

// waitsForItself says whether one of the causes of f, or of theirs, is f.
func waitsForItself(f *Fault, by map[string]*Fault) bool {
	seen := map[*Fault]bool{}
	var leads func(*Fault) bool
	leads = func(g *Fault) bool {
		if g == nil || seen[g] {
			return false
		}
		seen[g] = true
		return slices.ContainsFunc(g.When.After, func(cause string) bool { return by[cause] == f || leads(by[cause]) })
	}
	return leads(f)
}
