package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	franzgo "github.com/onceproof/onceproof/clients/franz-go"
	"github.com/onceproof/onceproof/harness"
	"github.com/onceproof/onceproof/internal/conformance"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/suite"
)

func workerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "worker LIBRARY", Short: "Be a worker (started by the harness)", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] != "franz-go" {
				return fmt.Errorf("no worker for %q is built in", args[0])
			}
			os.Exit(franzgo.Main(cmd.Context(), os.Stdin, os.Stdout, os.Stderr))
			return nil
		},
	}
}

func workerTestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "worker-test PROGRAM [ARG…]",
		Short: "Prove that a program speaks the worker protocol",
		Long: `Run the worker protocol's conformance suite on a program, against an embedded
cluster. docs/worker-protocol.md says what a worker must do.`,
		Example: `  onceproof worker-test ./my-worker
  onceproof worker-test python3 worker.py
  onceproof worker-test franz-go            # the built-in one
  onceproof worker-test sarama@v1.40.0      # built by onceproof clients build sarama v1.40.0`,
		Args: atLeastOne("worker: a program, or the name of a library"),
		RunE: func(cmd *cobra.Command, args []string) error {
			command, err := process.Program(args)
			if errors.Is(err, process.ErrNoLibrary) {
				_, err = harness.Worker(args[0])
			}
			if err != nil {
				return withoutWorker(err)
			}
			failed := 0
			err = conformance.Run(cmd.Context(), command, func(name string, err error) {
				if err != nil {
					failed++
					fmt.Fprintf(cmd.OutOrStdout(), "FAIL  %s: %v\n", name, err)
					return
				}
				fmt.Fprintf(cmd.OutOrStdout(), "ok    %s\n", name)
			})
			if err == nil && failed > 0 {
				err = errors.New("the worker breaks the protocol")
			}
			if err != nil {
				return suite.WithExit(suite.ExitDiffers, err)
			}
			return nil
		},
	}
}
