package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/IBM/sarama"
	"github.com/rcrowley/go-metrics"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/internal/network"
)

// A scan that gets nothing for scanStall, though records are due, has failed.
const scanStall = 15 * time.Second

// visibleGrace is how long the second reader may still show a record after the
// last that it should: it has no event that says "nothing more".
const visibleGrace = 250 * time.Millisecond

// scan reads m.tp from offset from and calls each for every record, control
// records too, up to and including the one at offset last. With committed it
// reads as a read_committed consumer does.
func (a *admin) scan(ctx context.Context, m watermark, from, last int64, committed bool, each func(*kgo.Record)) error {
	if from > last {
		return nil
	}
	opts := []kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{m.tp.Topic: {m.tp.Part: kgo.NewOffset().At(from)}}),
		kgo.KeepControlRecords(), kgo.FetchMaxWait(100 * time.Millisecond),
	}
	if committed {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	cl, err := a.client(opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	for next := from; next <= last; {
		fetches, err := poll(ctx, cl)
		if err != nil {
			return fmt.Errorf("read %s at offset %d: %w", m.tp, next, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset <= last {
				each(r)
			}
			next = r.Offset + 1
		})
	}
	return nil
}

// poll waits for the next records, at most scanStall.
func poll(ctx context.Context, cl *kgo.Client) (kgo.Fetches, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, scanStall, fmt.Errorf("nothing came for %s", scanStall))
	defer cancel()
	fetches := cl.PollFetches(ctx)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var errs []error
	fetches.EachError(func(_ string, _ int32, err error) { errs = append(errs, err) })
	return fetches, errors.Join(errs...)
}

// anyRecord tells whether a read_committed consumer at offset from would still
// be given a record. It is asked only where nothing is open: lso == high.
func (a *admin) anyRecord(ctx context.Context, m watermark, from int64) (bool, error) {
	if m.lso < m.high {
		return true, nil
	}
	s, ok := a.scanned[m.tp]
	if !ok || from < s.from || m.high < s.to {
		s = scanned{from: from, to: from, record: -1}
	}
	err := a.scan(ctx, m, s.to, m.high-1, true, func(r *kgo.Record) {
		if !r.Attrs.IsControl() {
			s.record = r.Offset
		}
	})
	if err != nil {
		return false, err
	}
	s.to = max(s.to, m.high)
	a.scanned[m.tp] = s
	return s.record >= from, nil
}

// scanned is what anyRecord knows of a partition: between from and to no record but the
// one at offset record is the last, or there is none and it is -1.
type scanned struct{ from, to, record int64 }

// The second reader's library counts what nobody here reads, with a ticker that
// would outlive the run, and be outside of its time where that is fake.
func init() { metrics.UseNilMetrics = true }

// secondReader reads visible records with another client library (sarama), so
// that no single implementation's filter of aborted transactions is believed.
type secondReader struct {
	client   sarama.Client
	consumer sarama.Consumer
}

func newSecondReader(in network.Network, seeds []string) (*secondReader, error) {
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V2_8_0_0
	cfg.ClientID = "onceproof-audit"
	cfg.Consumer.IsolationLevel = sarama.ReadCommitted
	cfg.Consumer.Return.Errors = true
	cfg.Consumer.MaxWaitTime = 100 * time.Millisecond
	if in != network.TCP {
		cfg.Net.Proxy.Enable, cfg.Net.Proxy.Dialer = true, plainDialer{in}
	}
	client, err := sarama.NewClient(seeds, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect the second reader: %w", err)
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect the second reader: %w", err), client.Close())
	}
	return &secondReader{client, consumer}, nil
}

// plainDialer is a network for those who have no context.
type plainDialer struct{ network.Network }

func (d plainDialer) Dial(netw, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), netw, address)
}

// read calls each for every record from offset from on. It ends visibleGrace
// after the one at offset last, or, where last < from, after the same time.
func (s *secondReader) read(ctx context.Context, m watermark, from, last int64, each func(*sarama.ConsumerMessage)) error {
	pc, err := s.consumer.ConsumePartition(m.tp.Topic, m.tp.Part, from)
	if err != nil {
		return fmt.Errorf("second reader on %s: %w", m.tp, err)
	}
	defer pc.Close()
	wait := func(next int64) time.Duration {
		if next > last {
			return visibleGrace
		}
		return scanStall
	}
	timer := time.NewTimer(wait(from))
	defer timer.Stop()
	for next := from; ; {
		select {
		case msg := <-pc.Messages():
			each(msg)
			next = msg.Offset + 1
			timer.Reset(wait(next))
		case err := <-pc.Errors():
			return fmt.Errorf("second reader on %s at offset %d: %w", m.tp, next, err)
		case <-timer.C:
			if next > last {
				return nil
			}
			return fmt.Errorf("second reader on %s at offset %d: nothing came for %s", m.tp, next, scanStall)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *secondReader) close() {
	s.consumer.Close()
	s.client.Close()
}
