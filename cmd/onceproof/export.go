package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/history/parquet"
)

func historyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "history", Short: "Export a history for other tools"}
	cmd.AddCommand(exportCommand())
	return cmd
}

func exportCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "export DIR|FILE|-",
		Short: "Print a history as Jepsen's EDN (jepsen.tests.kafka) or as a Parquet table",
		Example: `  onceproof history export runs/guide-recipe-7-… > history.edn
  onceproof check history.edn
  onceproof history export runs/guide-recipe-7-… --format parquet > history.parquet`,
		Args: exactlyOne("run folder or history file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			export, ok := map[string]func(io.Writer, *history.Reader) error{
				"edn":     history.ExportEDN,
				"parquet": parquet.Export,
			}[format]
			if !ok {
				return fmt.Errorf("--format %s: a history is exported as edn or parquet", format)
			}
			r, err := history.Open(args[0])
			if err != nil {
				return err
			}
			defer r.Close()
			if err := export(cmd.OutOrStdout(), r); err != nil {
				return fmt.Errorf("export %s: %w", args[0], err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "edn", "edn (one operation a line) or parquet (one row a record; docs/history.md has queries)")
	return cmd
}
