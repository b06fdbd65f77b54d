package checker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onceproof/onceproof/history"
)

// contract is how many records one input makes in a topic.
type contract struct {
	topic       string
	least, most int64
	instead     bool    // an input that ends here makes nothing elsewhere
	share       float64 // of the inputs that bear an inferred contract out; 0 = the scenario declares it
	noLeast     bool    // inferred, and it is not known how few are right
}

const unbounded = 1 << 40

// parseContract reads what `makes` says of a topic.
func parseContract(topic, text string) contract {
	c := contract{topic: topic}
	switch text {
	case "one", "1":
		c.least, c.most = 1, 1
	case "at-most-one":
		c.most = 1
	case "at-least-one":
		c.least, c.most = 1, unbounded
	case "any":
		c.most = unbounded
	case "instead":
		c.most, c.instead = 1, true
	default:
		n, _ := strconv.ParseInt(text, 10, 64)
		c.least, c.most = n, n
	}
	return c
}

func (c contract) words() string {
	switch {
	case c.instead:
		return fmt.Sprintf("an input ends in %s once, or not at all", c.topic)
	case c.least == c.most:
		return fmt.Sprintf("each makes %d in %s", c.most, c.topic)
	case c.most == unbounded:
		return fmt.Sprintf("each makes %d or more in %s", c.least, c.topic)
	}
	return fmt.Sprintf("each makes %d to %d in %s", c.least, c.most, c.topic)
}

// basis says where the contract comes from.
func (c contract) basis() string {
	if c.share == 0 {
		return ""
	}
	return fmt.Sprintf(" (%.0f %% of the inputs that made any made %d; if others are right too, say so: makes: {%s: any})", 100*c.share, c.most, c.topic)
}

// How much of the inputs must agree for a contract to be inferred from them.
const (
	agreeMost  = 0.75 // of those that made anything: on how many
	agreeLeast = 0.90 // of all: that they made anything
)

// tally counts inputs by how many records they made on one edge.
type tally struct {
	by    [8]int64 // the last for so many or more
	ended int64    // made none here, and ended in another topic instead
}

func (t *tally) inputs() (n int64) {
	for _, k := range t.by {
		n += k
	}
	return n
}

// infer is the contract that most inputs bear out; ok is false where there is none.
func (t *tally) infer(topic string) (c contract, ok bool) {
	some, mode := int64(0), 1
	for k := 1; k < len(t.by); k++ {
		some += t.by[k]
		if t.by[k] > t.by[mode] {
			mode = k
		}
	}
	if some == 0 || mode == len(t.by)-1 || float64(t.by[mode]) < agreeMost*float64(some) {
		return c, false
	}
	c = contract{topic: topic, most: int64(mode), least: int64(mode), share: float64(t.by[mode]) / float64(some)}
	if float64(some) < agreeLeast*float64(t.inputs()-t.ended) {
		c.least, c.noLeast = 0, true
	}
	return c, true
}

// programVerdict is what of a program's guarantees could not be decided, and why; ""
// where it could.
type programVerdict struct {
	loss, duplicates, given string
	inputs                  int64
}

// programsDone judges what the programs made of their inputs.
func (j *judge) programsDone() {
	for i := range j.header.Clients {
		c := &j.header.Clients[i]
		if !c.Program || c.Role == "producer" {
			continue
		}
		v := programVerdict{loss: hintOutput(c), duplicates: hintOutput(c), given: hintOutput(c)}
		if f, ok := j.folds[c.Name]; ok {
			j.programs[c.Name] = j.byFold(c, f)
			j.counts["inputs"] += f.inputs
			continue
		}
		for _, g := range j.groups {
			if g.program == c {
				v = j.programDone(g)
			}
		}
		j.programs[c.Name] = v
	}
}

// hintOutput is what is missing of a program that was not seen to write anything.
func hintOutput(c *history.ClientInfo) string {
	if c.Output == "" {
		return fmt.Sprintf("%s is a program, and the scenario names no topic that it writes: which inputs it has worked off is not seen; output: or makes: would tell", c.Name)
	}
	return fmt.Sprintf("%s is a program and wrote nothing to %s: which inputs it has worked off is not seen", c.Name, c.Output)
}

