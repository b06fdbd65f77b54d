package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/suite"
)

func doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine can do, what would be refused, and the way out",
		Long: `Say what this machine can do, what would be refused, and the way out: by trying the
container engine, its image and kernel, looking for each library's worker, and asking
which shipped scenarios would be refused here. It changes nothing and leaves nothing.`,
		Example: `  onceproof doctor`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			facts := cluster.Probe(cmd.Context(), "")
			tell(out, append(facts, workerFacts()...))
			refused, err := refusals(docker(facts))
			if err != nil {
				return err
			}
			return tellRefusals(out, refused, docker(facts))
		},
	}
}

func tell(w io.Writer, facts []cluster.Fact) {
	for _, f := range facts {
		mark := "yes"
		if !f.OK {
			mark = "no "
		}
		fmt.Fprintf(w, "%s  %s: %s\n", mark, f.Name, f.Text)
		if !f.OK && f.WayOut != "" {
			fmt.Fprintf(w, "     %s\n", f.WayOut)
		}
	}
}

// docker tells whether scenarios can have real brokers here.
func docker(facts []cluster.Fact) bool {
	ok := map[string]bool{}
	for _, f := range facts {
		ok[f.Name] = f.OK
	}
	return ok["docker engine"] && ok["kafka image"]
}

// workerFacts say which libraries have a worker that can be started.
func workerFacts() []cluster.Fact {
	var facts []cluster.Fact
	for _, library := range process.Libraries() {
		f := cluster.Fact{Name: "worker " + library, OK: true}
		command, err := process.Lookup(library)
		if err != nil {
			f.OK, f.Text = false, "not built"
			_, f.WayOut, _ = strings.Cut(err.Error(), "build it with ")
			facts = append(facts, f)
			continue
		}
		f.Text = command[0]
		if library == process.Builtin {
			f.Text = "built in"
		}
		facts = append(facts, f)
	}
	return facts
}

// refusals are the shipped scenarios that would be refused here, and why.
func refusals(docker bool) (map[string]string, error) {
	all, err := scenario.List()
	if err != nil {
		return nil, err
	}
	refused := map[string]string{}
	for _, s := range all {
		backend := "docker"
		if !docker {
			backend = "embedded"
			if s.Cluster.Backend == "docker" {
				refused[s.Metadata.Name] = "it wants backend docker"
				continue
			}
		}
		if err := scenario.CheckBackend(s, backend); err != nil {
			refused[s.Metadata.Name] = suite.FirstLine(err.Error())
		}
	}
	return refused, nil
}

func tellRefusals(w io.Writer, refused map[string]string, docker bool) error {
	names := scenario.Names()
	backend := "docker"
	if !docker {
		backend = "embedded"
	}
	fmt.Fprintf(w, "\n%d of %d shipped scenarios can run here, on backend %s\n", len(names)-len(refused), len(names), backend)
	for _, n := range names {
		if why, no := refused[n]; no {
			fmt.Fprintf(w, "no   %s: %s\n", n, why)
		}
	}
	return nil
}
