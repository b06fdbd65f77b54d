package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/suite"
)

func clusterCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "cluster", Short: "Start a cluster for manual use, or remove what is left of one"}
	spec := cluster.Spec{Name: "cluster", Backend: "auto", Brokers: 3}
	up := &cobra.Command{
		Use:   "up",
		Short: "Start a cluster, print its bootstrap servers, and stop it on Ctrl-C",
		Example: `  onceproof cluster up --brokers 3
  onceproof cluster up --backend docker`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			spec.Progress = func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }
			c, chosen, err := cluster.Start(cmd.Context(), spec)
			if err != nil {
				return suite.WithExit(suite.ExitUnjudged, err)
			}
			fmt.Fprintln(cmd.ErrOrStderr(), chosen)
			var addrs []string
			for _, b := range c.Brokers() {
				addrs = append(addrs, b.Addr)
			}
			fmt.Fprintln(cmd.OutOrStdout(), strings.Join(addrs, ","))
			<-cmd.Context().Done()
			if err := c.Close(); err != nil {
				return suite.WithExit(suite.ExitUnjudged, err)
			}
			return suite.ErrInterrupted
		},
	}
	up.Flags().StringVar(&spec.Backend, "backend", spec.Backend, "auto, docker or embedded")
	up.Flags().IntVar(&spec.Brokers, "brokers", spec.Brokers, "number of brokers")
	up.Flags().StringVar(&spec.Image, "image", "", "Kafka image")
	down := &cobra.Command{
		Use:     "down",
		Short:   "Remove containers and networks that killed runs have left behind",
		Example: `  onceproof cluster down`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			removed, err := cluster.Reap(cmd.Context())
			for _, name := range removed {
				fmt.Fprintln(cmd.OutOrStdout(), "removed", name)
			}
			if err != nil {
				return suite.WithExit(suite.ExitUnjudged, err)
			}
			return nil
		},
	}
	cmd.AddCommand(up, down)
	return cmd
}
