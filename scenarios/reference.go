package scenarios

import (
	"fmt"
	"strings"
)

// Reference is the reference of the scenario file: a table of fields for each
// record, by the record's name, made from the tables that parse them. docs/scenarios.md
// holds them between its own words.
func Reference() map[string]string {
	out := map[string]string{
		"scenario": fieldTable(scenarioFields),
		"metadata": fieldTable(metadataFields),
		"cluster":  fieldTable(clusterFields),
		"topic":    fieldTable(topicFields),
		"client":   fieldTable(clientFields),
		"process":  fieldTable(processFields),
		"retry":    fieldTable(retryFields),
		"run":      fieldTable(runFields),
		"triggers": fieldTable(triggerFields),
		"on":       fieldTable(matchFields),
		"control":  fieldTable(controlFields),
		"actions":  actionTable(),
		"targets":  "`" + strings.ReplaceAll(targetForms, ", ", "`, `") + "`\n",
	}
	out["guarantees"] = "`" + strings.Join(Guarantees, "`, `") + "`\n"
	out["verdicts"] = "`" + strings.Join(Verdicts, "`, `") + "`\n"
	return out
}

func fieldTable[T any](fields []field[T]) string {
	var b strings.Builder
	b.WriteString("| field | value | meaning |\n|---|---|---|\n")
	for _, f := range fields {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", fieldName(f.name, f.required), f.kind, cell(f.doc))
	}
	return b.String()
}

func fieldName(name string, required bool) string {
	if required {
		return "**`" + name + "`**"
	}
	return "`" + name + "`"
}

func actionTable() string {
	var b strings.Builder
	b.WriteString("| action | arguments | trigger | `for` | what it does |\n|---|---|---|---|---|\n")
	for _, a := range actions {
		var args []string
		for _, f := range a.args {
			args = append(args, fieldName(f.name, f.required))
		}
		trigger, lasts := "any", "no"
		switch {
		case a.wire:
			trigger, lasts = "`on`", "without `nth`"
		case a.link:
			lasts = "without `on`"
		case a.lasts:
			lasts = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", a.kind, strings.Join(args, ", "), trigger, lasts, cell(a.doc))
	}
	return b.String()
}

// cell is text that may stand in a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
