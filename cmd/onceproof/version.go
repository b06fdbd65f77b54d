package main

import (
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/internal/buildinfo"
)

func versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print version, commit, Go version and platform",
		Long: `Print version, commit, Go version and platform of this program. The history's header
and verdict.json name version and commit too, under "tool".`,
		Example: `  onceproof version
  onceproof version --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info := buildinfo.Read()
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(info)
			}
			return info.Print(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

// version is the version alone.
func version() string { return buildinfo.Read().Version }

// tool is this program as histories and verdicts name it: version and commit.
func tool() string { return buildinfo.Read().String() }

// versionText is what --version prints: the same as the command version.
func versionText() string {
	var b strings.Builder
	_ = buildinfo.Read().Print(&b) // a Builder takes everything
	return b.String()
}
