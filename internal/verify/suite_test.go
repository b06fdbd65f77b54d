package verify

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/lint"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/settings"
)

func file(t *testing.T, path string, lines ...string) *lint.File {
	t.Helper()
	f, err := settings.Parse(path, []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// production is a pair of files as they lie on a server.
func production(t *testing.T) *lint.Application {
	return &lint.Application{
		Library: "java", Role: guarantee.Processor, Commit: guarantee.CommitTxn,
		Producer: file(t, "p",
			"bootstrap.servers=kafka1.example.com:9093", "security.protocol=SASL_SSL", "sasl.mechanism=PLAIN",
			`sasl.jaas.config=PlainLoginModule required username="shop" password="hunter2";`, "ssl.truststore.password=hunter2",
			"value.serializer=io.example.AvroSerializer", "schema.registry.url=https://user:hunter2@registry", "basic.auth.user.info=user:hunter2",
			"interceptor.classes=com.example.Tracing", "partitioner.class=com.example.Sticky",
			"acks=all", "transactional.id=till-${HOSTNAME}", "transaction.timeout.ms=60000", "acks=-1"),
		Consumer: file(t, "c", "group.id=tills", "isolation.level=read_committed", "enable.auto.commit=false", "auto.offset.reset=earliest",
			"session.timeout.ms=45000", "group.instance.id=till", "client.id=till-${HOSTNAME}", "client.rack=${ZONE}"),
	}
}

func TestNothingIsReplacedSilently(t *testing.T) {
	s, err := New(production(t), Options{Backend: "embedded"})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, r := range s.Replaced {
		got = append(got, fmt.Sprintf("%s:%d %s=%s -> %s", r.File, r.Line, r.Property, r.Was, r.Now))
	}
	want := []string{
		"p:1 bootstrap.servers=kafka1.example.com:9093 -> ", "p:2 security.protocol=SASL_SSL -> ", "p:3 sasl.mechanism=PLAIN -> ",
		"p:4 sasl.jaas.config=(hidden) -> ", "p:5 ssl.truststore.password=(hidden) -> ", "p:6 value.serializer=io.example.AvroSerializer -> ",
		"p:7 schema.registry.url=https://(hidden)@registry -> ", "p:8 basic.auth.user.info=(hidden) -> ", "p:9 interceptor.classes=com.example.Tracing -> ",
		"p:10 partitioner.class=com.example.Sticky -> ", "p:12 transactional.id=till-${HOSTNAME} -> till-${instance}",
		"c:6 group.instance.id=till -> till-${instance}", "c:7 client.id=till-${HOSTNAME} -> till-${instance}", "c:8 client.rack=${ZONE} -> ",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("replaced (-want +got):\n%s", d)
	}
	for _, sc := range s.Scenarios {
		text, err := scenario.Marshal(sc)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"hunter2", "example.com", "SASL"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s holds %q", sc.Metadata.Name, secret)
			}
		}
	}
	for _, n := range s.Notes {
		if strings.Contains(n, "hunter2") {
			t.Errorf("a note holds a password: %s", n)
		}
	}
}

// applications are one of each kind.
func applications(t *testing.T) map[string]*lint.Application {
	committed := []string{"group.id=tills", "isolation.level=read_committed", "enable.auto.commit=false", "auto.offset.reset=earliest"}
	all := map[string]*lint.Application{
		"transactional": production(t),
		"outside":       production(t),
		"producer":      {Role: guarantee.Producer, Producer: file(t, "p", "acks=1")},
		"transactions":  {Role: guarantee.Producer, Batch: 1, Producer: file(t, "p", "transactional.id=shop")},
		"consumer":      {Role: guarantee.Consumer, Commit: guarantee.CommitBatch, Consumer: file(t, "c", committed...)},
	}
	all["outside"].Commit = guarantee.CommitTxnOutside
	for _, pattern := range []string{guarantee.CommitAuto, guarantee.CommitBefore, guarantee.CommitEach, guarantee.CommitBatch} {
		c := committed
		if pattern == guarantee.CommitAuto {
			c = committed[:2]
		}
		all[pattern] = &lint.Application{Role: guarantee.Processor, Commit: pattern, Producer: file(t, "p", "acks=all", "enable.idempotence=false"), Consumer: file(t, "c", c...)}
	}
	return all
}

