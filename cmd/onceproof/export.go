package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/history"
)

func historyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "history", Short: "Give a history to other people's tools"}
	cmd.AddCommand(&cobra.Command{
		Use:   "export DIR|FILE|-",
		Short: "Print a history as Jepsen's EDN (jepsen.tests.kafka), one operation a line",
		Example: `  onceproof history export runs/guide-recipe-7-… > history.edn
  onceproof check history.edn`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := history.Open(args[0])
			if err != nil {
				return err
			}
			defer r.Close()
			if err := history.ExportEDN(cmd.OutOrStdout(), r); err != nil {
				return fmt.Errorf("export %s: %w", args[0], err)
			}
			return nil
		},
	})
	return cmd
}
