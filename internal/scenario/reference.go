package scenario

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
		"bug":      fieldTable(bugFields),
		"cluster":  fieldTable(clusterFields),
		"topic":    fieldTable(topicFields),
		"client":   fieldTable(clientFields),
		"process":  fieldTable(processFields),
		"retry":    fieldTable(retryFields),
		"trace":    fieldTable(traceFields),
		"fold":     fieldTable(foldFields),
		"ready":    fieldTable(readyFields),
		"run":      fieldTable(runFields),
		"triggers": fieldTable(triggerFields),
		"on":       fieldTable(matchFields),
		"random":   fieldTable(randomFields),
		"control":  fieldTable(controlFields),
		"fixed":    fieldTable(fixedFields),
		"habits":   habitTable(),
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
		fmt.Fprintf(&b, "| %s | %s | %s |\n", fieldName(f.name, f.required), cell(valueWords(f.kind, f.schema)), cell(f.doc))
	}
	return b.String()
}

// valueWords says what a value may be: the few words that are allowed, or the
// bounds of a number, or its kind.
func valueWords(kind string, schema map[string]any) string {
	if words, ok := schema["enum"].([]string); ok && len(words) <= 8 {
		return "`" + strings.Join(words, "`, `") + "`"
	}
	if schema["type"] != "integer" || schema["minimum"] == nil || schema["maximum"] == nil {
		return kind
	}
	return fmt.Sprintf("a number, %v to %v", schema["minimum"], schema["maximum"])
}

func fieldName(name string, required bool) string {
	if required {
		return "**`" + name + "`**"
	}
	return "`" + name + "`"
}

func habitTable() string {
	var b strings.Builder
	b.WriteString("| habit | needs | what the application does |\n|---|---|---|\n")
	for _, h := range habits {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", h.name, h.needs, cell(h.doc))
	}
	return b.String()
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
		case a.mayLast:
			lasts = "may be given"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", a.kind, strings.Join(args, ", "), trigger, lasts, cell(a.doc))
	}
	return b.String()
}

// cell is text that may stand in a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
