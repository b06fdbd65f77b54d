package lint

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
)

var eos = kip(98, " - Exactly Once Delivery and Transactional Messaging")

var transactionRules = []Rule{
	{
		ID: "commit-after-processing", Property: "commit", Severity: Error,
		Promise: "a crash between the work and its commit repeats the work: at least once",
		Fix:     "a transaction that holds the output and the offset (sendOffsetsToTransaction), a transactional.id, and isolation.level=read_committed in every reader",
		Why: "Two steps can always be parted by a crash. However small the one between the output and the offset, the next owner of the " +
			"partition starts at the committed offset and makes the output again.",
		Sources: []Source{eos, documented("producer", "transactional.id")},
		Breaks:  []string{"no-duplicates"}, Scenario: "commit-after-processing",
		check: func(a *Application) []hit {
			if a.Role == guarantee.Processor && (a.Commit == guarantee.CommitEach || a.Commit == guarantee.CommitBatch) {
				return one(a.commit(), inOneTransaction...)
			}
			if a.Role == guarantee.Consumer && !a.Observes && (a.Commit == guarantee.CommitEach || a.Commit == guarantee.CommitBatch) {
				return []hit{{at: a.commit(),
					promise: "a crash, or a rebalance, between the work and its commit repeats the work: at least once",
					fix:     "work that may be done twice (an upsert by the record's key), or the offset kept in the same database transaction as the result"}}
			}
			return nil
		},
	},
	{
		ID: "commit-before-processing", Property: "commit", Severity: Error,
		Promise: "a crash between the commit and the work skips the record: at most once",
		Fix:     "commit after the work; for exactly once, in the transaction that holds the output",
		Why:     "The next owner of the partition starts behind a record that nobody has worked on.",
		Sources: []Source{eos},
		Breaks:  []string{"no-loss"}, Scenario: "commit-before-processing",
		check: func(a *Application) []hit {
			switch {
			case !a.reads() || a.Commit != guarantee.CommitBefore:
				return nil
			case a.Role == guarantee.Processor:
				return one(a.commit(), inOneTransaction...)
			}
			return one(a.commit(), Change{Code, "commit", guarantee.CommitEach})
		},
	},
	{
		ID: "late-commit", Property: "commit", Severity: Warning,
		Promise: "a commit that comes late is taken in place of a newer one, and sets the group back",
		Fix:     "a transaction that holds the output and the offset (sendOffsetsToTransaction), whose epoch tells the late one",
		Why: "An OffsetCommit names its member and generation, and has no number of its own. One whose connection broke while it was on its " +
			"way may be read behind those that came after it; the next owner of the partition starts there.",
		Sources: []Source{eos},
		Breaks:  []string{"offsets"}, Scenario: "late-commit",
		check: func(a *Application) []hit {
			switch {
			case a.Role == guarantee.Processor && a.Commit != guarantee.CommitTxn:
				return one(a.commit(), inOneTransaction...)
			case a.Role == guarantee.Consumer && !a.Observes && a.Commit != "":
				return []hit{{at: a.commit(), fix: "work that may be done twice, or the offset kept in the same database transaction as the result"}}
			}
			return nil
		},
	},
	{
		ID: "offsets-outside-transaction", Property: "commit", Severity: Error,
		Promise: "output and offset are committed apart, and a crash between the two makes the output again",
		Fix:     "sendOffsetsToTransaction with the consumer's group metadata instead of commitSync",
		Why:     "The producer is transactional, and the consumer commits for itself. The transaction protects the output alone.",
		Sources: []Source{eos, kip(447, ": Producer scalability for exactly once semantics")},
		Breaks:  []string{"no-duplicates", "atomicity"}, Scenario: "offsets-outside-transaction",
		check: func(a *Application) []hit {
			if a.Commit == guarantee.CommitTxnOutside {
				return one(a.commit(), Change{Code, "commit", guarantee.CommitTxn})
			}
			return nil
		},
	},
	{
		ID: "transactional-id-random", Property: "transactional.id", Severity: Error,
		Promise: "an id that differs at each start fences nobody, and nobody ends the transaction that a crash left open",
		Fix:     "an id that is unique to an instance and stable over its restarts, such as the name of its stateful set's pod: till-0, or till-${POD_NAME} where the framework fills it in",
		Why: "A start with the same id has the coordinator abort what its predecessor left, and fence the predecessor should it still live. " +
			"Under another id the open transaction stays until transaction.timeout.ms, and every read_committed reader waits before it.",
		Sources: []Source{eos, documented("producer", "transactional.id")},
		Breaks:  []string{"progress"}, Risks: []string{"fencing", "no-duplicates"}, Scenario: "random-transactional-id",
		check: func(a *Application) []hit {
			id := a.producer("transactional.id")
			if a.transactional() && random.MatchString(id.Value) {
				return one(id, idOfInstance)
			}
			return nil
		},
	},
	{
		ID: "transactional-id-shared", Property: "transactional.id", Severity: Error,
		Promise: "two instances share it, and each one that starts fences the other",
		Fix:     "an id of its own for each instance, stable over its restarts, such as transactional.id=till-0 in the first and till-1 in the second, or one with ${HOSTNAME} or ${POD_NAME} where the framework fills it in",
		Why: "The coordinator takes the second for a successor of the first, and aborts and fences what the first has open. With restarts " +
			"in turn neither gets a long transaction committed.",
		Sources: []Source{eos, kip(447, ": Producer scalability for exactly once semantics")},
		Breaks:  []string{"progress"}, Scenario: "shared-transactional-id",
		check: func(a *Application) []hit {
			id := a.producer("transactional.id")
			if !a.transactional() || !id.set() || a.Instances == 1 || ownOfInstance.MatchString(id.Value) {
				return nil
			}
			h := hit{at: id, changes: []Change{idOfInstance}}
			if a.Framework == "flink" {
				return nil // a prefix, which the sink makes ids of
			}
			if a.Instances == 0 {
				h.severity, h.promise = Info, "every process that is started with this file has the same id, and two of them fence each other"
			}
			return []hit{h}
		},
	},
	{
		ID: "transaction-timeout", Property: "transaction.timeout.ms", Severity: Warning,
		Promise: "a transaction that takes longer is aborted by the coordinator, and tried again takes as long",
		Fix:     "a transaction.timeout.ms above what the work on one poll may take (max.poll.interval.ms bounds it), or a smaller max.poll.records",
		Why: "One transaction a poll takes as long as the work on its records, and after an outage a poll brings as many as it may. The " +
			"coordinator aborts the transaction and fences its producer; the restart polls as much again. Above the brokers' " +
			"transaction.max.timeout.ms the producer is refused at its start.",
		Sources: []Source{documented("producer", "transaction.timeout.ms"), documented("broker", "transaction.max.timeout.ms"), documented("consumer", "max.poll.interval.ms")},
		Breaks:  []string{"progress"}, Scenario: "transaction-timeout",
		check: transactionTimeout,
	},
}

