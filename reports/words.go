package reports

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
)

// findingWords says a finding in a clause without a full stop.
func findingWords(f checker.Finding) string {
	p, ok := phrases[f.Kind]
	switch {
	case !ok:
		return fmt.Sprintf("%s × %s", f.Kind, count(f.Count))
	case f.Count == 1:
		return p.one
	default:
		return fmt.Sprintf(p.many, count(f.Count))
	}
}

// exactlyOnce are the guarantees without which nothing is exactly once.
var exactlyOnce = map[guarantee.Guarantee]bool{
	guarantee.NoLoss: true, guarantee.NoDuplicates: true, guarantee.Isolation: true, guarantee.Atomicity: true, guarantee.Fencing: true,
}

// Answer is the whole report in one sentence.
func Answer(r *checker.Report) string {
	if r.Infra != "" {
		return "Could not be judged: " + sentence(r.Infra)
	}
	var once, other []string
	var undecided, holds, idle int
	for _, g := range r.Guarantees {
		switch g.Verdict {
		case guarantee.Violated:
			for _, f := range g.Anomalies {
				if exactlyOnce[g.Guarantee] {
					once = append(once, findingWords(f))
				} else {
					other = append(other, findingWords(f))
				}
			}
			if len(g.Anomalies) == 0 {
				other = append(other, string(g.Guarantee)+" is violated")
			}
		case guarantee.Holds:
			holds++
		default:
			if stand(g, nil) == notApplying {
				idle++
			} else {
				undecided++
			}
		}
	}
	switch {
	case len(once) > 0:
		return "Not exactly once: " + sentence(list(firstOf(append(once, other...), 3)))
	case len(other) > 0:
		return "Broken: " + sentence(list(firstOf(other, 3)))
	case holds == 0:
		return "Nothing was proved: no guarantee was put to the test."
	case undecided == 0 && idle == 0:
		return fmt.Sprintf("Exactly once in this run: all %d guarantees hold.", holds)
	case undecided == 0:
		return fmt.Sprintf("Exactly once in this run: %d guarantees hold, %d do not apply.", holds, idle)
	default:
		return fmt.Sprintf("No violation found: %d of %d guarantees hold, %d could not be shown.", holds, holds+undecided, undecided)
	}
}

// foundAnyway says what a run that could not be judged showed all the same.
func foundAnyway(r *checker.Report) string {
	var words []string
	for _, g := range r.Guarantees {
		for _, f := range g.Anomalies {
			words = append(words, findingWords(f))
		}
	}
	if r.Infra == "" || len(words) == 0 {
		return ""
	}
	return "Found all the same: " + sentence(list(firstOf(words, 3)))
}

// standing of a verdict against what was expected of it.
type standing int

const (
	asExpected  standing = iota
	notApplying          // the run's configuration has no object for the guarantee
	differs              // exit 1
	undecided            // exit 3: the run showed nothing where something was expected
	known                // not as expected, and no worse than the baseline
	worsened             // worse than the baseline, whatever was expected
	unclaimed            // the scenario makes no claim on it
)

// noClaim is the expectation of a guarantee on which the scenario makes no claim.
const noClaim guarantee.Verdict = "any"

// stand places r against its expectation. named is the scenario's expect: only
// there can one tell a guarantee that is expected to hold from one not named.
func stand(r checker.Result, named map[string]string) standing {
	_, isNamed := named[string(r.Guarantee)]
	switch {
	case r.Verdict == expected(r):
		return asExpected
	case r.Expected == noClaim:
		return unclaimed
	case r.Verdict == guarantee.NotExercised && !isNamed && !r.Applies:
		return notApplying
	case r.Verdict == guarantee.NotExercised || r.Verdict == guarantee.Unknown:
		return undecided
	default:
		return differs
	}
}

// stand places r against the baseline where there is one that knows the
// scenario, else against what was expected.
func (in Input) stand(r checker.Result) standing {
	s := stand(r, in.Header.Expect)
	if in.Baseline == nil {
		return s
	}
	b, ok := in.Baseline.Scenarios[in.Report.Scenario]
	if !ok {
		return s
	}
	found := b.worse(r)
	switch {
	case slices.ContainsFunc(found, func(w Regression) bool { return !w.Undecided }):
		return worsened
	case len(found) > 0:
		return undecided
	case !s.fine():
		return known
	default:
		return s
	}
}

// fine says that nobody need look.
func (s standing) fine() bool {
	return s == asExpected || s == notApplying || s == known || s == unclaimed
}

// broken says that something is known to be wrong.
func (s standing) broken() bool { return s == differs || s == worsened }

