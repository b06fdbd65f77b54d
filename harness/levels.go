package harness

import (
	"context"
	"slices"
	"time"

	"github.com/onceproof/onceproof/history"
)

// levelsEvery is how often the last stable offset and the high watermark are
// read while the run goes on: a transaction that holds readers up shows as the
// gap between them.
const levelsEvery = time.Second

// recordLevels records each partition's watermarks as they change, until ctx ends.
func (r *run) recordLevels(ctx context.Context) {
	last := map[history.TopicPartition]watermark{}
	for {
		ask, cancel := context.WithTimeout(ctx, levelsEvery)
		levels, err := r.admin.watermarks(ask, topicNames(r.cfg.Scenario))
		cancel()
		if err == nil { // while a leader is away nobody knows: the next look tells
			now := history.Now()
			for _, w := range slices.DeleteFunc(levels, func(w watermark) bool { return last[w.tp] == w }) {
				last[w.tp] = w
				r.rec.record(history.Event{
					T: now, Src: history.SrcHarness, Proc: "harness", Type: history.Info, Op: history.OpWatermarks,
					TP: w.tp, Off: []int64{w.start, w.lso, w.high},
				})
			}
		}
		if !pause(ctx, levelsEvery) {
			return
		}
	}
}
