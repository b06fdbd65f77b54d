// Package reports turns a verdict and its history into pages: terminal text,
// verdict.json, junit.xml, summary.md, and a self-contained report.html.
//
//	checker, history ──> reports
//
// Write makes all the files of one run's folder, Terminal prints the same in
// short. Neither judges anything: whether a guarantee held, what was expected
// and the exit code come from the checker.Report.
package reports

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/history"
)

// Names of the files that Write makes in the run folder.
const (
	FileVerdict = "verdict.json"
	FileJUnit   = "junit.xml"
	FileSummary = "summary.md"
	FileHTML    = "report.html"
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
	// Default is Kafka's own default of a property of a producer, consumer, broker
	// or topic; nil if nobody knows.
	Default  func(kind, property string) (value string, known bool)
	Baseline *Baseline // what is known and accepted; nil if the expectations decide
	Slower   string    // how recovery is worse than the baseline, "" if it is not
}

// Write writes verdict.json, junit.xml, summary.md and report.html into in.Dir,
// which must exist. A file is either whole or as it was before. A history that
// cannot be read costs the report its timeline, not the other files: the error
// is returned after everything else is written.
func Write(in Input) error {
	if in.Report == nil {
		return errors.New("reports: no verdict to write")
	}
	var errs []error
	for _, page := range []struct {
		name  string
		write func(io.Writer, Input) error
	}{
		{FileVerdict, func(w io.Writer, in Input) error { return JSON(w, in.Report) }},
		{FileJUnit, JUnit},
		{FileSummary, Summary},
		{FileHTML, HTML},
	} {
		var buf bytes.Buffer
		if err := page.write(&buf, in); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", page.name, err))
		}
		if buf.Len() == 0 {
			continue
		}
		if err := replaceFile(filepath.Join(in.Dir, page.name), buf.Bytes()); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// replaceFile writes beside the file and renames, so that a reader, or a crash,
// never sees half a page.
func replaceFile(name string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if _, err := f.Write(data); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), f.Close())
	}
	if err := f.Chmod(0o644); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), f.Close())
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
