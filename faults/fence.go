package faults

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// fence is what a second instance with the same transactional id does first: it
// initialises, which bumps the epoch and aborts what was open. The old instance
// is a zombie from then on. Nothing heals that but a new producer.
type fence struct {
	env *Env
	id  string
	was kmsg.DescribeTransactionsResponseTransactionState
	now *kmsg.InitProducerIDResponse
	by  cluster.BrokerID // the coordinator that let it in
}

var _ = register(scenario.KindFence, newFence)

func newFence(f scenario.Fault, env *Env, _ uint64) (fault, error) {
	if f.Args.TxnID == "" {
		return nil, errors.New("whom? Want transactional.id")
	}
	return &fence{env: env, id: f.Args.TxnID}, nil
}

func (f *fence) Inject(ctx context.Context) (string, error) {
	_, err := awaitWithin(ctx, electionWait, func(ctx context.Context) (string, error) {
		var err error
		id, err := f.env.key(ctx, txn, f.id)
		if err != nil {
			return "", err
		}
		f.id = id
		f.was, err = f.env.describeTxn(ctx, f.id)
		return "", err
	})
	if err != nil {
		return "", err
	}
	_, err = await(ctx, f.initialise)
	return fmt.Sprintf(
		"transactional id %s (producer id %d, epoch %d, %s)", f.id, f.was.ProducerID, f.was.ProducerEpoch,
		f.was.State,
	), err
}

func (f *fence) victims() (brokers []int32, clients []string) { return []int32{int32(f.by)}, nil }

func (f *fence) fenced() []string { return []string{f.id} }

// describeTxn asks the coordinator about a transactional id.
func (e *Env) describeTxn(ctx context.Context, id string) (kmsg.DescribeTransactionsResponseTransactionState, error) {
	var none kmsg.DescribeTransactionsResponseTransactionState
	req := kmsg.NewPtrDescribeTransactionsRequest()
	req.TransactionalIDs = []string{id}
	resp, err := e.askCoordinator(ctx, txn, id, req)
	if err != nil {
		return none, err
	}
	states := resp.(*kmsg.DescribeTransactionsResponse).TransactionStates
	if len(states) != 1 {
		return none, fmt.Errorf("DescribeTransactions: %d answers about one id", len(states))
	}
	err = code(states[0].ErrorCode)
	if errors.Is(err, kerr.TransactionalIDNotFound) {
		names, _, _ := e.keys(ctx, txn)
		return none, fmt.Errorf("%w: no transactional id is called %q; there are: %s", errNoTarget, id, list(names))
	}
	return states[0], err
}

// initialise asks until what was open is aborted.
func (f *fence) initialise(ctx context.Context) (string, error) {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.SetVersion(4)
	req.TransactionalID, req.TransactionTimeoutMillis = &f.id, f.was.TimeoutMillis
	req.ProducerID, req.ProducerEpoch = -1, -1
	resp, by, err := f.env.askCoordinatorOf(ctx, txn, f.id, req)
	if err != nil {
		return "", err
	}
	f.by = by
	r := resp.(*kmsg.InitProducerIDResponse)
	if err := code(r.ErrorCode); err != nil {
		err = fmt.Errorf("InitProducerId: %w", err)
		if !kerr.IsRetriable(err) && !errors.Is(err, kerr.ConcurrentTransactions) {
			err = finalError{err}
		}
		return "", err
	}
	f.now = r
	return "", nil
}

// Effect compares the identity that the coordinator gave with the one before.
func (f *fence) Effect(context.Context) (string, error) {
	text := fmt.Sprintf("transactional id %s got producer id %d, epoch %d; before it was producer id %d, epoch %d",
		f.id, f.now.ProducerID, f.now.ProducerEpoch, f.was.ProducerID, f.was.ProducerEpoch)
	if f.now.ProducerID == f.was.ProducerID && f.now.ProducerEpoch <= f.was.ProducerEpoch {
		return "", errors.New(text + ": nobody is fenced")
	}
	return text, nil
}

func (f *fence) Recover(context.Context) error { return nil }

func (f *fence) Gone(context.Context) (string, error) {
	return "nothing to undo: the fenced producer must begin anew", nil
}