// idOfInstance is an id that each instance has for itself, in the harness's words; a
// diff of the user's file has a real one.
var idOfInstance = Change{Producer, "transactional.id", "${client}-${instance}"}

var (
	// random is an id that is drawn at each start.
	random = regexp.MustCompile(`(?i)\$\{[^}]*(random|uuid|incarnation)[^}]*\}`)
	// ownOfInstance is an id that leaves a part to be filled in for each instance,
	// or for each start.
	ownOfInstance = regexp.MustCompile(`\$\{(?:[^c}]|c[^l}])[^}]*\}|\$\(|%[a-z]`)
)

func transactionTimeout(a *Application) []hit {
	at := a.producer("transaction.timeout.ms")
	timeout, ok := at.number()
	if !a.transactional() || !ok {
		return nil
	}
	if hits := checkpoint(a, at, timeout); hits != nil {
		return hits
	}
	if limit, ok := a.broker("transaction.max.timeout.ms").number(); ok && timeout > limit {
		return []hit{{at: at, severity: Error, promise: fmt.Sprintf("the brokers allow at most %d ms (transaction.max.timeout.ms) and refuse the producer at its start", limit),
			changes: []Change{{Producer, "transaction.timeout.ms", strconv.FormatInt(limit, 10)}}}}
	}
	records, _ := a.consumer("max.poll.records").number()
	longest, ok := a.consumer("max.poll.interval.ms").number()
	if a.Work > 0 {
		longest, ok = records*a.Work.Milliseconds(), true
	}
	if !a.reads() || !ok || timeout >= longest || a.Framework == "streams" || a.Framework == "mirror" { // these commit by the clock, not by the poll
		return nil
	}
	enough := longest
	if limit, ok := a.broker("transaction.max.timeout.ms").number(); ok {
		enough = min(enough, limit)
	}
	h := hit{at: at, changes: []Change{{Producer, "transaction.timeout.ms", strconv.FormatInt(enough, 10)}}}
	if a.Work == 0 && !at.set() {
		h.severity = Info
	}
	return []hit{h}
}

// checkpoint is a transaction of Flink's, which is committed when the checkpoint that
// it belongs to is done: what the coordinator aborted before is lost for good, since
// the source's positions are in that checkpoint.
func checkpoint(a *Application, at Setting, timeout int64) []hit {
	interval, ok := scenario.Duration(a.Facts["checkpoint-interval"].Value)
	if ms, err := strconv.ParseInt(strings.TrimSpace(a.Facts["checkpoint-interval"].Value), 10, 64); err == nil {
		interval, ok = time.Duration(ms)*time.Millisecond, true
	}
	if a.Framework != "flink" || !ok || timeout > 2*interval.Milliseconds() {
		return nil
	}
	severity, promise := Error, fmt.Sprintf("checkpoints are %v apart (line %d) and commit the transaction: the coordinator has aborted it before, and its records are lost", interval, a.Facts["checkpoint-interval"].Line)
	if timeout > interval.Milliseconds() {
		severity, promise = Warning, fmt.Sprintf("checkpoints are %v apart (line %d): one that fails or takes its time leaves the transaction to the coordinator, which aborts it, and its records are lost", interval, a.Facts["checkpoint-interval"].Line)
	}
	return []hit{{at: at, severity: severity, promise: promise, breaks: []string{"no-loss"},
		fix:     "a transaction.timeout.ms of several checkpoint intervals and of the longest restart, at most the brokers' transaction.max.timeout.ms",
		changes: []Change{{Producer, "transaction.timeout.ms", strconv.FormatInt(max(900_000, 3*interval.Milliseconds()), 10)}}}}
}
