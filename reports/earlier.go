package reports

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/onceproof/onceproof/history"
)

// Earlier is the last judged run of a scenario.
type Earlier struct {
	Took   time.Duration
	Failed bool // not as expected, or not judged
	at     time.Time
}

// LastRuns reads the last run of each scenario below dir, as far as there are any.
func LastRuns(dir string) map[string]Earlier {
	last := map[string]Earlier{}
	for _, d := range RunFolders(dir) {
		r, err := ReadVerdict(d)
		info, statErr := os.Stat(filepath.Join(d, FileVerdict))
		if err != nil || statErr != nil {
			continue // never judged
		}
		if was, ok := last[r.Scenario]; ok && was.at.After(info.ModTime()) {
			continue
		}
		last[r.Scenario] = Earlier{time.Duration(r.Evidence.Duration), r.Exit != 0, info.ModTime()}
	}
	return last
}

// RunFolders are dir itself if it is a run folder, else those directly below it.
func RunFolders(dir string) []string {
	if isRunFolder(dir) {
		return []string{dir}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if d := filepath.Join(dir, e.Name()); !strings.HasPrefix(e.Name(), ".") && isRunFolder(d) {
			out = append(out, d)
		}
	}
	return out
}

func isRunFolder(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, history.FileName))
	return err == nil && info.Mode().IsRegular()
}
