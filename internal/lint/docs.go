package lint

import (
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/internal/scenario"
)

// Docs is docs/lint.md, made from the rules.
func Docs() []byte {
	var b strings.Builder
	b.WriteString(`# What a configuration can promise

<!-- made from lint's rules: go test ./lint -update -->

` + "`onceproof lint`" + ` reads properties files as production has them, and says before any run what they can promise at
best: which line forfeits which guarantee, and what to write instead.

    onceproof lint --producer producer.properties --consumer consumer.properties --broker server.properties
    onceproof lint --library sarama --producer producer.properties --format sarif
    onceproof lint guide-recipe        # the clients of a scenario

What a file leaves out counts as the library's default (` + "`--library`" + `, ` + "`java@2.8.2`" + ` for an older one): the same file
promises less in one library than in another. The commit pattern is code and not configuration; it is inferred
(a ` + "`transactional.id`" + ` means ` + "`transaction`" + `, ` + "`enable.auto.commit=true`" + ` means ` + "`auto`" + `, else ` + "`after-batch`" + `) or given by
` + "`--pattern`" + `.

| severity | means | exit code |
|---|---|---|
| error | one ordinary fault (a crash, a lost response, a broker that dies) breaks a promise | 1 |
| warning | it takes a coincidence, or something that cannot be seen from the files | 0 |
| info | worth knowing | 0 |

A rule is kept only if a shipped scenario demonstrates it: the rule fires on the scenario's clients, the run breaks
the guarantee, and the scenario's ` + "`-fixed`" + ` twin has neither. A value that Kafka itself refuses is no finding: it ends
with exit code 2 and its line.

| rule | property | severity | breaks |
|---|---|---|---|
`)
	for _, r := range rules {
		fmt.Fprintf(&b, "| [%s](#%s) | `%s` | %s | %s |\n", r.ID, r.ID, r.Property, r.Severity, strings.Join(r.Breaks, ", "))
	}
	for _, r := range rules {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n%s\n\n", r.ID, sentence(r.Promise), r.Why)
		fmt.Fprintf(&b, "- **Fix:** %s.\n- **See it:** `onceproof run %s` ([scenario](../scenarios/%s)); mended: `onceproof run %s-fixed`\n",
			r.Fix, r.Scenario, scenarioFile(r.Scenario), r.Scenario)
		for _, s := range r.Sources {
			fmt.Fprintf(&b, "- **Source:** [%s](%s)\n", s.Name, s.URL)
		}
	}
	return []byte(b.String())
}

// scenarioFile is where a shipped scenario stands below scenarios/.
func scenarioFile(name string) string {
	s, err := scenario.Load(name)
	if err != nil {
		return name + ".yaml"
	}
	_, path, _ := strings.Cut(s.File, ":")
	return path + ".yaml"
}
