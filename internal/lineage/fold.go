package lineage

import (
	"cmp"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/history"
)

// Folding is what the results of an aggregation must be: the last committed one of each
// key tells the fold over the key's inputs.
type Folding struct {
	By, What, Of Path
	With         string // count, sum, min, max, last or set
}

// FoldPart gathers the inputs or the results of one partition in offset order.
type FoldPart struct {
	tp      history.TopicPartition
	results bool
	rows    []foldRow
}

type foldRow struct {
	off    int64
	key    string
	texts  []string
	hidden bool
}

// Inputs begins to gather a partition of inputs, Results one of results.
func (f Folding) Inputs(tp history.TopicPartition) *FoldPart { return &FoldPart{tp: tp} }

// Results is Inputs for results.
func (f Folding) Results(tp history.TopicPartition) *FoldPart {
	return &FoldPart{tp: tp, results: true}
}

// Add takes in the next record. One without a key belongs to none.
func (f Folding) Add(p *FoldPart, off int64, m Message) {
	keys := f.By.Texts(m)
	if len(keys) != 1 {
		return
	}
	row := foldRow{off: off, key: keys[0]}
	switch {
	case p.results:
		row.texts = f.Of.Texts(m)
	case f.With != "count":
		row.texts = f.What.Texts(m)
	}
	p.rows = append(p.rows, row)
}

// Hide says of records that no read_committed consumer is given them.
func (p *FoldPart) Hide(offs []int64) {
	for _, off := range offs {
		if i, ok := slices.BinarySearchFunc(p.rows, off, func(r foldRow, off int64) int { return cmp.Compare(r.off, off) }); ok {
			p.rows[i].hidden = true
		}
	}
}

// WrongFold is a key whose last result is not the fold over its inputs.
type WrongFold struct {
	Key, Expected, Found string // Found "" if there is no result
	More                 bool   // the result tells of more than there was
	At                   history.Input
	Inputs               []history.Input // its last ones, at most WrongInputs
	N                    int             // how many inputs it has
}

// WrongInputs is how many inputs a WrongFold names.
const WrongInputs = 5

// Verdict is what came of comparing all keys.
type Verdict struct {
	Keys, Inputs int
	Wrong        []WrongFold // in the order of keys
}

// folded is one key's inputs and its last result.
type folded struct {
	n      int
	acc    []string // the texts so far: one, or those of a set
	sum    *big.Rat
	last   []history.Input
	result map[int32]result // by partition
}

type result struct {
	at    history.Input
	texts []string
}

// Judge compares the results with the inputs below the offset that end says for their
// partitions.
func (f Folding) Judge(parts []*FoldPart, end func(history.TopicPartition) int64) Verdict {
	keys := map[string]*folded{}
	at := func(k string) *folded {
		if keys[k] == nil {
			keys[k] = &folded{sum: new(big.Rat), result: map[int32]result{}}
		}
		return keys[k]
	}
	v := Verdict{}
	for _, p := range parts {
		for _, r := range p.rows {
			switch in := (history.Input{TP: p.tp, Off: r.off}); {
			case r.hidden:
			case p.results:
				at(r.key).result[p.tp.Part] = result{in, r.texts}
			case r.off < end(p.tp):
				v.Inputs++
				f.fold(at(r.key), in, r.texts)
			}
		}
	}
	for k, x := range keys {
		if x.n == 0 {
			continue // results of inputs that are not there any more, or not committed yet
		}
		v.Keys++
		if w, wrong := f.compare(k, x); wrong {
			v.Wrong = append(v.Wrong, w)
		}
	}
	slices.SortFunc(v.Wrong, func(a, b WrongFold) int { return strings.Compare(a.Key, b.Key) })
	return v
}

func (f Folding) fold(x *folded, in history.Input, texts []string) {
	x.n++
	if x.last = append(x.last, in); len(x.last) > WrongInputs {
		x.last = x.last[1:]
	}
	for _, t := range texts {
		switch n, isNumber := new(big.Rat).SetString(t); {
		case f.With == "last":
			x.acc = []string{t}
		case f.With == "set":
			if !slices.Contains(x.acc, t) {
				x.acc = append(x.acc, t)
			}
		case !isNumber:
		case f.With == "sum":
			x.sum.Add(x.sum, n)
		case x.acc == nil, f.With == "min" && n.Cmp(rat(x.acc[0])) < 0, f.With == "max" && n.Cmp(rat(x.acc[0])) > 0:
			x.acc = []string{t}
		}
	}
}

func rat(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return new(big.Rat)
	}
	return r
}

// compare says whether a key's last result is wrong. A key whose results stand in
// several partitions is right if one of them is.
func (f Folding) compare(key string, x *folded) (WrongFold, bool) {
	expected := f.expected(x)
	w := WrongFold{Key: key, Expected: strings.Join(expected, ","), Inputs: x.last, N: x.n}
	for _, part := range slices.Sorted(maps.Keys(x.result)) {
		r := x.result[part]
		if f.equal(expected, r.texts) {
			return WrongFold{}, false
		}
		w.At, w.Found = r.at, strings.Join(r.texts, ",")
		w.More = f.With != "last" && len(r.texts) == 1 && len(expected) == 1 && rat(r.texts[0]).Cmp(rat(expected[0])) > 0 || len(r.texts) > len(expected)
	}
	return w, true
}

func (f Folding) expected(x *folded) []string {
	switch f.With {
	case "count":
		return []string{big.NewInt(int64(x.n)).String()}
	case "sum":
		return []string{strings.TrimSuffix(strings.TrimRight(x.sum.FloatString(9), "0"), ".")}
	case "set":
		slices.Sort(x.acc)
	}
	return x.acc
}

// equal compares numbers by value, to a part in 10^9, since applications add floating
// point numbers.
func (f Folding) equal(expected, found []string) bool {
	switch f.With {
	case "set":
		found = slices.Compact(slices.Sorted(slices.Values(found)))
		return slices.Equal(expected, found)
	case "last":
		return slices.Equal(expected, found)
	}
	if len(expected) != 1 || len(found) != 1 {
		return len(expected) == len(found)
	}
	a, b := rat(expected[0]), rat(found[0])
	if _, isNumber := new(big.Rat).SetString(found[0]); !isNumber {
		return false
	}
	if f.With != "sum" {
		return a.Cmp(b) == 0
	}
	diff := new(big.Rat).Sub(a, b)
	limit := new(big.Rat).Abs(a)
	limit.Mul(limit, big.NewRat(1, 1_000_000_000))
	return diff.Abs(diff).Cmp(limit) <= 0
}
