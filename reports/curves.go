package reports

import (
	"maps"
	"math"
	"slices"
	"sort"

	"github.com/onceproof/onceproof/history"
)

// Curves are the run's rates, latencies and backlogs, all over the same bins.
type Curves struct {
	Step   int64    `json:"step"` // µs a bin
	Bins   int      `json:"bins"`
	Series []Series `json:"series"`
}

// Series is one curve; null where there is nothing to say.
type Series struct {
	Plot string   `json:"plot"` // rate, latency, backlog, log
	Name string   `json:"name"`
	Y    []*value `json:"y"`
}

// value is a number with three significant digits: more would only be bytes.
type value float64

func (v value) MarshalJSON() ([]byte, error) {
	return appendSignificant(nil, float64(v)), nil
}

const (
	binStep   = int64(100e6) // ns, until the run outgrows maxBins of them
	maxBins   = 1500
	rateOver  = int64(500e6)
	maxSeries = 6 // of rates; smaller ones are left out
)

// curves are bins that double their width when they run out.
type curves struct {
	step  int64
	rates map[rate]*[]float64
	sends histograms
	dones histograms
	lags  map[string]*gauge // by group
	held  gauge             // records between last stable offset and high watermark
	ends  map[string]*gauge // "orders HW", as the harness read it
	tick  int64             // gauges are read every binStep; the next reading
	log   backlog
	marks watermarks
}

type rate struct{ client, what string }

func newCurves() curves {
	return curves{step: binStep, rates: map[rate]*[]float64{}, lags: map[string]*gauge{}, ends: map[string]*gauge{}, log: newBacklog(), marks: watermarks{}}
}

func (c *curves) add(t, took int64, p *process, e *history.Event) {
	i := c.bin(t)
	if tick := t / binStep; tick > c.tick {
		c.read(tick)
	}
	switch {
	case e.Type == history.Fail || e.Type == history.Info && e.Err != nil:
		c.count(i, rate{p.client, "errors"}, 1)
	case e.Type == history.OK && e.Op == history.OpSend:
		c.count(i, rate{p.client, "writes"}, float64(max(1, len(e.Off))))
		c.sends.add(i, took)
	case e.Type == history.OK && e.Op == history.OpPoll:
		c.count(i, rate{p.client, "reads"}, float64(len(e.Off)))
	case e.Type == history.OK && (e.Op == history.OpCommit || e.Op == history.OpCommitOffsets):
		c.dones.add(i, took)
	}
	c.log.add(p, e)
}

// bin is the bin of t; it makes room by halving the resolution.
func (c *curves) bin(t int64) int {
	for t/c.step >= maxBins {
		c.step *= 2
		for _, r := range c.rates {
			*r = halve(*r, func(a, b float64) float64 { return a + b })
		}
		c.sends.halve()
		c.dones.halve()
		c.held = halve(c.held, higher)
		for _, gauges := range []map[string]*gauge{c.lags, c.ends} {
			for _, g := range gauges {
				*g = halve(*g, higher)
			}
		}
	}
	return int(t / c.step)
}

// halve joins bins two by two.
func halve(bins []float64, join func(a, b float64) float64) []float64 {
	n := (len(bins) + 1) / 2
	for i := range n {
		v := bins[2*i]
		if 2*i+1 < len(bins) {
			v = join(v, bins[2*i+1])
		}
		bins[i] = v
	}
	return bins[:n]
}

func grow(bins []float64, n int) []float64 {
	for len(bins) < n {
		bins = append(bins, 0)
	}
	return bins
}

func (c *curves) count(i int, k rate, n float64) {
	r := c.rates[k]
	if r == nil {
		r = &[]float64{}
		c.rates[k] = r
	}
	*r = grow(*r, i+1)
	(*r)[i] += n
}

// gauge is the highest level in each bin, NaN where it was not read.
type gauge []float64

