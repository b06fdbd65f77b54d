package main

import (
	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/internal/doctor"
)

func doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine can do, what would be refused, and what to do about it",
		Long: `Say what this machine can do, what would be refused, and what to do about it: by trying
the container engine, its image and kernel, looking for each library's worker and for the
tools to build it, and asking which shipped scenarios can run. It changes nothing and
leaves nothing behind.`,
		Example: `  onceproof doctor
  onceproof doctor --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := doctor.Examine(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return report.JSON(cmd.OutOrStdout())
			}
			return report.Text(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}
