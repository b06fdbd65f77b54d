package roles

import (
	"context"
	"strconv"

	"github.com/onceproof/onceproof/history"
)

// host is a job as its library sees it.
type host struct{ w *job }

func (h host) Printer() *Printer        { return h.w.print }
func (h host) Token() string            { return h.w.token() }
func (h host) Txn() int64               { return h.w.inTxn.Load() }
func (h host) Fail(err error)           { h.w.fail(err) }
func (h host) Ended() error             { return h.w.ended() }
func (h host) Context() context.Context { return h.w.ctx }

func (h host) Told(op history.Op, tps []history.TopicPartition) { (&group{w: h.w}).Told(op, tps) }

func (w *job) token() string {
	return w.spec.Proc + ":" + strconv.FormatInt(w.tokens.Add(1), 10)
}
