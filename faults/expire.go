package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

// expire lets an open transaction live longer than its producer said that it would: the
// request that would end it is swallowed until the coordinator's time-out has aborted
// it, with a new epoch. Then the producer, which thinks that it still has a transaction,
// is let go. Its own commit must not decide anything any more.
type expire struct {
	env     *Env
	id      string
	was     kmsg.DescribeTransactionsResponseTransactionState
	swallow hits
}

var _ = register(scenario.KindExpire, newExpire)

func newExpire(f scenario.Fault, env *Env, _ uint64) (fault, error) {
	if f.Args.TxnID == "" {
		return nil, errors.New("whose transaction? Want transactional.id")
	}
	return &expire{env: env, id: f.Args.TxnID}, nil
}

// Inject keeps the end of a transaction back, and waits for one to be open.
func (e *expire) Inject(ctx context.Context) (string, error) {
	r := proxy.Rule{
		API:    int16(kmsg.EndTxn),
		Broker: -1,
		Part:   -1,
		TxnID:  e.id,
		Phase:  proxy.OnRequest,
		Action: proxy.Blackhole,
	}
	var err error
	if e.swallow, err = e.env.door().add(r); err != nil {
		return "", err
	}
	_, err = awaitWithin(ctx, electionWait, func(ctx context.Context) (string, error) {
		id, err := e.env.key(ctx, txn, e.id)
		if err != nil {
			return "", err
		}
		e.id = id
		was, err := e.env.describeTxn(ctx, e.id)
		if err == nil && was.State != "Ongoing" {
			err = fmt.Errorf("%w: transactional id %s has no open transaction (%s)", errNoTarget, e.id, was.State)
		}
		e.was = was
		return "", err
	})
	return fmt.Sprintf("the transaction of transactional id %s (producer id %d, epoch %d), which may last %d ms",
		e.id, e.was.ProducerID, e.was.ProducerEpoch, e.was.TimeoutMillis), err
}

// Effect waits until the coordinator has aborted it.
func (e *expire) Effect(ctx context.Context) (string, error) {
	return awaitWithin(
		ctx,
		time.Duration(e.was.TimeoutMillis)*time.Millisecond+electionWait,
		func(ctx context.Context) (string, error) {
			now, err := e.env.describeTxn(ctx, e.id)
			if err != nil {
				return "", err
			}
			text := fmt.Sprintf(
				"transactional id %s is %s with producer id %d, epoch %d", e.id, now.State, now.ProducerID,
				now.ProducerEpoch,
			)
			if now.State == "Ongoing" && now.StartTimestamp == e.was.StartTimestamp {
				return "", errors.New(text)
			}
			if n := len(e.swallow.Hits()); n > 0 {
				text += fmt.Sprintf("; the producer asked %d times to end it", n)
			}
			return text, nil
		},
	)
}

func (e *expire) fenced() []string { return []string{e.id} }

// patience: Effect is bounded by the transaction's own time-out.
func (e *expire) patience() (effect, gone time.Duration) { return -1, 0 }

// Recover lets the producer hear again. Connections that carried a swallowed request are
// dead: they are cut, so that the producer does not wait for an answer.
func (e *expire) Recover(context.Context) error {
	if e.swallow == nil {
		return nil
	}
	e.swallow.Remove()
	cutCarriers(e.env, e.swallow)
	e.swallow = nil
	return nil
}

func (e *expire) Gone(context.Context) (string, error) {
	return "nothing to undo: the transaction is aborted, and its producer can tell", nil
}
