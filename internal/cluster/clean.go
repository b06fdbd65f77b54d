package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// cleanLimit is what a cleaning may take: more, and a new cluster is the better one. On a
// busy machine one starts in thirty seconds.
const cleanLimit = 20 * time.Second

// The topics of Kafka's own state.
const (
	offsetsTopic = "__consumer_offsets"
	txnTopic     = "__transaction_state"
)

// clean takes away what a run has left in the brokers, and looks until it sees it
// gone. After it the cluster is as a new one in all that a client can ask for: an
// error says what is not, and then nobody may have it.
//
// The order matters: a transaction that is open keeps offsets pending, a group that has
// members cannot be deleted, and the transactional ids go with the topic that holds
// them, since Kafka has no request that removes one.
func (d *docker) clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cleanLimit)
	defer cancel()
	for _, step := range []func(context.Context) error{
		d.checkNodes, d.checkConfigs, d.endTransactions, d.deleteGroups, d.deleteTopics, d.settle, d.checkEmpty,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// checkNodes sees every node run, without a packet filter beside it, and every
// broker know all others.
func (d *docker) checkNodes(ctx context.Context) error {
	err := func() error {
		d.net.Lock()
		defer d.net.Unlock()
		if len(d.blocked) > 0 || len(d.bad) > 0 {
			return errors.New("links between nodes are blocked or impaired")
		}
		return each(d.members, func(m *member) error { return d.removeSidecars(ctx, m) })
	}()
	if err != nil {
		return err
	}
	return waitRegistered(ctx, d.Brokers(), d.down)
}

// down returns an error if a node does not run.
func (d *docker) down() error {
	for _, m := range d.members {
		if s := d.stateOf(m); s != Running {
			return fmt.Errorf("%s is %s", m.host(), s)
		}
	}
	return nil
}

// Sources of a configuration's value, as DescribeConfigs tells them.
const (
	dynamicOfBroker  = 2
	dynamicOfBrokers = 3
)

// dynamicConfigs are the broker properties that are set in the cluster's metadata
// and not in a node's file, one a line. A new cluster may have some: the controller
// puts min.insync.replicas there (KIP-966).
func (d *docker) dynamicConfigs(ctx context.Context) ([]string, error) {
	const broker = 4 // kind of resource
	var mu sync.Mutex
	var all []string
	err := each(d.members, func(m *member) error {
		if !m.broker {
			return nil
		}
		req := kmsg.NewPtrDescribeConfigsRequest()
		req.Version = 1                                       // the first that tells sources
		for _, name := range []string{fmt.Sprint(m.id), ""} { // its own, and those for all
			r := kmsg.NewDescribeConfigsRequestResource()
			r.ResourceType, r.ResourceName = broker, name
			req.Resources = append(req.Resources, r)
		}
		resp, err := ask[*kmsg.DescribeConfigsResponse](ctx, loopback(m.port), req)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, r := range resp.Resources {
			if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
				return fmt.Errorf("configuration of %s: %w", m.host(), err)
			}
			for _, c := range r.Configs {
				if c.Source != dynamicOfBroker && c.Source != dynamicOfBrokers {
					continue
				}
				value := "?" // not shown
				if c.Value != nil {
					value = *c.Value
				}
				all = append(all, fmt.Sprintf("%s: %s=%s", m.host(), c.Name, value))
			}
		}
		return nil
	})
	slices.Sort(all)
	return slices.Compact(all), err
}

// checkConfigs sees that no broker property was changed while the brokers ran.
func (d *docker) checkConfigs(ctx context.Context) error {
	now, err := d.dynamicConfigs(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(now, d.born) {
		return fmt.Errorf("broker properties were changed while the brokers ran: from %q to %q", d.born, now)
	}
	return nil
}

// endTransactions aborts what is open and waits until every transaction has ended,
// on the partitions that hold offsets too.
func (d *docker) endTransactions(ctx context.Context) error {
	return until(ctx, func() error {
		for _, b := range d.Brokers() {
			all, err := transactions(ctx, b)
			if err != nil {
				return err
			}
			for _, t := range all {
				switch t.TransactionState {
				case "Empty", "CompleteCommit", "CompleteAbort", "Dead":
					continue
				case "Ongoing": // a producer that starts anew aborts it
					if err := initProducer(ctx, b, t.TransactionalID); err != nil {
						return err
					}
				}
				return fmt.Errorf("the transaction of %s is %s", t.TransactionalID, t.TransactionState)
			}
		}
		return d.openOffsets(ctx)
	})
}

func transactions(ctx context.Context, b Broker) ([]kmsg.ListTransactionsResponseTransactionState, error) {
	resp, err := ask[*kmsg.ListTransactionsResponse](ctx, b.Addr, kmsg.NewPtrListTransactionsRequest())
	if err != nil {
		return nil, err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, fmt.Errorf("transactions of broker %d: %w", b.ID, err)
	}
	return resp.TransactionStates, nil
}

func initProducer(ctx context.Context, coordinator Broker, id string) error {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMillis = &id, 1000
	_, err := ask[*kmsg.InitProducerIDResponse](ctx, coordinator.Addr, req)
	return err // what it answers does not matter: the transaction's state is asked for again
}

// openOffsets finds a transaction whose offsets were never decided: its coordinator
// has forgotten it.
func (d *docker) openOffsets(ctx context.Context) error {
	return d.eachLed(ctx, offsetsTopic, func(leader Broker, p int32) error {
		req := kmsg.NewPtrDescribeProducersRequest()
		t := kmsg.NewDescribeProducersRequestTopic()
		t.Topic, t.Partitions = offsetsTopic, []int32{p}
		req.Topics = append(req.Topics, t)
		resp, err := ask[*kmsg.DescribeProducersResponse](ctx, leader.Addr, req)
		if err != nil {
			return err
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return fmt.Errorf("producers of %s/%d: %w", offsetsTopic, p.Partition, err)
				}
				for _, by := range p.ActiveProducers {
					if by.CurrentTxnStartOffset >= 0 {
						return fmt.Errorf("a transaction of producer %d is open on %s/%d", by.ProducerID, offsetsTopic, p.Partition)
					}
				}
			}
		}
		return nil
	})
}

