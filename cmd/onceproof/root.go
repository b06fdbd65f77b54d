package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "onceproof",
		Short: "Prove or refute that a Kafka configuration delivers exactly once",
		Long: `onceproof runs real Kafka clients under real faults and judges what happened.

A scenario describes a cluster, its clients, the faults, and the expected verdict on
each guarantee. Each run writes a folder with the plan, the complete history, the
verdict with a witness for everything that broke, and an HTML report.

Exit codes:
  0    every guarantee is as expected
  1    a guarantee differs from what was expected
  2    the command line or a file is wrong
  3    could not be judged: no container engine, a cluster or worker that did not
       start, a fault without a proven effect, an unknown or unexercised guarantee
  130  interrupted; everything that was started has been removed`,
		Example: `  onceproof run guide-recipe            # a popular recipe, and where it breaks
  onceproof run exactly-once            # the configuration that holds
  onceproof run my-scenario.yaml --seed 7 --backend docker
  onceproof check runs/guide-recipe-7-…   # judge a history again
  onceproof replay runs/guide-recipe-7-…  # run the same plan again`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.SetVersionTemplate(versionText())
	cmd.AddCommand(
		completing(runCommand(), completeScenarios),
		lintCommand(),
		verifyCommand(),
		compareCommand(),
		searchCommand(),
		replayCommand(),
		shrinkCommand(),
		checkCommand(),
		completing(reportCommand(), completeFolders),
		historyCommand(),
		listCommand(),
		completing(explainCommand(), completeAnomalies),
		completing(initCommand(), completeScenarios),
		schemaCommand(),
		doctorCommand(),
		clientsCommand(),
		clusterCommand(),
		workerTestCommand(),
		versionCommand(),
		manCommand(),
		workerCommand(),
	)
	return cmd
}

// exactlyOne and atLeastOne name what a command wants where its arguments are not as many.
func exactlyOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("name one %s: %s", what, cmd.UseLine())
	}
}

func atLeastOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return fmt.Errorf("name a %s: %s", what, cmd.UseLine())
	}
}

// times is a flag that says how often, 1 if it is not given. Never: a gate that runs
// nothing would pass.
func times(f *pflag.FlagSet, n *int, name, usage string) {
	*n = 1
	f.Var((*atLeastOnce)(n), name, usage)
}

type atLeastOnce int

func (n *atLeastOnce) String() string { return strconv.Itoa(int(*n)) }
func (n *atLeastOnce) Type() string   { return "int" }

func (n *atLeastOnce) Set(s string) error {
	v, err := strconv.Atoi(s)
	if err != nil || v < 1 {
		return errors.New("want 1 or more")
	}
	*n = atLeastOnce(v)
	return nil
}
