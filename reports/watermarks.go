package reports

import "github.com/onceproof/onceproof/history"

// watermarks are the ends of each partition's log as the harness read them last.
type watermarks map[history.TopicPartition][2]int64 // last stable offset, high watermark

func (c *curves) level(t int64, e *history.Event) {
	if len(e.Off) != 3 {
		return
	}
	c.bin(t)
	if tick := t / binStep; tick > c.tick {
		c.read(tick)
	}
	c.marks[e.TP] = [2]int64{e.Off[1], e.Off[2]}
}

// ends are the sums over each topic's partitions, by the name of their curve.
func (w watermarks) ends() map[string]int64 {
	out := map[string]int64{}
	for tp, m := range w {
		out[tp.Topic+" HW"] += m[1]
		out[tp.Topic+" LSO"] += m[0]
	}
	return out
}
