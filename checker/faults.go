package checker

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// fault is one strike, from its events.
//
//	inject ──> effect ──> recover ──> gone
//
// It is on from its effect (a wire fault waits long for the request that it
// matches) until it is gone, or until recover where gone was never said.
type fault struct {
	name     string // "fault/3"
	step     int
	kind     string
	target   string
	resolved string
	seenBy   string
	inject   int64
	effect   int64
	recover  int64
	gone     int64
	line     int64 // of the effect, else of inject
	failed   string
	failedT  int64
	isOn     bool
	isWire   bool
	met      map[string]int64
	before   map[history.Op]int64 // operations that had started when it came on
	wire     Encounter
}

// wireKinds strike one request: they are armed by inject and on from their effect.
var wireKinds = map[string]bool{"drop": true, "hold": true, "error": true, "duplicate": true}

// others strike one request when their target names one.
var maybeWireKinds = map[string]bool{"cut": true, "delay": true, "blackhole": true}

func (j *judge) observeFault(e *history.Event, line int64) {
	name := e.Proc
	f := j.byStep[name]
	if f == nil || e.Op == history.OpInject && f.effect != 0 {
		f = &fault{name: name, met: map[string]int64{}}
		f.step, _ = strconv.Atoi(strings.TrimPrefix(name, "fault/"))
		j.byStep[name] = f
		j.faults = append(j.faults, f)
	}
	f.describe(e)
	switch e.Op {
	case history.OpInject:
		f.inject, f.line = e.T, line
		if e.Type == history.Fail || e.Err != nil {
			f.fail(e)
			return
		}
		if !f.isWire {
			began, ok := facts.Began.Of(e)
			if !ok {
				began = e.T
			}
			f.struck(&j.wire, began, e)
			j.on(f)
		}
	case history.OpEffect:
		if e.Type == history.Fail || e.Err != nil {
			f.fail(e)
			return
		}
		if f.effect == 0 {
			f.effect, f.line = e.T, line
		}
		j.on(f)
	case history.OpRecover:
		f.recover = e.T
		if f.isWire {
			j.off(f)
		}
	case history.OpGone:
		if e.Type == history.Fail || e.Err != nil {
			f.fail(e)
		} else {
			f.gone = e.T
			j.lastGone = max(j.lastGone, e.T)
			j.after = recovery{}
		}
		j.off(f)
	}
}

func (f *fault) fail(e *history.Event) {
	f.failedT = e.T
	f.failed = string(e.Op)
	if e.Err != nil {
		f.failed += ": " + strings.TrimSpace(e.Err.Name+" "+e.Err.Text)
	}
}

func (f *fault) describe(e *history.Event) {
	text := func(keys ...string) string {
		for _, k := range keys {
			if v, ok := e.Data[k]; ok && v != nil {
				return fmt.Sprint(v)
			}
		}
		return ""
	}
	if s := text("kind"); s != "" {
		f.kind = s
	}
	if s := text("target"); s != "" {
		f.target = s
	}
	if s := text("resolved"); s != "" {
		f.resolved = s
	}
	if s := text("seen-by", "seenBy", "seen_by", "by"); s != "" && e.Op == history.OpEffect {
		f.seenBy = s
	} else if e.Op == history.OpEffect && f.seenBy == "" {
		f.seenBy = e.Note
	}
	if wireKinds[f.kind] || text("on", "armed") != "" || maybeWireKinds[f.kind] && strings.Contains(e.Note, " on ") {
		f.isWire = true
	}
}

// on counts what is in flight as met, and every operation that starts until off.
func (j *judge) on(f *fault) {
	if f.isOn {
		return
	}
	f.isOn = true
	f.before = maps.Clone(j.begun)
	for op, n := range j.inflight {
		if n > 0 {
			f.met[string(op)] += n
		}
	}
}

func (j *judge) off(f *fault) {
	if !f.isOn {
		return
	}
	f.isOn = false
	for op, n := range j.begun {
		if n -= f.before[op]; n > 0 {
			f.met[string(op)] += n
		}
	}
}

func (j *judge) started(op history.Op) {
	j.inflight[op]++
	j.begun[op]++
}

func (j *judge) ended(op history.Op) {
	if j.inflight[op] > 0 {
		j.inflight[op]--
	}
}

func (f *fault) metAny(ops ...history.Op) bool {
	if f.effect == 0 {
		return false
	}
	if len(ops) == 0 {
		return len(f.met) > 0
	}
	for _, op := range ops {
		if f.met[string(op)] > 0 {
			return true
		}
	}
	return false
}

// anyFaultMet says that some proved fault overlapped one of the operations.
func (j *judge) anyFaultMet(ops ...history.Op) bool {
	for _, f := range j.faults {
		if f.metAny(ops...) {
			return true
		}
	}
	return false
}

// overlap is the fault as context of a witness that spans lo..hi.
func (f *fault) overlap(j *judge, lo, hi int64) (WitnessEvent, bool) {
	from, to := f.effect, f.gone
	if from == 0 {
		return WitnessEvent{}, false
	}
	if !f.isWire && f.inject != 0 {
		from = f.inject
	}
	if to == 0 {
		to = max(f.recover, from)
	}
	const slack = 1_000_000_000 // what a fault leaves behind for its heirs to trip on
	a, b := j.since(from), j.since(to)
	if hi < a-slack/10 || lo > b+slack {
		return WitnessEvent{}, false
	}
	text := fmt.Sprintf("%s %s", f.kind, f.target)
	if f.resolved != "" && f.resolved != f.target {
		text += " (" + f.resolved + ")"
	}
	text += fmt.Sprintf(" from %s to %s", j.clock(from), j.clock(to))
	return WitnessEvent{T: a, Proc: f.name, Line: f.line, Text: strings.TrimSpace(text), Type: string(history.Info), Op: string(history.OpInject)}, true
}

func (j *judge) faultEvidence() []FaultEvidence {
	out := make([]FaultEvidence, 0, len(j.faults))
	for _, f := range j.faults {
		healed := f.gone
		if healed == 0 {
			healed = f.recover
		}
		e := FaultEvidence{Step: f.step, Kind: f.kind, Target: f.target, Resolved: f.resolved, Injected: j.since(f.inject), SeenBy: f.seenBy}
		if f.effect != 0 {
			e.Seen = max(1, j.since(f.effect))
		}
		if healed != 0 {
			e.Healed = j.since(healed)
		}
		if len(f.met) > 0 {
			e.Met = f.met
		}
		e.Wire = f.wire.seal()
		out = append(out, e)
	}
	return out
}

// unproved names the first fault whose effect was never seen. A run that was
// stopped at a violation owes nothing of what was still to come.
func (j *judge) unproved() string {
	stopped := j.phases[history.PhaseStopped]
	for _, f := range j.faults {
		if f.effect == 0 && stopped != 0 && (f.failedT >= stopped || f.failed == "") {
			continue
		}
		if f.effect == 0 {
			s := fmt.Sprintf("fault %d (%s) was never seen to take effect", f.step, strings.TrimSpace(f.kind+" "+f.target))
			if f.failed != "" {
				s += ": " + f.failed
			}
			return s
		}
	}
	return ""
}
