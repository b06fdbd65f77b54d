package scenario

import (
	"fmt"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// bugs are the scenarios of bugs/, in the order of their names.
func bugs(t *testing.T) []*Scenario {
	t.Helper()
	names, err := Matching("bugs/*")
	if err != nil {
		t.Fatal(err)
	}
	var all []*Scenario
	for _, n := range names {
		s, err := Load(n)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

var bugTable = regexp.MustCompile(`(?s)<!-- table: bugs -->\n.*?<!-- end -->`)

func TestBugTableIsUpToDate(t *testing.T) {
	const file = "../../docs/bugs.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("<!-- table: bugs -->\n| scenario | what goes wrong | affected | fixed | violated | seen | with the fix |\n|---|---|---|---|---|---|---|\n")
	for _, s := range bugs(t) {
		bug := s.Metadata.Bug
		first, _, _ := strings.Cut(s.Metadata.Description, "\n")
		what := strings.TrimSuffix(strings.TrimPrefix(first, "Bug: "), ".")
		if strings.HasPrefix(bug.Issue, "https://") {
			what += " ([" + path.Base(path.Dir(path.Dir(bug.Issue))) + "#" + path.Base(bug.Issue) + "](" + bug.Issue + "))"
		} else {
			what += " (" + bug.Issue + ")"
		}
		fmt.Fprintf(&b, "| [%s](../scenarios/bugs/%s.yaml) | %s | %s | %s | %s | %s | %s |\n", s.Metadata.Name, s.Metadata.Name,
			cell(what), cell(bug.Affected), cell(bug.Fixed), strings.Join(violations(s.Expect), ", "), bug.Rate, bug.FixedRate)
	}
	b.WriteString("<!-- end -->")
	if !bugTable.Match(text) {
		t.Fatalf("%s has no place for the table", file)
	}
	compareFile(t, file, bugTable.ReplaceAllLiteral(text, []byte(b.String())))
}

func violations(expect map[string]string) []string {
	var out []string
	for _, g := range slices.Sorted(maps.Keys(expect)) {
		if expect[g] == "violated" {
			out = append(out, g)
		}
	}
	return out
}

// TestBugsAreMeasured: a bug that was hardly ever seen, or was seen with the fixed
// version too, is not in the corpus.
func TestBugsAreMeasured(t *testing.T) {
	for _, s := range bugs(t) {
		hits, runs := countsOf(t, s.Metadata.Bug.Rate)
		fixedHits, fixedRuns := countsOf(t, s.Metadata.Bug.FixedRate)
		if runs < 5 || 5*hits < 4*runs {
			t.Errorf("%s: seen in %s: at least 4 of 5 are wanted", s.Metadata.Name, s.Metadata.Bug.Rate)
		}
		if fixedRuns < 5 || fixedHits > 0 {
			t.Errorf("%s: with the fixed version seen in %s: 0 of 5 or more are wanted", s.Metadata.Name, s.Metadata.Bug.FixedRate)
		}
		if len(violations(s.Fixed.Expect)) > 0 {
			t.Errorf("%s: its fixed twin is expected to violate %v", s.Metadata.Name, violations(s.Fixed.Expect))
		}
	}
}

func countsOf(t *testing.T, rate string) (hits, runs int) {
	t.Helper()
	k, n, _ := strings.Cut(rate, " of ")
	hits, errHits := strconv.Atoi(k)
	runs, errRuns := strconv.Atoi(n)
	if errHits != nil || errRuns != nil || hits > runs {
		t.Errorf("%q is no rate", rate)
	}
	return hits, runs
}

// The fixed version of a broker's bug is another image.
func TestTwinHasItsImage(t *testing.T) {
	s := &Scenario{Cluster: Cluster{Image: "kafka:1", Config: map[string]string{"min.insync.replicas": "1"}}}
	s.Fixed = &Control{Cluster: map[string]string{"image": "kafka:2", "min.insync.replicas": "2"}}
	twin := s.overlaid(newDecoder(), "fixed", s.Fixed)
	if c := twin.Cluster; c.Image != "kafka:2" || len(c.Config) != 1 || c.Config["min.insync.replicas"] != "2" {
		t.Errorf("the twin's cluster is %+v", c)
	}
	if s.Cluster.Image != "kafka:1" || s.Fixed.Cluster["image"] != "kafka:2" {
		t.Error("the scenario itself was changed")
	}
}
