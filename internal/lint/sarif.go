package lint

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// SARIF writes issues as a SARIF 2.1.0 log, which code scanning services show on
// the lines of the files.
func SARIF(w io.Writer, version string, issues []Issue) error {
	index := map[string]int{}
	shown := []sarifRule{}
	for _, r := range rules {
		if !slices.ContainsFunc(issues, func(i Issue) bool { return i.Rule == r.ID }) {
			continue
		}
		index[r.ID] = len(shown)
		shown = append(shown, sarifRule{
			ID: r.ID, Short: sarifText{sentence(r.Promise)}, Full: sarifText{r.Why}, HelpURI: r.Sources[0].URL,
			Help: sarifText{r.Why + "\nFix: " + r.Fix + "." + r.seen()},
		})
	}
	results := []sarifResult{}
	for _, i := range issues {
		results = append(results, sarifResult{
			RuleID: i.Rule, RuleIndex: index[i.Rule], Level: i.Severity.sarif(),
			Message:   sarifText{i.Setting() + ": " + strings.TrimSuffix(i.Promise, ".") + ". Fix: " + i.Fix + "."},
			Locations: []sarifLocation{{sarifPhysical{sarifArtifact{filepath.ToSlash(i.File)}, sarifRegion{max(1, i.Line)}}}},
		})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	err := enc.Encode(sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0",
		Runs: []sarifRun{{Tool: sarifTool{sarifDriver{Name: "onceproof", Version: version, InformationURI: "https://github.com/onceproof/onceproof", Rules: shown}}, Results: results}},
	})
	if err != nil {
		return fmt.Errorf("write SARIF: %w", err)
	}
	return nil
}

// seen is how a rule is shown by a run.
func (r *Rule) seen() string {
	if r.Scenario == "" {
		return "\nNot shown by a run: " + r.Unshown
	}
	return "\nSee it: onceproof run " + r.Scenario
}

func (s Severity) sarif() string {
	if s == Info {
		return "note"
	}
	return string(s)
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
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID      string    `json:"id"`
	Short   sarifText `json:"shortDescription"`
	Full    sarifText `json:"fullDescription"`
	Help    sarifText `json:"help"`
	HelpURI string    `json:"helpUri"`
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