// programDone judges one group of programs.
func (j *judge) programDone(g *group) programVerdict {
	contracts, undeclared := g.contracts(j)
	ins := j.inputsOf(g)
	v := programVerdict{}
	g.asides = nil
	if undeclared {
		g.asides = j.asidesOf(g, ins, contracts)
	}
	tallies := make([]tally, len(contracts))
	unnamed := j.eachInput(g, ins, func(_ *inputPart, at place, _ *record) {
		v.inputs++
		for k := range contracts {
			n := g.edgeAt(contracts[k].topic, at).n
			tallies[k].by[min(n, int64(len(tallies[k].by)-1))]++
			if n == 0 && g.ended(at) {
				tallies[k].ended++
			}
		}
	})
	for k := range contracts {
		j.decideContract(g, &contracts[k], &tallies[k], undeclared, &v)
	}
	switch {
	case len(contracts) == 0:
		v.loss = hintOutput(g.program)
		v.duplicates, v.given = v.loss, v.loss
	case v.inputs == 0:
		v.loss = orElse(v.loss, fmt.Sprintf("no input of group %s was examined: it committed no offset behind one", g.name))
	case unnamed > 0:
		v.loss = orElse(v.loss, fmt.Sprintf("%d inputs of %s carry no id by which they could be found in what it made: trace: {%s: {id: …}} would tell where it stands", unnamed, g.program.Name, g.program.Input))
	}
	j.judgeInputs(g, ins, contracts)
	j.counts["inputs"] += v.inputs
	return v
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// contracts are what the scenario says under `makes`, or else one to be inferred for
// each topic that the group writes on purpose.
func (g *group) contracts(j *judge) (all []contract, undeclared bool) {
	for _, e := range g.edgesByName() {
		if text, ok := g.program.Makes[e.topic]; ok {
			all = append(all, parseContract(e.topic, text))
		}
	}
	for topic, text := range g.program.Makes {
		if g.edges[topic] == nil {
			all = append(all, parseContract(topic, text))
		}
	}
	slices.SortFunc(all, func(a, b contract) int { return strings.Compare(a.topic, b.topic) })
	if len(g.program.Makes) > 0 {
		return all, false
	}
	for _, e := range g.edgesByName() {
		if e.topic == g.program.Output || g.program.Output == "" && j.declared(e.topic) && !g.readsTopic(j, e.topic) {
			all = append(all, contract{topic: e.topic})
		}
	}
	return all, true
}

// asidesOf are the other topics of the scenario in which inputs of the group end instead
// of making what a contract says, as in a dead-letter topic: most of those that are there
// are nowhere else. Its own repartition and retry topics are on the way, and no end.
func (j *judge) asidesOf(g *group, ins []*inputPart, contracts []contract) (asides []*edge) {
	for _, e := range g.edgesByName() {
		if !j.declared(e.topic) || g.readsTopic(j, e.topic) || slices.ContainsFunc(contracts, func(c contract) bool { return c.topic == e.topic }) {
			continue
		}
		var all, both int64
		j.eachInput(g, ins, func(_ *inputPart, at place, _ *record) {
			if e.at(at).n == 0 {
				return
			}
			all++
			if slices.ContainsFunc(contracts, func(c contract) bool { return g.edgeAt(c.topic, at).n > 0 }) {
				both++
			}
		})
		if all > 0 && 2*both <= all {
			asides = append(asides, e)
		}
	}
	return asides
}

// ended says whether an input ended in one of those topics.
func (g *group) ended(at place) bool {
	return slices.ContainsFunc(g.asides, func(e *edge) bool { return e.at(at).n > 0 })
}

// declared says whether a topic is one of the scenario's.
func (j *judge) declared(topic string) bool {
	return slices.ContainsFunc(j.header.Topics, func(t history.TopicInfo) bool { return t.Name == topic })
}

// readsTopic says whether the group commits offsets of a topic: of one that it writes,
// too, it is its own repartition or retry topic.
func (g *group) readsTopic(j *judge, topic string) bool {
	for tp, in := range g.inputs {
		if j.parts[tp].tp.Topic == topic && (in.told || in.hasFinal) {
			return true
		}
	}
	return false
}

// edgeAt is what was made from an input in a topic.
func (g *group) edgeAt(topic string, at place) yield {
	if e := g.edges[topic]; e != nil {
		return e.at(at)
	}
	return yield{}
}

// decideContract decides what one contract is and whether it can be judged.
func (j *judge) decideContract(g *group, c *contract, t *tally, undeclared bool, v *programVerdict) {
	e := g.edges[c.topic]
	if e != nil && e.untraced > 0 && !c.instead {
		why := fmt.Sprintf("%d of %d records of %s in %s do not show which input they were made from: trace: {%s: {of: …}} would tell where it stands",
			e.untraced, e.untraced+e.traced, g.program.Name, c.topic, c.topic)
		if e.traced == 0 {
			why += fmt.Sprintf("; of results of several inputs, fold: {by: key, with: count, of: …} in %s would say what they must be", g.program.Name)
		}
		v.loss, v.duplicates, v.given = orElse(v.loss, why), orElse(v.duplicates, why), orElse(v.given, why)
	}
	if !undeclared || t.inputs() == 0 || e == nil || e.traced == 0 {
		if undeclared {
			c.most, c.noLeast = unbounded, true
		}
		return
	}
	inferred, ok := t.infer(c.topic)
	if !ok {
		c.most, c.noLeast = unbounded, true
		why := fmt.Sprintf("the inputs of %s made different numbers of records in %s (%s): makes: {%s: …} would tell how many are right", g.program.Name, c.topic, t.words(), c.topic)
		v.loss, v.duplicates = orElse(v.loss, why), orElse(v.duplicates, why)
		return
	}
	*c = inferred
	if c.noLeast && t.by[0] > t.ended {
		v.loss = orElse(v.loss, fmt.Sprintf("%d of %d inputs of %s made nothing in %s: makes: {%s: one} would say that each must, at-most-one that some need not",
			t.by[0]-t.ended, t.inputs(), g.program.Name, c.topic, c.topic))
	}
}

func (t *tally) words() string {
	var parts []string
	for k, n := range t.by {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d: %d", k, n))
		}
	}
	return strings.Join(parts, ", ")
}

