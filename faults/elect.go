package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// elect asks the controller for an election, as kafka-leader-election does: of the
// preferred replica, or, where nobody leads, of any that lives (unclean). An unclean
// leader is the truth from then on: what only others had is lost.
type elect struct {
	env     *Env
	topic   string
	part    int32
	unclean bool
	was     partition
	away    []cluster.BrokerID // replicas that no broker tells of
}

var _ = register(scenario.KindElect, newElect)

func newElect(f scenario.Fault, env *Env, _ uint64) (fault, error) {
	topic, part, err := onePartition("of what?", f.Args.TP)
	if err != nil {
		return nil, err
	}
	return &elect{env: env, topic: topic, part: part, unclean: f.Args.Unclean}, nil
}

// Inject waits until there is something to elect, and asks.
func (e *elect) Inject(ctx context.Context) (string, error) {
	_, err := awaitWithin(ctx, electionWait, func(ctx context.Context) (string, error) {
		v, err := look(ctx, e.env.Cluster)
		if err == nil {
			e.was, err = v.partition(e.topic, e.part)
			e.away = slices.DeleteFunc(slices.Clone(e.was.replicas), func(id cluster.BrokerID) bool { return v.registered[id] })
		}
		switch {
		case err != nil:
			return "", err
		case e.unclean && e.was.leader >= 0:
			return "", fmt.Errorf(
				"%w: broker %d leads %s/%d; an unclean election needs a partition without a leader", errNoTarget,
				e.was.leader, e.topic, e.part,
			)
		case !e.unclean && e.was.leader == e.was.replicas[0]:
			return "", fmt.Errorf(
				"%w: broker %d, the preferred replica of %s/%d, leads it already", errNoTarget, e.was.leader,
				e.topic, e.part,
			)
		}
		return "", nil
	})
	if err != nil {
		return "", err
	}
	if !e.unclean {
		return fmt.Sprintf(
				"%s/%d, led by broker %d, to its preferred broker %d",
				e.topic,
				e.part,
				e.was.leader,
				e.was.replicas[0],
			),
			e.env.elect(
				ctx, e.topic, e.part, electPreferred,
			)
	}
	return fmt.Sprintf(
			"%s/%d, led by nobody in epoch %d",
			e.topic,
			e.part,
			e.was.epoch,
		), e.env.elect(
			ctx, e.topic, e.part, electUnclean,
		)
}

// victims is the leader that was; of a partition that nobody leads, the replicas that are
// away: what only they have is lost.
func (e *elect) victims() (brokers []int32, clients []string) {
	if e.was.leader < 0 {
		return rawIDs(e.away), nil
	}
	return []int32{int32(e.was.leader)}, nil
}

// Effect waits until the brokers tell of the new leader.
func (e *elect) Effect(ctx context.Context) (string, error) {
	return await(ctx, func(ctx context.Context) (string, error) {
		v, err := look(ctx, e.env.Cluster)
		if err != nil {
			return "", err
		}
		p, err := v.partition(e.topic, e.part)
		if err != nil {
			return "", err
		}
		text := fmt.Sprintf("broker %d leads %s/%d in epoch %d", p.leader, e.topic, e.part, p.epoch)
		if p.leader < 0 || p.leader == e.was.leader || !e.unclean && p.leader != e.was.replicas[0] {
			return "", errors.New(text)
		}
		return text + ", as " + tell(v.tellers), nil
	})
}

func (e *elect) Recover(context.Context) error { return nil }

func (e *elect) Gone(context.Context) (string, error) {
	return "nothing to undo: the leader stays where it is", nil
}

// Kafka's types of elections.
const (
	electPreferred int8 = 0
	electUnclean   int8 = 1
)

// electRequest asks for one election.
func electRequest(topic string, part int32, how int8) *kmsg.ElectLeadersRequest {
	req := kmsg.NewPtrElectLeadersRequest()
	req.SetVersion(2)
	req.ElectionType = how
	t := kmsg.NewElectLeadersRequestTopic()
	t.Topic = topic
	t.Partitions = []int32{part}
	req.Topics = append(req.Topics, t)
	return req
}
