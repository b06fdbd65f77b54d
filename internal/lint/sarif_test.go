package lint

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormats(t *testing.T) {
	a := &Application{Library: "java", Producer: file(t, "conf/producer.properties", "# ours", "acks=1"), Consumer: file(t, "consumer.properties", "enable.auto.commit=false")}
	if err := a.infer(""); err != nil {
		t.Fatal(err)
	}
	apps := []*Application{a}
	issues := Lint(apps)
	var text, coloured, sarif, js bytes.Buffer
	for _, err := range []error{
		Text(&text, issues, Promises(apps, issues), false), Text(&coloured, issues, Promises(apps, issues), true),
		SARIF(&sarif, "v0.1.0", issues), JSON(&js, issues),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "lint.txt", text.Bytes())
	golden(t, "lint.ansi", coloured.Bytes())
	golden(t, "lint.sarif", sarif.Bytes())
	golden(t, "lint.json", js.Bytes())
	var log sarifLog
	if err := json.Unmarshal(sarif.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if len(run.Results) != len(issues) {
		t.Errorf("%d results of %d issues", len(run.Results), len(issues))
	}
	for _, r := range run.Results {
		if got := run.Tool.Driver.Rules[r.RuleIndex].ID; got != r.RuleID {
			t.Errorf("result of rule %s points at rule %s", r.RuleID, got)
		}
		if r.Locations[0].Physical.Region.StartLine < 1 {
			t.Errorf("line %d, SARIF counts from 1", r.Locations[0].Physical.Region.StartLine)
		}
	}
}

// TestNoIssuesAreAnEmptyList: a program that reads the list finds one.
func TestNoIssuesAreAnEmptyList(t *testing.T) {
	var js bytes.Buffer
	if err := JSON(&js, Lint(nil)); err != nil {
		t.Fatal(err)
	}
	if js.String() != "[]\n" {
		t.Errorf("JSON of nothing is %q", js.String())
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got; -update accepts it):\n%s", name, d)
	}
}
