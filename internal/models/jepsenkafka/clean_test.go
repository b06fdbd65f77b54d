package jepsenkafka

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/onceproof/onceproof/guarantee"
)

var (
	cases = flag.Int("jepsenkafka.cases", 24, "legal histories of each mode; a quarter of it for each plant")
	from  = flag.Uint64("jepsenkafka.seed", 1, "the first seed")
	keep  = flag.String("jepsenkafka.keep", "", "folder for the histories that are judged wrongly")
)

// TestClean judges histories without a fault: none may be called broken.
func TestClean(t *testing.T) {
	for _, mode := range []Mode{ByAssign, BySubscribe} {
		t.Run(string(mode), func(t *testing.T) {
			size := Size{5, 2000}
			if *cases >= 500 {
				size = AnySize
			}
			ops, alarms := 0, 0
			verdicts, allowed := map[string]int{}, map[string]int{}
			for i := range *cases {
				seed := *from + uint64(i)
				h := Simulate(Draw(seed, mode, size))
				ops += len(h.Ops)
				r := apply(h)
				if len(r.found) > 0 {
					save(t, h, "model", seed)
					t.Fatalf("seed %d: the model's own history breaks Jepsen's rules: %v", seed, r.found)
				}
				for name := range r.allowed {
					allowed[name]++
				}
				o := judge(t, h.EDN(style(seed)))
				for g, v := range o.verdicts {
					verdicts[string(g)+" "+string(v)]++
					if v == guarantee.Unknown {
						t.Logf("seed %d: %s is unknown: %s", seed, g, o.reasons[g])
						save(t, h, "unknown", seed)
					}
				}
				open := maps.Clone(o.maybe)
				maps.DeleteFunc(open, func(name string, _ int64) bool { return name == LostWrite || name == Unseen })
				if broken := o.broken(); len(broken) > 0 || len(o.kinds) > 0 || len(open) > 0 {
					alarms++
					save(t, h, "clean", seed)
					if alarms <= 5 {
						t.Errorf("seed %d, %d operations: a legal history is called broken: %v %v, or doubted: %v\n%v",
							seed, h.Config.Ops, broken, o.kinds, open, o.texts)
					}
				}
			}
			if *cases >= 100 && (allowed[WriteCycle] == 0 || allowed[IntSendSkip] == 0) {
				t.Errorf("no history has what Jepsen allows: %v", allowed)
			}
			t.Logf("%s: %d histories, %d entries, %d alarms; histories with what Jepsen allows: %v; %v",
				mode, *cases, ops, alarms, allowed, verdicts)
		})
	}
}

// TestOpen judges histories that Kafka permits and Jepsen's checker would not: they
// end before everything was read, or do not tell of rebalances within operations.
// They are not broken, and what was not read is not called safe.
func TestOpen(t *testing.T) {
	for _, mode := range []Mode{ByAssign, BySubscribe} {
		t.Run(string(mode), func(t *testing.T) {
			open := 0
			for i := range *cases {
				seed := *from + uint64(i)
				c := Draw(seed, mode, Size{5, 1000})
				c.Latest, c.RebalanceOn, c.Untold, c.Unfinished = false, false, true, true
				h := Simulate(c)
				o := judge(t, h.EDN(style(seed)))
				if broken := o.broken(); len(broken) > 0 {
					save(t, h, "open", seed)
					t.Errorf("seed %d: what Kafka permits is called broken: %v %v; %v", seed, broken, o.kinds, o.texts)
				}
				if unread(h) {
					open++
					if o.verdicts[guarantee.NoLoss] == guarantee.Holds {
						save(t, h, "open", seed)
						t.Errorf("seed %d: no-loss holds, though acknowledged records were not read: %v", seed, Violations(h))
					}
				}
			}
			if open == 0 {
				t.Error("every history was read whole")
			}
			t.Logf("%s: %d histories, %d of them with acknowledged records that were not read", mode, *cases, open)
		})
	}
}

// unread says whether a record of an ok operation was returned by no poll at all.
func unread(h *History) bool {
	given := map[at]bool{}
	for i := range h.Ops {
		h.Ops[i].reads(func(key int, p Pair) { given[at{key, p.Value}] = true })
	}
	found := false
	for i := range h.Ops {
		if o := &h.Ops[i]; o.Type == OK {
			o.sends(func(m *MicroOp) { found = found || !given[at{m.Key, m.Value}] })
		}
	}
	return found
}

func style(seed uint64) Style {
	return Style{Tagged: seed%2 == 0, Vector: seed%3 == 0, Types: seed%5 != 0, Empty: seed%7 == 0}
}

// save keeps a history that was judged wrongly, if a folder for it is given.
func save(t *testing.T, h *History, name string, seed uint64) {
	t.Helper()
	if *keep == "" {
		return
	}
	file := filepath.Join(*keep, fmt.Sprintf("%s-%s-%d.edn", name, h.Config.Mode, seed))
	if err := os.WriteFile(file, h.EDN(Style{Types: true}), 0o644); err != nil {
		t.Fatal(err)
	}
}
