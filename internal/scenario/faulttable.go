package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// actions is the table of faults, in the order of the docs. From a row the scenario
// file is parsed, checked and documented, the backend is asked, and docs/faults.md is
// written; the fault itself is a file in package faults.
var actions = slices.Concat(processFaults, networkFaults, kafkaFaults, machineFaults)

// action is one kind of fault: its row in the table is the one home of all that can
// be said about it without doing it. Package faults has what it does, under the same
// name; a test there compares the two.
type action struct {
	kind    FaultKind
	doc     string             // what it does, for docs/scenarios.md
	args    []field[FaultArgs] // its arguments
	whom    []string           // exactly one of these args is given
	lasts   bool               // needs `for`, unless it strikes one request
	mayLast bool               // takes `for`, needs none
	wire    bool               // strikes requests: needs `on`
	link    bool               // strikes requests with `on`, links without
	path    bool               // strikes links, whatever triggers it

	// embedded and external say why these backends cannot do it to brokers, and what
	// to do instead; "" = they can. Clients can be struck on every backend.
	embedded, external string
	docker             string // how docker does it, for docs/faults.md; "" = nothing special
	needs              Need   // what this machine's engine must be able to do for it
	disturbs           bool   // brokers may lose leadership because of it
	leaves             string // what it may leave in brokers once it is healed and topics and groups are deleted
	seenBy, goneBy     string // what proves its effect, and the end of it
}

// Need is what a fault asks of the engine of backend docker, beyond signals.
type Need string

// Needs, by the names that the cluster's backend knows.
const (
	NeedsPacketFilter Need = "packet-filter"   // nftables in a broker's network namespace
	NeedsPacketQueue  Need = "packet-queue"    // nfnetlink_queue in it
	NeedsPatch        Need = "patched-process" // ptrace of a broker's process
	NeedsDisk         Need = "own-disk"        // a volume for each broker: cluster.disk
)

// Why a backend cannot do it.
const (
	noReplication = "the embedded backend has no replication between brokers; use --backend docker"
	noProcess     = "the embedded brokers live in onceproof's own process, with no disk, clock or memory " +
		"of their own; use --backend docker"
	notOurs = "onceproof did not start these brokers and cannot %s them; use --backend docker"
)

// strikesRequest reports whether f acts on the request that triggers it.
func (a action) strikesRequest(f *Fault) bool {
	return f.When.On != nil && f.When.On.Event == "" && (a.wire || a.link)
}

func actionOf(k FaultKind) (action, bool) {
	i := slices.IndexFunc(actions, func(a action) bool { return a.kind == k })
	if i < 0 {
		return action{}, false
	}
	return actions[i], true
}

// FaultKinds are the kinds of the table, in its order.
func FaultKinds() []FaultKind {
	var kinds []FaultKind
	for _, a := range actions {
		kinds = append(kinds, a.kind)
	}
	return kinds
}

// StrikesRequest reports whether f acts on the request that triggers it. It does
// nothing else then, and needs no ability of a backend.
func (f *Fault) StrikesRequest() bool {
	a, known := actionOf(f.Kind)
	return known && a.strikesRequest(f)
}

// strikesBrokers reports whether f acts on brokers, or on what is between them: a
// fault of the table that can do both is told by its target.
func (f *Fault) strikesBrokers() bool { return f.Args.Client == "" }

// Refused says why backend (docker, embedded, external) cannot do f, and what to do
// instead; "" if it can.
func (f *Fault) Refused(backend string) string {
	a, known := actionOf(f.Kind)
	switch {
	case !known || !f.strikesBrokers():
		return ""
	case backend == "embedded":
		return a.embedded
	case backend == "external" && a.external == notOurs:
		return fmt.Sprintf(notOurs, f.Kind)
	case backend == "external":
		return a.external
	}
	return ""
}

// Needs is what f asks of the engine of backend docker; "" = nothing special.
func (f *Fault) Needs() Need {
	a, _ := actionOf(f.Kind)
	return a.needs
}

// Disturbs reports whether brokers may lose leadership because of f.
func (f *Fault) Disturbs() bool {
	a, _ := actionOf(f.Kind)
	return a.disturbs && f.strikesBrokers()
}

// Leaves is what f may leave in brokers once it is healed, its end is proved, and
// topics, groups and transactional ids are deleted; "" = nothing. known is false for a
// kind that the table does not have.
func (f *Fault) Leaves() (what string, known bool) {
	a, known := actionOf(f.Kind)
	return a.leaves, known
}

// FaultTable is the table of docs/faults.md.
func FaultTable() string {
	var b strings.Builder
	b.WriteString("| fault | embedded | docker | external | effect seen by | end seen by |\n|---|---|---|---|---|---|\n")
	for _, a := range actions {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", a.kind,
			a.can(a.embedded), cmp.Or(a.docker, "yes"), a.can(a.external), cell(a.seenBy), cell(a.goneBy))
	}
	return b.String()
}

// can is the table's word for a backend that refuses for a reason.
func (a action) can(refusal string) string {
	switch {
	case refusal == "":
		return "yes"
	case slices.Contains(a.whom, "client"):
		return "clients"
	}
	return "–"
}
