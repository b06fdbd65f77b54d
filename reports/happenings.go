package reports

import (
	"fmt"
	"sort"
)

// happening is a line of the timeline in words, for those who do not see it.
type happening struct {
	T          int64 // ns
	Kind       string
	What, Text string
}

const maxHappenings = 400

// inWords lists what the timeline's lanes show, in time order.
func inWords(tl *Timeline, findings []finding) []happening {
	var hs []happening
	add := func(us int64, kind, what, text string) { hs = append(hs, happening{us * 1000, kind, what, text}) }
	for _, p := range tl.Phases {
		add(p.From, "phase", "phase", p.State)
	}
	for _, f := range tl.Faults {
		add(f.Inject, "fault", fmt.Sprintf("fault %d", f.Step), f.Kind+" "+f.Resolved)
		if f.Failed != "" {
			add(f.Inject, "fault", fmt.Sprintf("fault %d", f.Step), f.Failed)
		}
		if f.Gone > 0 {
			add(f.Gone, "fault", fmt.Sprintf("fault %d", f.Step), "its effect is over")
		}
	}
	for _, l := range tl.Brokers {
		for _, s := range l.Spans {
			add(s.From, "broker", l.Name, s.State)
		}
	}
	for _, l := range tl.Leaders {
		for _, s := range l.Spans {
			add(s.From, "leader", l.Name, "led by broker "+s.State+", "+s.Text)
		}
	}
	for _, l := range tl.Coords {
		for _, s := range l.Spans {
			add(s.From, "coordinator", l.Name, "coordinated by broker "+s.State)
		}
	}
	for _, l := range tl.Clients {
		for _, s := range l.Spans {
			add(s.From, "client", l.Name, "incarnation "+s.Text+" starts")
			if s.State == "exited" {
				add(s.To, "client", l.Name, "incarnation "+s.Text)
			}
		}
	}
	for _, l := range tl.Owned {
		for _, s := range l.Spans {
			add(s.From, "client", l.Name, "owns "+s.Text)
		}
	}
	for _, f := range findings {
		for _, w := range f.Witnesses {
			hs = append(hs, happening{w.From, "violation", "✗ " + string(f.Kind), w.Text})
		}
	}
	sort.SliceStable(hs, func(i, j int) bool { return hs[i].T < hs[j].T })
	if len(hs) > maxHappenings {
		hs = append(hs[:maxHappenings], happening{hs[maxHappenings].T, "left", "…", count(int64(len(hs)-maxHappenings)) + " more"})
	}
	return hs
}
