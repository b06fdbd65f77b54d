package lint

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/scenario"
)

// drawnClient is a processor, consumer or producer with values drawn for everything that
// bears on delivery.
func drawnClient(t *rapid.T) (*scenario.Scenario, *history.Header) {
	pick := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(t, name) }
	c := scenario.Client{Name: "till", Library: "java", Count: 2, Config: map[string]string{}}
	c.Role = pick("role", guarantee.Producer, guarantee.Consumer, guarantee.Processor)
	set := func(name string, values ...string) {
		if v := pick(name, append(values, "")...); v != "" {
			c.Config[name] = v
		}
	}
	if c.Role != guarantee.Consumer {
		set("acks", "all", "1", "0")
		set("max.in.flight.requests.per.connection", "1", "5")
		if c.Config["acks"] == "" || c.Config["acks"] == "all" {
			set("enable.idempotence", "true", "false")
		} else {
			c.Config["enable.idempotence"] = "false" // clients refuse the contradiction
		}
		c.Topic = "orders"
	}
	if c.Role != guarantee.Producer {
		c.Topic, c.Input = "", "orders"
		commits := []string{guarantee.CommitAuto, guarantee.CommitBefore, guarantee.CommitEach, guarantee.CommitBatch}
		if c.Role == guarantee.Processor {
			c.Output = "receipts"
			if c.Config["enable.idempotence"] != "false" && c.Config["acks"] != "1" && c.Config["acks"] != "0" {
				commits = append(commits, guarantee.CommitTxn, guarantee.CommitTxnOutside)
			}
		}
		c.Commit = pick("commit", commits...)
		set("isolation.level", "read_committed", "read_uncommitted")
		set("auto.offset.reset", "earliest", "latest")
		c.Config["enable.auto.commit"] = fmt.Sprint(c.Commit == guarantee.CommitAuto)
		if c.Commit == guarantee.CommitTxn || c.Commit == guarantee.CommitTxnOutside {
			c.Config["transactional.id"] = pick("id", "till", "till-${instance}", "till-${random}")
			c.Config["transaction.timeout.ms"] = "300000"
		}
	}
	s := &scenario.Scenario{File: "drawn"}
	s.Cluster.Config = map[string]string{}
	for name, values := range map[string][]string{
		"min.insync.replicas": {"1", "2"}, "unclean.leader.election.enable": {"true", "false"}, "offsets.topic.replication.factor": {"1", "3"}, "offsets.retention.minutes": {"60", "20000"},
	} {
		if v := rapid.SampledFrom(append(values, "")).Draw(t, name); v != "" {
			s.Cluster.Config[name] = v
		}
	}
	s.Cluster.Topics = []scenario.Topic{{Name: "orders", Partitions: 1, Replicas: 3}, {Name: "receipts", Partitions: 1, Replicas: 3}}
	writer := scenario.Client{Name: "shop", Library: "java", Role: guarantee.Producer, Topic: "orders", Transaction: 5, Config: map[string]string{"transactional.id": "shop-${instance}"}}
	s.Clients = []scenario.Client{c, writer}
	h := &history.Header{Broker: maps.Clone(s.Cluster.Config)}
	for _, tp := range s.Cluster.Topics {
		h.Topics = append(h.Topics, history.TopicInfo{Name: tp.Name, Partitions: tp.Partitions, Replicas: tp.Replicas})
	}
	h.Clients = []history.ClientInfo{{Name: c.Name, Role: c.Role, Library: c.Library, Count: c.Count, Topic: c.Topic, Input: c.Input, Output: c.Output, Commit: c.Commit, Config: c.Config}}
	return s, h
}

// TestLintIsTheCheckersMatrix: for a thousand drawn configurations lint promises what
// the checker's matrix promises, and nothing else.
func TestLintIsTheCheckersMatrix(t *testing.T) {
	met := map[string]int{}
	drawn := 0
	for seed := range 1000 {
		s, h := rapid.Custom(func(t *rapid.T) drawnPair { a, b := drawnClient(t); return drawnPair{a, b} }).Example(seed).both()
		drawn++
		apps := OfScenario(s)[:1]
		issues := lintAll(apps)
		for _, standing := range standings(apps, issues) {
			if standing.State == NotClaimed {
				continue
			}
			permits := ""
			for _, kind := range checker.Anomalies() {
				f := checker.Standings(h, "till", kind)
				if string(checker.GuaranteeOf(kind)) != standing.Guarantee || f.Standing == checker.Promised || aboutReaders(s, f.Property) {
					continue
				}
				permits = f.Property
				break
			}
			switch {
			case standing.State == Promised && permits != "":
				met[standing.Guarantee+": the checker permits it, by "+permits]++
			case standing.State != Promised && permits == "":
				met[standing.Guarantee+": lint does not promise it, by "+standing.By[0].Rule]++
			}
		}
	}
	for _, difference := range slices.Sorted(maps.Keys(met)) {
		t.Errorf("%d of %d: %s", met[difference], drawn, difference)
	}
}

// aboutReaders says whether a clause of the checker's is about what a group commits, and
// the client is a producer: it has no group, and no anomaly of it is ever asked for.
func aboutReaders(s *scenario.Scenario, property string) bool {
	return s.Clients[0].Role == guarantee.Producer && slices.Contains([]string{"enable.auto.commit", "offsets.retention.minutes", "offsets.topic.replication.factor"}, property)
}

type drawnPair struct {
	s *scenario.Scenario
	h *history.Header
}

func (p drawnPair) both() (*scenario.Scenario, *history.Header) { return p.s, p.h }

// notOfAConfiguration are shipped scenarios that break what their configuration
// promises, and what does: nothing that lint is given.
var notOfAConfiguration = map[string]string{
	"offsets-deleted":    "somebody deletes the group's offsets",
	"ignore-send-errors": "the application's code", "no-group-metadata": "the application's code", "no-rewind": "the application's code", "swallow-fenced": "the application's code",
	"kafka-14402": "a bug of brokers, whose version lint is not told", "kafka-17754": "a bug of brokers, whose version lint is not told",
}

// TestLintDoesNotPromiseWhatRunsBreak: of no shipped scenario, mistake or bug does lint
// promise what its run breaks because of the configuration.
func TestLintDoesNotPromiseWhatRunsBreak(t *testing.T) {
	broken := 0
	for _, name := range scenario.Names() {
		s, err := scenario.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		apps := OfScenario(s)
		for _, standing := range Promises(apps, Lint(apps)) {
			if s.Expect[standing.Guarantee] != string(guarantee.Violated) {
				continue
			}
			broken++
			why := notOfAConfiguration[name]
			if standing.State == Promised && why == "" {
				t.Errorf("%s: lint says that %s is %s; the run breaks it (%s)", name, standing.Guarantee, standing.State, why)
			}
		}
	}
	if broken < 30 {
		t.Errorf("only %d guarantees are broken by shipped scenarios", broken)
	}
}
