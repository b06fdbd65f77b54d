package reports

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
)

// The form of testdata/junit.xsd: the part of JUnit's that Jenkins, GitLab and
// GitHub's actions read alike.
type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name      string       `xml:"name,attr"`
	ClassName string       `xml:"classname,attr"`
	Time      string       `xml:"time,attr"`
	Failure   *junitResult `xml:"failure"`
	Error     *junitResult `xml:"error"`
	Skipped   *junitResult `xml:"skipped"`
	Out       string       `xml:"system-out,omitempty"`
}

type junitResult struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes one case a guarantee. A verdict that differs from what was
// expected is a failure with its witness; not-exercised or unknown where more
// was expected is an error; an expected not-exercised is skipped, never passed.
func JUnit(w io.Writer, in Input) error { return JUnitSuite(w, []Input{in}) }

// JUnitSuite writes one document of several runs, a test suite a run.
func JUnitSuite(w io.Writer, runs []Input) error {
	all := junitSuites{Suites: []junitSuite{}}
	times := map[string]int{}
	for _, in := range runs {
		times[in.Report.Scenario]++
	}
	for _, in := range runs {
		name := "onceproof." + plain(in.Report.Scenario)
		if times[in.Report.Scenario] > 1 { // readers take cases of one name for one case
			name += fmt.Sprintf(".seed-%d", in.Report.Seed)
		}
		all.Suites = append(all.Suites, junitRun(name, in))
	}
	doc, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	// A line feed may stand as itself in text; attributes have none, see plain.
	doc = bytes.ReplaceAll(doc, []byte("&#xA;"), []byte("\n"))
	if _, err := fmt.Fprintf(w, "%s%s\n", xml.Header, doc); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	return nil
}

func junitRun(name string, in Input) junitSuite {
	r := in.Report
	s := junitSuite{
		Name: name,
		Time: fmt.Sprintf("%.3f", float64(r.Evidence.Duration)/1e9),
		Properties: []junitProperty{
			{"seed", fmt.Sprint(r.Seed)}, {"backend", plain(r.Backend)}, {"replay", plain(in.Replay)}, {"answer", plain(Answer(r))},
		},
	}
	if r.Infra != "" {
		s.Cases = append(s.Cases, junitCase{Name: "run", ClassName: s.Name, Time: "0.000",
			Error: &junitResult{Type: "infrastructure", Message: plain(r.Infra), Text: plain(r.Infra)}})
	}
	for _, g := range r.Guarantees {
		s.Cases = append(s.Cases, junitGuarantee(s.Name, in, g))
	}
	if in.Baseline != nil {
		c := junitCase{Name: Recovery, ClassName: s.Name, Time: "0.000"}
		if in.Slower != "" {
			c.Failure = &junitResult{Type: Recovery, Message: plain(in.Slower), Text: plain(in.Slower)}
		}
		s.Cases = append(s.Cases, c)
	}
	for _, c := range s.Cases {
		s.Tests++
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	return s
}

func junitGuarantee(class string, in Input, g checker.Result) junitCase {
	c := junitCase{Name: string(g.Guarantee), ClassName: class, Time: "0.000"}
	headline := string(g.Verdict)
	var words []string
	for _, f := range g.Anomalies {
		words = append(words, findingWords(f))
	}
	if len(words) > 0 {
		headline += ": " + list(words)
	} else if why := reason(g); why != "" {
		headline += ": " + plain(why)
	}
	s := in.stand(g)
	res := &junitResult{Type: string(g.Verdict), Message: headline, Text: junitText(in, g)}
	switch s {
	case differs, undecided:
		res.Message += fmt.Sprintf(" (expected %s)", expected(g))
	case known, worsened:
		res.Message += fmt.Sprintf(" (%s)", s.words(g))
	}
	switch {
	case s.broken():
		if len(g.Anomalies) > 0 {
			res.Type = string(g.Anomalies[0].Kind)
		}
		c.Failure = res
	case s == undecided:
		c.Error = res
	case s == known || g.Verdict == guarantee.NotExercised || g.Verdict == guarantee.Unknown:
		c.Skipped = res
	default:
		c.Out = headline + ", as expected\n" + res.Text
	}
	return c
}

// junitText is what a CI page shows when the case is opened.
func junitText(in Input, g checker.Result) string {
	var b strings.Builder
	if why := reason(g); why != "" {
		fmt.Fprintf(&b, "%s\n", plain(why))
	}
	if e := examined(g.Examined); e != "" {
		fmt.Fprintf(&b, "examined: %s\n", e)
	}
	for _, f := range g.Anomalies {
		fmt.Fprintf(&b, "\n%s × %s\n", f.Kind, count(f.Count))
		for _, wit := range f.Witnesses[:min(1, len(f.Witnesses))] {
			b.WriteString(witnessText(g, wit))
		}
	}
	if in.Replay != "" {
		fmt.Fprintf(&b, "\nreplay: %s\n", plain(in.Replay))
	}
	return b.String()
}

// witnessText is a witness in plain lines.
func witnessText(g checker.Result, w checker.Witness) string {
	var b strings.Builder
	if w.Text != "" {
		fmt.Fprintf(&b, "%s\n", plain(w.Text))
	}
	for _, e := range w.Events {
		fmt.Fprintf(&b, "  %s  %s  %s\n", when(e), plain(e.Proc), plain(e.Text))
	}
	if w.Legal != "" {
		fmt.Fprintf(&b, "legal: %s\n", plain(w.Legal))
	}
	if why := forfeit(g, w); why != "" {
		fmt.Fprintf(&b, "because: %s\n", plain(why))
	}
	return b.String()
}