// TestSuitesAreScenarios: whatever is put into a template is a scenario that
// parses, for each kind of application, and no template is for nobody.
func TestSuitesAreScenarios(t *testing.T) {
	used := map[string]bool{}
	for name, a := range applications(t) {
		a.Library = "franz-go"
		for _, backend := range []string{"embedded", "docker"} {
			s, err := New(a, Options{Backend: backend})
			if err != nil {
				t.Fatalf("%s on %s: %v", name, backend, err)
			}
			for _, sc := range s.Scenarios {
				used[strings.TrimPrefix(sc.Metadata.Name, "verify-")] = true
				text, err := scenario.Marshal(sc)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := scenario.Parse(sc.Metadata.Name, text); err != nil {
					t.Errorf("%s on %s: %v\n%s", name, backend, err, text)
				}
				if !slices.ContainsFunc(sc.Clients, func(c scenario.Client) bool { return c.ConfigFile != nil }) {
					t.Errorf("%s on %s: no client of %s has the user's configuration", name, backend, sc.Metadata.Name)
				}
				for g, v := range sc.Expect {
					t.Errorf("%s expects %s %s, though nothing is allowed", sc.Metadata.Name, g, v)
				}
			}
		}
	}
	for _, tmpl := range templates {
		if !used[tmpl.scenario] {
			t.Errorf("%s is in no suite", tmpl.scenario)
		}
	}
}

