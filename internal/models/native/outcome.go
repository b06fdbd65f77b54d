package native

import (
	"slices"

	"github.com/onceproof/onceproof/history"
)

// outcome records what the broker answered, and what the client hears of it.
func (r *request) outcome(a *answer, told string, rewritten code) {
	if r.over {
		return
	}
	r.over = true
	if r.api == "Fetch" {
		r.fetchedEvents(a)
		return
	}
	var events []history.Event
	news := !quick[r.api] || r.api == "OffsetFetch"
	for i := range r.parts {
		e := r.event(i, history.OK, history.OpResponse)
		e.Data["told"] = told
		if rewritten != none {
			e.Data["told-code"] = int16(rewritten)
		}
		e.Err = a.codeOf(i).asError()
		news = r.said(&e, i, a) || news
		events = append(events, e)
	}
	if !news {
		return
	}
	for _, e := range events {
		r.client.w.wire(r, e)
	}
}

// said puts an answer's facts into the event of one part; true says that they are
// news, of requests that are routine.
func (r *request) said(e *history.Event, i int, a *answer) (news bool) {
	failed := e.Err != nil
	switch r.api {
	case "Produce":
		if last, ok := e.Data["last-delta"].(int); ok && !failed && a.off[i] >= 0 {
			e.Off = []int64{a.off[i], a.off[i] + int64(last)}
		}
	case "OffsetFetch":
		if !failed {
			e.Off, e.Meta = []int64{a.off[i]}, a.meta[i]
		}
	case "InitProducerID":
		if !failed {
			e.PID, e.Epoch, e.HasPID = a.pid, a.epoch, true
		}
	case "EndTxn":
		if !failed && a.next {
			e.Data["next-pid"], e.Data["next-epoch"] = a.pid, a.epoch
		}
	case "JoinGroup":
		e.Data["generation"], e.Data["member"], e.Data["leader"] = a.generation, a.member, a.leader
	case "SyncGroup":
		if !failed {
			e.Data["assigned"] = names(a.assigned)
		}
	case "Heartbeat":
		return failed
	case "ConsumerGroupHeartbeat":
		_, news = e.Data["owns"]
		if !failed {
			news = news || e.Data["generation"] != a.generation
			e.Data["generation"] = a.generation
		}
		e.Data["member"] = a.member
		if a.given {
			e.Data["assigned"] = names(a.assigned)
		}
		return news || a.given || failed
	}
	return false
}

func names(tps []history.TopicPartition) []string {
	all := []string{}
	for _, tp := range tps {
		all = append(all, tp.String())
	}
	slices.Sort(all)
	return all
}

// fetchedEvents records the whole batches that a client was given.
func (r *request) fetchedEvents(a *answer) {
	for i := range a.fetched {
		f := &a.fetched[i]
		if len(f.entries) == 0 {
			continue
		}
		e := r.event(0, history.OK, history.OpFetched)
		e.ID = 0
		e.TP, e.Off = f.tp, []int64{f.first, f.first + int64(len(f.entries)) - 1}
		e.Data["batches"] = 1
		e.Data["high-watermark"], e.Data["last-stable"] = f.high, f.stable
		if f.committed {
			e.Data["committed"] = true
		}
		r.client.w.wire(r, e)
	}
}
