package franzgo

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
)

// classes of Kafka's errors that are more than an error of one call.
var classes = []struct {
	class history.Class
	errs  []error
}{
	{history.Fenced, []error{
		kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.FencedInstanceID, kerr.TransactionCoordinatorFenced,
	}},
	{history.Fatal, []error{
		kgo.ErrClientClosed, kerr.InvalidProducerIDMapping, kerr.InvalidTxnState, kerr.TransactionalIDAuthorizationFailed,
		kerr.ClusterAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed,
		kerr.UnsupportedVersion, kerr.UnsupportedForMessageFormat, kerr.SaslAuthenticationFailed,
	}},
	{history.Abortable, []error{kerr.TransactionAbortable, kerr.OperationNotAttempted, kgo.ErrAborting, errNotCommitted}},
}

// errorOf tells err as the library does.
func errorOf(err error) *history.Error {
	if err == nil {
		return nil
	}
	e := &history.Error{Name: fmt.Sprintf("%T", err), Text: err.Error()}
	for name, known := range map[string]error{
		"ErrRecordTimeout": kgo.ErrRecordTimeout, "ErrRecordRetries": kgo.ErrRecordRetries,
		"ErrMaxBuffered": kgo.ErrMaxBuffered, "NotCommitted": errNotCommitted,
		"ErrAborting": kgo.ErrAborting, "ErrClientClosed": kgo.ErrClientClosed,
		"context.Canceled": context.Canceled, "context.DeadlineExceeded": context.DeadlineExceeded,
	} {
		if errors.Is(err, known) {
			e.Name = name
		}
	}
	var loss *kgo.ErrDataLoss
	if errors.As(err, &loss) {
		e.Name = "ErrDataLoss"
	}
	var code *kerr.Error
	if errors.As(err, &code) {
		e.Name, e.Code = code.Message, code.Code
	}
	e.Class = classOf(err)
	return e
}

func classOf(err error) history.Class {
	for _, c := range classes {
		for _, known := range c.errs {
			if errors.Is(err, known) {
				return c.class
			}
		}
	}
	if kerr.IsRetriable(err) || kgo.IsRetryableBrokerErr(err) {
		return history.Retriable
	}
	return ""
}

func isFatal(err error) bool {
	c := classOf(err)
	return c == history.Fatal || c == history.Fenced
}

func neverWritten(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kgo.ErrMaxBuffered)
}

// writes counts the requests that were written to brokers, to know whether what
// the library reports can stem from more than one attempt.
type writes struct {
	commit, endTxn, initPID atomic.Int64
}

var _ kgo.HookBrokerWrite = (*writes)(nil)

// OnBrokerWrite implements kgo.HookBrokerWrite.
func (w *writes) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	switch kmsg.Key(key) {
	case kmsg.OffsetCommit:
		w.commit.Add(1)
	case kmsg.EndTxn:
		w.endTxn.Add(1)
	case kmsg.InitProducerID:
		w.initPID.Add(1)
	}
}