// expected is what the scenario expects; a guarantee that it does not name is
// expected to hold.
func expected(r checker.Result) guarantee.Verdict {
	if r.Expected == "" {
		return guarantee.Holds
	}
	return r.Expected
}

func (s standing) words(r checker.Result) string {
	switch s {
	case asExpected:
		return "as expected"
	case notApplying:
		return "does not apply"
	case known:
		return "known"
	case unclaimed:
		return "no claim"
	case worsened:
		return "worse than the baseline"
	}
	return "expected " + string(expected(r))
}

// reason is the checker's, without what the page says beside it anyway.
func reason(r checker.Result) string {
	if r.Verdict == guarantee.Violated && len(r.Anomalies) > 0 {
		return "" // it counts the anomalies
	}
	return r.Reason
}

// symbol of a verdict: shape, not colour, carries the meaning.
func symbol(v guarantee.Verdict) string {
	switch v {
	case guarantee.Holds:
		return "✓"
	case guarantee.Violated:
		return "✗"
	case guarantee.NotExercised:
		return "–"
	default:
		return "?"
	}
}

// examinedFirst orders the usual counts; others follow by name.
var examinedFirst = []string{"records", "sends", "acked", "polled", "inputs", "outputs", "transactions", "commits", "aborts", "offsets", "fences", "rebalances", "faults"}

// examined says the counts, "5,120 records, 40 aborts". Zeros are said too: what
// was looked for and not there is the reason for a not-exercised.
func examined(m map[string]int64) string {
	parts := make([]string, 0, len(m))
	for _, k := range countKeys(m) {
		parts = append(parts, count(m[k])+" "+countName(k, m[k]))
	}
	return strings.Join(parts, ", ")
}

func countKeys(m map[string]int64) []string {
	rank := make(map[string]int, len(examinedFirst))
	for i, k := range examinedFirst {
		rank[k] = i - len(examinedFirst)
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		if rank[keys[i]] != rank[keys[j]] {
			return rank[keys[i]] < rank[keys[j]]
		}
		return keys[i] < keys[j]
	})
	return keys
}

// plurals of the keys that are not counts but operations.
var plurals = map[string]string{
	"init-producer": "producer starts", "begin": "begins", "send": "sends", "poll": "polls", "process": "inputs in process",
	"send-offsets": "offset sends", "commit": "commits", "abort": "aborts", "commit-offsets": "offset commits", "fetch-offsets": "offset fetches",
}

// countName is the key in words, singular for one.
func countName(k string, n int64) string {
	if p, ok := plurals[k]; ok {
		k = p
	}
	words := strings.Split(strings.ReplaceAll(k, "-", " "), " ")
	if n == 1 {
		noun := len(words) - 1 // "leader changes", but "sends after faults", "registers searched"
		if slices.Contains(words, "after") || !strings.HasSuffix(words[noun], "s") {
			noun = 0
		}
		words[noun] = singular(words[noun])
	}
	return strings.Join(words, " ")
}

func singular(word string) string {
	switch {
	case strings.HasSuffix(word, "ches") || strings.HasSuffix(word, "shes") || strings.HasSuffix(word, "sses"):
		return strings.TrimSuffix(word, "es")
	case strings.HasSuffix(word, "ss"):
		return word
	default:
		return strings.TrimSuffix(word, "s")
	}
}

// count writes n with thousands separators.
func count(n int64) string {
	s := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// seconds writes nanoseconds as the time axis shows them, "12.301 s".
func seconds(ns int64) string { return fmt.Sprintf("%.3f s", float64(ns)/1e9) }

// when is the time of a witness's event. The audit reads after everything, and
// its events have no time of their own.
func when(e checker.WitnessEvent) string {
	if e.T == 0 {
		return "after"
	}
	return seconds(e.T)
}

// duration writes nanoseconds for people, "34.1 s", "10 min 4 s".
func duration(ns int64) string {
	s := float64(ns) / 1e9
	switch {
	case s < 1:
		return fmt.Sprintf("%.0f ms", s*1e3)
	case s < 60:
		return fmt.Sprintf("%.1f s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %d s", int(s)/60, int(s)%60)
	default:
		return fmt.Sprintf("%d h %d min", int(s)/3600, int(s)%3600/60)
	}
}

// list joins clauses: "a", "a and b", "a, b and c".
func list(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

func firstOf(parts []string, n int) []string {
	if len(parts) <= n {
		return parts
	}
	return append(append([]string{}, parts[:n-1]...), fmt.Sprintf("%d more kinds of violation", len(parts)-n+1))
}

// sentence ends s with a full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}

// plain makes text from a run safe to print: values and errors are whatever a
// client put there, and a terminal or an XML parser obeys control characters.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar:
			return '·'
		}
		return r
	}, s)
}
