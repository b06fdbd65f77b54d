package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write a man page for each command",
		Hidden: true, // for packagers: `make man`
		Example: `  onceproof man /usr/local/share/man/man1
  man onceproof-run`,
		Args: exactlyOne("folder to write to"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("write man pages: %w", err)
			}
			top := cmd.Root()
			top.DisableAutoGenTag = true // the same program writes the same pages
			header := &doc.GenManHeader{Title: "ONCEPROOF", Section: "1", Source: "onceproof " + version(), Manual: "onceproof"}
			if err := doc.GenManTree(top, header, args[0]); err != nil {
				return fmt.Errorf("write man pages: %w", err)
			}
			return nil
		},
	}
}
