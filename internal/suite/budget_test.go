package suite

import (
	"testing"
	"time"

	"github.com/onceproof/onceproof/internal/scenario"
)

// TestWhatIsNamedComesFirst: a budget for one scenario buys the one that was asked for
// by its name, whatever else shows more for the time.
func TestWhatIsNamedComesFirst(t *testing.T) {
	all, err := load(Options{Out: t.TempDir(), Quiet: true}, []string{"mistakes/a*", "exactly-once"})
	if err != nil || len(all) < 3 {
		t.Fatal(len(all), err)
	}
	var mine *scenario.Scenario
	for _, s := range all {
		if s.Metadata.Name == "exactly-once" {
			mine = s
		}
	}
	picked, err := load(Options{Out: t.TempDir(), Quiet: true, Budget: mine.Cost() + time.Second}, []string{"mistakes/a*", "exactly-once"})
	if err != nil {
		t.Fatal(err)
	}
	if picked[0].Metadata.Name != "exactly-once" {
		t.Errorf("the budget buys %s first", Listed(picked))
	}
}
