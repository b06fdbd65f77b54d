package main

import (
	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/suite"
)

// completing gives a command's arguments to shells that ask what may follow.
func completing(cmd *cobra.Command, complete cobra.CompletionFunc) *cobra.Command {
	cmd.ValidArgsFunction = complete
	return cmd
}

// completeScenarios offers the shipped scenarios by name; files the shell knows itself.
func completeScenarios(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	all, err := scenario.List()
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []cobra.Completion
	for _, s := range all {
		names = append(names, cobra.CompletionWithDesc(s.Metadata.Name, suite.FirstLine(s.Metadata.Description)))
	}
	return names, cobra.ShellCompDirectiveDefault
}

func completeAnomalies(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, a := range checker.Anomalies() {
		if len(args) == 0 {
			names = append(names, cobra.Completion(a))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func completeFolders(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}
