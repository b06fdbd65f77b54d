package main

import (
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/scenarios"
)

func listCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the scenarios that ship with onceproof",
		Example: `  onceproof list`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := scenarios.List()
			if err != nil {
				return err
			}
			t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, s := range all {
				fmt.Fprintf(t, "%s\t%s\n", s.Metadata.Name, firstLine(s.Metadata.Description))
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
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := checker.Explain(checker.Anomaly(args[0]))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), e)
			return err
		},
	}
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
			yaml, err := scenarios.Source(name)
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
		Use:     "schema",
		Short:   "Print the scenario file's JSON Schema",
		Example: `  onceproof schema > onceproof.schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(scenarios.Schema())
			return err
		},
	}
}
