package deduce

import (
	"maps"
	"slices"

	"github.com/onceproof/onceproof/history"
)

// traffic is what the wire shows of every client, programs and workers alike.
type traffic struct {
	owners map[int64]string           // client instance by producer id
	wrote  map[string]map[string]bool // client instances by topic
	reads  map[string]map[string]bool // client instances by topic: they commit offsets of it
}

func newTraffic() traffic {
	return traffic{owners: map[int64]string{}, wrote: map[string]map[string]bool{}, reads: map[string]map[string]bool{}}
}

func (t *traffic) wire(e history.Event, api string) {
	switch {
	case api == "InitProducerID" && e.Type == history.OK && e.Err == nil && e.HasPID:
		t.owners[e.PID] = e.Proc
	case api == "Produce" && e.TP.Topic != "":
		note(t.wrote, e)
	case (api == "TxnOffsetCommit" || api == "OffsetCommit") && e.TP.Topic != "":
		note(t.reads, e)
	}
}

func note(by map[string]map[string]bool, e history.Event) {
	if by[e.TP.Topic] == nil {
		by[e.TP.Topic] = map[string]bool{}
	}
	by[e.TP.Topic][e.Proc] = true
}

// Owner is the client instance that a producer id was given to, "" if the wire did not
// show it.
func (d *Deducer) Owner(pid int64) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen.owners[pid]
}

// IsProgram says whether a client instance is one that tells nothing itself.
func (d *Deducer) IsProgram(client string) bool { return d.programs[client] != nil }

// Written are the topics that any client produced to.
func (d *Deducer) Written() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.seen.wrote))
}

// Reads are the topics of which some of the client instances committed offsets, but for
// those that they write too, such as the repartition topics of Kafka Streams.
func (d *Deducer) Reads(clients []string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var topics []string
	for t, by := range d.seen.reads {
		wrote := d.seen.wrote[t]
		if slices.ContainsFunc(clients, func(c string) bool { return by[c] }) &&
			!slices.ContainsFunc(clients, func(c string) bool { return wrote[c] }) {
			topics = append(topics, t)
		}
	}
	slices.Sort(topics)
	return topics
}
