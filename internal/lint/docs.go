package lint

import (
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/settings"
)

// Docs is docs/lint.md, made from the rules.
func Docs() []byte {
	var b strings.Builder
	b.WriteString(docsHead)
	for _, r := range rules {
		fmt.Fprintf(&b, "| [%s](#%s) | `%s` | %s | %s | %s |\n", r.ID, r.ID, r.Property, r.Severity, strings.Join(r.Breaks, ", "), strings.Join(r.Risks, ", "))
	}
	for _, r := range rules {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n%s\n\n", r.ID, sentence(r.Promise), r.Why)
		if r.Scenario == "" {
			fmt.Fprintf(&b, "- **Fix:** %s.\n- **Not shown by a run:** %s.\n", r.Fix, r.Unshown)
		} else {
			fmt.Fprintf(&b, "- **Fix:** %s.\n- **See it:** `onceproof run %s` ([scenario](../scenarios/%s)); mended: `onceproof run %s-fixed`\n",
				r.Fix, r.Scenario, scenarioFile(r.Scenario), r.Scenario)
		}
		for _, s := range r.Sources {
			fmt.Fprintf(&b, "- **Source:** [%s](%s)\n", s.Name, s.URL)
		}
	}
	docsValues(&b)
	docsKeys(&b)
	return []byte(b.String())
}

// docsValues is the table of values, as the libraries call them.
func docsValues(b *strings.Builder) {
	b.WriteString("\n## Values in the libraries' words\n\nA file may have the names of its library (`--library`) and the values that the library has for them. " +
		"Durations may be written as in Go, ISO 8601, Spring or Flink.\n\n| library | property | in the library | Kafka's |\n|---|---|---|---|\n")
	type cell struct{ library, property, kafkas string }
	var order []cell
	owns := map[cell][]string{}
	for _, v := range scenario.OwnValues() {
		c := cell{v.Library, v.Property, v.Kafkas}
		if owns[c] == nil {
			order = append(order, c)
		}
		owns[c] = append(owns[c], "`"+v.Own+"`")
	}
	for _, c := range order {
		fmt.Fprintf(b, "| %s | `%s` | %s | `%s` |\n", c.library, c.property, strings.Join(owns[c], ", "), c.kafkas)
	}
}

// docsKeys is the table of formats and of how many of their keys are known.
func docsKeys(b *strings.Builder) {
	b.WriteString("\n## Keys that are known\n\nThe complete list of each, as its own program or documentation has it (`tools/keys` makes the table; " +
		"`--keys` shows what became of each key of a file). *used*: it sets a property of Kafka's, or what of the framework's decides the guarantee; *no bearing*: it says " +
		"nothing about delivery, with the reason; *of others*: another file has it.\n\n| keys of | list | used | no bearing | of others | unknown |\n|---|---|---:|---:|---:|---:|\n")
	names, source := settings.Dialects()
	for _, d := range names {
		n := settings.Fates(d)
		fmt.Fprintf(b, "| %s | %s | %d | %d | %d | %d |\n", d, source[d], n[settings.Used], n[settings.NoBearing], n[settings.Elsewhere], n[settings.Unknown])
	}
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

const docsHead = `# What a configuration can promise

<!-- made from lint's rules and tables: go test ./internal/lint -update -->

` + "`onceproof lint`" + ` reads configuration files as production has them, and says before any run what they can promise at
best: which line forfeits which guarantee, and what to write instead.

    onceproof lint --producer producer.properties --consumer consumer.properties --broker server.properties
    onceproof lint --config application.yml --profile prod      # Spring, Quarkus, Micronaut, Camel
    onceproof lint --config streams.properties                  # Kafka Streams, Connect, MirrorMaker 2, Flink
    onceproof lint --library kafkajs --producer producer.json   # the options as the library has them
    onceproof lint --manifest deployment.yaml                   # Kubernetes or compose: environment, ConfigMaps
    onceproof lint --library sarama --producer producer.properties --format sarif
    onceproof lint guide-recipe                                 # the clients of a scenario

## What is read

| file | read as |
|---|---|
| ` + "`.properties`" + ` | a client's own (` + "`--producer`, `--consumer`, `--broker`" + `), or a framework's, found out from its keys (` + "`--as`" + ` says it) |
| ` + "`.yml`, `.yaml`" + ` | Spring (documents of a profile, ` + "`application-PROFILE.yml`" + ` beside it), Quarkus, Micronaut, Camel, Flink |
| ` + "`.json`" + ` | a connector, or the options of a library: ` + "`{\"producer\": {…}, \"consumer\": {…}}`" + ` or one side |
| ` + "`.ini`" + ` | librdkafka's |
| ` + "`.sql`" + ` | Flink SQL: ` + "`WITH (…)` of each table, `SET 'name' = 'value'`" + ` |
| ` + "`.env`" + ` | ` + "`KAFKA_…`, `SPRING_KAFKA_…`, `CONNECT_…`, `MP_MESSAGING_…`" + ` |

Each key ends as used, as of no bearing on delivery, as another file's, or as unknown; a line counts them, and ` + "`--keys`" + `
names each. A key that nobody knows and that by its name may bear on delivery keeps the guarantees that it may decide
from being promised: they are *not known*. So does a placeholder: ` + "`acks=${ACKS}`" + ` is not known, with the values under
which the promise is kept; ` + "`${ACKS:all}`" + ` counts as all, and may be overridden; ` + "`--set ACKS=all`" + ` settles it. Values of
passwords, secrets and JAAS lines are never printed.

What a file leaves out counts as the framework's default, else the library's (` + "`--library`, `java@2.8.2`" + ` for an older
one): the same file promises less in one library than in another. The commit pattern is code and not configuration; it
is inferred (a ` + "`transactional.id`" + ` means ` + "`transaction`, `enable.auto.commit=true`" + ` means ` + "`auto`, else `after-batch`" + `; Spring's
` + "`ack-mode`" + `, Streams' ` + "`processing.guarantee`" + ` and the like say it) or given by ` + "`--pattern`" + `, and a line says so.

| state | means | exit code |
|---|---|---|
| promised | nothing that is known forfeits it | 0 |
| at risk | a warning speaks against it | 0 |
| not known | it depends on a placeholder, or on a key that nobody knows | 3 |
| forfeited | an error speaks against it | 1 |
| not claimed | the configuration does not concern it | 0 |

| severity | means | exit code |
|---|---|---|
| error | one ordinary fault (a crash, a lost response, a broker that dies) breaks a promise | 1 |
| warning | it takes a coincidence, or something that cannot be seen from the files | 0 |
| info | worth knowing | 0 |

A rule is kept only if a shipped scenario demonstrates it (the rule fires on the scenario's clients, the run breaks the
guarantee, and the scenario's ` + "`-fixed`" + ` twin has neither), or if its page says why no run can. A value that Kafka itself
refuses is no finding: it ends with exit code 2 and its line.

What lint promises is what the checker's matrix ([checker.md](checker.md)) promises: a test draws a thousand
configurations, and lists where the two differ, which is nowhere now.

| rule | property | severity | breaks | puts at risk |
|---|---|---|---|---|
`
