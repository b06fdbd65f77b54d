// Package reports turns a verdict and its history into pages: terminal text,
// verdict.json, junit.xml, summary.md, and a self-contained report.html.
//
//	checker, history ──> reports
package reports

import (
	"errors"
	"io"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/history"
)

// Input is what every page is made from.
type Input struct {
	Report   *checker.Report
	Header   history.Header
	History  func() (*history.Reader, error) // opens it anew; nil if there is none
	Plan     string                          // the printed plan
	Scenario string                          // the resolved YAML
	Dir      string                          // the run folder; logs/ below it
	Replay   string                          // the command that replays the run
}

// Write writes verdict.json, junit.xml, summary.md and report.html into in.Dir.
func Write(in Input) error { return errors.New("reports: not built yet") }

// Terminal prints the verdicts; colour only if asked.
func Terminal(w io.Writer, in Input, colour bool) error { return errors.New("reports: not built yet") }
