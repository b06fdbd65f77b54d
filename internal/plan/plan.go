// Package plan turns a scenario and a seed into numbered steps, before anything
// starts. It is pure: the same scenario and seed give the same plan.
package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onceproof/onceproof/internal/scenario"
)

// Plan is what a run will do. It is printed and saved before anything starts.
type Plan struct {
	Scenario string        `json:"scenario"`
	Seed     uint64        `json:"seed"`
	Duration time.Duration `json:"duration"`
	Warmup   time.Duration `json:"warmup"` // nothing strikes before
	Steps    []Step        `json:"steps"`
}

// Step is one strike: a fault with a concrete time or a trigger. A fault that
// comes `every` so often has one step for each strike.
type Step struct {
	N     int            `json:"n"`
	At    time.Duration  `json:"at"`              // since the load began; -1 when a request or another fault triggers it
	After []int          `json:"after,omitempty"` // the steps whose effects must be seen first
	For   time.Duration  `json:"for"`             // drawn; 0: over at once, or with the load
	Seed  uint64         `json:"seed"`            // of this step's own draws, from (seed, step, target)
	Text  string         `json:"text"`            // "kill the leader of orders/0, at 12s, for 5s"
	Fault scenario.Fault `json:"fault"`
}

// Build draws the plan of s for seed. Steps are in the order in which they can
// strike. Each draw depends on the seed and its own fault alone, so a fault
// that is added or taken away moves no other.
func Build(s *scenario.Scenario, seed uint64) (*Plan, error) {
	p := &Plan{Scenario: s.Metadata.Name, Seed: seed, Duration: s.Run.Duration, Warmup: s.Run.Warmup}
	if s.Run.Duration <= s.Run.Warmup {
		return nil, fmt.Errorf("plan %q: warm-up (%v) takes the whole run (%v)", s.Metadata.Name, s.Run.Warmup, s.Run.Duration)
	}
	b := builder{run: s.Run, seed: seed}
	for i, key := range keys(s.Faults) {
		if err := b.add(s.Faults[i], key); err != nil {
			return nil, fmt.Errorf("plan %q: %w", s.Metadata.Name, err)
		}
	}
	if err := b.chain(); err != nil {
		return nil, fmt.Errorf("plan %q: %w", s.Metadata.Name, err)
	}
	p.Steps = b.numbered()
	return p, nil
}

// String is the plan as it is printed before anything starts.
func (p *Plan) String() string {
	var b strings.Builder
	steps := fmt.Sprintf("%d steps", len(p.Steps))
	if len(p.Steps) == 1 {
		steps = "1 step"
	}
	fmt.Fprintf(&b, "plan of %s, seed %d: %v of load, %s, the first after %v of warm-up\n", p.Scenario, p.Seed, p.Duration, steps, p.Warmup)
	width := len(fmt.Sprint(len(p.Steps)))
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "  %*d  %s\n", width, s.N, s.Text)
	}
	return b.String()
}

// text says in words what a step does.
func text(s Step) string {
	when := s.Fault.When.String()
	switch {
	case len(s.After) == 1:
		when = fmt.Sprintf("once step %d was seen", s.After[0])
	case len(s.After) > 1:
		when = fmt.Sprintf("once steps %s were seen", strings.Trim(strings.ReplaceAll(fmt.Sprint(s.After), " ", " and "), "[]"))
	case s.At >= 0 && s.Fault.When.On != nil: // of a mix
		when = fmt.Sprintf("from %v on, %s", s.At, s.Fault.When)
	case s.At >= 0:
		when = fmt.Sprintf("at %v", s.At)
	}
	out := s.Fault.Describe() + ", " + when
	if s.For > 0 {
		out += fmt.Sprintf(", for %v", s.For)
	}
	if s.Fault.Name != "" {
		out += " (" + s.Fault.Name + ")"
	}
	return out
}

// builder collects strikes. at orders them; causes are the indexes of the strikes
// that one waits for.
type builder struct {
	run     scenario.Run
	seed    uint64
	strikes []strike
	waiting []waiting
}

type strike struct {
	step   Step
	at     time.Duration
	causes []int
}

type waiting struct {
	fault scenario.Fault
	key   string
}

