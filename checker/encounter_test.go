package checker

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// wire adds what the proxy saw of a request of exact/0's transaction, or its answer.
func (p *tape) wire(api string, id int64, typ history.Type, broker int32, data map[string]any) *history.Event {
	op := history.OpRequest
	if typ != history.Invoke {
		op = history.OpResponse
	}
	e := history.Event{Src: history.SrcWire, Proc: "exact/0", Type: typ, Op: op, ID: id, Data: map[string]any{"api": api, "broker": broker}}
	for k, v := range data {
		e.Data[k] = v
	}
	return p.add(e)
}

func (p *tape) inject(fault, kind string, began int64, data map[string]any) {
	e := history.Event{Src: history.SrcFault, Proc: fault, Type: history.OK, Op: history.OpInject, Data: map[string]any{"kind": kind, "began": began}}
	for k, v := range data {
		e.Data[k] = v
	}
	p.add(e)
}

var exact0 = map[string]any{"txn-id": "exact-0"}

// TestEncounters follows one transaction: broker 1 leads its partition, 2
// coordinates it, 3 its group.
func TestEncounters(t *testing.T) {
	passed := map[string]any{"txn-id": "exact-0", "told": "passed"}
	lost := map[string]any{"txn-id": "exact-0", "told": "dropped"}
	for name, tc := range map[string]struct {
		strike func(p *tape)
		want   *Encounter
	}{
		"kill the coordinator while EndTxn is under way": {
			func(p *tape) {
				p.wire("EndTxn", 4, history.Invoke, 2, exact0)
				p.inject("fault/1", "kill", p.now, map[string]any{"brokers": []int32{2}, "in-flight": map[string]int{"EndTxn": 1}})
			},
			&Encounter{InFlight: map[string]int64{"EndTxn": 1}, Transactions: map[Phase]int64{PhaseEnding: 1},
				Cells: []Coverage{{Cell{"kill", PhaseEnding, RoleFollower}, 1}, {Cell{"kill", PhaseEnding, RoleTxnCoordinator}, 1}}},
		},
		"kill the leader, when what it met had moved on by the time the kill was over": {
			func(p *tape) {
				began := p.now
				p.wire("EndTxn", 4, history.Invoke, 2, exact0)
				p.wire("EndTxn", 4, history.OK, 2, passed)
				p.inject("fault/1", "kill", began, map[string]any{"brokers": []any{1.0}})
			},
			&Encounter{Transactions: map[Phase]int64{PhaseOffsets: 1}, Cells: []Coverage{{Cell{"kill", PhaseOffsets, RoleLeader}, 1}}},
		},
		"crash the client whose commit was answered": {
			func(p *tape) {
				p.wire("EndTxn", 4, history.Invoke, 2, exact0)
				p.wire("EndTxn", 4, history.OK, 2, passed)
				p.inject("fault/1", "crash", p.now, map[string]any{"clients": []string{"exact/0"}})
			},
			&Encounter{Transactions: map[Phase]int64{PhaseEnded: 1}, Cells: []Coverage{{Cell{"crash", PhaseEnded, RoleClient}, 1}}},
		},
		"kill the group's coordinator long after": {
			func(p *tape) {
				p.wire("EndTxn", 4, history.Invoke, 2, exact0)
				p.wire("EndTxn", 4, history.OK, 2, passed)
				p.now += 2 * markersBy
				p.inject("fault/1", "kill", p.now, map[string]any{"brokers": []int32{3}})
			},
			&Encounter{Cells: []Coverage{{Cell{"kill", PhaseNone, RoleGroupCoordinator}, 1}}},
		},
		"a member of a KIP-848 group has not said yet that it has what it was given": {
			func(p *tape) {
				p.wire("ConsumerGroupHeartbeat", 9, history.OK, 3, map[string]any{"generation": int32(1), "assigned": []any{"in/0", "in/1"}}).Group = "exact"
				p.inject("fault/1", "evict", p.now, map[string]any{"brokers": []int32{3}})
			},
			&Encounter{Transactions: map[Phase]int64{PhaseOffsets: 1}, Rebalancing: 1,
				Cells: []Coverage{{Cell{"evict", PhaseOffsets, RoleFollower}, 1}, {Cell{"evict", PhaseOffsets, RoleGroupCoordinator}, 1}}},
		},
		"a member of a KIP-848 group that has what it was given": {
			func(p *tape) {
				p.wire("ConsumerGroupHeartbeat", 9, history.OK, 3, map[string]any{"generation": int32(1), "assigned": []any{"in/0", "in/1"}}).Group = "exact"
				p.wire("ConsumerGroupHeartbeat", 10, history.OK, 3, map[string]any{"generation": int32(1), "owns": []any{"in/0", "in/1"}}).Group = "exact"
				p.inject("fault/1", "evict", p.now, map[string]any{"brokers": []int32{3}})
			},
			&Encounter{Transactions: map[Phase]int64{PhaseOffsets: 1},
				Cells: []Coverage{{Cell{"evict", PhaseOffsets, RoleFollower}, 1}, {Cell{"evict", PhaseOffsets, RoleGroupCoordinator}, 1}}},
		},
		"fence the transactional.id, whose client is struck wherever it runs": {
			func(p *tape) {
				p.inject("fault/1", "fence", p.now, map[string]any{"brokers": []int32{2}, "transactional-ids": []any{"exact-0"}})
			},
			&Encounter{Transactions: map[Phase]int64{PhaseOffsets: 1}, Cells: []Coverage{
				{Cell{"fence", PhaseOffsets, RoleFollower}, 1}, {Cell{"fence", PhaseOffsets, RoleTxnCoordinator}, 1}, {Cell{"fence", PhaseOffsets, RoleClient}, 1}}},
		},
		"a client that struck nobody's transaction": {
			func(p *tape) {
				p.inject("fault/1", "crash", p.now, map[string]any{"clients": []string{"exact/1"}})
			},
			&Encounter{Transactions: map[Phase]int64{PhaseOffsets: 1}},
		},
		"lose the answer to a commit": {
			func(p *tape) {
				p.inject("fault/1", "drop", p.now, nil)
				p.wire("EndTxn", 4, history.Invoke, 2, exact0)
				p.wire("EndTxn", 4, history.OK, 2, lost)
				e := p.wire("EndTxn", 4, history.Info, 2, map[string]any{"txn-id": "exact-0", "struck": "response dropped", "fault": "fault/1"})
				e.Op = history.OpResponse
			},
			&Encounter{Transactions: map[Phase]int64{PhaseEnded: 1}, Lost: map[string]int64{"EndTxn": 1},
				Cells: []Coverage{{Cell{"drop", PhaseEnded, RoleTxnCoordinator}, 1}}},
		},
		"during a rebalance": {
			func(p *tape) {
				p.wire("JoinGroup", 5, history.Invoke, 3, nil).Group = "exact"
				p.inject("fault/1", "kill", p.now, map[string]any{"brokers": []int32{1}})
				p.wire("SyncGroup", 6, history.OK, 3, nil).Group = "exact"
			},
			&Encounter{Transactions: map[Phase]int64{PhaseOffsets: 1}, Rebalancing: 1, Cells: []Coverage{{Cell{"kill", PhaseOffsets, RoleLeader}, 1}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTape()
			p.h.Topics = []history.TopicInfo{{Name: "receipts", Partitions: 1, Replicas: 3}}
			p.wire("AddPartitionsToTxn", 1, history.Invoke, 2, exact0)
			p.wire("Produce", 2, history.Invoke, 1, exact0).TP = receipts
			p.wire("TxnOffsetCommit", 3, history.Invoke, 3, exact0).Group = "exact"
			tc.strike(p)
			j := newJudge(p.h, Options{})
			defer j.close()
			for i := range p.events {
				if err := j.observe(&p.events[i], int64(i)+2); err != nil {
					t.Fatal(err)
				}
			}
			evidence := j.faultEvidence()
			if len(evidence) != 1 {
				t.Fatalf("%d faults", len(evidence))
			}
			if diff := cmp.Diff(tc.want, evidence[0].Wire, cmp.AllowUnexported(), cmp.FilterPath(func(path cmp.Path) bool {
				return path.Last().String() == ".hits" || path.Last().String() == ".lastLost"
			}, cmp.Ignore())); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
			if diff := cmp.Diff(tc.want.Cells, j.coverage()); diff != "" {
				t.Errorf("coverage: %s", diff)
			}
		})
	}
}

// TestFetchedBelowAnOpenTransaction: what a broker may give under read_committed
// while a transaction is open.
func TestFetchedBelowAnOpenTransaction(t *testing.T) {
	for name, tc := range map[string]struct {
		from, to  int64
		committed bool
		end       string
		late      bool // fetched after the commit was asked for
		want      int64
	}{
		"beyond its first record":              {3, 7, true, "commit", false, 1},
		"up to its first record":               {3, 4, true, "commit", false, 0},
		"under read_uncommitted":               {3, 7, false, "commit", false, 0},
		"it was aborted, perhaps before":       {3, 7, true, "abort", false, 0},
		"the commit was under way":             {3, 7, true, "commit", true, 0},
		"its process began anew and it is old": {3, 7, true, "init", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTape()
			p.wire("Produce", 2, history.Invoke, 1, exact0).TP = receipts
			e := p.wire("Produce", 2, history.OK, 1, map[string]any{"txn-id": "exact-0", "told": "passed"})
			e.TP, e.Off = receipts, []int64{5, 6}
			fetch := func() {
				p.add(history.Event{Src: history.SrcWire, Proc: "audience/0", Type: history.OK, Op: history.OpFetched, TP: receipts,
					Off: []int64{tc.from, tc.to}, Data: map[string]any{"api": "Fetch", "committed": tc.committed}})
			}
			if !tc.late {
				fetch()
			}
			if tc.end == "init" {
				p.wire("InitProducerID", 4, history.OK, 2, exact0)
			} else {
				p.wire("EndTxn", 3, history.Invoke, 2, exact0).Marker = tc.end
				if tc.late {
					fetch()
				}
				p.wire("EndTxn", 3, history.OK, 2, exact0).Marker = tc.end
			}
			p.log(receipts, entry{val: v("exact/0/1", 0), from: -1, pid: 7}, marker("commit", 7))
			if got := kinds(p.done().judge(t))[guarantee.ReadAboveLSO]; got != tc.want {
				t.Errorf("read-above-lso × %d, want %d", got, tc.want)
			}
		})
	}
}
