package main

import (
	"errors"
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
		keys    bool
		fix     bool
	)
	cmd := &cobra.Command{
		Use:   "lint [SCENARIO…]",
		Short: "Say what a configuration can promise at best, before any run",
		Long: `Read configuration files as production has them (Java properties, Spring, Quarkus,
Micronaut, Camel, Kafka Streams, Connect, MirrorMaker 2, Flink, librdkafka, the options of
kafkajs, sarama, franz-go and others, .env files, manifests), or the clients of a scenario, and say
what they can promise at best: which line forfeits which guarantee, why, what to write
instead, and the scenario that shows it.

Defaults are those of --library; "java@2.8.2" means that version's. The commit pattern
is found from the files (a transactional.id means transaction, enable.auto.commit=true
means auto, else after-batch), or given by --pattern.

Every key of a file ends as used, as of no bearing on delivery, as another file's, or as
unknown; --keys names each. What depends on a placeholder or on a key that nobody knows is
not known.

Exit code 1 if anything is an error: one ordinary fault breaks a promise; 3 if a guarantee
is not known. Warnings and remarks end with 0.`,
		Example: `  onceproof lint --producer producer.properties --consumer consumer.properties
  onceproof lint --library sarama --producer p.properties --broker server.properties
  onceproof lint guide-recipe              # a scenario's clients
  onceproof lint --config application.yml --profile prod
  onceproof lint --producer p.properties --fix | patch -p0
  onceproof lint --explain acks-1          # a rule's page
  onceproof lint --producer p.properties --format sarif > lint.sarif`,
		RunE: func(cmd *cobra.Command, names []string) error {
			out := cmd.OutOrStdout()
			if explain != "" {
				return explainRule(out, explain)
			}
			opened, err := applications(cmd.ErrOrStderr(), files, names)
			if err != nil {
				return err
			}
			issues := lint.Lint(opened.Apps)
			promises := lint.Promises(opened.Apps, issues)
			if fix {
				if len(opened.Readings) == 0 {
					return errors.New("--fix changes configuration files: name one by --producer, --consumer, --broker or --config")
				}
				return errors.Join(lint.Fix(out, opened.Apps, issues), lintError(issues, promises))
			}
			if err := printIssues(out, format, opened, issues, promises, keys); err != nil {
				return err
			}
			return lintError(issues, promises)
		},
	}
	propertyFlags(cmd, &files)
	cmd.Flags().StringVar(&format, "format", "text", "text, json or sarif")
	cmd.Flags().BoolVar(&keys, "keys", false, "name every key of the files with what became of it")
	cmd.Flags().BoolVar(&fix, "fix", false, "print what mends it as a unified diff of the files (patch -p0 takes it); the files stay as they are")
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
	f.StringArrayVar(&files.Config, "config", nil, "a framework's file (Spring, Quarkus, Micronaut, Camel, Streams, Connect, MirrorMaker 2, Flink), an .env file, or one with a producer's and a consumer's settings; may be repeated")
	f.StringVar(&files.Manifest, "manifest", "", "a Kubernetes or compose manifest: the environment of its containers, the files of its ConfigMaps")
	f.StringVar(&files.As, "as", "", "the framework of --config: spring, smallrye, micronaut, camel, streams, connect, connector, mirror, flink (default: found out from the keys)")
	f.StringVar(&files.Profile, "profile", "", "the profile of a Spring or Quarkus file that counts")
	f.StringToStringVar(&files.Set, "set", nil, "values for placeholders: --set KAFKA_ACKS=all")
	f.StringVar(&files.Client, "client", "", "the only client of the file that is looked at, where it has several")
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
func applications(notes io.Writer, files lint.Files, names []string) (*lint.Opened, error) {
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
	if len(names) > 0 && files.Producer+files.Consumer+files.Broker+files.Manifest == "" && len(files.Config) == 0 {
		return &lint.Opened{Apps: apps}, nil
	}
	opened, err := files.Open()
	if opened != nil {
		for _, note := range opened.Notes {
			fmt.Fprintln(notes, "note:", note)
		}
	}
	if err != nil {
		return nil, err
	}
	opened.Apps = append(apps, opened.Apps...)
	return opened, nil
}

func printIssues(out io.Writer, format string, opened *lint.Opened, issues []lint.Issue, promises []lint.Standing, keys bool) error {
	switch format {
	case "text":
		if err := lint.Text(out, issues, promises, suite.IsTerminal(out)); err != nil {
			return err
		}
		return lint.Keys(out, opened.Readings, keys)
	case "json":
		return lint.JSON(out, issues)
	case "sarif":
		return lint.SARIF(out, version(), issues)
	}
	return fmt.Errorf("--format %q is none of text, json, sarif", format)
}

// lintError is the first error, one with a line of its own if there is any; else what
// could not be said.
func lintError(issues []lint.Issue, promises []lint.Standing) error {
	errs := slices.DeleteFunc(slices.Clone(issues), func(i lint.Issue) bool { return i.Severity != lint.Error })
	if len(errs) == 0 {
		for _, p := range promises {
			if p.State == lint.NotKnown {
				return suite.WithExit(suite.ExitUnjudged, fmt.Errorf("%s is not known: %s; write it out, in Kafka's or the library's words, or give a placeholder's value by --set NAME=VALUE", p.Guarantee, p.Reason))
			}
		}
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
