package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/suite"
	"github.com/onceproof/onceproof/reports"
)

func listCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the scenarios that ship with onceproof",
		Example: `  onceproof list`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := scenario.List()
			if err != nil {
				return err
			}
			t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, s := range all {
				fmt.Fprintf(t, "%s\t%s\n", s.Metadata.Name, suite.FirstLine(s.Metadata.Description))
			}
			return t.Flush()
		},
	}
}

func explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain ANOMALY",
		Short: "Explain an anomaly: what it is, its smallest history, and what forfeits it",
		Example: `  onceproof explain duplicate-write
  onceproof explain torn-transaction`,
		Args: exactlyOne("anomaly; docs/anomalies.md lists them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, ok := checker.Explain(guarantee.Anomaly(args[0]))
			if !ok {
				return fmt.Errorf("no anomaly is named %q; there are %s", args[0], joined(checker.Anomalies()))
			}
			printExplanation(cmd.OutOrStdout(), e)
			return nil
		},
	}
}

func printExplanation(w io.Writer, e checker.Explanation) {
	fmt.Fprintf(w, "%s breaks %s", e.Anomaly, e.Guarantee)
	if e.Jepsen != "" {
		fmt.Fprintf(w, " (Jepsen: %s)", e.Jepsen)
	}
	fmt.Fprintf(w, "\n\n%s\n\nSource: %s\n", e.Definition, e.Source)
	fmt.Fprintf(w, "Evidence: %s\n", e.Evidence)
	for _, part := range []struct {
		title string
		lines []string
	}{{"The smallest history that shows it", e.Smallest}, {"The nearest that does not", e.Legal}, {"Permitted or expected with", e.Forfeits}} {
		if len(part.lines) > 0 {
			fmt.Fprintf(w, "\n%s:\n  %s\n", part.title, strings.Join(part.lines, "\n  "))
		}
	}
}

// joined lists names for an error message.
func joined[S ~string](names []S) string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = string(n)
	}
	return strings.Join(all, ", ")
}

func initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [SCENARIO]",
		Short: "Copy a shipped scenario into this folder, to start from",
		Example: `  onceproof init                   # exactly-once.yaml
  onceproof init guide-recipe`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "exactly-once"
			if len(args) > 0 {
				name = args[0]
			}
			yaml, err := scenario.Source(name)
			if err != nil {
				return err
			}
			file := filepath.Base(name) + ".yaml"
			f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
			if err != nil {
				return fmt.Errorf("write the scenario: %w", err)
			}
			if _, err := f.Write(yaml); err != nil {
				f.Close()
				return fmt.Errorf("write the scenario: %w", err)
			}
			if err := f.Close(); err != nil {
				return fmt.Errorf("write the scenario: %w", err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s written; try: onceproof run %s\n", file, file)
			return err
		},
	}
}

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [scenario | verdict]",
		Short: "Print the JSON Schema of the scenario file, or of verdict.json",
		Example: `  onceproof schema > onceproof.schema.json
  onceproof schema verdict > verdict.schema.json`,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"scenario", "verdict"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "verdict" {
				return reports.Schema(cmd.OutOrStdout())
			}
			_, err := cmd.OutOrStdout().Write(scenario.Schema())
			return err
		},
	}
}
