package reports

import (
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// page is what the template shows.
type page struct {
	Title, Answer, Tone    string
	Stands                 []string // how the verdicts stand against what was expected
	Facts                  []string
	Figures                []figure
	Counts                 string // all of them
	Guarantees             []guaranteeSection
	Findings               []finding
	Faults                 []fault
	Phases                 []checker.Phase
	Evidence               []evidenceRow
	Clients                []client
	Broker                 []property
	Topics                 []topic
	Plan, Scenario, Replay string
	Why, Found, Broken     string
	Tool, Mutation         string
	CSS                    template.CSS
	UPlot, Script, Data    template.JS
	Policy, UPlotLicence   string
	HasTimeline            bool
	Now                    *now // where the run stands; nil when it is over
	Served, Follow         bool // the page came from a Server; more will come
	Words                  []happening
	Left                   string // what the timeline leaves out
}

type figure struct{ Value, Label string }

type guaranteeSection struct {
	checker.Result
	Promise, Reason, Stands, Examined string
	Differs                           bool
	Links                             []link
}

type link struct{ ID, Kind, Words string }

type finding struct {
	ID, Words, Guarantee, Verdict, Stands string
	Differs                               bool
	checker.Finding
	Witnesses []witness
}

type witness struct {
	checker.Witness
	Forfeit string
	Diagram diagram
	Strips  []strip
	Logs    []excerpt
	From    int64 // the moment that the timeline shows
	To      int64
}

type fault struct {
	checker.FaultEvidence
	Met      string
	Stall    string
	InFlight string
	Wire     string // what else it met there
}

type client struct {
	history.ClientInfo
	Properties []property
}

type topic struct {
	history.TopicInfo
	Properties []property
}

type property struct {
	Name, Value, Line string
	Named             bool   // a violation names this line
	Default           string // Kafka's, if it has one that is known
	Differs           bool   // Value is not Default
}

// toolName is the program that judged. Verdicts of old have the version alone.
func toolName(tool string) string {
	if strings.HasPrefix(tool, "onceproof") {
		return tool
	}
	return strings.TrimSpace("onceproof " + tool)
}

func newPage(in Input, tl *Timeline) (*page, error) {
	r := in.Report
	p := &page{
		Title: r.Scenario + ": " + Answer(r), Answer: Answer(r), Tone: tone(r),
		Plan: strings.TrimRight(in.Plan, "\n"), Scenario: strings.TrimRight(in.Scenario, "\n"), Replay: in.Replay,
		Why: r.Why, Tool: toolName(r.Tool), Mutation: r.Mutation,
		CSS: template.CSS(uplotCSS + reportCSS), UPlot: template.JS(uplotJS), Script: template.JS(reportJS),
		Policy:       policy(reportJS),
		UPlotLicence: uplotLicence,
	}
	if r.Infra != "" { // too long for a headline
		p.Answer, p.Why, p.Found = "Could not be judged.", sentence(r.Infra), foundAnyway(r)
	}
	p.Facts, p.Figures, p.Counts = facts(in), figures(r), examined(r.Evidence.Counts)
	for _, g := range r.Guarantees {
		p.addGuarantee(in, g)
	}
	if err := quoteLogs(in, p.Findings); err != nil {
		p.Broken = "The logs are incomplete: " + err.Error()
	}
	for _, f := range r.Faults {
		p.Faults = append(p.Faults, fault{f, examined(f.Met), tl.stall(f.Step), tl.strike(f.Step).InFlight, encounterWords(f.Wire)})
	}
	p.Phases, p.Evidence = checker.Phases, evidenceRows(r.Evidence.Coverage)
	p.addConfiguration(in)
	if tl != nil {
		p.Words, p.Left = inWords(tl, p.Findings), list(tl.Left)
	}
	data, err := json.Marshal(pageData{Timeline: tl, Marks: p.marks()})
	if err != nil {
		return nil, fmt.Errorf("write the timeline: %w", err)
	}
	p.Data, p.HasTimeline = template.JS(data), tl != nil // json.Marshal escapes < > &
	return p, nil
}

// tone colours the answer: what the run shows, not whether it was expected.
func tone(r *checker.Report) string {
	if r.Infra != "" || len(r.Guarantees) == 0 {
		return "open"
	}
	t := "good"
	for _, g := range r.Guarantees {
		switch {
		case g.Verdict == guarantee.Violated:
			return "bad"
		case g.Verdict != guarantee.Holds && stand(g, nil) != notApplying:
			t = "open"
		}
	}
	return t
}

func facts(in Input) []string {
	r := in.Report
	f := []string{r.Scenario, fmt.Sprintf("seed %d", r.Seed), r.Backend}
	if in.Header.Control {
		f[0] += ", its control"
	}
	if in.Header.Image != "" {
		f = append(f, in.Header.Image)
	}
	if in.Header.Started != "" {
		f = append(f, wallClock(in.Header.Started))
	}
	return f
}

// wallClock writes a time for people; one that it cannot read stays as it is.
func wallClock(rfc3339 string) string {
	t, err := time.Parse(time.RFC3339Nano, rfc3339)
	if err != nil {
		return rfc3339
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}

// figured are the counts that say at a glance how large a run was, if there are any.
var figured = []string{"records", "acked", "processed", "commits", "aborts", "rebalances", "crashes", "faults"}

func figures(r *checker.Report) []figure {
	var fs []figure
	if r.Evidence.Duration > 0 {
		fs = append(fs, figure{duration(r.Evidence.Duration), "run"})
	}
	if r.Events > 0 {
		fs = append(fs, figure{count(r.Events), "events"})
	}
	counts := map[string]int64{"faults": int64(len(r.Faults))}
	for k, v := range r.Evidence.Counts {
		counts[k] = v
	}
	for _, k := range figured {
		if n := counts[k]; n > 0 {
			fs = append(fs, figure{count(n), countName(k, n)})
		}
	}
	return fs
}

func (p *page) addGuarantee(in Input, r checker.Result) {
	g := guaranteeSection{Result: r, Promise: promises[r.Guarantee], Reason: reason(r), Stands: in.stand(r).words(r), Differs: !in.stand(r).fine(), Examined: examined(r.Examined)}
	for _, f := range r.Anomalies {
		v := finding{ID: fmt.Sprintf("%s-%d", f.Kind, len(p.Findings)), Words: findingWords(f), Guarantee: string(r.Guarantee),
			Verdict: string(r.Verdict), Stands: g.Stands, Differs: g.Differs, Finding: f}
		for _, w := range f.Witnesses {
			v.Witnesses = append(v.Witnesses, newWitness(r, w))
		}
		p.Findings = append(p.Findings, v)
		g.Links = append(g.Links, link{v.ID, string(f.Kind), v.Words})
	}
	p.Guarantees = append(p.Guarantees, g)
}

func newWitness(g checker.Result, w checker.Witness) witness {
	from, to := moment(w)
	return witness{Witness: w, Forfeit: forfeit(g, w), Diagram: newDiagram(w), Strips: newStrips(w), From: from, To: to}
}

// moment is the time that a witness is about: what the audit read afterwards
// tells where a record stands, not when anything happened.
func moment(w checker.Witness) (from, to int64) {
	first := true
	for _, e := range w.Events {
		if e.Proc == "audit" || e.T == 0 {
			continue
		}
		if first || e.T < from {
			from = e.T
		}
		if first || e.T > to {
			to = e.T
		}
		first = false
	}
	if first && len(w.Events) > 0 {
		from, to = w.Events[0].T, w.Events[len(w.Events)-1].T
	}
	return from, to
}

// mark is a violation on the timeline.
type mark struct {
	ID    string `json:"id"` // of the finding's article
	N     int    `json:"n"`  // the witness in it
	Kind  string `json:"kind"`
	Words string `json:"words"`
	From  int64  `json:"from"` // ns
	To    int64  `json:"to"`

	Events []markEvent `json:"events"` // numbered as in the diagram
}

type markEvent struct {
	N    int    `json:"n"`
	T    int64  `json:"t"`
	Lane string `json:"lane"`
	Text string `json:"text"`
}

type pageData struct {
	Timeline *Timeline `json:"timeline"`
	Marks    []mark    `json:"marks"`
}

func (p *page) marks() []mark {
	ms := []mark{}
	for _, f := range p.Findings {
		for i, w := range f.Witnesses {
			m := mark{ID: f.ID, N: i, Kind: string(f.Kind), Words: w.Text, From: w.From, To: w.To, Events: []markEvent{}}
			for _, r := range w.Diagram.Rows {
				if isClient(r.Proc) && !r.Context {
					m.Events = append(m.Events, markEvent{r.N, r.T, instance(r.Proc), r.Text})
				}
			}
			ms = append(ms, m)
		}
	}
	return ms
}
