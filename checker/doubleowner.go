package checker

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

var _ = addRule(Explanation{
	Anomaly:    guarantee.DoubleOwner,
	Guarantee:  guarantee.Fencing,
	Definition: "Two processes of one group went on reading one partition for longer than a replaced member needs to learn of it (10 s).",
	Source:     "Kafka documentation, Consumer Groups: each partition is consumed by exactly one member.",
	Smallest:   []string{"a send 0 orders@0", "a send 1 orders@1", "a send 2 orders@2", "p assigned orders", "p poll orders 0:a#0", "q assigned orders", "p poll orders 1:a#1", "wait 15s", "p poll orders 2:a#2", "log orders: a#0 a#1 a#2"},
	Legal:      []string{"a send 0 orders@0", "a send 1 orders@1", "p assigned orders", "p poll orders 0:a#0", "q assigned orders", "p poll orders 1:a#1", "wait 15s", "p lost orders", "log orders: a#0 a#1"},
	Evidence:   "Assignments and polls on one clock.",
}, (*judge).doubleOwners)

// doubleOwners reports two processes that went on reading one partition for
// their group. A consumer fetches without asking its coordinator, so one that
// was replaced reads on until its next heartbeat; longer is wrong.
func (j *judge) doubleOwners() {
	type pair struct{ tp, proc int32 }
	polls := map[pair][]pollLine{} // first and last after the loss, of replaced processes only
	starts := map[pair][2]owning{}
	for k, all := range j.owners {
		tp := int32(k & 0xffffffff)
		for i, o := range all.list {
			if all.next[i] < 0 {
				continue
			}
			n := all.list[all.next[i]] // the first one, and so the one that it overlaps longest
			if o.to == 0 || o.to > n.from+ownerGrace {
				if s, ok := starts[pair{tp, o.proc}]; !ok || n.from < s[1].from {
					starts[pair{tp, o.proc}] = [2]owning{o, n}
				}
			}
		}
	}
	if len(starts) == 0 {
		return
	}
	j.polls.scan(func(_ int64, p *pollLine) bool {
		k := pair{p.tp, p.proc}
		s, ok := starts[k]
		if !ok || p.t <= s[1].from || s[0].to != 0 && p.t > s[0].to {
			return true
		}
		if l := polls[k]; len(l) < 2 {
			polls[k] = append(l, *p)
		} else {
			l[1] = *p
		}
		return true
	})
	keys := make([]pair, 0, len(polls))
	for k := range polls {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b pair) int { return cmp.Or(cmp.Compare(a.tp, b.tp), cmp.Compare(a.proc, b.proc)) })
	for _, k := range keys {
		l, s := polls[k], starts[k]
		if len(l) < 2 || l[1].t-l[0].t < ownerGrace || s[1].to != 0 && s[1].to < l[1].t {
			continue
		}
		j.finds.report(guarantee.DoubleOwner, func() draft {
			d := draft{client: j.procs[k.proc].client}
			for _, o := range s {
				d.events = append(d.events, j.event(o.from, j.procName(o.proc), o.line, 0, history.Info, history.OpAssigned, fmt.Sprintf("%s was given to %s", tpName(j.parts[k.tp].tp), j.procName(o.proc))))
			}
			for _, p := range l {
				d.events = append(d.events, j.event(p.t, j.procName(p.proc), p.line, makePlace(p.tp, p.hi), history.OK, history.OpPoll, fmt.Sprintf("%s read %s up to %d", j.procName(p.proc), tpName(j.parts[p.tp].tp), p.hi)))
			}
			d.text = fmt.Sprintf("%s and %s both owned %s: %s was still reading it %.1f s after it had been given to %s.",
				j.procName(s[0].proc), j.procName(s[1].proc), tpName(j.parts[k.tp].tp), j.procName(s[0].proc), float64(l[1].t-s[1].from)/1e9, j.procName(s[1].proc))
			d.legal = "one owner in a group at a time"
			return d
		})
	}
}
