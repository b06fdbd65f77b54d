package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/draft"
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
	o, program := draft.Options{}, false
	cmd := &cobra.Command{
		Use:   "init [SCENARIO | --program -- COMMAND…]",
		Short: "Write a scenario to start from: a shipped one, or that of your own program",
		Long: `Copy a shipped scenario into this folder, to start from.

With --program, run your own application for ten seconds without faults, in front of a
producer of ours that fills its input topic, show what it did (groups, topics,
transactional ids, and whether its outputs show which inputs they were made from), and
write a scenario for it. Put ${bootstrap} where it takes its servers; they are in the
environment variable BOOTSTRAP_SERVERS too.`,
		Example: `  onceproof init                   # exactly-once.yaml
  onceproof init guide-recipe
  onceproof init --program --input orders --output receipts -- java -jar till.jar '${bootstrap}'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if program {
				return initProgram(cmd, o, args)
			}
			if len(args) > 1 {
				return fmt.Errorf("name one scenario, or give --program and the command of your own after --")
			}
			name := "exactly-once"
			if len(args) > 0 {
				name = args[0]
			}
			yaml, err := scenario.Source(name)
			if err != nil {
				return err
			}
			file := filepath.Base(name) + ".yaml"
			if err := draft.Write(file, yaml); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s written; try: onceproof run %s\n", file, file)
			return err
		},
	}
	f := cmd.Flags()
	f.BoolVar(&program, "program", false, "the arguments are a program of your own: run it, and write its scenario")
	f.StringVar(&o.Name, "name", "app", "of the program in the scenario, and of the file")
	f.StringVar(&o.Input, "input", "", "topic that the program reads")
	f.StringVar(&o.Output, "output", "", "topic that it writes")
	f.StringVar(&o.Backend, "backend", "", "auto, docker or embedded")
	return cmd
}

// initProgram writes the scenario of a program.
func initProgram(cmd *cobra.Command, o draft.Options, args []string) error {
	switch {
	case len(args) == 0:
		return fmt.Errorf("--program: name the command after --, such as: onceproof init --program --input orders -- java -jar till.jar '${bootstrap}'")
	case o.Input == "":
		return fmt.Errorf("--program: say which topic it reads with --input")
	}
	file := o.Name + ".yaml"
	if _, err := os.Stat(file); err == nil {
		return fmt.Errorf("%s is there already; give another --name", file)
	}
	dir, err := os.MkdirTemp("", "onceproof-init-")
	if err != nil {
		return err
	}
	o.Program, o.Dir = args, filepath.Join(dir, "run")
	o.Say = func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), "  "+line) }
	found, text, err := draft.Run(cmd.Context(), o)
	if err != nil {
		return err
	}
	if err := draft.Write(file, text); err != nil {
		return err
	}
	for _, line := range found.Words(o) {
		fmt.Fprintln(cmd.OutOrStdout(), line)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s written; try: onceproof run %s\n", file, file)
	return errors.Join(err, os.RemoveAll(dir))
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
