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
