package lint

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/settings"
)

var update = flag.Bool("update", false, "write docs/lint.md and the golden files")

// TestEveryRuleIsDemonstrated: a rule is kept only if a shipped scenario shows it:
// the rule fires on its clients and not on its fixed twin's, and what the rule
// says is broken the scenario expects to be violated.
func TestEveryRuleIsDemonstrated(t *testing.T) {
	for _, r := range Rules() {
		t.Run(r.ID, func(t *testing.T) {
			if len(r.Breaks) == 0 || len(r.Sources) == 0 || r.Promise == "" || r.Fix == "" || r.Why == "" || r.Severity.rank() < 0 || (r.Scenario == "") == (r.Unshown == "") {
				t.Errorf("the rule is not whole: %+v", r)
			}
			if r.Unshown != "" {
				return
			}
			s, err := scenario.Load(r.Scenario)
			if err != nil {
				t.Fatal(err)
			}
			if !fires(s, r.ID) {
				t.Errorf("linting %s does not fire the rule", r.Scenario)
			}
			fixed, err := s.WithFixed()
			if err != nil {
				t.Fatal(err)
			}
			if fires(fixed, r.ID) {
				t.Errorf("linting %s fires the rule", fixed.Metadata.Name)
			}
			for _, g := range r.Breaks {
				if s.Expect[g] != "violated" {
					t.Errorf("the rule breaks %s, and %s does not expect that to be violated", g, r.Scenario)
				}
			}
		})
	}
}

func fires(s *scenario.Scenario, rule string) bool {
	return slices.ContainsFunc(Lint(OfScenario(s)), func(i Issue) bool { return i.Rule == rule })
}

// TestExactlyOnceIsClean: there is nothing to say against the configuration that
// holds, nor against any shipped scenario that expects everything to hold.
func TestExactlyOnceIsClean(t *testing.T) {
	clean := 0
	for _, name := range scenario.Names() {
		s, err := scenario.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		broken := slices.ContainsFunc(scenario.Guarantees, func(g string) bool { v := s.Expect[g]; return v != "" && v != "holds" })
		// At least once holds where nothing crashes between the work and its commit.
		twice := slices.ContainsFunc(s.Clients, func(c scenario.Client) bool {
			return c.Input != "" && c.Commit != guarantee.CommitTxn && !observes(s, c)
		})
		if broken || twice {
			continue
		}
		clean++
		for _, i := range Lint(OfScenario(s)) {
			if i.Severity == Error {
				t.Errorf("%s: %s: %s: %s", name, i.Rule, i.Place(), i.Setting())
			}
		}
	}
	if clean < 5 {
		t.Errorf("only %d scenarios expect everything to hold", clean)
	}
}

// observes says whether a client only reads what a processor wrote.
func observes(s *scenario.Scenario, c scenario.Client) bool {
	return slices.ContainsFunc(s.Clients, func(w scenario.Client) bool { return w.Output != "" && w.Output == c.Input })
}

// TestChangesMend: what an issue proposes silences it.
func TestChangesMend(t *testing.T) {
	for _, r := range Rules() {
		if r.Scenario == "" {
			continue
		}
		s, err := scenario.Load(r.Scenario)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range OfScenario(s) {
			for _, i := range r.apply(a) {
				if len(i.Changes) == 0 {
					t.Errorf("%s: nothing mends %s", r.ID, i.Setting())
				}
				if after := r.apply(a.With(i.Changes)); len(after) > 0 {
					t.Errorf("%s: with %v there is still %s", r.ID, i.Changes, after[0].Setting())
				}
			}
		}
	}
}

