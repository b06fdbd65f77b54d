package reports

import (
	"fmt"
	"math"
	"sort"
	"strings"
	"time"
)

// multiple is one small picture of many: a trial's rate of acknowledged records
// with its faults behind. All pictures of a scenario have the same scales.
type multiple struct {
	Name, Version string
	Rate, Stall   string
	Points        string // of an SVG polyline
	Bands         []multipleBand
}

type multipleBand struct {
	X, W  string
	Words string
}

// The picture's size in SVG units.
const (
	multipleWidth  = 300.0
	multipleHeight = 64.0
)

func multiples(libraries []LibraryResult) []multiple {
	end, top := 0.0, 0.0
	for _, l := range libraries {
		if l.shape == nil || l.shape.timeline == nil {
			continue
		}
		end = math.Max(end, float64(l.shape.timeline.Duration))
		for _, v := range l.shape.writes() {
			top = math.Max(top, v)
		}
	}
	if end == 0 || top == 0 {
		return nil
	}
	var ms []multiple
	for _, l := range libraries {
		if l.shape != nil && l.shape.timeline != nil {
			ms = append(ms, picture(l, 0, end, top))
		}
	}
	return ms
}

// picture draws what l's run did from one moment to another (µs), with its
// faults behind; top is the rate at the picture's upper edge.
func picture(l LibraryResult, from, to, top float64) multiple {
	tl := l.shape.timeline
	m := multiple{Name: l.Library, Version: l.Version, Rate: count(int64(l.Rate)), Stall: stallWords(l.Stall)}
	x := func(t float64) float64 { return (t - from) / (to - from) * multipleWidth }
	var b strings.Builder
	for i, v := range l.shape.writes() {
		if at := x((float64(i) + .5) * float64(tl.Curves.Step)); at >= 0 && at <= multipleWidth {
			fmt.Fprintf(&b, "%.1f,%.1f ", at, multipleHeight-2-v/top*(multipleHeight-6))
		}
	}
	m.Points = strings.TrimSpace(b.String())
	for _, f := range tl.Faults {
		a, z := math.Max(0, x(float64(f.Inject))), math.Min(multipleWidth, x(float64(max(f.Gone, f.Inject))))
		if a < multipleWidth && z >= 0 {
			m.Bands = append(m.Bands, multipleBand{fmt.Sprintf("%.1f", a), fmt.Sprintf("%.1f", math.Max(1.5, z-a)), f.Kind + " " + f.Resolved})
		}
	}
	return m
}

// sameFault is one fault of the plan as each library felt it: pictures of the
// seconds around it, all of one scale, its beginning at the same place.
type sameFault struct {
	Words    string
	Span     string // what the pictures show
	spread   time.Duration
	Pictures []multiple
}

const (
	maxSameFaults = 6
	beforeFault   = 1e6  // µs shown
	afterFault    = 4e6  // … after its end
	longestFault  = 30e6 // … at most
)

// sameFaults are the faults that every library's drawn run has, those that the
// libraries felt most differently first.
func sameFaults(libraries []LibraryResult) []sameFault {
	var drawn []LibraryResult
	top := 0.0
	for _, l := range libraries {
		if l.shape == nil || l.shape.timeline == nil {
			continue
		}
		drawn = append(drawn, l)
		for _, v := range l.shape.writes() {
			top = math.Max(top, v)
		}
	}
	if len(drawn) < 2 || top == 0 {
		return nil
	}
	var out []sameFault
	for _, f := range drawn[0].shape.timeline.Faults {
		if s, ok := sameFaultOf(f.Step, drawn, top); ok {
			out = append(out, s)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].spread > out[j].spread })
	return out[:min(len(out), maxSameFaults)]
}

func sameFaultOf(step int, drawn []LibraryResult, top float64) (sameFault, bool) {
	var strikes []Strike
	lasted, least, most := 0.0, int64(math.MaxInt64), int64(0)
	for _, l := range drawn {
		f := l.shape.timeline.strike(step)
		if f.Step != step || f.Effect == 0 || len(strikes) > 0 && f.Kind != strikes[0].Kind {
			return sameFault{}, false // one of them never felt it
		}
		strikes = append(strikes, f)
		lasted = math.Max(lasted, float64(max(f.Gone, f.Inject)-f.Inject))
		least, most = min(least, f.Stall), max(most, f.Stall)
	}
	lasted = math.Min(lasted+afterFault, longestFault)
	s := sameFault{
		Words: fmt.Sprintf("%s %s", strikes[0].Kind, strikes[0].Target), spread: time.Duration(most-least) * time.Microsecond,
		Span: fmt.Sprintf("from 1 s before it to %.0f s after it began", lasted/1e6),
	}
	for i, l := range drawn {
		at := float64(strikes[i].Inject)
		m := picture(l, at-beforeFault, at+lasted, top)
		m.Stall = stallWords(time.Duration(strikes[i].Stall) * time.Microsecond)
		s.Pictures = append(s.Pictures, m)
	}
	return s, true
}
