package suite

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/reports"
)

// CoverageOf adds up the coverage in the verdicts of run folders; a run that left
// no verdict counts for none.
func CoverageOf(dirs []string) (coverage []checker.Coverage, runs int, err error) {
	for _, dir := range dirs {
		r, err := ReadVerdict(dir)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		runs++
		coverage = checker.MergeCoverage(coverage, r.Evidence.Coverage)
	}
	return coverage, runs, nil
}

func ReadVerdict(dir string) (*checker.Report, error) {
	file := filepath.Join(dir, reports.FileVerdict)
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := new(checker.Report)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}