// TestTheUsersLinesAreTold: a witness names the line of the user's file.
func TestTheUsersLinesAreTold(t *testing.T) {
	s, err := New(production(t), Options{Backend: "embedded", Allow: []string{"no-duplicates"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, sc := range s.Scenarios {
		for _, c := range sc.Clients {
			if c.Role != guarantee.Processor {
				continue
			}
			if c.ConfigPos["acks"].Line != 14 || c.ConfigFile["acks"] != "p" || c.ConfigPos["isolation.level"].Line != 2 || c.ConfigFile["isolation.level"] != "c" {
				t.Errorf("%s: places %v in %v", sc.Metadata.Name, c.ConfigPos, c.ConfigFile)
			}
			if c.Config["session.timeout.ms"] == "45000" {
				t.Errorf("%s waits 45 s for a crash to be noticed", sc.Metadata.Name)
			}
		}
		if sc.Expect["no-duplicates"] != scenario.Any {
			t.Errorf("%s expects no-duplicates %q, which is allowed to break", sc.Metadata.Name, sc.Expect["no-duplicates"])
		}
	}
}

func TestAsIsKeepsTimeouts(t *testing.T) {
	s, err := New(production(t), Options{Backend: "embedded", AsIs: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, sc := range s.Scenarios {
		for _, c := range sc.Clients {
			if c.Role == guarantee.Processor && (c.Config["session.timeout.ms"] != "45000" || c.Config["transaction.timeout.ms"] != "60000") {
				t.Errorf("%s: session %s, transaction %s", sc.Metadata.Name, c.Config["session.timeout.ms"], c.Config["transaction.timeout.ms"])
			}
		}
		if sc.Run.Duration.Seconds() < 55 {
			t.Errorf("%s lasts %v: too short for a session of 45 s", sc.Metadata.Name, sc.Run.Duration)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	open := production(t)
	open.Producer = file(t, "p", "acks=all", "linger.ms=${LINGER}")
	for _, tt := range []struct {
		app     *lint.Application
		options Options
		says    string
	}{
		{&lint.Application{Broker: file(t, "b")}, Options{}, "--producer"},
		{production(t), Options{Allow: []string{"no-los"}}, `"no-los"; did you mean "no-loss"?`},
		{production(t), Options{Backend: "emdedded"}, `"emdedded"; did you mean "embedded"?`},
		{production(t), Options{Instances: -1}, "--instances -1"},
		{open, Options{}, "p:2: linger.ms=${LINGER}"},
	} {
		if _, err := New(tt.app, tt.options); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("error %v, want one that says %q", err, tt.says)
		}
	}
}

func TestOneTransactionalIDIsOneInstance(t *testing.T) {
	a := production(t)
	a.Producer = file(t, "p", "transactional.id=till")
	s, err := New(a, Options{Backend: "embedded"})
	if err != nil {
		t.Fatal(err)
	}
	for _, sc := range s.Scenarios {
		for _, c := range sc.Clients {
			if c.Role == guarantee.Processor && c.Count != 1 {
				t.Errorf("%s has %d tills with one transactional.id", sc.Metadata.Name, c.Count)
			}
		}
	}
	if !slices.ContainsFunc(s.Notes, func(n string) bool { return strings.Contains(n, "--instances 2") }) {
		t.Errorf("nobody is told: %v", s.Notes)
	}
	if s, err = New(a, Options{Backend: "embedded", Instances: 2}); err != nil || s.Scenarios[0].Clients[1].Count != 2 {
		t.Errorf("--instances 2: %v", err)
	}
}

func TestIdentity(t *testing.T) {
	for value, want := range map[string]string{
		"till": "till", "till-${instance}": "till-${instance}", "${random.uuid}": "${random}", "x-${HOSTNAME}-y": "x-${instance}-y", "a-${client}-${incarnation}": "a-${client}-${incarnation}",
	} {
		if got, _ := identity("transactional.id", value, 2); got != want {
			t.Errorf("identity(%q) = %q, want %q", value, got, want)
		}
	}
}

// TestAConsumerAloneMeetsCrashes: its suite has the faults that a consumer meets, with
// the consumer in the place of the template's processor.
func TestAConsumerAloneMeetsCrashes(t *testing.T) {
	for commit, want := range map[string][]string{
		guarantee.CommitBatch: {"verify-commit-after-each-record", "verify-group-coordinator-dies", "verify-late-commit", "verify-read-uncommitted"},
		guarantee.CommitAuto:  {"verify-auto-commit", "verify-auto-commit-hand-off", "verify-read-uncommitted"},
	} {
		a := &lint.Application{Library: "java", Role: guarantee.Consumer, Commit: commit, Consumer: file(t, "c", "group.id=g", "auto.offset.reset=earliest")}
		s, err := New(a, Options{Backend: "docker"})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, sc := range s.Scenarios {
			names = append(names, sc.Metadata.Name)
			mine := 0
			for _, c := range sc.Clients {
				if c.Role == guarantee.Consumer && c.Commit == commit && c.Output == "" && c.Config["group.id"] == "g" {
					mine++
				}
			}
			if mine != 1 {
				t.Errorf("%s: %d clients have the consumer's configuration", sc.Metadata.Name, mine)
			}
		}
		if d := cmp.Diff(want, names); d != "" {
			t.Errorf("%s (-want +got):\n%s", commit, d)
		}
		if !s.Urgent(s.Scenarios[0]) {
			t.Errorf("%s: what lint says is forfeited does not come first", commit)
		}
	}
}

// TestAFrameworksOwnSettingsRun: what Kafka Streams sets by itself under exactly once is
// what runs, though the file does not say it.
func TestAFrameworksOwnSettingsRun(t *testing.T) {
	path := t.TempDir() + "/streams.properties"
	if err := os.WriteFile(path, []byte("application.id=billing\nprocessing.guarantee=exactly_once_v2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := lint.Files{Library: "java", Config: []string{path}}.Open()
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(o.Apps[0], Options{Backend: "embedded"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Scenarios[0].Clients {
		if c.Role != guarantee.Processor {
			continue
		}
		got := []string{c.Commit, c.Config["group.id"], c.Config["isolation.level"], c.Config["transactional.id"], c.Config["auto.offset.reset"], c.Config["enable.auto.commit"]}
		if d := cmp.Diff([]string{guarantee.CommitTxn, "billing", "read_committed", "${client}-${instance}", "earliest", "false"}, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}
