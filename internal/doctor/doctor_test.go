package doctor

import (
	"slices"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/internal/clients"
	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// away sets a machine with no workers.
func away(t *testing.T) {
	t.Helper()
	t.Setenv("ONCEPROOF_CLIENTS", "")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Chdir(t.TempDir())
}

func all(facts ...string) map[string]bool {
	have := map[string]bool{}
	for _, f := range facts {
		have[f] = true
	}
	return have
}

// TestJudge: what runs, what needs something first, and what is refused.
func TestJudge(t *testing.T) {
	away(t)
	java := Library{Name: "java", Lacks: []clients.Lack{}}
	bare := Library{Name: "java", Lacks: []clients.Lack{{Why: "Maven is missing", Install: "apt-get install maven"}}}
	of := func(library, image string, kind scenario.FaultKind) *scenario.Scenario {
		s := &scenario.Scenario{Clients: []scenario.Client{{Name: "shop", Library: library}}, Cluster: scenario.Cluster{Image: image}}
		if kind != "" {
			s.Faults = []scenario.Fault{{Kind: kind}}
		}
		return s
	}
	kernel := all(cluster.FactFilter, cluster.FactQueue, cluster.FactProcesses)
	for _, tt := range []struct {
		name    string
		here    here
		of      *scenario.Scenario
		runs    bool
		first   []string
		refused string
	}{
		{"built in", here{}, of("franz-go", "", ""), true, nil, ""},
		{"a worker to build", here{libraries: []Library{java}}, of("java@3.9.1", "", ""), false, []string{"onceproof clients build java 3.9.1"}, ""},
		{"a worker that cannot be built", here{libraries: []Library{bare}}, of("java", "", ""), false, nil, "Maven is missing"},
		{"skew, embedded", here{}, of("franz-go", "", scenario.KindSkew), false, nil, "embedded"},
		{"skew on docker", here{docker: true, facts: kernel}, of("franz-go", "", scenario.KindSkew), true, nil, ""},
		{"skew where processes are not changed", here{docker: true, facts: all(cluster.FactFilter)}, of("franz-go", "", scenario.KindSkew), false, nil, cluster.FactProcesses},
		{"partition without a packet filter", here{docker: true}, of("franz-go", "", scenario.KindPartition), false, nil, cluster.FactFilter},
		{"an image to fetch", here{docker: true, images: []string{"apache/kafka:3.9.1"}}, of("franz-go", "apache/kafka:3.9.1", ""), false, []string{"docker pull apache/kafka:3.9.1"}, ""},
	} {
		got := tt.here.judge(tt.of)
		if got.Runs != tt.runs || !slices.Equal(got.First, tt.first) || !strings.Contains(got.Refused, tt.refused) || (got.Refused == "") != (tt.refused == "") {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

// TestExamine without an engine and away from the checkout: nothing is counted that
// wants a worker which is not built.
func TestExamine(t *testing.T) {
	away(t)
	t.Setenv("DOCKER_HOST", "unix://"+t.TempDir()+"/no.sock")
	r, err := Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	runs, first, refused := r.count()
	if runs == 0 || refused == 0 || runs+first+refused != len(r.Scenarios) || len(r.Scenarios) != len(scenario.Names()) {
		t.Errorf("%d run, %d after something, %d do not, of %d", runs, first, refused, len(r.Scenarios))
	}
	for _, s := range r.Scenarios {
		loaded, err := scenario.Load(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range loaded.Clients {
			if s.Runs && c.Library != "franz-go" && len(c.Command)+len(c.Program) == 0 {
				t.Errorf("%s is said to run, and %s has no worker here", s.Name, c.Library)
			}
		}
	}
	var text strings.Builder
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"onceproof ", "no   docker engine: ", "runs on backend embedded need none", "yes  worker franz-go: built in", "no   worker sarama: not built", "can run here, on backend embedded", "no   leader-isolated: "} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), ".ci/") {
		t.Errorf("a path of our tree is no hint:\n%s", text.String())
	}
}
