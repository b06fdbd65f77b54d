package reports

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/onceproof/onceproof/history"
	eventfacts "github.com/onceproof/onceproof/internal/facts"
)

// How many lanes of a kind a screen can bear, and how many bars a lane.
const (
	maxBrokers = 16
	maxLeaders = 12
	maxClients = 24
	maxSpans   = 2000
	maxStrikes = 1000
)

// spans is one lane in the making: each bar lasts until the next begins.
type spans struct {
	name string
	all  []Span
	open bool
	lost int // bars beyond maxSpans
}

// next ends the open bar at t (ns) and begins another; the same state goes on.
func (s *spans) next(t int64, b Span) {
	if s.open {
		last := &s.all[len(s.all)-1]
		if last.State == b.State && last.Text == b.Text {
			return
		}
		last.To = max(last.From, micro(t))
	}
	if len(s.all) >= maxSpans {
		s.lost++
		s.open = false
		return
	}
	b.From = micro(t)
	s.all = append(s.all, b)
	s.open = true
}

// end closes the open bar and says how it ended.
func (s *spans) end(t int64, state, note string) {
	if !s.open {
		return
	}
	last := &s.all[len(s.all)-1]
	last.To, last.State = max(last.From, micro(t)), state
	if note != "" {
		last.Text += " · " + note
	}
	s.open = false
}

// closed is the lane with its last bar drawn to the end of the run.
func (s *spans) closed(last int64) []Span {
	out := append([]Span{}, s.all...)
	if s.open {
		out[len(out)-1].To = max(out[len(out)-1].From, micro(last))
	}
	return out
}

// lanes are the lanes of one kind by name.
type lanes struct {
	byName map[string]*spans
	keep   map[string]bool // those that a witness speaks of are shown whatever
}

func (l *lanes) of(name string) *spans {
	if l.byName == nil {
		l.byName = map[string]*spans{}
	}
	s, ok := l.byName[name]
	if !ok {
		s = &spans{name: name}
		l.byName[name] = s
	}
	return s
}

// all returns at most n lanes in natural order: those of witnesses first, then
// those where most happened. What is left out is said.
func (l *lanes) all(last int64, n int, kind string, left *[]string) []Lane {
	list := make([]*spans, 0, len(l.byName))
	lost := 0
	for _, s := range l.byName {
		list = append(list, s)
		lost += s.lost
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if l.keep[a.name] != l.keep[b.name] {
			return l.keep[a.name]
		}
		if len(a.all) != len(b.all) {
			return len(a.all) > len(b.all)
		}
		return natural(a.name, b.name)
	})
	if len(list) > n {
		*left = append(*left, fmt.Sprintf("%d more %ss", len(list)-n, kind))
		list = list[:n]
	}
	if lost > 0 {
		*left = append(*left, fmt.Sprintf("%d later changes of %ss", lost, kind))
	}
	sort.Slice(list, func(i, j int) bool { return natural(list[i].name, list[j].name) })
	out := make([]Lane, 0, len(list))
	for _, s := range list {
		out = append(out, Lane{s.name, s.closed(last)})
	}
	return out
}

// natural orders names with numbers in them as people do: till/2 before till/10.
func natural(a, b string) bool {
	pa, na := trailing(a)
	pb, nb := trailing(b)
	if pa != pb {
		return pa < pb
	}
	return na < nb
}

func trailing(s string) (string, int) {
	i := len(s)
	for i > 0 && s[i-1] >= '0' && s[i-1] <= '9' {
		i--
	}
	n, _ := strconv.Atoi(s[i:])
	return s[:i], n
}

// strikes are the faults in the order of their steps.
type strikes struct {
	list []Strike
	at   map[int]int // step -> index
	lost int
}

func (s *strikes) add(t int64, e *history.Event) {
	step, err := strconv.Atoi(strings.TrimPrefix(e.Proc, "fault/"))
	if err != nil {
		return
	}
	i, ok := s.at[step]
	if !ok {
		if len(s.list) >= maxStrikes {
			s.lost++
			return
		}
		i = len(s.list)
		s.at[step] = i
		s.list = append(s.list, Strike{Step: step})
	}
	f := &s.list[i]
	for _, p := range []struct {
		field *string
		fact  eventfacts.Text[string]
	}{{&f.Kind, eventfacts.Kind}, {&f.Target, eventfacts.Target}, {&f.Resolved, eventfacts.Resolved}} {
		if v := p.fact.Get(e); v != "" {
			*p.field = v
		}
	}
	if wire := inFlight(e); wire != "" {
		f.InFlight = wire
	}
	if e.Type == history.Fail {
		if f.Inject == 0 { // it never struck: a moment, not a stretch
			f.Inject, f.Gone = micro(t), micro(t)
		}
		f.Failed = string(e.Op)
		if e.Err != nil {
			f.Failed = e.Err.Name + ": " + e.Err.Text
		}
		return
	}
	switch e.Op {
	case history.OpInject:
		f.Inject = micro(t)
		f.Armed = wireKinds[f.Kind] || maybeWireKinds[f.Kind] && strings.Contains(e.Note, " on ")
	case history.OpEffect:
		f.Effect = micro(t)
	case history.OpGone:
		f.Gone = micro(t)
	}
}

// inFlight says the requests of a fault event's data, "2 Produce, 1 EndTxn".
func inFlight(e *history.Event) string {
	byAPI, _ := eventfacts.InFlight.Of(e)
	names := make([]string, 0, len(byAPI))
	for name := range byAPI {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		names[i] = strconv.Itoa(byAPI[name]) + " " + name
	}
	return strings.Join(names, ", ")
}

// Faults on one request are armed long before they strike: their bar begins
// with their effect. The second kind are so when a request triggers them.
var (
	wireKinds      = map[string]bool{"drop": true, "hold": true, "error": true, "duplicate": true}
	maybeWireKinds = map[string]bool{"cut": true, "delay": true, "blackhole": true}
)

func (s *strikes) all(left *[]string) []Strike {
	if s.lost > 0 {
		*left = append(*left, "faults beyond the first "+count(maxStrikes))
	}
	out := append([]Strike{}, s.list...)
	for i := range out {
		if f := &out[i]; f.Armed && f.Effect > 0 {
			f.Inject = f.Effect
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Inject < out[j].Inject })
	return out
}