func TestDocsAreUpToDate(t *testing.T) {
	const file = "../../docs/lint.md"
	if *update {
		if err := os.WriteFile(file, Docs(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, Docs()) {
		t.Errorf("%s is not up to date (-update writes it):\n%s", file, cmp.Diff(string(got), string(Docs())))
	}
}

// file is a properties file of these lines.
func file(t *testing.T, name string, lines ...string) *File {
	t.Helper()
	f, err := settings.Parse(name, []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// ids are the rules that fire, each with its severity and line.
func ids(issues []Issue) []string {
	out := []string{}
	for _, i := range issues {
		out = append(out, fmt.Sprintf("%s %s %s", i.Severity, i.Rule, i.Place()))
	}
	return out
}

func TestFiles(t *testing.T) {
	eos := []string{"acks=all", "enable.idempotence=true", "transactional.id=till-${instance}", "transaction.timeout.ms=60000"}
	committed := []string{"group.id=till", "isolation.level=read_committed", "enable.auto.commit=false", "auto.offset.reset=earliest", "max.poll.interval.ms=50000"}
	tests := []struct {
		name               string
		library, pattern   string
		producer, consumer []string
		want               []string
	}{
		{"a correct transactional pair", "java", "", eos, committed, nil},
		{"the guide", "java", "", []string{"acks=all", "enable.idempotence=false", "retries=10"}, committed, []string{
			"error commit-after-processing c", "error in-flight p", "error idempotence-off p:2", "warning late-commit c"}},
		{"one in flight keeps the order", "java", "", []string{"enable.idempotence=false", "max.in.flight.requests.per.connection=1"}, nil, []string{
			"error idempotence-off p:1"}},
		{"nothing set, Java of today", "java", "", []string{"client.id=x"}, nil, nil},
		{"nothing set, Java 2.8", "java@2.8.2", "", []string{"client.id=x"}, nil, []string{"error acks-1 p", "error idempotence-off p", "error in-flight p"}},
		{"nothing set, Java 3.1.0", "java@3.1.0", "", []string{"client.id=x"}, nil, []string{"error idempotence-off p", "error in-flight p"}},
		{"nothing set, Java 3.1.1", "java@3.1.1", "", []string{"client.id=x"}, nil, nil},
		{"nothing set, sarama", "sarama", "", []string{"client.id=x"}, nil, []string{"error acks-1 p", "error idempotence-off p", "error in-flight p"}},
		{"nothing set, kafka-python of today", "kafka-python", "", []string{"client.id=x"}, nil, nil},
		{"nothing set, kafka-python 2.2", "kafka-python@2.2.15", "", []string{"client.id=x"}, nil, []string{"error acks-1 p", "error idempotence-off p", "error in-flight p"}},
		{"nothing set, kafka-python 2.0 sends once", "kafka-python@2.0.2", "", []string{"client.id=x"}, nil, []string{"error acks-1 p", "error idempotence-off p"}},
		{"nothing set, kafka-go", "kafka-go", "", []string{"client.id=x"}, nil, []string{"error acks-0 p", "error idempotence-off p", "error in-flight p"}},
		{"acks that @platformatic/kafka does not read", "@platformatic/kafka", "", []string{"acks=all", "max.in.flight.requests.per.connection=1"}, nil, []string{"error idempotence-off p", "error acks-1 p:1", "warning known-bug p"}},
		{"acks that its idempotence brings", "@platformatic/kafka", "", []string{"acks=all", "enable.idempotence=true"}, nil, nil},
		{"nothing set, aiokafka sends one at a time", "aiokafka", "", []string{"client.id=x"}, nil, []string{"error acks-1 p", "error idempotence-off p"}},
		{"retries=0 turns idempotence off", "java", "", []string{"retries=0"}, nil, []string{"error idempotence-silently-off p:1"}},
		{"asked for by name, nothing is silent", "java", "", []string{"enable.idempotence=true", "retries=0"}, nil, nil},
		{"acks=-1 is all", "java", "", []string{"acks=-1"}, nil, nil},
		{"the last of two counts", "java", "", []string{"acks=0", "acks=all"}, nil, nil},
		{"auto-commit by default", "java", "", nil, []string{"group.id=g", "isolation.level=read_committed", "auto.offset.reset=earliest"}, []string{"error auto-commit c", "warning late-commit c"}},
		{"a reader of who knows what", "java", "", nil, []string{"enable.auto.commit=false", "auto.offset.reset=earliest"}, []string{"error commit-after-processing c", "warning late-commit c", "warning read-uncommitted c"}},
		{"a reader in a transactional pair", "java", "", eos, slices.Delete(slices.Clone(committed), 1, 2), []string{"error read-uncommitted c"}},
		{"librdkafka reads committed by default", "confluent-kafka", "", nil, []string{"enable.auto.commit=false", "auto.offset.reset=earliest"}, []string{"error commit-after-processing c", "warning late-commit c"}},
		{"one id for whoever starts", "java", "", []string{"transactional.id=till", "transaction.timeout.ms=60000"}, committed, []string{"info transactional-id-shared p:1"}},
		{"an id of the host", "java", "", []string{"transactional.id=till-${HOSTNAME}", "transaction.timeout.ms=60000"}, committed, nil},
		{"an id that only names the client", "java", "", []string{"transactional.id=${client}", "transaction.timeout.ms=60000"}, committed, []string{"info transactional-id-shared p:1"}},
		{"a random id", "java", "", []string{"transactional.id=till-${random.uuid}", "transaction.timeout.ms=60000"}, committed, []string{"error transactional-id-random p:1"}},
		{"a timeout below a poll's", "java", "", []string{"transactional.id=${instance}", "transaction.timeout.ms=40000"}, committed, []string{"warning transaction-timeout p:2"}},
		{"the default timeout, below a poll's", "java", "", []string{"transactional.id=${instance}"}, slices.Delete(slices.Clone(committed), 4, 5), []string{"info transaction-timeout p"}},
		{"a timeout that the brokers refuse", "java", "", []string{"transactional.id=${instance}", "transaction.timeout.ms=1200000"}, committed, []string{"error transaction-timeout p:2"}},
		{"offsets by the consumer", "java", "transaction-offsets-outside", eos, committed, []string{"error offsets-outside-transaction c", "warning late-commit c"}},
		{"commit before the work", "java", "before-processing", []string{"acks=all"}, committed, []string{"error commit-before-processing c", "warning late-commit c"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := &Application{Library: tt.library}
			if tt.producer != nil {
				a.Producer = file(t, "p", tt.producer...)
			}
			if tt.consumer != nil {
				a.Consumer = file(t, "c", tt.consumer...)
			}
			if err := a.infer(tt.pattern); err != nil {
				t.Fatal(err)
			}
			if tt.want == nil {
				tt.want = []string{}
			}
			if d := cmp.Diff(tt.want, ids(Lint([]*Application{a}))); d != "" {
				t.Errorf("issues (-want +got):\n%s", d)
			}
		})
	}
}

func TestPromises(t *testing.T) {
	a := &Application{Library: "java", Producer: file(t, "p", "acks=1"), Consumer: file(t, "c", "enable.auto.commit=false", "isolation.level=read_committed")}
	if err := a.infer(""); err != nil {
		t.Fatal(err)
	}
	apps := []*Application{a}
	got := map[string]State{}
	for _, s := range Promises(apps, Lint(apps)) {
		got[s.Guarantee] = s.State
		if s.State == Forfeited && len(s.By) == 0 {
			t.Errorf("%s is forfeited by nothing", s.Guarantee)
		}
	}
	want := map[string]State{
		"no-loss": Forfeited, "no-duplicates": Forfeited, "order": Forfeited, "agreement": Forfeited,
		"isolation": NotClaimed, "atomicity": NotClaimed, "fencing": NotClaimed, "offsets": AtRisk, "progress": Promised,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("promises (-want +got):\n%s", d)
	}
}
