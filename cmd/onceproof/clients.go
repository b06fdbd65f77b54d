package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/onceproof/onceproof/harness"
	"github.com/onceproof/onceproof/internal/clients"
	"github.com/onceproof/onceproof/internal/doctor"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/suite"
)

func clientsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "clients",
		Short: "List client libraries, and build the workers that runs need of them",
		Long: `A scenario's client of a library is a worker: a small program around that library.
franz-go's is built in; those of other libraries are built from sources that onceproof
carries, with the toolchain of their language.`,
	}
	cmd.AddCommand(clientsListCommand(), completing(clientsBuildCommand(), completeLibraries))
	return cmd
}

func clientsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the libraries, and whether each one's worker is built or can be",
		Example: `  onceproof clients list`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "LIBRARY\tVERSION\tLANGUAGE\tWORKER")
			for _, s := range doctor.Libraries(cmd.Context()) {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", s.Name, s.Version, s.Language, s)
			}
			return t.Flush()
		},
	}
}

func clientsBuildCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "build LIBRARY [VERSION]",
		Short: "Build a library's worker, of the pinned version or of another",
		Long: `Build a library's worker into the user's cache folder (onceproof/clients there), or into
the folder that ONCEPROOF_CLIENTS names. The library and what it needs are fetched by the
ordinary means of its language: go, mvn, npm, pip, cargo. What this machine lacks for
that is said first, and how to install it.

run, verify and compare find the worker there: library: LIBRARY, or LIBRARY@VERSION.`,
		Example: `  onceproof clients build java
  onceproof clients build java 3.9.1
  onceproof clients build sarama v1.40.0`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return fmt.Errorf("name one library, and a version if it is not the pinned one: %s; onceproof clients list shows them", cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			name, version := process.SplitVersion(args[0])
			if len(args) == 2 {
				if version != "" {
					return fmt.Errorf("two versions of %s are given, %s and %s; give one", name, version, args[1])
				}
				version = args[1]
			}
			worker, err := buildWorker(cmd.Context(), name, version, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), worker)
			return err
		},
	}
}

// buildWorker builds one worker and returns its file, with the exit code in the error.
func buildWorker(ctx context.Context, name, version string, log io.Writer) (string, error) {
	spec := strings.TrimSuffix(name+"@"+version, "@")
	command, lookupErr := harness.Worker(spec)
	library, known := clients.Find(name)
	switch {
	case errors.Is(lookupErr, process.ErrNoLibrary):
		return "", lookupErr
	case !known:
		return "", fmt.Errorf("library %s is not one that onceproof has the sources of; build it in its own folder", name)
	case lookupErr == nil && len(command) > 1:
		return strings.Join(command, " "), nil // built in
	}
	fmt.Fprintf(log, "building the worker of %s\n", spec)
	worker, err := library.Build(ctx, os.Getenv(process.EnvClients), version, log)
	switch {
	case errors.Is(err, clients.ErrVersion):
		return "", err
	case err != nil && ctx.Err() != nil:
		return "", suite.ErrInterrupted
	case err != nil:
		return "", suite.WithExit(suite.ExitUnjudged, err)
	}
	if used, err := harness.Worker(spec); err == nil && used[0] != worker {
		fmt.Fprintf(log, "note: runs from this folder use %s, which is looked for first\n", used[0])
	}
	return worker, nil
}

// buildFlag is --build, for commands that start workers.
func buildFlag(f *pflag.FlagSet, build *bool) {
	f.BoolVar(build, "build", false, "build the workers that are missing first, as onceproof clients build does")
}

// buildMissing builds the workers of libraries that are not built yet. With asJSON what
// a build says goes to standard error as JSON lines too.
func buildMissing(ctx context.Context, libraries []string, asJSON bool) error {
	var log io.Writer = os.Stderr
	if asJSON {
		log = &buildLines{w: os.Stderr}
	}
	for _, l := range libraries {
		if _, err := harness.Worker(l); !errors.Is(err, process.ErrNoWorker) {
			continue // built, or an error that the caller makes better
		}
		name, version := process.SplitVersion(l)
		if _, err := buildWorker(ctx, name, version, log); err != nil {
			return err
		}
	}
	return nil
}

// buildLines writes each line as {"build": "…"}.
type buildLines struct {
	w    io.Writer
	rest []byte // the begun line
}

func (b *buildLines) Write(p []byte) (int, error) {
	b.rest = append(b.rest, p...)
	for {
		line, rest, whole := bytes.Cut(b.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		b.rest = rest
		if err := json.NewEncoder(b.w).Encode(map[string]string{"build": string(line)}); err != nil {
			return 0, err
		}
	}
}

func completeLibraries(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, l := range clients.Libraries() {
		names = append(names, l.Name+"\t"+l.Language)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
