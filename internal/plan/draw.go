package plan

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/onceproof/onceproof/internal/scenario"
)

// draws are those of one fault. Each has a seed of its own, from the plan's
// seed, the fault's key, what is drawn and for which strike: no draw can move
// another.
type draws struct {
	seed uint64
	key  string
}

func (d draws) sub(what string, strike int) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%s\x00%d", d.seed, d.key, what, strike))
	return binary.BigEndian.Uint64(sum[:])
}

// span draws evenly, in whole milliseconds where s has any.
func (d draws) span(what string, strike int, s scenario.Span) time.Duration {
	if s.Max <= s.Min {
		return s.Min
	}
	unit := time.Millisecond
	if s.Max-s.Min < unit {
		unit = 1
	}
	r := rand.New(rand.NewPCG(d.sub(what, strike), 0))
	return s.Min + time.Duration(r.Int64N(int64((s.Max-s.Min)/unit)+1))*unit
}

// keys names each fault by what does not change when others come and go: its
// name, or else what it does, and for the second of two alike its number.
func keys(faults []scenario.Fault) []string {
	seen := map[string]int{}
	out := make([]string, len(faults))
	for i, f := range faults {
		key := "name " + f.Name
		if f.Name == "" {
			text, err := json.Marshal(f)
			if err != nil { // a fault always marshals
				text = []byte(f.Describe())
			}
			key = "fault " + string(text)
		}
		seen[key]++
		out[i] = fmt.Sprintf("%s\x00%d", key, seen[key])
	}
	return out
}
