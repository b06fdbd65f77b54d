package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// exercised says what a guarantee's verdict rests on. At most one of the
// reasons is set; the order of precedence is notApplying, unknown, missing.
type exercised struct {
	examined    []string // names of counts
	notable     []string // of counts that are shown if they are not 0
	notApplying string   // the configuration has no object of this guarantee
	unknown     string   // could not be decided
	missing     string   // nothing in the run could have broken it
}

// breaks lists the anomalies of each guarantee, as docs/anomalies.md does.
var breaks = map[guarantee.Guarantee][]guarantee.Anomaly{
	guarantee.NoLoss:       {guarantee.LostWrite, guarantee.LostInput, guarantee.TruncatedLog},
	guarantee.NoDuplicates: {guarantee.DuplicateWrite, guarantee.DuplicateOutput, guarantee.OverlappingInput},
	guarantee.Order:        {guarantee.ReorderedWrite, guarantee.RealtimeReorder, guarantee.NonmonotonicPoll, guarantee.SkippedPoll, guarantee.NonmonotonicSend},
	guarantee.Isolation:    {guarantee.AbortedRead, guarantee.DirtyRead, guarantee.IntermediateRead, guarantee.ReadAboveLSO, guarantee.PhantomRead},
	guarantee.Atomicity:    {guarantee.TornTransaction, guarantee.OutputWithoutOffset, guarantee.OffsetWithoutOutput, guarantee.StrayMarker, guarantee.LostCommit, guarantee.GhostCommit},
	guarantee.Agreement:    {guarantee.InconsistentOffset},
	guarantee.Offsets:      {guarantee.OffsetRegression, guarantee.OffsetLost, guarantee.NonlinearizableOffset, guarantee.PositionMismatch},
	guarantee.Fencing:      {guarantee.ZombieWrite, guarantee.ZombieCommit},
	guarantee.Progress:     {guarantee.HangingTransaction, guarantee.StuckConsumer, guarantee.NoRecovery},
}

// GuaranteeOf is the guarantee that an anomaly breaks, "" if there is no such anomaly.
func GuaranteeOf(a guarantee.Anomaly) guarantee.Guarantee {
	for _, g := range guarantee.All {
		for _, k := range breaks[g] {
			if k == a {
				return g
			}
		}
	}
	return ""
}

// transactional says that the run had transactions.
func (j *judge) transactional() bool {
	if j.nTxns > 0 || j.counts["transactional-records"]+j.counts["aborted-records"] > 0 {
		return true
	}
	return slices.ContainsFunc(j.procs, func(p *proc) bool { return p.txnal })
}

// disturbed says that something happened that guarantees exist for: a proved
// fault that met one of the operations, a client that died with work in hand,
// an outcome that nobody knew, a rebalance, an abort.
func (j *judge) disturbed(ops ...history.Op) bool {
	return j.counts["crashes"] > 0 || j.hot.unknown > 0 || j.counts["unknown-ends"] > 0 || j.counts["unknown-commits"] > 0 ||
		j.counts["rebalances"] > 0 || j.counts["aborts"] > 0 || j.anyFaultMet(ops...)
}

const notDisturbed = "no fault, crash, rebalance, abort or unknown outcome met an operation that it protects"

// exercise says whether g was put to the test. docs/checker.md has the rule in words.
func (j *judge) exercise(g guarantee.Guarantee) exercised {
	ex := j.tested(g)
	if why := j.unseen(g); why != "" && ex.notApplying == "" && ex.unknown == "" {
		ex.unknown = why
	}
	return ex
}

