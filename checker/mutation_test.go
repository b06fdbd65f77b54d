package checker

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/guarantee"
)

var mutationCases = flag.Int("mutation.cases", 40, "planted cases of each anomaly")

// TestMutation plants exactly one anomaly of a kind into a legal run and expects
// exactly that to be found, with a witness that names the place. With
// -mutation.cases=2000 -update the score goes into mutation.txt, and from there
// into every report's footer.
func TestMutation(t *testing.T) {
	total, found := 0, 0
	for k, a := range Anomalies() {
		t.Run(string(a), func(t *testing.T) {
			plant := plants[a]
			if plant == nil {
				t.Fatal("nobody plants it")
			}
			cases, hit, tries := 0, 0, 0
			for seed := uint64(0); cases < *mutationCases; seed++ {
				if tries++; tries > 50**mutationCases {
					t.Fatalf("only %d of %d runs offered a place", cases, tries)
				}
				w := newWorld(seeded{rand.New(rand.NewPCG(seed, uint64(k)))})
				w.run(60 + w.d.n(120))
				p := plant(w)
				if p == nil {
					continue
				}
				cases++
				if why := missed(t, w, a, p); why != "" {
					if cases-hit < 5 {
						t.Errorf("seed %d: %s", seed, why)
					}
				} else {
					hit++
				}
			}
			total, found = total+cases, found+hit
			t.Logf("%d of %d found, %d runs", hit, cases, tries)
		})
	}
	score := fmt.Sprintf("%d of %d planted anomalies found with the right witness, and nothing else (%d kinds)", found, total, len(Anomalies()))
	t.Log("mutation score: " + score)
	if *update && *mutationCases >= 2000 {
		if err := os.WriteFile("mutation.txt", []byte(score+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// missed says what is wrong about the verdict on a planted run.
func missed(t *testing.T, w *world, a guarantee.Anomaly, p *planted) string {
	r := judgeEvents(t, w.h, jitter(w.d, w.history()), Options{})
	if diff := cmp.Diff(p.want, kinds(r)); diff != "" {
		why := "found (-planted +found):\n" + diff
		for _, g := range r.Guarantees {
			for _, f := range g.Anomalies {
				if p.want[f.Kind] == 0 {
					why += fmt.Sprintf("%s: %s\n", f.Kind, f.Witnesses[0].Text)
				}
			}
		}
		return why
	}
	if n := r.Evidence.Counts["second-opinions-against"]; n != 0 {
		return fmt.Sprintf("porcupine differs %d times", n)
	}
	for _, f := range resultOf(r, GuaranteeOf(a)).Anomalies {
		if f.Kind != a {
			continue
		}
		w := f.Witnesses[0]
		if !strings.Contains(w.Text, p.says) {
			return fmt.Sprintf("the witness says %q, not %q", w.Text, p.says)
		}
		if len(w.Events) == 0 || len(w.Events) > 5 {
			return fmt.Sprintf("the witness has %d events", len(w.Events))
		}
	}
	return ""
}
