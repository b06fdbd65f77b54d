package checker

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// Phase is how far a transaction has come, as the wire tells it.
//
//	       AddPartitions          Produce            TxnOffsetCommit        EndTxn               its answer
//	none ───────────────> begun ─────────> producing ───────────────> offsets ──────> ending ───────────────> ended
//	 ↑                                                                                                          │
//	 └────────────────── the next one begins, or a second has gone by: the markers are written ────────────────┘
//
// A transaction may leave out any of the middle ones.
type Phase string

const (
	PhaseNone      Phase = "none"      // no transaction was open
	PhaseBegun     Phase = "begun"     // a partition or a group was added to it
	PhaseProducing Phase = "producing" // a batch of it was sent
	PhaseOffsets   Phase = "offsets"   // offsets were sent into it
	PhaseEnding    Phase = "ending"    // EndTxn was sent and not answered yet
	PhaseEnded     Phase = "ended"     // EndTxn was answered: decided, its markers perhaps not written yet
)

// Phases in the order of a transaction's life.
var Phases = []Phase{PhaseNone, PhaseBegun, PhaseProducing, PhaseOffsets, PhaseEnding, PhaseEnded}

// Role is what a fault's victim was to the transaction that it met, or to the
// cluster where it met none.
type Role string

const (
	RoleLeader           Role = "leader"            // of a partition that the transaction wrote
	RoleFollower         Role = "follower"          // a broker that leads none of those
	RoleGroupCoordinator Role = "group-coordinator" // of the group whose offsets it commits
	RoleTxnCoordinator   Role = "txn-coordinator"
	RoleController       Role = "controller"
	RoleClient           Role = "client" // the process whose transaction it is
)

// Roles in the order in which reports show them.
var Roles = []Role{RoleLeader, RoleFollower, RoleGroupCoordinator, RoleTxnCoordinator, RoleController, RoleClient}

// Cell is one kind of meeting: a fault of Kind struck something in Role while a
// transaction was in Phase.
type Cell struct {
	Kind  string `json:"kind"`
	Phase Phase  `json:"phase"`
	Role  Role   `json:"role"`
}

// Coverage is a cell and how many strikes fell into it.
type Coverage struct {
	Cell
	Strikes int64 `json:"strikes"`
}

// Encounter is what one fault met on the wire.
type Encounter struct {
	InFlight     map[string]int64 `json:"in-flight"`             // requests under way when it struck, by API
	Transactions map[Phase]int64  `json:"transactions"`          // open when it struck, by phase; of a wire fault, those that it struck
	Rebalancing  int64            `json:"rebalancing,omitempty"` // members of groups between JoinGroup and the answer to SyncGroup
	Lost         map[string]int64 `json:"lost-responses"`        // the broker acted, and no client heard, while it was on; by API
	Cells        []Coverage       `json:"cells"`

	hits     map[Cell]int64
	lastLost int64 // request id
}

func (e *Encounter) hit(c Cell) {
	if e.hits == nil {
		e.hits = map[Cell]int64{}
	}
	e.hits[c]++
}

func (e *Encounter) meet(p Phase) {
	if p == PhaseNone {
		return
	}
	if e.Transactions == nil {
		e.Transactions = map[Phase]int64{}
	}
	e.Transactions[p]++
}

func (e *Encounter) lose(api string, id int64) {
	if id != 0 && id == e.lastLost {
		return // another partition of the same response
	}
	e.lastLost = id
	if e.Lost == nil {
		e.Lost = map[string]int64{}
	}
	e.Lost[api]++
}

// seal returns the encounter as it is reported, nil if the fault met nothing.
func (e *Encounter) seal() *Encounter {
	e.Cells = covered(e.hits)
	if len(e.InFlight)+len(e.Transactions)+len(e.Lost)+len(e.Cells) == 0 && e.Rebalancing == 0 {
		return nil
	}
	return e
}

// covered lists cells in the order of kinds, phases and roles.
func covered(hits map[Cell]int64) []Coverage {
	var out []Coverage
	for c, n := range hits {
		out = append(out, Coverage{c, n})
	}
	SortCoverage(out)
	return out
}

// SortCoverage orders cells by kind, then as Phases and Roles do.
func SortCoverage(c []Coverage) {
	slices.SortFunc(c, func(a, b Coverage) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind),
			slices.Index(Phases, a.Phase)-slices.Index(Phases, b.Phase), slices.Index(Roles, a.Role)-slices.Index(Roles, b.Role))
	})
}

// MergeCoverage adds up what several runs covered.
func MergeCoverage(runs ...[]Coverage) []Coverage {
	hits := map[Cell]int64{}
	for _, r := range runs {
		for _, c := range r {
			hits[c.Cell] += c.Strikes
		}
	}
	return covered(hits)
}

// coverage adds up what all faults of the run met.
func (j *judge) coverage() []Coverage {
	hits := map[Cell]int64{}
	for _, f := range j.faults {
		for c, n := range f.wire.hits {
			hits[c] += n
		}
	}
	return covered(hits)
}

// struck is what a process or link fault met at the moment at which it was
// injected.
func (f *fault) struck(w *wireView, at int64, inject *history.Event) {
	e := &f.wire
	e.InFlight = counts(inject.Data["in-flight"])
	e.Rebalancing = w.rebalancing(at)
	brokers, _ := facts.Brokers.Of(inject)
	clients, _ := facts.Clients.Of(inject)
	ids, _ := facts.TxnIDs.Of(inject)
	open := false
	for _, id := range slices.Sorted(maps.Keys(w.txns)) {
		t := w.txns[id]
		phase := t.phaseAt(at)
		if phase == PhaseNone {
			continue
		}
		open = true
		e.meet(phase)
		if slices.Contains(ids, id) {
			clients = append(clients, t.client)
		}
		for _, r := range w.rolesIn(t, brokers, clients) {
			e.hit(Cell{f.kind, phase, r})
		}
	}
	if !open {
		for _, r := range w.roles(brokers, clients) {
			e.hit(Cell{f.kind, PhaseNone, r})
		}
	}
}

// struckRequest is what a wire fault met: the request that it struck, and the
// transaction to which that belongs.
func (f *fault) struckRequest(w *wireView, at int64, s struckRequest) {
	phase := PhaseNone
	if t := w.txns[s.txn]; t != nil {
		phase = t.phaseAt(at)
	}
	e := &f.wire
	e.meet(phase)
	if role := RoleOf(s.api); role != "" {
		e.hit(Cell{f.kind, phase, role})
	}
	if s.lost {
		e.lose(s.api, s.id)
	}
}

// RoleOf is what a broker is to a request of an API, "" if nothing in particular.
func RoleOf(api string) Role {
	switch api {
	case "Produce", "Fetch", "ListOffsets", "OffsetForLeaderEpoch":
		return RoleLeader
	case "InitProducerID", "InitProducerId", "AddPartitionsToTxn", "AddOffsetsToTxn", "EndTxn":
		return RoleTxnCoordinator
	case "TxnOffsetCommit", "OffsetCommit", "OffsetFetch", "JoinGroup", "SyncGroup", "Heartbeat", "LeaveGroup", "ConsumerGroupHeartbeat":
		return RoleGroupCoordinator
	case "CreateTopics", "DeleteTopics", "AlterPartitionReassignments", "ElectLeaders":
		return RoleController
	}
	return ""
}
