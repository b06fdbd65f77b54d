package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/suite"
)

// TestLintIsAGate: an error of a rule is exit code 1 with its line, a value that
// Kafka refuses 2, and a configuration that holds 0.
func TestLintIsAGate(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "bad.properties", "# ours\nacks=1\n")
	write(t, dir, "wrong.properties", "acks=al\n")
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--producer", "bad.properties"}, suite.ExitDiffers, "bad.properties:2: acks=1"},
		{[]string{"--producer", "wrong.properties"}, suite.ExitUsage, "wrong.properties:1:1: acks has no value \"al\""},
		{[]string{"--library", "jaav", "--producer", "bad.properties"}, suite.ExitUsage, "jaav"},
		{[]string{"--producer", "bad.properties", "--format", "yaml"}, suite.ExitUsage, "yaml"},
		{[]string{"exactly-once"}, suite.ExitExpected, ""},
		{[]string{"--explain", "no-such-rule"}, suite.ExitUsage, "acks-1"},
		{nil, suite.ExitUsage, "--producer"},
		{[]string{"bad.properties"}, suite.ExitUsage, "--producer bad.properties, --consumer bad.properties or --broker bad.properties"},
	} {
		got := onceproof(t, dir, append([]string{"lint"}, tt.args...)...)
		if got.code != tt.code || !strings.Contains(got.stderr, tt.says) {
			t.Errorf("lint %v: exit %d, want %d; stderr %s", tt.args, got.code, tt.code, got.stderr)
		}
	}
}

// TestVerifyMendsTheGuidesProducer: the user's file is run, its line is named, the
// change is tried, and no credential is written anywhere.
func TestVerifyMendsTheGuidesProducer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "p.properties", "bootstrap.servers=kafka.example.com:9093\nsecurity.protocol=SASL_SSL\nsasl.jaas.config=x password=\"hunter2\";\nacks=all\nenable.idempotence=false\n")
	got := onceproof(t, dir, "verify", "--library", "franz-go", "--producer", "p.properties", "--backend", "embedded", "--seed", "7",
		"--budget", "53s", "--fix", "--quiet", "--json", "--out", "answer")
	if got.code != suite.ExitDiffers {
		t.Fatalf("exit %d\n%s\n%s", got.code, got.out, got.stderr)
	}
	var answer struct {
		Guarantees []struct{ Guarantee, Verdict string }
		Change     []struct{ Property, Value string }
		Mended     *struct {
			Guarantees []struct{ Guarantee, Verdict string }
		}
	}
	if err := json.Unmarshal([]byte(got.out), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Change) != 1 || answer.Change[0].Property != "enable.idempotence" || answer.Mended == nil {
		t.Fatalf("answer %+v", answer)
	}
	for _, g := range answer.Mended.Guarantees {
		if g.Verdict == "violated" {
			t.Errorf("%s is violated with the change", g.Guarantee)
		}
	}
	for _, name := range []string{"answer.md", "answer.json", "junit.xml", "summary.md"} {
		if _, err := os.Stat(filepath.Join(dir, "answer", name)); err != nil {
			t.Error(err)
		}
	}
	err := filepath.WalkDir(filepath.Join(dir, "answer"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "hunter2") {
			t.Errorf("%s holds the password", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestCompareNeedsItsWorkers: a library without a worker ends it before anything
// starts, with the way out.
func TestCompareNeedsItsWorkers(t *testing.T) {
	clients, err := filepath.Abs("../../clients")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(process.EnvClients, clients)
	dir := t.TempDir()
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--libraries", "franz-go,no-such"}, suite.ExitUsage, `no library is named "no-such"; there are`},
		{[]string{"--libraries", "franz-go,@platformatic/kafak"}, suite.ExitUsage, `"@platformatic/kafak"; did you mean "@platformatic/kafka"?`},
		{[]string{"--libraries", "franz-go,sarama@v0.0.1"}, suite.ExitUnjudged, "clients/sarama/build v0.0.1"},
		{[]string{"--libraries", "franz-go", "--scenarios", "no-such"}, suite.ExitUsage, "onceproof list"},
		{[]string{"--libraries", "franz-go", "--resume"}, suite.ExitUsage, "--resume needs --out"},
	} {
		got := onceproof(t, dir, append([]string{"compare"}, tt.args...)...)
		if got.code != tt.code || !strings.Contains(got.stderr, tt.says) {
			t.Errorf("compare %v: exit %d, want %d; stderr %s", tt.args, got.code, tt.code, got.stderr)
		}
	}
	if made, _ := filepath.Glob(filepath.Join(dir, "runs", "*")); len(made) > 0 {
		t.Errorf("left behind: %v", made)
	}
}

// TestCompareMakesOneTable, whose cells lead to their runs.
func TestCompareMakesOneTable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "small.yaml", small)
	got := onceproof(t, dir, "compare", "--libraries", "franz-go", "--scenarios", "small.yaml", "--quiet", "--out", "c")
	if got.code != suite.ExitExpected {
		t.Fatalf("exit %d\n%s\n%s", got.code, got.out, got.stderr)
	}
	page, err := os.ReadFile(filepath.Join(dir, "c", "compare.html"))
	if err != nil {
		t.Fatal(err)
	}
	runs, _ := filepath.Glob(filepath.Join(dir, "c", "franz-go", "small-7-*"))
	if len(runs) != 1 || !strings.Contains(string(page), "franz-go/"+filepath.Base(runs[0])+"/report.html") {
		t.Errorf("runs %v; the page leads to none", runs)
	}
	if !strings.Contains(got.out, "✓ holds") {
		t.Errorf("the table has no verdict:\n%s", got.out)
	}

	again := onceproof(t, dir, "compare", "--libraries", "franz-go", "--scenarios", "small.yaml", "--quiet", "--out", "c", "--resume")
	if made, _ := filepath.Glob(filepath.Join(dir, "c", "franz-go", "small-7-*")); len(made) != 1 || again.code != suite.ExitExpected || again.out != got.out {
		t.Errorf("resumed, it made %v, exit %d, and says\n%s", made, again.code, again.out)
	}
	s, err := scenario.Load(filepath.Join(dir, "small.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	o := compareOptions{Options: suite.Options{Out: filepath.Join(dir, "c")}, resume: true}
	for _, want := range []bool{true, false} {
		j, err := suite.NewJob(s.WithLibrary("franz-go"), o.Options, 7)
		if err != nil {
			t.Fatal(err)
		}
		if _, made := o.earlier(match{"franz-go", j}); made != want {
			t.Errorf("a run of the scenario at %v/s counts: %t, want %t", s.Clients[0].Rate, made, want)
		}
		s.Clients[0].Rate *= 2 // by now it is another
	}
}
