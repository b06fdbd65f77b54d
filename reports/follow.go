package reports

import (
	"bytes"
	"html/template"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// Follow judges and draws a run while it goes on. Its methods may be called
// concurrently; the zero value follows nothing yet.
//
//	harness's events ──> Follow ──> Live's snapshots, Server's page
type Follow struct {
	Draw bool                // keep a timeline, for Page
	Seen func(checker.Alarm) // told of the first violation of each kind; may be nil

	mu     sync.Mutex
	header history.Header
	online *checker.Online
	txns   bars
	draw   *aggregate
	events int64
	rates  meter

	told   sync.Mutex // of alarms: they come while an event is judged
	alarms map[guarantee.Anomaly]checker.Alarm
}

// Observe begins; what it returns takes every event in the history's order.
func (f *Follow) Observe(h history.Header) func(*history.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.header, f.txns, f.rates = h, newBars(&checker.Report{}), meter{}
	f.alarms = map[guarantee.Anomaly]checker.Alarm{}
	f.online = checker.NewOnline(h, f.alarm)
	if f.Draw {
		f.draw = newAggregate(h, nil)
	}
	return f.add
}

func (f *Follow) alarm(a checker.Alarm) {
	f.told.Lock()
	f.alarms[a.Kind] = a
	f.told.Unlock()
	if f.Seen != nil {
		f.Seen(a)
	}
}

func (f *Follow) add(e *history.Event) {
	f.online.Observe(e)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events++
	t := max(0, e.T-f.header.StartT)
	switch {
	case e.Src == history.SrcClient && e.Txn != 0:
		f.txns.add(t, instance(e.Proc), e)
	case e.Src == history.SrcHarness && e.Op == history.OpExit:
		f.txns.exit(t, instance(e.Proc))
	}
	if f.draw != nil {
		f.draw.add(e)
	}
}

// Fill adds to s what the events tell: open transactions and what the
// guarantees look like so far.
func (f *Follow) Fill(s *Snapshot) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.Open = -1
	if f.online == nil {
		return
	}
	s.Open = f.txns.opened()
	for _, r := range f.soFar() {
		s.Guarantees = append(s.Guarantees, SoFar{r.Guarantee, r.Verdict, found(r)})
	}
}

func (b *bars) opened() int {
	n := 0
	for _, c := range b.byInstance {
		n += len(c.open)
	}
	return n
}

// notYet is the reason of a guarantee of which nothing was found so far.
const notYet = "nothing found so far; the end decides"

// soFar are results as far as they can be told before the end.
func (f *Follow) soFar() []checker.Result {
	seen := f.online.Violations()
	f.told.Lock()
	defer f.told.Unlock()
	var out []checker.Result
	for _, g := range guarantee.All {
		r := checker.Result{Guarantee: g, Verdict: guarantee.Unknown, Applies: true, Reason: notYet}
		for _, a := range checker.Anomalies() {
			if e, ok := checker.Explain(a); !ok || e.Guarantee != g || seen[a] == 0 {
				continue
			}
			r.Verdict, r.Reason = guarantee.Violated, ""
			w := checker.Witness{Text: f.alarms[a].Text, Events: []checker.WitnessEvent{{T: f.alarms[a].T, Proc: "online judge", Text: "this was seen", Line: f.alarms[a].Line}}}
			r.Anomalies = append(r.Anomalies, checker.Finding{Kind: a, Count: seen[a], Witnesses: []checker.Witness{w}})
		}
		out = append(out, r)
	}
	return out
}

func found(r checker.Result) string {
	var words []string
	for _, f := range r.Anomalies {
		words = append(words, findingWords(f))
	}
	return strings.Join(words, ", ")
}

// Page writes the report of the run so far. in has what is known besides the
// events: plan, scenario, folder.
func (f *Follow) Page(w io.Writer, in Input, s Snapshot) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &checker.Report{Scenario: in.Report.Scenario, Seed: in.Report.Seed, Backend: in.Report.Backend, Tool: in.Report.Tool, Events: f.events}
	tl := newAggregate(history.Header{}, nil).timeline()
	if f.online != nil {
		r.Guarantees = f.soFar()
		in.Header = f.header
		f.rates.measure(time.Now(), s.Clients)
	}
	if f.draw != nil {
		tl = f.draw.timeline()
	}
	for _, k := range tl.Faults {
		r.Faults = append(r.Faults, checker.FaultEvidence{Step: k.Step, Kind: k.Kind, Target: k.Target, Resolved: k.Resolved, Injected: k.Inject * 1000, Seen: k.Effect * 1000, Healed: k.Gone * 1000})
	}
	r.Evidence.Duration = tl.Duration * 1000
	in.Report, in.Dir = r, "" // its logs are quoted when witnesses are known
	p, err := newPage(in, tl)
	if err != nil {
		return err
	}
	p.goOn(s, f.rates)
	return pages.Execute(w, p)
}

// goOn makes p the page of a run that goes on.
func (p *page) goOn(s Snapshot, rates meter) {
	n := &now{Phase: s.Phase, Faults: s.Faults}
	if s.Total > 0 {
		n.Elapsed, n.Total = s.Elapsed.Round(time.Second).String(), s.Total.Round(time.Second).String()
		n.Left = max(0, s.Total-s.Elapsed).Round(time.Second).String()
		n.Share = int(min(100, 100*s.Elapsed.Seconds()/s.Total.Seconds()))
	}
	if s.Open >= 0 {
		n.Open = count(int64(s.Open)) + " open " + countName("transactions", int64(s.Open))
	}
	for _, c := range s.Clients {
		n.Clients = append(n.Clients, nowClient{c, count(rates.of(c.Name))})
	}
	p.follow(true)
	p.Now, p.Tone, p.Why = n, "open", ""
	p.Answer = "Running: " + s.Phase
	for i := range p.Guarantees {
		g := &p.Guarantees[i]
		g.Stands, g.Differs = "so far", g.Verdict == guarantee.Violated
		if g.Verdict == guarantee.Violated {
			p.Tone = "bad"
		}
	}
	p.Title = "onceproof: " + p.Answer
}

// follow makes p ask whoever served it what is new, as long as more will come.
func (p *page) follow(more bool) {
	p.Follow, p.Served, p.Script = more, true, template.JS(followJS)
	p.Policy = policy(followJS) + "; connect-src 'self'"
}

// now is where a run stands, as the page shows it.
type now struct {
	Phase                string
	Elapsed, Total, Left string
	Share                int // of the load, in percent
	Faults               []string
	Open                 string
	Clients              []nowClient
}

type nowClient struct {
	ClientCounts
	Rate string
}

// finalPage is the report of a run that is over, as a page that goes on to ask
// for the next one.
func finalPage(in Input, more bool) ([]byte, error) {
	tl, broken := timelineOf(in)
	if broken != nil {
		return nil, broken
	}
	p, err := newPage(in, tl)
	if err != nil {
		return nil, err
	}
	p.follow(more)
	var b bytes.Buffer
	err = pages.Execute(&b, p)
	return b.Bytes(), err
}