func (b *builder) add(f scenario.Fault, key string) error {
	d := draws{b.seed, key}
	if f.Random != nil {
		return b.mix(f, d)
	}
	switch w := f.When; {
	case len(w.After) > 0:
		b.waiting = append(b.waiting, waiting{f, key})
	case w.Every != nil:
		return b.every(f, d)
	case w.At != nil:
		b.strike(f, d, 0, *w.At, *w.At)
	case w.Progress != nil:
		at := time.Duration(*w.Progress * float64(b.run.Duration)).Truncate(time.Millisecond)
		b.strike(f, d, 0, at, at)
	case w.On != nil && w.On.Event != "":
		b.strike(f, d, 0, -1, b.run.Warmup)
	case w.On != nil:
		b.strike(f, d, 0, -1, 0) // armed when the load begins
	default:
		b.strike(f, d, 0, b.run.Warmup, b.run.Warmup)
	}
	return nil
}

// every strikes from warm-up on, as often as each strike is healed in time.
func (b *builder) every(f scenario.Fault, d draws) error {
	if f.When.Every.Min <= 0 {
		return fmt.Errorf("%s every %v: the wait must be longer than nothing", f.Describe(), *f.When.Every)
	}
	at := b.run.Warmup
	for n := 0; ; n++ {
		at += d.span("every", n, *f.When.Every)
		lasts := d.span("for", n, f.For)
		if at+lasts > b.run.Duration || at >= b.run.Duration {
			return nil
		}
		b.strike(f, d, n, at, at)
	}
}

// mix draws strikes from warm-up on, as many as are healed in time: when, which, and for
// how long.
func (b *builder) mix(f scenario.Fault, d draws) error {
	r := f.Random
	if r.HasSeed {
		d.seed = r.Seed
	}
	if r.Every.Min <= 0 || len(r.From) == 0 {
		return fmt.Errorf("a mix that draws from %d faults every %v", len(r.From), r.Every)
	}
	at, healed := b.run.Warmup, b.run.Warmup
	for n := 0; ; n++ {
		if n > 0 && r.Burst > 0 && n%r.Burst == 0 {
			at = max(at, healed) + d.span("quiet", n, r.Quiet)
		}
		at += d.span("every", n, r.Every)
		one := r.From[d.sub("which", n)%uint64(len(r.From))]
		lasts := d.span("for", n, one.For)
		if at+lasts > b.run.Duration || at >= b.run.Duration {
			return nil
		}
		healed = max(healed, at+lasts)
		if one.Name == "" {
			one.Name = f.Name
		}
		b.strikes = append(b.strikes, strike{at: at, step: Step{At: at, For: lasts, Seed: d.sub("step", n), Fault: one}})
	}
}

// strike adds one. at is Step.At, order when it can come at the earliest.
func (b *builder) strike(f scenario.Fault, d draws, n int, at, order time.Duration, causes ...int) {
	b.strikes = append(b.strikes, strike{at: order, causes: causes, step: Step{
		At: at, For: d.span("for", n, f.For), Seed: d.sub("step", n), Fault: f,
	}})
}

// chain adds the faults that wait for others: each once, when the effects of all
// of those were first seen.
func (b *builder) chain() error {
	for len(b.waiting) > 0 {
		var later []waiting
		for _, w := range b.waiting {
			if slices.ContainsFunc(b.waiting, func(o waiting) bool { return slices.Contains(w.fault.When.After, o.fault.Name) }) {
				later = append(later, w)
				continue
			}
			var causes []int
			earliest := time.Duration(0)
			for _, name := range w.fault.When.After {
				first := slices.IndexFunc(b.strikes, func(s strike) bool { return s.step.Fault.Name == name })
				if first < 0 {
					return fmt.Errorf("%s waits for %q, which never strikes", w.fault.Describe(), name)
				}
				causes = append(causes, first)
				earliest = max(earliest, b.strikes[first].at)
			}
			b.strike(w.fault, draws{b.seed, w.key}, 0, -1, earliest, causes...)
		}
		if len(later) == len(b.waiting) {
			return fmt.Errorf("%s waits, by way of others, for itself", later[0].fault.Describe())
		}
		b.waiting = later
	}
	return nil
}

// numbered sorts the strikes and numbers them from 1.
func (b *builder) numbered() []Step {
	order := make([]int, len(b.strikes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(b.strikes[x].at, b.strikes[y].at) })
	numbers := make([]int, len(b.strikes))
	for n, i := range order {
		numbers[i] = n + 1
	}
	steps := make([]Step, 0, len(b.strikes))
	for n, i := range order {
		s := b.strikes[i].step
		s.N = n + 1
		for _, c := range b.strikes[i].causes {
			s.After = append(s.After, numbers[c])
		}
		slices.Sort(s.After)
		s.Text = text(s)
		steps = append(steps, s)
	}
	return steps
}
