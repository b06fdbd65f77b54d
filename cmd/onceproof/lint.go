package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/internal/lint"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/suite"
)

func lintCommand() *cobra.Command {
	var (
		files   lint.Files
		format  string
		explain string
	)
	cmd := &cobra.Command{
		Use:   "lint [SCENARIO…]",
		Short: "Say what a configuration can promise at best, before any run",
		Long: `Read properties files as production has them, or the clients of a scenario, and say
what they can promise at best: which line forfeits which guarantee, why, what to write
instead, and the scenario that shows it.

Defaults are those of --library; "java@2.8.2" means that version's. The commit pattern
is found from the files (a transactional.id means transaction, enable.auto.commit=true
means auto, else after-batch), or given by --pattern.

Exit code 1 if anything is an error: one ordinary fault breaks a promise. Warnings and
remarks end with 0.`,
		Example: `  onceproof lint --producer producer.properties --consumer consumer.properties
  onceproof lint --library sarama --producer p.properties --broker server.properties
  onceproof lint guide-recipe              # a scenario's clients
  onceproof lint --explain acks-1          # a rule's page
  onceproof lint --producer p.properties --format sarif > lint.sarif`,
		RunE: func(cmd *cobra.Command, names []string) error {
			out := cmd.OutOrStdout()
			if explain != "" {
				return explainRule(out, explain)
			}
			apps, err := applications(cmd.ErrOrStderr(), files, names)
			if err != nil {
				return err
			}
			issues := lint.Lint(apps)
			if err := printIssues(out, format, apps, issues); err != nil {
				return err
			}
			return lintError(issues)
		},
	}
	propertyFlags(cmd, &files)
	cmd.Flags().StringVar(&format, "format", "text", "text, json or sarif")
	cmd.Flags().StringVar(&explain, "explain", "", "print a rule's page: what it forfeits, why, where Kafka says so")
	return cmd
}

// propertyFlags are those of every command that reads the user's own files.
func propertyFlags(cmd *cobra.Command, files *lint.Files) {
	f := cmd.Flags()
	f.StringVar(&files.Library, "library", "java", "the client library, whose defaults count; name or name@version")
	f.StringVar(&files.Producer, "producer", "", "the producer's properties file")
	f.StringVar(&files.Consumer, "consumer", "", "the consumer's properties file")
	f.StringVar(&files.Broker, "broker", "", "the brokers' properties file")
	f.StringVar(&files.Pattern, "pattern", "", "when the application commits: "+strings.Join(scenario.CommitPatterns, ", "))
}

// sideless is the error of a properties file that is given where a scenario would be.
func sideless(file string) error {
	if filepath.Ext(file) != ".properties" {
		return nil
	}
	return fmt.Errorf("whose properties are in %[1]s? Say --producer %[1]s, --consumer %[1]s or --broker %[1]s", file)
}

// applications are those of the scenarios that are named, else of the files.
func applications(notes io.Writer, files lint.Files, names []string) ([]*lint.Application, error) {
	var apps []*lint.Application
	for _, name := range names {
		if err := sideless(name); err != nil {
			return nil, err
		}
		s, err := scenario.Load(name)
		if err != nil {
			return nil, err
		}
		apps = append(apps, lint.OfScenario(s)...)
	}
	if len(names) > 0 && files.Producer+files.Consumer+files.Broker == "" {
		return apps, nil
	}
	a, more, err := files.Open()
	for _, note := range more {
		fmt.Fprintln(notes, "note:", note)
	}
	if err != nil {
		return nil, err
	}
	return append(apps, a), nil
}

func printIssues(out io.Writer, format string, apps []*lint.Application, issues []lint.Issue) error {
	switch format {
	case "text":
		return lint.Text(out, issues, lint.Promises(apps, issues), suite.IsTerminal(out))
	case "json":
		return lint.JSON(out, issues)
	case "sarif":
		return lint.SARIF(out, version(), issues)
	}
	return fmt.Errorf("--format %q is none of text, json, sarif", format)
}

// lintError is the first error, one with a line of its own if there is any.
func lintError(issues []lint.Issue) error {
	errs := slices.DeleteFunc(slices.Clone(issues), func(i lint.Issue) bool { return i.Severity != lint.Error })
	if len(errs) == 0 {
		return nil
	}
	i := errs[max(0, slices.IndexFunc(errs, func(i lint.Issue) bool { return i.Line > 0 }))]
	return suite.WithExit(suite.ExitDiffers, fmt.Errorf("%s: %s: %s", i.Place(), i.Setting(), i.Promise))
}

func explainRule(out io.Writer, id string) error {
	r, ok := lint.Lookup(id)
	if !ok {
		var all []string
		for _, r := range lint.Rules() {
			all = append(all, r.ID)
		}
		return fmt.Errorf("no rule is named %q; %s", id, scenario.Meant(id, all))
	}
	return lint.Explain(out, r)
}
