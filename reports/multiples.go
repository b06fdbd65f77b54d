package reports

import (
	"fmt"
	"math"
	"strings"
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
		if l.shape == nil || l.shape.timeline == nil {
			continue
		}
		tl := l.shape.timeline
		m := multiple{Name: l.Library, Version: l.Version, Rate: count(int64(l.Rate)), Stall: stallWords(l.Stall)}
		var b strings.Builder
		for i, v := range l.shape.writes() {
			x := (float64(i) + .5) * float64(tl.Curves.Step) / end * multipleWidth
			fmt.Fprintf(&b, "%.1f,%.1f ", x, multipleHeight-2-v/top*(multipleHeight-6))
		}
		m.Points = strings.TrimSpace(b.String())
		for _, f := range tl.Faults {
			from, to := float64(f.Inject)/end*multipleWidth, float64(max(f.Gone, f.Inject))/end*multipleWidth
			m.Bands = append(m.Bands, multipleBand{fmt.Sprintf("%.1f", from), fmt.Sprintf("%.1f", math.Max(1.5, to-from)), f.Kind + " " + f.Resolved})
		}
		ms = append(ms, m)
	}
	return ms
}
