package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/suite"
	"github.com/onceproof/onceproof/reports"
)

func checkCommand() *cobra.Command {
	var (
		memory string
		format string
		only   []string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "check DIR|FILE|-",
		Short: "Judge a history again, without a cluster",
		Long: `Judge a run folder, a history file (plain or zstd), or standard input. Jepsen's
jepsen.tests.kafka histories (EDN, also gzipped) are read too.

Exit code: 0 as the history's header expects, 1 a guarantee differs, 2 the file or the
command line is wrong (with the line), 3 it could not be judged.`,
		Example: `  onceproof check runs/guide-recipe-7-20260101T120000
  zstdcat history.jsonl.zst | onceproof check - --json
  onceproof check history.edn --only no-loss,order`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("check judges one history at a time, and %d were given; give a run folder, a file, or - for standard input", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opt, err := checkOptions(memory, only)
			if err != nil {
				return err
			}
			r, err := history.OpenFormat(args[0], format)
			if err != nil {
				return err
			}
			defer r.Close()
			r.Limit(opt.Memory / 4)
			opt.Tool = tool()
			opt.Progress = checkProgress(cmd.ErrOrStderr())
			report, err := checker.Check(cmd.Context(), r, opt)
			if err != nil {
				return err
			}
			if err := printReport(cmd.OutOrStdout(), report, r.Header(), asJSON); err != nil {
				return err
			}
			return verdictError(report)
		},
	}
	cmd.Flags().StringVar(&memory, "memory", "512MiB", "memory to stay below; the rest is sorted on disk")
	cmd.Flags().StringVar(&format, "format", "", history.FormatName+" or "+history.JepsenFormat+"; found out if not given")
	cmd.Flags().StringSliceVar(&only, "only", nil, "judge only these guarantees")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print verdict.json on standard output")
	return cmd
}

// leastMemory is what reading alone needs.
const leastMemory = 16 << 20

// checkProgress redraws how far a check is, on a terminal.
func checkProgress(w io.Writer) func(events int64) {
	if !suite.IsTerminal(w) {
		return nil
	}
	return func(events int64) { fmt.Fprintf(w, "\r%d events\r", events) }
}

func checkOptions(memory string, only []string) (checker.Options, error) {
	bytes, err := parseBytes(memory)
	if err != nil {
		return checker.Options{}, fmt.Errorf("--memory: %w", err)
	}
	if bytes < leastMemory {
		return checker.Options{}, fmt.Errorf("--memory: %s is too little to judge in; give at least 16MiB", memory)
	}
	opt := checker.Options{Memory: bytes}
	for _, name := range only {
		g := guarantee.Guarantee(name)
		if !slices.Contains(guarantee.All, g) {
			return opt, fmt.Errorf("--only: no guarantee is named %q; there are %s", name, joined(guarantee.All))
		}
		opt.Only = append(opt.Only, g)
	}
	return opt, nil
}

func printReport(w io.Writer, report *checker.Report, h history.Header, asJSON bool) error {
	if asJSON {
		return reports.JSON(w, report)
	}
	return reports.Terminal(w, reports.Input{Report: report, Header: h}, suite.IsTerminal(w))
}

// verdictError turns a report's exit code into the error that ends the command.
func verdictError(r *checker.Report) error {
	if r.Exit == suite.ExitExpected {
		return nil
	}
	return suite.WithExit(r.Exit, errors.New(r.Why))
}

// parseBytes reads "512MiB", "1GiB", "300MB" or a plain number of bytes.
func parseBytes(s string) (int64, error) {
	units := []struct {
		suffix string
		factor int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}
	for _, u := range units {
		number, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		var n int64
		if _, err := fmt.Sscanf(number+"\n", "%d\n", &n); err != nil || n <= 0 {
			break
		}
		return n * u.factor, nil
	}
	return 0, fmt.Errorf("%q is no amount of memory, such as 512MiB or 2GiB", s)
}