// eachLed calls do for each partition of a topic with its leader.
func (d *docker) eachLed(ctx context.Context, topic string, do func(leader Broker, p int32) error) error {
	brokers := d.Brokers()
	m, err := metadata(ctx, brokers[0].Addr, []string{topic})
	if err != nil {
		return err
	}
	for _, t := range m.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("%s: %w", topic, err)
		}
		for _, p := range t.Partitions {
			i := slices.IndexFunc(brokers, func(b Broker) bool { return int32(b.ID) == p.Leader })
			if i < 0 {
				return fmt.Errorf("%s/%d has no leader", topic, p.Partition)
			}
			if err := do(brokers[i], p.Partition); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteTopics deletes the topics of the run, and the one that holds the
// transactional ids if there are any, and waits until no broker knows of them.
func (d *docker) deleteTopics(ctx context.Context) error {
	var doomed []string
	for _, b := range d.Brokers() {
		all, err := transactions(ctx, b)
		if err != nil {
			return err
		}
		if len(all) > 0 {
			doomed = append(doomed, txnTopic)
			break
		}
	}
	return until(ctx, func() error {
		var left []string
		for _, b := range d.Brokers() {
			names, err := topicsOf(ctx, b)
			if err != nil {
				return err
			}
			for _, name := range names {
				if !slices.Contains(left, name) && (!internal(name) || slices.Contains(doomed, name)) {
					left = append(left, name)
				}
			}
		}
		if len(left) == 0 {
			return nil
		}
		req := kmsg.NewPtrDeleteTopicsRequest()
		req.Version = 3 // the last without flexible headers
		req.TopicNames, req.TimeoutMillis = left, 5000
		resp, err := ask[*kmsg.DeleteTopicsResponse](ctx, d.Brokers()[0].Addr, req)
		if err != nil {
			return err
		}
		for _, t := range resp.Topics {
			if err := kerr.ErrorForCode(t.ErrorCode); err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
				return fmt.Errorf("delete topic %s: %w", *t.Topic, err)
			}
		}
		return fmt.Errorf("topics are still known: %s", strings.Join(left, ", "))
	})
}

// internal says whether a topic is Kafka's own.
func internal(topic string) bool { return strings.HasPrefix(topic, "__") }

func topicsOf(ctx context.Context, b Broker) ([]string, error) {
	m, err := metadata(ctx, b.Addr, nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range m.Topics {
		names = append(names, *t.Topic)
	}
	return names, nil
}

// settle waits until the coordinators serve and each internal partition is led by
// its preferred replica with all others in sync.
func (d *docker) settle(ctx context.Context) error {
	if err := warmCoordinators(ctx, d.Brokers()); err != nil {
		return err
	}
	return until(ctx, func() error {
		for _, b := range d.Brokers() {
			m, err := metadata(ctx, b.Addr, nil)
			if err != nil {
				return err
			}
			for _, t := range m.Topics {
				for _, p := range t.Partitions {
					switch {
					case len(p.ISR) < len(p.Replicas) || len(p.OfflineReplicas) > 0:
						return fmt.Errorf("%d of %d replicas of %s/%d are in sync", len(p.ISR), len(p.Replicas), *t.Topic, p.Partition)
					case p.Leader != p.Replicas[0]:
						if err := electPreferred(ctx, b, *t.Topic, p.Partition); err != nil {
							return err
						}
						return fmt.Errorf("broker %d leads %s/%d and not broker %d", p.Leader, *t.Topic, p.Partition, p.Replicas[0])
					}
				}
			}
		}
		return nil
	})
}

func electPreferred(ctx context.Context, any Broker, topic string, p int32) error {
	req := kmsg.NewPtrElectLeadersRequest()
	req.Version = 1
	t := kmsg.NewElectLeadersRequestTopic()
	t.Topic, t.Partitions = topic, []int32{p}
	req.Topics, req.TimeoutMillis = append(req.Topics, t), 5000
	_, err := ask[*kmsg.ElectLeadersResponse](ctx, any.Addr, req)
	return err // whether it leads is looked at
}

// checkEmpty sees no topic, group and transactional id in any broker: what a client
// that has ended sent last may have arrived after all. A coordinator that still loads,
// as after an election, is waited for; nothing else is.
func (d *docker) checkEmpty(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cleanLimit)
	defer cancel()
	return until(ctx, func() error {
		err := d.empty(ctx)
		if err != nil && !errors.Is(err, kerr.CoordinatorLoadInProgress) {
			err = giveUp{err}
		}
		return err
	})
}

func (d *docker) empty(ctx context.Context) error {
	if err := d.down(); err != nil {
		return err
	}
	for _, b := range d.Brokers() {
		names, err := topicsOf(ctx, b)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(names, func(n string) bool { return !internal(n) }); i >= 0 {
			return fmt.Errorf("broker %d has topic %s", b.ID, names[i])
		}
		ids, err := groupsOf(ctx, b)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			return fmt.Errorf("broker %d has group %s", b.ID, ids[0])
		}
		all, err := transactions(ctx, b)
		if err != nil {
			return err
		}
		if len(all) > 0 {
			return fmt.Errorf("broker %d has transactional id %s", b.ID, all[0].TransactionalID)
		}
	}
	return nil
}
