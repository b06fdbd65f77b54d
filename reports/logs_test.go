package reports

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeLogs gives a sample's run folder logs like those of brokers and workers.
func writeLogs(t *testing.T, dir string) {
	t.Helper()
	broker := "[2026-11-24 09:30:05,000] INFO long before (kafka.server.KafkaServer)\n"
	for i := range 60 {
		broker += fmt.Sprintf("[2026-11-24 09:30:18,%03d] INFO [Partition orders-0 broker=3] line %d (kafka.cluster.Partition)\n", 100+i, i)
	}
	broker += "[2026-11-24 09:30:18,190] WARN [ReplicaManager broker=3] something <b>loud</b> (kafka.server.ReplicaManager)\njava.io.IOException: broken pipe\n"
	for name, text := range map[string]string{
		"broker-3.log": broker,
		"shop-0.log":   "2026-11-24T11:30:18.204Z too late for UTC\n2026-11-24T10:30:18.205+01:00 connection reset, retrying\n",
		"odd.log":      "no time here\n",
	} {
		path := filepath.Join(dir, "logs", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLogsAroundAWitness(t *testing.T) {
	s := violatedRun()
	s.in.Dir = t.TempDir()
	writeLogs(t, s.in.Dir)
	p, err := newPage(s.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	logs := p.Findings[0].Witnesses[0].Logs // duplicate-write at 18.2 s
	if len(logs) != 2 || logs[0].File != "logs/broker-3.log" || logs[1].File != "logs/shop-0.log" {
		t.Fatalf("excerpts of %+v", logs)
	}
	broker := logs[0]
	if len(broker.Lines) != logLines || broker.Left != 22 {
		t.Errorf("%d lines shown, %d left; want %d, 22", len(broker.Lines), broker.Left, logLines)
	}
	var warned, continued bool
	for _, l := range broker.Lines {
		warned = warned || l.Loud && strings.Contains(l.Text, "something <b>loud</b>") && l.Stamp == "2026-11-24 09:30:18,190"
		continued = continued || strings.HasPrefix(l.Text, "java.io.IOException")
	}
	if !warned || !continued {
		t.Errorf("the warning (%v) or the line that follows it (%v) gave way to quiet ones", warned, continued)
	}
	if got := logs[1].Lines; len(got) != 1 || !strings.Contains(got[0].Text, "connection reset") {
		t.Errorf("the worker's log: %+v, want the one line whose zone puts it there", got)
	}
	if other := p.Findings[1].Witnesses[0].Logs; len(other) != 0 {
		t.Errorf("a witness at another time has logs: %+v", other)
	}
}
