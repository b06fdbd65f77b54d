package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/suite"
	"github.com/onceproof/onceproof/reports"
)

func reportCommand() *cobra.Command {
	var trend, record, evidence bool
	var out string
	cmd := &cobra.Command{
		Use:   "report DIR…",
		Short: "Judge run folders again and rewrite their pages, or show runs over time",
		Long: `Judge run folders again and rewrite their pages. A folder that contains run folders stands
for all of them.

With --trend, show how guarantees, recovery and throughput changed over the runs, for each
scenario and library, with the first bad run marked: a summary here and one self-contained
HTML page. The verdicts in the run folders are used as they are.

With --evidence, show what the faults of all these runs met on the wire: how many strikes
fell into which phase of a transaction, by kind of fault and role of its target. A cell that
stays empty over many runs has not been tested; ` + "`onceproof run --explore`" + `
targets it.`,
		Example: `  onceproof report runs/guide-recipe-7-20260101T120000
  onceproof report --trend runs
  onceproof report --evidence runs
  onceproof report --trend nightly/*/runs --out trend.html
  onceproof report --track-record runs > track-record.md`,
		Args: atLeastOne("run folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dirs, err := runFolders(args)
			if err != nil {
				return err
			}
			if record {
				return trackRecord(cmd.OutOrStdout(), dirs)
			}
			if trend {
				return showTrend(cmd.OutOrStdout(), dirs, out)
			}
			if evidence {
				return showEvidence(cmd.OutOrStdout(), dirs)
			}
			return reportAgain(cmd, dirs)
		},
	}
	cmd.Flags().BoolVar(&trend, "trend", false, "show the runs over time")
	cmd.Flags().BoolVar(&record, "track-record", false, "print, as Markdown, how often each shipped mistake and bug was found in the runs, and how soon")
	cmd.Flags().BoolVar(&evidence, "evidence", false, "show what the faults of all the runs met on the wire")
	cmd.MarkFlagsMutuallyExclusive("trend", "evidence", "track-record")
	cmd.Flags().StringVar(&out, "out", "trend.html", "with --trend: the page to write")
	return cmd
}

const aboutTrackRecord = `# Track record

What the harness is known to find, and how often it did: found as the scenario's file expects, in so many of so many
runs; the median of the time from the load's begin to the first violation; and how often the same scenario without
the mistake or the bug was clean. Made by ` + "`onceproof report --track-record DIR`" + ` from the runs in DIR.
`

// trackRecord prints the tables of the shipped mistakes and bugs, of either if there are
// runs of it.
func trackRecord(out io.Writer, dirs []string) error {
	runs, err := judged(dirs)
	if err != nil {
		return err
	}
	fmt.Fprint(out, aboutTrackRecord)
	for _, folder := range []string{"mistakes", "bugs"} {
		known, err := knownOf(folder)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(known, func(k reports.Known) bool {
			return slices.ContainsFunc(runs, func(t reports.Trial) bool { return t.Scenario == k.Name || t.Scenario == k.Twin })
		}) {
			continue
		}
		fmt.Fprintf(out, "\n## %s%s\n\n", strings.ToUpper(folder[:1]), folder[1:])
		if err := reports.TrackRecord(out, known, runs); err != nil {
			return err
		}
	}
	return nil
}

// knownOf are the shipped scenarios of a folder.
func knownOf(folder string) ([]reports.Known, error) {
	all, err := scenario.List()
	if err != nil {
		return nil, err
	}
	var known []reports.Known
	for _, s := range all {
		if strings.HasPrefix(s.File, "builtin:"+folder+"/") {
			known = append(known, reports.Known{Name: s.Metadata.Name, What: suite.FirstLine(s.Metadata.Description), Twin: s.Metadata.Name + "-fixed"})
		}
	}
	return known, nil
}

// runFolders are the run folders that args name, themselves or by what holds them.
func runFolders(args []string) ([]string, error) {
	var dirs []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err == nil && info.Mode().IsRegular() && (filepath.Base(arg) == reports.FileJUnit || filepath.Base(arg) == reports.FileSummary) {
			continue // a suite's, beside the run folders: runs/* names it too
		}
		found := reports.RunFolders(arg)
		if len(found) == 0 {
			return nil, fmt.Errorf("%s is no run folder and holds none; `onceproof run` makes them below runs/", arg)
		}
		dirs = append(dirs, found...)
	}
	if len(dirs) == 0 {
		return nil, errors.New("there is no run folder; `onceproof run` makes them below runs/")
	}
	return dirs, nil
}

// showEvidence adds up what the faults of the runs in dirs met.
func showEvidence(w io.Writer, dirs []string) error {
	coverage, runs, err := suite.CoverageOf(dirs)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "what the faults of %d runs met: strikes by transaction phase\n\n", runs)
	return reports.Evidence(w, coverage)
}

func reportAgain(cmd *cobra.Command, dirs []string) error {
	for _, dir := range dirs {
		_, in, err := suite.JudgeDir(cmd.Context(), dir, checker.Options{Tool: tool()})
		if err != nil {
			return err
		}
		if err := suite.Publish(cmd.OutOrStdout(), in, false); err != nil {
			return err
		}
	}
	return nil
}

func showTrend(w io.Writer, dirs []string, out string) error {
	trials, err := judged(dirs)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := reports.Trend(&page, filepath.Dir(out), trials); err != nil {
		return err
	}
	if err := os.WriteFile(out, page.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the trend: %w", err)
	}
	if err := reports.TrendText(w, trials, suite.IsTerminal(w)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\n%s shows it\n", out)
	return err
}

// judged loads the runs that have a verdict, and names the others on standard error:
// a run that was interrupted has none.
func judged(dirs []string) ([]reports.Trial, error) {
	var trials []reports.Trial
	for _, dir := range dirs {
		t, err := reports.LoadTrial(dir)
		if errors.Is(err, os.ErrNotExist) {
			fmt.Fprintf(os.Stderr, "left out: %v; `onceproof report %s` judges it\n", err, dir)
			continue
		}
		if err != nil {
			return nil, err
		}
		trials = append(trials, t)
	}
	if len(trials) == 0 {
		return nil, errors.New("none of the run folders has a verdict; `onceproof report DIR` judges them")
	}
	return trials, nil
}
