package checker

import (
	"encoding/json"
	"slices"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// wireView follows what the proxy saw, as far as it takes to say what a fault met.
type wireView struct {
	txns       map[string]*wireTxn // by transactional id
	groups     map[string]int32    // group -> its coordinator
	joining    map[string]stay     // by client instance and group
	shares     map[string]*share   // of members of KIP-848 groups, as joining
	assigned   assignments
	leads      map[history.TopicPartition]int32
	controller int32 // -1 = not known
	replicated bool
	leaks      []earlyFetch
}

// share is what a member of a KIP-848 group was given, and has said that it has.
type share struct{ given, has []string }

// stay is a stretch of time; to 0 = not over.
type stay struct{ from, to int64 }

// wireTxn is the current transaction of one transactional id.
type wireTxn struct {
	client      string // client instance
	parts       map[int32]bool
	group       string
	coordinator int32
	past        []step // phases and when they began, the newest last
	lows        map[history.TopicPartition]low
	early       []earlyFetch // that it makes wrong if it commits
	line        int64        // of the event being observed
}

type step struct {
	phase Phase
	t     int64
}

// keepSteps bounds how far phaseAt can look back: more than happens while one
// fault is injected.
const keepSteps = 256

// markersBy is when the markers of a transaction whose end was answered are taken
// to be written, if nothing of it was seen meanwhile.
const markersBy = 1_000_000_000

func newWireView(h history.Header) wireView {
	return wireView{
		txns: map[string]*wireTxn{}, groups: map[string]int32{}, joining: map[string]stay{}, shares: map[string]*share{}, assigned: assignments{}, controller: -1,
		leads:      map[history.TopicPartition]int32{},
		replicated: h.Backend != "embedded" && slices.ContainsFunc(h.Topics, func(t history.TopicInfo) bool { return t.Replicas > 1 }),
	}
}

// phaseAt is the transaction's phase at a moment that may be a little in the past.
func (t *wireTxn) phaseAt(at int64) Phase {
	for i := len(t.past) - 1; i >= 0; i-- {
		if s := t.past[i]; s.t <= at {
			if s.phase == PhaseEnded && at-s.t > markersBy {
				return PhaseNone
			}
			return s.phase
		}
	}
	return PhaseNone
}

func (t *wireTxn) phase() Phase {
	if len(t.past) == 0 {
		return PhaseNone
	}
	return t.past[len(t.past)-1].phase
}

// enter moves on to a phase. Forward only, but for the beginning of the next.
func (t *wireTxn) enter(p Phase, at int64) {
	now := t.phase()
	over := now == PhaseNone || now == PhaseEnded
	switch {
	case now == p:
		return
	case p == PhaseNone, p == PhaseEnded:
	case over:
		t.parts, t.group = map[int32]bool{}, ""
		t.lows, t.early = nil, nil
	case slices.Index(Phases, p) < slices.Index(Phases, now):
		return
	}
	if len(t.past) == keepSteps {
		t.past = slices.Delete(t.past, 0, keepSteps/2)
	}
	t.past = append(t.past, step{p, at})
}

// struckRequest is a wire rule's hit.
type struckRequest struct {
	fault, api, txn string
	id              int64
	lost            bool // the broker had acted, and the client does not hear
}

// observeWire takes in what the proxy saw.
func (j *judge) observeWire(e *history.Event) {
	j.hot.wire++
	api := facts.API.Get(e)
	if _, struck := facts.Struck.Of(e); struck {
		j.observeStruck(e, api)
		return
	}
	if e.Op == history.OpResponse && e.Type == history.OK && facts.ToldClient.Get(e) == facts.Dropped {
		for _, f := range j.faults {
			if f.isOn {
				f.wire.lose(api, e.ID)
			}
		}
	}
	if e.Op == history.OpFetched {
		j.wire.fetched(e, j.line)
		return
	}
	j.wire.observe(e, api, j.line)
}

func (j *judge) observeStruck(e *history.Event, api string) {
	tag := facts.ByFault.Get(e)
	f := j.byStep[tag]
	if f == nil {
		return // a trigger's: the fault that it triggers is on its way
	}
	s := struckRequest{fault: tag, api: api, id: e.ID, lost: e.Op == history.OpResponse && f.kind != "delay"}
	s.txn = facts.TxnID.Get(e)
	f.struckRequest(&j.wire, e.T, s)
}

func (w *wireView) observe(e *history.Event, api string, line int64) {
	broker := facts.Broker.Get(e)
	if e.Group != "" && RoleOf(api) == RoleGroupCoordinator && e.Err == nil {
		w.groups[e.Group] = broker
	}
	w.assigned.observe(e, api)
	switch api {
	case "JoinGroup", "SyncGroup", "LeaveGroup", "Heartbeat":
		w.observeMember(e, api)
	case "ConsumerGroupHeartbeat":
		w.observeNextMember(e)
	}
	id := facts.TxnID.Get(e)
	if id == "" {
		return
	}
	t := w.txns[id]
	if t == nil {
		t = &wireTxn{coordinator: -1, parts: map[int32]bool{}}
		w.txns[id] = t
	}
	t.line = line
	if e.Type == history.Invoke {
		t.request(e, api, broker)
		return
	}
	if e.Type != history.OK || e.Err != nil {
		return
	}
	switch api {
	case "Produce":
		t.placed(e)
	case "EndTxn":
		t.enter(PhaseEnded, e.T)
		if e.Marker == "commit" {
			w.leaks = append(w.leaks, t.early...)
		}
		t.lows, t.early = nil, nil
	case "InitProducerID": // which aborts what was open
		t.enter(PhaseNone, e.T)
		t.lows, t.early = nil, nil
	}
}

func (t *wireTxn) request(e *history.Event, api string, broker int32) {
	t.client = e.Proc
	if RoleOf(api) == RoleTxnCoordinator {
		t.coordinator = broker
	}
	switch api {
	case "AddPartitionsToTxn":
		t.enter(PhaseBegun, e.T)
	case "AddOffsetsToTxn":
		t.enter(PhaseBegun, e.T)
		t.group = e.Group
	case "Produce":
		t.enter(PhaseProducing, e.T)
		t.parts[broker] = true
	case "TxnOffsetCommit":
		t.enter(PhaseOffsets, e.T)
		t.group = e.Group
	case "EndTxn":
		t.ending(e)
		if p := t.phase(); p != PhaseNone && p != PhaseEnded { // else nothing was open: Kafka allows it
			t.enter(PhaseEnding, e.T)
		}
	}
}

// observeMember follows who is between joining a group and being given its part.
func (w *wireView) observeMember(e *history.Event, api string) {
	const rebalanceInProgress = 27
	switch {
	case api == "JoinGroup" && e.Type == history.Invoke, api == "Heartbeat" && e.Err != nil && e.Err.Code == rebalanceInProgress:
		w.moves(e, true)
	case api == "SyncGroup" && e.Type == history.OK && e.Err == nil, api == "LeaveGroup" && e.Type == history.OK:
		w.moves(e, false)
	}
}

// observeNextMember: a member of a KIP-848 group is on its way from being told that it
// is none any more, or being given something else than it has, until it says that it has
// what it was given.
func (w *wireView) observeNextMember(e *history.Event) {
	const unknownMember, fencedEpoch = 25, 110
	key := e.Proc + "\x00" + e.Group
	s := w.shares[key]
	if s == nil {
		s = &share{}
		w.shares[key] = s
	}
	if e.Err != nil {
		if e.Err.Code == unknownMember || e.Err.Code == fencedEpoch {
			*s = share{}
			w.moves(e, true)
		}
		return
	}
	if has, said := facts.Owns.Of(e); said {
		s.has = has
	}
	if given, said := facts.Assigned.Of(e); said {
		s.given = given
	}
	if facts.Generation.Get(e) < 0 { // it has left
		*s = share{}
	}
	w.moves(e, !slices.Equal(s.given, s.has))
}

// moves notes that a member is between two assignments, or no longer is.
func (w *wireView) moves(e *history.Event, on bool) {
	key := e.Proc + "\x00" + e.Group
	switch now := w.joining[key]; {
	case on && (now.from == 0 || now.to != 0):
		w.joining[key] = stay{from: e.T}
	case !on && now.from != 0 && now.to == 0:
		w.joining[key] = stay{now.from, e.T}
	}
}

func (w *wireView) rebalancing(at int64) int64 {
	var n int64
	for _, s := range w.joining {
		if s.from != 0 && s.from <= at && (s.to == 0 || at < s.to) {
			n++
		}
	}
	return n
}

// rolesIn are the roles that some of the struck had for t.
func (w *wireView) rolesIn(t *wireTxn, brokers []int32, clients []string) []Role {
	found := map[Role]bool{}
	for _, b := range brokers {
		group, known := w.groups[t.group]
		found[RoleLeader] = found[RoleLeader] || t.parts[b]
		found[RoleFollower] = found[RoleFollower] || w.replicated && len(t.parts) > 0 && !t.parts[b]
		found[RoleGroupCoordinator] = found[RoleGroupCoordinator] || known && group == b
		found[RoleTxnCoordinator] = found[RoleTxnCoordinator] || t.coordinator == b
		found[RoleController] = found[RoleController] || w.controller == b
	}
	found[RoleClient] = slices.Contains(clients, t.client)
	return inOrder(found)
}

// roles are those that the struck have for the cluster, where no transaction is open.
func (w *wireView) roles(brokers []int32, clients []string) []Role {
	found := map[Role]bool{RoleClient: len(clients) > 0}
	for _, b := range brokers {
		for _, leader := range w.leads {
			found[RoleLeader] = found[RoleLeader] || leader == b
			found[RoleFollower] = found[RoleFollower] || w.replicated && leader != b
		}
		for _, c := range w.groups {
			found[RoleGroupCoordinator] = found[RoleGroupCoordinator] || c == b
		}
		for _, t := range w.txns {
			found[RoleTxnCoordinator] = found[RoleTxnCoordinator] || t.coordinator == b
		}
		found[RoleController] = found[RoleController] || w.controller == b
	}
	return inOrder(found)
}

func inOrder(found map[Role]bool) []Role {
	return slices.DeleteFunc(slices.Clone(Roles), func(r Role) bool { return !found[r] })
}

// number reads a number of an event's data, as it was recorded or as JSON gives it.
func number(v any) (int64, bool) {
	switch n := v.(type) {
	case int:
		return int64(n), true
	case int16:
		return int64(n), true
	case int32:
		return int64(n), true
	case int64:
		return n, true
	case float64:
		return int64(n), true
	case json.Number:
		i, err := n.Int64()
		return i, err == nil
	}
	return 0, false
}

func texts(v any) []string {
	switch list := v.(type) {
	case []string:
		return list
	case []any:
		var out []string
		for _, x := range list {
			if s, ok := x.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

func counts(v any) map[string]int64 {
	out := map[string]int64{}
	switch m := v.(type) {
	case map[string]int:
		for k, n := range m {
			out[k] = int64(n)
		}
	case map[string]any:
		for k, x := range m {
			if n, ok := number(x); ok {
				out[k] = n
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
