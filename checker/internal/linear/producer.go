package linear

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// ProducerKind is what an operation does to a transactional id.
type ProducerKind uint8

const (
	InitProducer ProducerKind = iota + 1 // takes the id over, and fences whoever had it
	UseProducer                          // a send, an offset or an end that was acknowledged
	FencedUse                            // one that was refused as fenced
)

// ProducerOp is one operation on a transactional id by one process.
type ProducerOp struct {
	Kind         ProducerKind
	Owner        int   // the process
	Epoch        int16 // of InitProducer
	What         string
	Call, Return int64
}

// producerState is who holds the id, and with which epoch.
type producerState struct {
	held  bool
	owner int
	epoch int16
}

// transactionalID is the state machine of KIP-98: an init bumps the epoch, and
// afterwards only its process is served. A refusal is legal while another process
// holds the id; what a process that was never fenced is refused says nothing.
var transactionalID = porcupine.Model{
	Init: func() any { return producerState{} },
	Step: func(state, input, _ any) (bool, any) {
		s, op := state.(producerState), input.(ProducerOp)
		switch op.Kind {
		case InitProducer:
			if s.held && op.Epoch <= s.epoch && op.Owner != s.owner {
				return false, s
			}
			return true, producerState{true, op.Owner, op.Epoch}
		case UseProducer:
			if !s.held {
				return true, producerState{true, op.Owner, s.epoch}
			}
			return s.owner == op.Owner, s
		}
		return !s.held || s.owner != op.Owner, s
	},
	DescribeOperation: func(input, _ any) string {
		op := input.(ProducerOp)
		switch op.Kind {
		case InitProducer:
			return fmt.Sprintf("init -> epoch %d", op.Epoch)
		case FencedUse:
			return op.What + " -> fenced"
		}
		return op.What
	},
	DescribeState: func(state any) string {
		s := state.(producerState)
		return fmt.Sprintf("process %d, epoch %d", s.owner, s.epoch)
	},
}

// Producers searches for an order of the operations on one transactional id.
func Producers(ops []ProducerOp, caps Caps) Result {
	all := make([]porcupine.Operation, len(ops))
	for i, o := range ops {
		all[i] = porcupine.Operation{ClientId: o.Owner, Input: o, Call: o.Call, Return: o.Return}
	}
	return search(transactionalID, all, caps)
}
