package reports

import (
	"strings"
	"testing"

	"github.com/onceproof/onceproof/checker"
)

var someCoverage = []checker.Coverage{
	{Cell: checker.Cell{Kind: "crash", Phase: checker.PhaseEnding, Role: checker.RoleClient}, Strikes: 2},
	{Cell: checker.Cell{Kind: "kill", Phase: checker.PhaseNone, Role: checker.RoleLeader}, Strikes: 1},
	{Cell: checker.Cell{Kind: "kill", Phase: checker.PhaseProducing, Role: checker.RoleLeader}, Strikes: 12},
	{Cell: checker.Cell{Kind: "kill", Phase: checker.PhaseProducing, Role: checker.RoleController}, Strikes: 3},
}

func TestEvidence(t *testing.T) {
	var b strings.Builder
	if err := Evidence(&b, someCoverage); err != nil {
		t.Fatal(err)
	}
	want := `fault  role             none      begun  producing    offsets     ending      ended
crash  client              ·          ·          ·          ·          2          ·
kill   leader              1          ·         12          ·          ·          ·
       controller          ·          ·          3          ·          ·          ·
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if got, want := evidenceLine(someCoverage), "crash met ending; kill met none, producing"; got != want {
		t.Errorf("line %q, want %q", got, want)
	}
	b.Reset()
	summaryEvidence(&b, someCoverage)
	for _, row := range []string{"| fault | role | none | begun | producing | offsets | ending | ended |", "| kill | leader | 1 | · | 12 | · | · | · |"} {
		if !strings.Contains(b.String(), row) {
			t.Errorf("the summary lacks %q:\n%s", row, b.String())
		}
	}
}

func TestEncounterWords(t *testing.T) {
	for want, e := range map[string]*checker.Encounter{
		"": nil,
		"transactions: 2 producing, 1 ended; members mid-rebalance: 1; answers lost: EndTxn × 1; answers lost: Produce × 4": {
			Transactions: map[checker.Phase]int64{checker.PhaseEnded: 1, checker.PhaseProducing: 2}, Rebalancing: 1,
			Lost: map[string]int64{"Produce": 4, "EndTxn": 1},
		},
	} {
		if got := encounterWords(e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
