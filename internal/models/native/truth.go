package native

import (
	"github.com/onceproof/onceproof/history"
)

// Truth is what really happened, which no history says.
type Truth struct {
	w         *world
	Sends     int
	Acked     int
	Written   int
	Commits   int
	Fired     int64           // how often the world's defect had an effect
	Struck    int             // faults that met something
	Undrained bool            // a group did not catch up in minutes: no correct world does that
	Regressed map[string]bool // groups of which a late commit took the place of a newer one
}

func newTruth(w *world) *Truth { return &Truth{w: w, Regressed: map[string]bool{}} }

func (t *Truth) sent(*send) { t.Sends++ }

func (t *Truth) acked(*send, history.TopicPartition) { t.Acked++ }

func (t *Truth) wrote(_ *partition, _ int64, entries []entry) { t.Written += len(entries) }

func (t *Truth) ended(_ *process, _ int64, commit bool, typ history.Type) {
	if commit && typ == history.OK {
		t.Commits++
	}
}