// read notes the levels that stood since the last reading.
func (c *curves) read(tick int64) {
	lag, held := c.log.levels()
	ends := c.marks.ends()
	for ; c.tick < tick; c.tick++ {
		i := int(c.tick * binStep / c.step)
		raise(c.lags, i, lag)
		raise(c.ends, i, ends)
		c.held.raise(i, float64(held))
	}
}

func raise(gauges map[string]*gauge, i int, levels map[string]int64) {
	for name, v := range levels {
		if gauges[name] == nil {
			gauges[name] = &gauge{}
		}
		gauges[name].raise(i, float64(v))
	}
}

func (g *gauge) raise(i int, v float64) {
	for len(*g) <= i {
		*g = append(*g, math.NaN())
	}
	(*g)[i] = higher((*g)[i], v)
}

func higher(a, b float64) float64 {
	if math.IsNaN(a) || b > a {
		return b
	}
	return a
}

func (c *curves) all(last int64) Curves {
	n := c.bin(max(0, last)) + 1
	c.read(last/binStep + 1)
	out := Curves{Step: micro(c.step), Bins: n, Series: []Series{}}
	out.Series = append(out.Series, c.rateSeries(n)...)
	for _, h := range []struct {
		name string
		q    float64
		of   *histograms
	}{{"send p50", .5, &c.sends}, {"send p99", .99, &c.sends}, {"commit p99", .99, &c.dones}} {
		if y, ok := h.of.quantiles(n, h.q); ok {
			out.Series = append(out.Series, Series{"latency", h.name, y})
		}
	}
	for _, g := range firstNames(c.lags) {
		out.Series = append(out.Series, Series{"backlog", "group " + g, levels(*c.lags[g], n)})
	}
	if peak(c.held) > 0 {
		out.Series = append(out.Series, Series{"backlog", "held by txns", levels(c.held, n)})
	}
	for _, g := range firstNames(c.ends) {
		out.Series = append(out.Series, Series{"log", g, levels(*c.ends[g], n)})
	}
	return out
}

func firstNames(gauges map[string]*gauge) []string {
	names := slices.Sorted(maps.Keys(gauges))
	return names[:min(len(names), maxSeries)]
}

// rateSeries are the largest rates, in order of client and what.
func (c *curves) rateSeries(n int) []Series {
	keys := make([]rate, 0, len(c.rates))
	for k := range c.rates {
		keys = append(keys, k)
	}
	total := func(k rate) (t float64) {
		for _, v := range *c.rates[k] {
			t += v
		}
		return t
	}
	errors := 0.0
	sort.Slice(keys, func(i, j int) bool {
		if a, b := total(keys[i]), total(keys[j]); a != b {
			return a > b
		}
		return keys[i].client+keys[i].what < keys[j].client+keys[j].what
	})
	failed := make([]float64, n)
	var out []Series
	for _, k := range keys {
		bins := grow(*c.rates[k], n)[:n]
		if k.what == "errors" {
			for i, v := range bins {
				failed[i] += v
				errors += v
			}
			continue
		}
		if len(out) < maxSeries {
			out = append(out, Series{"rate", k.client + " " + k.what, c.perSecond(bins)})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	if errors > 0 {
		out = append(out, Series{"rate", "errors", c.perSecond(failed)})
	}
	return out
}

// perSecond makes rates of counts, each over the half second around its bin:
// clients move records in batches, and a shorter look would show those.
func (c *curves) perSecond(bins []float64) []*value {
	side := int(rateOver / c.step / 2)
	y := make([]*value, len(bins))
	for i := range bins {
		from, to := max(0, i-side), min(len(bins), i+side+1)
		sum := 0.0
		for _, v := range bins[from:to] {
			sum += v
		}
		r := value(sum * 1e9 / float64(c.step) / float64(to-from))
		y[i] = &r
	}
	return y
}

func levels(g gauge, n int) []*value {
	y := make([]*value, n)
	for i := range min(n, len(g)) {
		if !math.IsNaN(g[i]) {
			v := value(g[i])
			y[i] = &v
		}
	}
	return y
}

func peak(g gauge) float64 {
	m := 0.0
	for _, v := range g {
		m = higher(m, v)
	}
	return m
}
