package franzgo

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker/roles"
)

// errNotCommitted is what a session does not say.
var errNotCommitted = errors.New("the session aborted: the group rebalanced, or the offsets were not taken")

// InSession says whether transactions with offsets go by the library's session,
// which always sends the group's metadata and looks after its membership by itself.
func (l *library) InSession() bool {
	return l.spec.Commit == guarantee.CommitTxn && !l.has(guarantee.HabitNoGroupMetadata)
}

// CommitSession asks the session to commit.
func (l *library) CommitSession() (roles.SessionEnd, error) {
	var lines []*history.Event
	ctx := kgo.PreTxnCommitFnContext(l.host.Context(), func(req *kmsg.TxnOffsetCommitRequest) error {
		lines = l.stageOffsets(req)
		return l.host.Printer().Flush()
	})
	ends, inits := l.writes.endTxn.Load(), l.writes.initPID.Load()
	committed, err := l.sess.End(ctx, kgo.TryCommit)
	ends, inits = l.writes.endTxn.Load()-ends, l.writes.initPID.Load()-inits

	end := roles.SessionEnd{Committed: committed, NotAsked: ends == 0}
	told := err
	if !committed && err == nil {
		end.NotAsked = ends <= 1 && inits == 0 // the one is its abort
		end.Cause, told = errNotCommitted, errNotCommitted
	}
	l.endOffsets(lines, told)
	return end, err
}

// GoOn moves the position behind records, after a session that did not commit has
// moved it back to what is committed. Most libraries leave it there by themselves.
func (l *library) GoOn(records []roles.Record) {
	ours := l.cl.CommittedOffsets()
	behind := map[string]map[int32]kgo.EpochOffset{}
	for i := range records {
		r := records[i].Own.(*kgo.Record)
		if _, still := ours[r.Topic][r.Partition]; still {
			put(behind, r, 1)
		}
	}
	if len(behind) > 0 {
		l.cl.SetOffsets(behind)
	}
}

// Rewind moves the position to the first of records in each partition. A session has
// gone back to what is committed, where the partition is still ours.
func (l *library) Rewind(records []roles.Record) []roles.Offset {
	if l.sess != nil {
		return l.rewound(records)
	}
	first := map[string]map[int32]kgo.EpochOffset{}
	for i := len(records) - 1; i >= 0; i-- {
		put(first, records[i].Own.(*kgo.Record), 0)
	}
	l.cl.SetOffsets(first)
	var offsets []roles.Offset
	for topic, parts := range first {
		for part, at := range parts {
			offsets = append(offsets, roles.Offset{TP: history.TopicPartition{Topic: topic, Part: part}, Off: at.Offset})
		}
	}
	return offsets
}

func (l *library) rewound(records []roles.Record) []roles.Offset {
	committed := l.cl.CommittedOffsets()
	var offsets []roles.Offset
	seen := map[history.TopicPartition]bool{}
	for i := range records {
		tp := records[i].TP
		off, ours := committed[tp.Topic][tp.Part]
		if !ours || seen[tp] {
			continue
		}
		seen[tp] = true
		if off.Offset < 0 {
			off.Offset = records[i].Off // nothing was committed yet: from the batch's first
		}
		offsets = append(offsets, roles.Offset{TP: tp, Off: off.Offset})
	}
	return offsets
}

// SendOffsets is never asked for: the session sends them.
func (l *library) SendOffsets(offsets []roles.Offset) error {
	return l.SendOffsetsWithoutGroup(offsets)
}

// SendOffsetsWithoutGroup adds offsets to the transaction by group id alone, as before
// KIP-447: the coordinator cannot tell whether their sender still owns the partitions.
func (l *library) SendOffsetsWithoutGroup(offsets []roles.Offset) error {
	pid, epoch, err := l.cl.ProducerID(l.host.Context())
	if err != nil {
		return err
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = l.set.txnID, pid, epoch, l.set.group
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = l.set.txnID, pid, epoch, l.set.group
	for _, o := range offsets {
		p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.LeaderEpoch = o.TP.Part, o.Off, o.Epoch
		t := kmsg.NewTxnOffsetCommitRequestTopic()
		t.Topic, t.Partitions = o.TP.Topic, append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	lines := l.stageOffsets(req)
	if err = l.host.Printer().Flush(); err != nil {
		return err
	}
	err = l.stage(add, req)
	l.endOffsets(lines, err)
	return err
}

func (l *library) stage(add *kmsg.AddOffsetsToTxnRequest, req *kmsg.TxnOffsetCommitRequest) error {
	added, err := add.RequestWith(l.host.Context(), l.cl)
	if err == nil {
		err = kerr.ErrorForCode(added.ErrorCode)
	}
	if err != nil {
		return err
	}
	staged, err := req.RequestWith(l.host.Context(), l.cl)
	if err != nil {
		return err
	}
	for _, t := range staged.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}

// stageOffsets reports the offsets that are about to become part of the
// transaction, and gives them their token.
func (l *library) stageOffsets(req *kmsg.TxnOffsetCommitRequest) []*history.Event {
	token := l.host.Token()
	var lines []*history.Event
	for _, t := range req.Topics {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			p.Metadata = &token
			line := l.commits.line(history.OpSendOffsets, t.Topic, p.Partition, p.Offset, token)
			line.Txn = l.host.Txn()
			lines = append(lines, line)
		}
	}
	if len(lines) > 0 {
		l.host.Printer().Invoke(lines...)
	}
	return lines
}

func (l *library) endOffsets(lines []*history.Event, err error) {
	for _, line := range lines {
		if line.Type, line.Err = history.OK, errorOf(err); err != nil {
			line.Type = history.Info
		}
		l.host.Printer().End(line)
	}
}
