package main

import (
	"context"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker/roles"
)

const (
	mostRecords = 500                  // handled at once
	errorWait   = 2 * time.Millisecond // for an error of a commit, which comes by a channel of its own
)

// group is a member of a consumer group. It is the library's handler.
type group struct {
	lib    *library
	told   roles.Group
	cancel context.CancelFunc

	mu      sync.Mutex
	session sarama.ConsumerGroupSession
	errs    int   // commit errors so far
	last    error // of them
	again   bool  // the session must end, for the position to go back
}

// Consume joins the group again whenever a session ends, as the library's
// documentation says, until ctx ends.
func (l *library) Consume(ctx context.Context, topic string, told roles.Group) error {
	members, err := sarama.NewConsumerGroup(l.spec.Bootstrap, l.spec.Config["group.id"], l.cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.group = &group{lib: l, told: told, cancel: cancel}
	var errs sync.WaitGroup
	errs.Go(func() {
		for err := range members.Errors() {
			l.group.failed(err)
		}
	})
	for ctx.Err() == nil {
		if err = members.Consume(ctx, []string{topic}, l.group); err != nil && ctx.Err() == nil {
			told.Failed(err)
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}
	err = members.Close()
	errs.Wait()
	return err
}

func (g *group) failed(err error) {
	g.mu.Lock()
	g.errs++
	g.last = err
	g.mu.Unlock()
	g.told.Failed(err)
}

func (g *group) Setup(s sarama.ConsumerGroupSession) error {
	g.mu.Lock()
	g.session = s
	g.mu.Unlock()
	g.told.Told(history.OpAssigned, claims(s))
	return nil
}

func (g *group) Cleanup(s sarama.ConsumerGroupSession) error {
	g.told.Told(history.OpRevoked, claims(s))
	return nil
}

func claims(s sarama.ConsumerGroupSession) []history.TopicPartition {
	var tps []history.TopicPartition
	for topic, parts := range s.Claims() {
		for _, part := range parts {
			tps = append(tps, history.TopicPartition{Topic: topic, Part: part})
		}
	}
	return tps
}

func (g *group) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case m, open := <-claim.Messages():
			if !open {
				return nil
			}
			records := []roles.Record{record(m)}
			for more := true; more && len(records) < roles.AtOnce(g.lib.spec.Commit, mostRecords); {
				select {
				case m, open := <-claim.Messages():
					if more = open; open {
						records = append(records, record(m))
					}
				default:
					more = false
				}
			}
			if s.Context().Err() != nil {
				return nil // they belong to the next session
			}
			if err := g.told.Handle(records); err != nil {
				g.cancel()
				return err
			}
			if g.takeAgain() {
				return nil // which ends the session
			}
		case <-s.Context().Done():
			return nil
		}
	}
}

func record(m *sarama.ConsumerMessage) roles.Record {
	r := roles.Record{TP: history.TopicPartition{Topic: m.Topic, Part: m.Partition}, Off: m.Offset, Key: m.Key, Value: m.Value, Own: m}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, roles.Header{Key: string(h.Key), Value: h.Value})
	}
	return r
}

func (g *group) current() sarama.ConsumerGroupSession {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.session
}

// Rewind has the group joined anew: the library cannot move a claim's position.
func (l *library) Rewind([]roles.Record) []roles.Offset {
	l.group.mu.Lock()
	defer l.group.mu.Unlock()
	l.group.again = true
	return nil
}

func (g *group) takeAgain() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	again := g.again
	g.again = false
	return again
}

// Mark tells the library's own commits what is processed.
func (l *library) Mark(records []roles.Record) {
	if !l.cfg.Consumer.Offsets.AutoCommit.Enable {
		return
	}
	s := l.group.current()
	for _, r := range records {
		s.MarkMessage(r.Own.(*sarama.ConsumerMessage), "")
	}
}

// CommitOffsets commits. Commit tells nothing; what went wrong comes by the
// errors' channel.
func (l *library) CommitOffsets(offsets []roles.Offset) error {
	s := l.group.current()
	for _, o := range offsets {
		s.MarkOffset(o.TP.Topic, o.TP.Part, o.Off, o.Meta)
	}
	g := l.group
	g.mu.Lock()
	before := g.errs
	g.mu.Unlock()
	s.Commit()
	time.Sleep(errorWait)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.errs > before {
		return g.last
	}
	return s.Context().Err() // a session that ended meanwhile may have committed nothing
}
