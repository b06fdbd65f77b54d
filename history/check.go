package history

import (
	"errors"
	"fmt"
	"strings"
)

// judged are the operations that clients and the audit may report. A misspelt
// one would be judged as if it had not happened, so it is refused instead.
var judged = map[Op]bool{
	OpInitProducer: true, OpBegin: true, OpSend: true, OpPoll: true, OpProcess: true, OpSendOffsets: true,
	OpCommit: true, OpAbort: true, OpCommitOffsets: true, OpFetchOffsets: true, OpAssigned: true,
	OpRevoked: true, OpLost: true, OpSeek: true, OpSetAside: true, OpClose: true,
	OpLog: true, OpMarker: true, OpVisible: true, OpOffset: true, OpWatermarks: true, OpOpenTxn: true,
	OpLineage: true, OpFold: true, OpAuditDone: true,
}

func judgedNames() []string {
	var names []string
	for op := range judged {
		names = append(names, string(op))
	}
	return names
}

// complete is check for an event in a history, which names its source and process.
func (e *Event) complete() error {
	switch {
	case e.Src == "":
		return errors.New("no src; want client, wire, fault, audit or harness")
	case e.Proc == "":
		return errors.New("no proc, such as \"shop/0/1\"")
	}
	return e.check()
}

// check says what makes e impossible to judge. Append and the readers hold every
// event to it.
func (e *Event) check() error {
	switch {
	case e.Type == "":
		return errors.New("no type; want invoke, ok, fail or info")
	case e.Op == "":
		return errors.New("no op, such as \"send\"")
	case e.TP.Part < 0 && strings.IndexByte(e.TP.Topic, '/') >= 0:
		return fmt.Errorf("%.80q is no topic", e.TP.Topic)
	case e.Run && (len(e.Val) == 0 || e.Op != OpSend && e.Op != OpSetAside):
		return fmt.Errorf("a run of %s with %d values; only sends come in runs, one value each", e.Op, len(e.Val))
	}
	if e.Op != OpSend && e.Op != OpPoll && e.Src != SrcWire && e.Src != SrcFault && e.Src != SrcHarness && !judged[e.Op] {
		return fmt.Errorf("unknown op %.40q%s", e.Op, nearest(string(e.Op), judgedNames()))
	}
	n := max(len(e.Off), len(e.Key), len(e.Val), len(e.From))
	if n > MaxRecords {
		return room(n, 0, 0)
	}
	for _, have := range [...]int{len(e.Off), len(e.Key), len(e.Val), len(e.From)} {
		if have != 0 && have != n {
			return fmt.Errorf("%d off, %d key, %d val, %d from; those that are there must be equally many",
				len(e.Off), len(e.Key), len(e.Val), len(e.From))
		}
	}
	return nil
}

// nearest suggests the word of a list that name was likely meant to be.
func nearest(name string, words []string) string {
	best, dist := "", 3
	for _, word := range words {
		if d := distance(name, word); d < dist || d == dist && best != "" && word < best {
			best, dist = word, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (%q?)", best)
}

// distance is Levenshtein's.
func distance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost = 1 + min(diag, row[j], row[j+1])
			}
			diag, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
