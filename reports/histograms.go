package reports

import (
	"math"
	"math/bits"
	"strconv"
)

// buckets of latencies: eight to an octave of microseconds, up to an hour. A
// quantile read from them is off by at most 5 %.
const (
	perOctave = 8
	octaves   = 32
)

// histograms are latencies by bin.
type histograms struct {
	bins []*[perOctave * octaves]uint32
	any  bool
}

// add counts a latency in ns; -1 is none.
func (h *histograms) add(i int, ns int64) {
	if ns < 0 {
		return
	}
	for len(h.bins) <= i {
		h.bins = append(h.bins, nil)
	}
	if h.bins[i] == nil {
		h.bins[i] = new([perOctave * octaves]uint32)
	}
	h.bins[i][bucket(ns)]++
	h.any = true
}

func bucket(ns int64) int {
	us := uint64(max(1, ns/1000))
	octave := bits.Len64(us) - 1
	var fraction uint64 // the three bits after the leading one
	if octave >= 3 {
		fraction = us >> (octave - 3) & 7
	} else {
		fraction = us << (3 - octave) & 7
	}
	return min(octave*perOctave+int(fraction), perOctave*octaves-1)
}

// middle is a bucket's middle in milliseconds.
func middle(b int) float64 {
	low := math.Ldexp(1+float64(b%perOctave)/perOctave, b/perOctave)
	return low * (1 + .5/perOctave) / 1000
}

func (h *histograms) halve() {
	n := (len(h.bins) + 1) / 2
	for i := range n {
		a := h.bins[2*i]
		if 2*i+1 < len(h.bins) {
			b := h.bins[2*i+1]
			switch {
			case a == nil:
				a = b
			case b != nil:
				for k, v := range b {
					a[k] += v
				}
			}
		}
		h.bins[i] = a
	}
	clear(h.bins[n:])
	h.bins = h.bins[:n]
}

// quantiles in milliseconds by bin, null where nothing was measured.
func (h *histograms) quantiles(n int, q float64) ([]*value, bool) {
	y := make([]*value, n)
	for i := range min(n, len(h.bins)) {
		if h.bins[i] == nil {
			continue
		}
		var total uint64
		for _, c := range h.bins[i] {
			total += uint64(c)
		}
		want, seen := uint64(math.Ceil(q*float64(total))), uint64(0)
		for b, c := range h.bins[i] {
			if seen += uint64(c); seen >= want && c > 0 {
				v := value(middle(b))
				y[i] = &v
				break
			}
		}
	}
	return y, h.any
}

// appendSignificant writes three significant digits without an exponent.
func appendSignificant(dst []byte, v float64) []byte {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return append(dst, '0')
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	if digits <= 0 {
		return strconv.AppendFloat(dst, math.Round(v), 'f', 0, 64)
	}
	scale := math.Pow(10, float64(digits))
	return strconv.AppendFloat(dst, math.Round(v*scale)/scale, 'f', -1, 64)
}
