package reports

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden compares got with testdata/name, or rewrites it under -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./reports -update writes it)", err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs from what it was (-was +is; go test ./reports -update accepts it):\n%s", path, d)
	}
}

func TestGoldenPages(t *testing.T) {
	pages := []struct {
		ext   string
		write func(io.Writer, Input) error
	}{
		{"txt", func(w io.Writer, in Input) error { return Terminal(w, in, false) }},
		{"ansi", func(w io.Writer, in Input) error { return Terminal(w, in, true) }},
		{"json", func(w io.Writer, in Input) error { return JSON(w, in.Report) }},
		{"xml", JUnit},
		{"md", Summary},
	}
	for name, s := range samples() {
		for _, p := range pages {
			t.Run(name+"."+p.ext, func(t *testing.T) {
				var buf bytes.Buffer
				if err := p.write(&buf, s.in); err != nil {
					t.Fatal(err)
				}
				golden(t, name+"."+p.ext, buf.Bytes())
			})
		}
	}
}

func TestJSONReadsBack(t *testing.T) {
	for name, s := range samples() {
		var buf bytes.Buffer
		if err := JSON(&buf, s.in.Report); err != nil {
			t.Fatal(err)
		}
		var got checker.Report
		dec := json.NewDecoder(&buf)
		dec.DisallowUnknownFields()
		if err := dec.Decode(&got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(s.in.Report.Guarantees, got.Guarantees, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s: guarantees do not survive (-written +read):\n%s", name, d)
		}
		if len(got.Faults) != len(s.in.Report.Faults) {
			t.Errorf("%s: %d faults written, %d read", name, len(s.in.Report.Faults), len(got.Faults))
		}
	}
}

func TestTerminalHasNoEscapesUnlessAsked(t *testing.T) {
	s := violatedRun()
	s.in.Report.Guarantees[1].Anomalies[0].Witnesses[0].Text = "a value of \x1b[31m\x07 and a\nline"
	var buf bytes.Buffer
	if err := Terminal(&buf, s.in, false); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(buf.String(), "\x1b\x07") {
		t.Errorf("control characters of a record reach the terminal: %q", buf.String())
	}
	if !strings.Contains(buf.String(), "a value of ·[31m· and a line") {
		t.Errorf("the text itself is gone:\n%s", buf.String())
	}
}

func TestWriteMakesEveryFileWhole(t *testing.T) {
	s := violatedRun()
	s.in.Dir = t.TempDir()
	if err := Write(s.in); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(s.in.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if d := cmp.Diff([]string{FileJUnit, FileHTML, FileSummary, FileVerdict}, names); d != "" {
		t.Errorf("files in the run folder (-want +got):\n%s", d)
	}
}

func TestWriteNamesTheFolderThatIsMissing(t *testing.T) {
	s := passingRun()
	s.in.Dir = filepath.Join(t.TempDir(), "gone")
	err := Write(s.in)
	if err == nil || !strings.Contains(err.Error(), s.in.Dir) {
		t.Errorf("got error %v, want one that names %s", err, s.in.Dir)
	}
	if err := Write(Input{Dir: t.TempDir()}); err == nil {
		t.Error("no error for an input without a verdict")
	}
}

func TestStand(t *testing.T) {
	for _, c := range []struct {
		verdict, expected guarantee.Verdict
		want              standing
		idle              bool // it does not apply
		named             map[string]string
	}{
		{verdict: guarantee.Holds, expected: guarantee.Holds, want: asExpected},
		{verdict: guarantee.Holds, expected: "", want: asExpected},
		{verdict: guarantee.Violated, expected: guarantee.Violated, want: asExpected},
		{verdict: guarantee.NotExercised, expected: guarantee.NotExercised, want: asExpected},
		{verdict: guarantee.Violated, expected: noClaim, want: unclaimed},
		{verdict: guarantee.Holds, expected: noClaim, want: unclaimed},
		{verdict: guarantee.Violated, expected: guarantee.Holds, want: differs},
		{verdict: guarantee.Violated, expected: "", want: differs},
		{verdict: guarantee.Holds, expected: guarantee.Violated, want: differs},
		{verdict: guarantee.Unknown, expected: guarantee.Holds, want: undecided},
		{verdict: guarantee.NotExercised, expected: guarantee.Holds, want: undecided},
		{verdict: guarantee.NotExercised, expected: guarantee.Violated, want: undecided},
		{verdict: guarantee.NotExercised, expected: guarantee.Holds, want: notApplying, idle: true},
		{verdict: guarantee.NotExercised, expected: guarantee.Holds, want: undecided, idle: true, named: map[string]string{"order": "holds"}},
	} {
		if got := stand(checker.Result{Guarantee: guarantee.Order, Verdict: c.verdict, Expected: c.expected, Applies: !c.idle}, c.named); got != c.want {
			t.Errorf("stand(%s where %q is expected) = %d, want %d", c.verdict, c.expected, got, c.want)
		}
	}
}

func TestEveryAnomalyHasWords(t *testing.T) {
	for kind, p := range phrases {
		if strings.Contains(p.one, "%") || strings.Count(p.many, "%s") != 1 {
			t.Errorf("%s: %q / %q: want no verb in the first, one %%s in the second", kind, p.one, p.many)
		}
	}
	for _, g := range guarantee.All {
		if promises[g] == "" {
			t.Errorf("%s has no promise in words", g)
		}
	}
}

func TestCountNames(t *testing.T) {
	for _, c := range []struct {
		key  string
		n    int64
		want string
	}{
		{"records", 1, "record"}, {"records", 2, "records"}, {"offset-fetches", 1, "offset fetch"}, {"leader-changes", 1, "leader change"},
		{"sends-after-faults", 1, "send after faults"}, {"acked-after-faults", 1, "acked after faults"}, {"registers-searched", 1, "register searched"},
		{"acked", 1, "acked"}, {"send", 3, "sends"}, {"commit-offsets", 1, "offset commit"}, {"crashes", 1, "crash"},
	} {
		if got := countName(c.key, c.n); got != c.want {
			t.Errorf("%d of %s is %q, want %q", c.n, c.key, got, c.want)
		}
	}
}

func TestWhatAnUnjudgedRunFound(t *testing.T) {
	r := violatedRun().in.Report
	if got := foundAnyway(r); got != "" {
		t.Errorf("a judged run: %q", got)
	}
	r.Infra = "fault 3 was not proved"
	if got := foundAnyway(r); !strings.Contains(got, "3 messages were written twice") {
		t.Errorf("got %q, want what was found", got)
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -4321: "-4,321"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}