// unseen says what of g could not be decided of a program, where neither the wire nor
// its outputs show what its application read and what it made of it.
func (j *judge) unseen(g guarantee.Guarantee) string {
	for i := range j.header.Clients {
		c := &j.header.Clients[i]
		if !c.Program || c.Role == "producer" {
			continue
		}
		v, ok := j.programs[c.Name]
		if !ok { // no audit; that is said elsewhere
			continue
		}
		why := ""
		switch g {
		case guarantee.NoLoss:
			why = v.loss
		case guarantee.NoDuplicates:
			why = v.duplicates
		case guarantee.Order:
			why = v.given
		case guarantee.Isolation:
			if j.transactionsIn(c.Input) {
				why = v.given
			}
		}
		if why != "" {
			return why
		}
	}
	return ""
}

// transactionsIn says whether a topic's log holds records of transactions; of a topic
// that the scenario does not name, whether any does.
func (j *judge) transactionsIn(topic string) bool {
	return slices.ContainsFunc(j.parts, func(pt *part) bool { return pt.txnal && (topic == "" || pt.tp.Topic == topic) })
}

func (j *judge) tested(g guarantee.Guarantee) exercised {
	var ex exercised
	if j.reads != nil && (g == guarantee.Atomicity || g == guarantee.Offsets || g == guarantee.Fencing || g == guarantee.Progress) {
		ex.notApplying = "a Jepsen history tells nothing of it: there is no final log, and there are no committed offsets"
		return ex
	}
	switch g {
	case guarantee.NoLoss:
		ex.examined = []string{"records", "acked", "inputs", "faults", "crashes", "unknown"}
		j.dataVerdict(&ex, true)
		j.groupsVerdict(&ex, g)
		if j.reads != nil && ex.unknown == "" {
			ex.unknown = j.undecidedLoss()
		}
		j.unread(&ex)
	case guarantee.NoDuplicates:
		ex.examined = []string{"records", "processed", "outputs", "faults", "crashes", "unknown"}
		j.dataVerdict(&ex, true)
		j.groupsVerdict(&ex, g)
		j.unread(&ex)
	case guarantee.Order:
		ex.examined = []string{"records", "acked", "polled", "faults", "crashes"}
		ex.notable = []string{"second-opinions", "second-opinions-open", "second-opinions-against"}
		j.dataVerdict(&ex, true)
		if j.reads != nil && j.reads.jumps > 0 && ex.unknown == "" {
			ex.unknown = fmt.Sprintf("%d times a subscribed reader jumped between two polls of one operation (Jepsen: int-poll-skip, int-nonmonotonic-poll); a rebalance would explain it, and no operation of the history tells of any (:rebalance-log)", j.reads.jumps)
		}
	case guarantee.Agreement:
		ex.examined = []string{"records", "acked", "polled", "faults", "leader-changes"}
		j.dataVerdict(&ex, true)
	case guarantee.Isolation, guarantee.Atomicity:
		ex.examined = []string{"transactions", "commits", "aborts", "aborted-records", "transactional-records", "faults"}
		if !j.transactional() {
			ex.notApplying = "there are no transactions in this run"
			return ex
		}
		j.dataVerdict(&ex, false)
		if ex.unknown == "" && ex.missing == "" && !j.txnDisturbed() {
			ex.missing = "no transaction was aborted, cut short or met by a fault"
		}
	case guarantee.Offsets:
		ex.examined = []string{"offset-commits", "offset-fetches", "registers-searched", "handovers", "rebalances", "crashes", "faults"}
		ex.notable = []string{"registers-by-rules", "registers-not-searched"}
		switch {
		case j.hot.committedOffsets == 0 && j.commits.n == 0 && j.staged.n == 0:
			ex.notApplying = "no offset was committed in this run"
		case !j.auditDone:
			ex.unknown = j.noAudit("the final committed offsets are not known")
		case len(j.unsearched) > 0:
			ex.unknown = fmt.Sprintf("%d committed offsets could not be searched for an order: %s", j.counts["registers-not-searched"], strings.Join(j.unsearched, "; "))
		case !j.disturbed(history.OpCommitOffsets, history.OpSendOffsets, history.OpCommit, history.OpPoll):
			ex.missing = notDisturbed
		}
	case guarantee.Fencing:
		ex.examined = []string{"handovers", "live-handovers", "epoch-bumps", "fences", "faults"}
		switch {
		case j.counts["live-handovers"] == 0 && j.counts["fences"] == 0:
			ex.notApplying = "no process outlived the loss of a partition or of its transactional.id"
		case !j.auditDone:
			ex.unknown = j.noAudit("the final log is not known")
		}
	case guarantee.Progress:
		ex.examined = []string{"faults", "sends-after-faults", "acked-after-faults"}
		switch {
		case len(j.faults) == 0:
			ex.notApplying = "no fault struck, so there was nothing to recover from"
		case !j.auditDone:
			ex.unknown = j.noAudit("the final log is not known")
		case len(j.idle) > 0:
			ex.unknown = strings.Join(j.idle, "; ")
		case j.lastGone == 0:
			ex.missing = "no fault was over before the run ended"
		}
	}
	if d := j.disputed[g]; len(d) > 0 && ex.unknown == "" {
		ex.unknown = "the second opinion differs: " + strings.Join(d, "; ")
	}
	return ex
}