// judgeInputs compares what each input made with the contracts.
func (j *judge) judgeInputs(g *group, ins []*inputPart, contracts []contract) {
	j.eachInput(g, ins, func(in *inputPart, at place, r *record) {
		ended := int64(0) // in topics that stand for the others
		for _, c := range contracts {
			if c.instead {
				ended += g.edgeAt(c.topic, at).n
			}
		}
		for _, c := range contracts {
			m := g.edgeAt(c.topic, at)
			switch {
			case m.n > c.most:
				j.madeTwice(g, at, m, c)
			case m.n >= c.least, ended > 0, m.n == 0 && c.share > 0 && g.ended(at):
			default:
				j.lostInput(g, in, at, r, in.rows.get(at.off()), true, g.program.Name)
			}
			if ended > 0 && !c.instead && m.n > 0 {
				j.endedTwice(g, at, m, contracts)
			}
		}
	})
	for _, e := range g.edgesByName() {
		for _, tp := range sortedKeys(e.rows) {
			e.rows[tp].read(0, func(off int64, m *yield) bool {
				if m.n > 0 && j.parts[tp].rows.at(off).flags&fAborted != 0 {
					j.abortedInput(g, e, makePlace(tp, off), *m)
				}
				return true
			})
		}
	}
}

// endedTwice reports an input that made its output and was put aside too.
func (j *judge) endedTwice(g *group, at place, m yield, contracts []contract) {
	for _, c := range contracts {
		if aside := g.edgeAt(c.topic, at); c.instead && aside.n > 0 {
			j.madeTwice(g, at, yield{first: m.first, second: aside.first, n: m.n + aside.n}, c)
			return
		}
	}
}
