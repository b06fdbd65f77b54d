package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"sort"
)

// Issue is what lint found in a properties file; its JSON form is lint's.
type Issue struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"` // error, warning, info
	Property string `json:"property"`
	File     string `json:"file"`
	Line     int    `json:"line"` // 0 = the property is not set
	Promise  string `json:"promise"`
	Fix      string `json:"fix"`
	Scenario string `json:"scenario"` // that demonstrates it
}

// SARIF writes issues as a SARIF 2.1.0 log, which code scanning services show on
// the lines of the files.
func SARIF(w io.Writer, version string, issues []Issue) error {
	byRule := map[string]Issue{}
	for _, i := range issues {
		byRule[i.Rule] = i
	}
	names := make([]string, 0, len(byRule))
	for name := range byRule {
		names = append(names, name)
	}
	sort.Strings(names)
	index := map[string]int{}
	rules := []sarifRule{}
	for n, name := range names {
		index[name] = n
		help := byRule[name].Promise
		if s := byRule[name].Scenario; s != "" {
			help += "\nSee it: onceproof run " + s
		}
		rules = append(rules, sarifRule{ID: name, Short: sarifText{byRule[name].Promise}, Help: sarifText{help}})
	}
	results := []sarifResult{}
	for _, i := range issues {
		results = append(results, sarifResult{
			RuleID: i.Rule, RuleIndex: index[i.Rule], Level: sarifLevel(i.Severity),
			Message:   sarifText{sentence(fmt.Sprintf("%s: %s", i.Property, i.Promise)) + " " + sentence(i.Fix)},
			Locations: []sarifLocation{{sarifPhysical{sarifArtifact{filepath.ToSlash(i.File)}, sarifRegion{max(1, i.Line)}}}},
		})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	err := enc.Encode(sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0",
		Runs: []sarifRun{{Tool: sarifTool{sarifDriver{Name: "onceproof", Version: version, Rules: rules}}, Results: results}},
	})
	if err != nil {
		return fmt.Errorf("write SARIF: %w", err)
	}
	return nil
}

func sarifLevel(severity string) string {
	switch severity {
	case "error", "warning":
		return severity
	default:
		return "note"
	}
}

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool    sarifTool     `json:"tool"`
	Results []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version,omitempty"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID    string    `json:"id"`
	Short sarifText `json:"shortDescription"`
	Help  sarifText `json:"help"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	RuleIndex int             `json:"ruleIndex"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
}

type sarifLocation struct {
	Physical sarifPhysical `json:"physicalLocation"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}
