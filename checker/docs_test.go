package checker

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/guarantee"
)

var update = flag.Bool("update", false, "rewrite docs/anomalies.md and the matrix in docs/checker.md from the code")

const anomaliesIntro = `# Anomalies

Each way to break a guarantee: what it is, the smallest history that shows it, the nearest legal one, the
evidence it takes, and the settings that forfeit its absence. ` + "`onceproof explain ANOMALY`" + ` prints the same.
This page is written from the checker's own tables by ` + "`go test ./checker -run TestAnomaliesPage -update`" + `;
a test judges every history on it.

## The notation

One fact a line, in the order of time. ` + "`a` and `b`" + ` are producers; ` + "`p` and `q`" + ` are plain processors of
one group, from ` + "`orders` to `receipts`" + `; ` + "`x` and `y`" + ` are transactional ones of another group (` + "`e`" + `); ` + "`c`" + ` reads
` + "`read_committed`, `d` reads `read_uncommitted`" + `. All topics have one partition.

| line | meaning |
|---|---|
| ` + "`a send 0 orders@5`" + ` | a's send number 0 is invoked, and acknowledged at offset 5; ` + "`unknown` or `failed`" + ` instead of an offset says how else it ends |
| ` + "`a begin-send 0 orders`, `a acked 0 orders@5`" + ` | the same in two steps |
| ` + "`… from 3 txn 1`" + ` | made from the input at offset 3, in the process's transaction 1 |
| ` + "`d poll orders 0:a#0 1:a#1`" + ` | one poll returns a's sends 0 and 1 at offsets 0 and 1 |
| ` + "`p process 0`" + ` | the application's side effect on the input at offset 0 |
| ` + "`p commit-offset 1`" + ` | the group's offset is committed: 1 is the next to read |
| ` + "`x begin 1`, `x offset 1 txn 1`, `x commit 1`, `x abort 1`" + ` | a transaction, an offset sent into it, its end |
| ` + "`x ask-commit 1`, `x told commit 1 unknown`" + ` | a commit in two steps |
| ` + "`p assigned orders`, `revoked`, `lost`; `q told 1`; `d seek orders 0`" + ` | the group gives and takes; a committed offset is fetched; a consumer moves |
| ` + "`log orders: a#0 x#0<3!7 commit!7`" + ` | the final log, offset by offset: a's send 0; x's send 0, made from input 3 by producer id 7 in a transaction; that producer's commit marker. ` + "`!7.1`" + ` is epoch 1 |
| ` + "`offset 1`, `offset 1 of e`" + ` | the committed offset after the end |
| ` + "`p dies`, `fault`, `wait 15s`, `phase drain`, `no outputs`" + ` | a crash; a fault that came and went; time; a phase of the run; a group that writes no outputs |

Outcomes of operations: ok, failed for certain, unknown. These errors are no proof that nothing happened:
`

// anomaliesPage is docs/anomalies.md.
func anomaliesPage() string {
	var b strings.Builder
	b.WriteString(anomaliesIntro)
	for _, code := range sortedCodes() {
		fmt.Fprintf(&b, "- %s (%d)\n", notProof[code], code)
	}
	b.WriteString(`
## Names

| anomaly | guarantee | Jepsen's name |
|---|---|---|
`)
	for _, a := range Anomalies() {
		jepsen := JepsenName(a)
		if jepsen != "" {
			jepsen = "`" + jepsen + "`"
		}
		fmt.Fprintf(&b, "| [`%s`](#%s) | `%s` | %s |\n", a, a, GuaranteeOf(a), jepsen)
	}
	b.WriteString(`
Within one operation Jepsen writes ` + "`int-`" + ` before a name. Legal in Kafka, and so not judged, though Jepsen can
report them: G0, G1c with write-write edges, and ` + "`int-send-skip`" + ` (other producers' records between a
transaction's sends). Cycles of write-read edges alone are ` + "`dirty-read`" + `.
`)
	for _, g := range guarantee.All {
		fmt.Fprintf(&b, "\n## %s\n", g)
		for _, a := range breaks[g] {
			e, _ := Explain(a)
			fmt.Fprintf(&b, "\n### %s\n\n%s\n\n%s\n\n", a, e.Definition, e.Source)
			fmt.Fprintf(&b, "The smallest history:\n\n```\n%s\n```\n\n", strings.Join(e.Smallest, "\n"))
			if len(e.Also) > 0 {
				var also []string
				for _, k := range e.Also {
					also = append(also, "`"+string(k)+"`")
				}
				fmt.Fprintf(&b, "It is also %s.\n\n", strings.Join(also, " and "))
			}
			fmt.Fprintf(&b, "The nearest legal one:\n\n```\n%s\n```\n\n", strings.Join(e.Legal, "\n"))
			fmt.Fprintf(&b, "Evidence: %s\n", e.Evidence)
			if len(e.Forfeits) > 0 {
				b.WriteString("\nForfeited by:\n\n")
				for _, f := range e.Forfeits {
					p, why, _ := strings.Cut(f, ": ")
					fmt.Fprintf(&b, "- `%s`: %s\n", p, why)
				}
			}
		}
	}
	return b.String()
}

func sortedCodes() []int16 {
	var all []int16
	for c := int16(-1); c < 200; c++ {
		if _, ok := notProof[c]; ok {
			all = append(all, c)
		}
	}
	return all
}

// TestAnomaliesPage keeps docs/anomalies.md in step with the tables.
func TestAnomaliesPage(t *testing.T) {
	golden(t, "../docs/anomalies.md", func(string) string { return anomaliesPage() })
}

const (
	matrixBegin = "<!-- matrix -->\n"
	matrixEnd   = "<!-- end of matrix -->\n"
)

// TestMatrixPage keeps the matrix in docs/checker.md in step.
func TestMatrixPage(t *testing.T) {
	golden(t, "../docs/checker.md", func(page string) string {
		head, rest, ok := strings.Cut(page, matrixBegin)
		_, tail, closed := strings.Cut(rest, matrixEnd)
		if !ok || !closed {
			t.Fatal("docs/checker.md has no place for the matrix")
		}
		var b strings.Builder
		b.WriteString("| setting | why | then | anomalies |\n|---|---|---|---|\n")
		for _, c := range matrix {
			var names []string
			for _, a := range c.anomalies {
				names = append(names, "`"+string(a)+"`")
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.property, c.why, c.standing, strings.Join(names, ", "))
		}
		return head + matrixBegin + b.String() + matrixEnd + tail
	})
}

func golden(t *testing.T, file string, want func(now string) string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	page := want(string(b))
	if *update {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(page, string(b)); diff != "" {
		t.Errorf("%s is out of step; go test ./checker -run Page -update (-code +page):\n%s", file, diff)
	}
}