// dataVerdict is what the guarantees about records have in common: they need
// the final log, records in it, and something that disturbed the run.
func (j *judge) dataVerdict(ex *exercised, disturb bool) {
	switch {
	case j.hot.sends+j.hot.polled+j.hot.logged == 0:
		ex.missing = "no record was sent or read"
	case !j.auditDone && j.reads == nil:
		ex.unknown = j.noAudit("the final log is not known")
	case j.cutOff && j.reads != nil:
		ex.unknown = "the end of the history is cut off"
	case disturb && !j.disturbed(history.OpSend, history.OpPoll, history.OpProcess, history.OpCommit, history.OpCommitOffsets, history.OpSendOffsets):
		ex.missing = notDisturbed
	}
}

// unread is for guarantees that only reads can show broken, where no audit tells the log.
func (j *judge) unread(ex *exercised) {
	ex.notable = append(ex.notable, "unread")
	if j.reads != nil && j.hot.polled == 0 && ex.missing == "" {
		ex.missing = "nothing was read"
	}
}

// groupsVerdict looks for groups that were to work off inputs, and of whose inputs
// none was examined: what they would have lost or done twice does not show.
func (j *judge) groupsVerdict(ex *exercised, g guarantee.Guarantee) {
	for _, r := range j.readers() {
		waits := false
		for _, pt := range j.parts {
			if pt.tp.Topic != r.client.Input {
				continue
			}
			_, some := j.visibleIn(pt, 0, pt.logEnd-1, true)
			waits = waits || some
			if in := r.group.inputs[pt.id]; g == guarantee.NoLoss && in != nil && in.pending && r.group.tiled == 0 && ex.unknown == "" {
				ex.unknown = fmt.Sprintf("the committed offset of group %s for %s is not told: a transaction that would move it on is still open", r.group.name, tpName(pt.tp))
			}
		}
		switch {
		case !waits || ex.missing != "":
		case g == guarantee.NoLoss && r.group.tiled == 0:
			ex.missing = fmt.Sprintf("no input of group %s was examined: it committed no offset behind one", r.group.name)
		case g == guarantee.NoDuplicates && !r.group.processes && !r.group.outputs:
			ex.missing = fmt.Sprintf("no input of group %s was examined: it processed nothing", r.group.name)
		}
	}
}

func (j *judge) noAudit(s string) string {
	if j.auditErr != "" {
		return s + ": " + j.auditErr
	}
	return s + ": the audit is missing"
}

func (j *judge) txnDisturbed() bool {
	return j.counts["aborts"] > 0 || j.counts["unknown-ends"] > 0 || j.counts["unknown-commits"] > 0 || j.counts["aborted-records"] > 0 || j.counts["cut-short"] > 0 ||
		j.anyFaultMet(history.OpCommit, history.OpAbort, history.OpSendOffsets, history.OpBegin) ||
		j.anyFaultMet(history.OpSend) && j.nTxns > 0
}
