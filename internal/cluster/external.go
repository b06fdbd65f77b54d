package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// answerTimeout is how long brokers that run already may take to answer and to
// create topics.
const answerTimeout = 30 * time.Second

// external is a cluster that somebody else runs. It is asked who its brokers
// are, and given the topics that it lacks; nothing else of it is touched.
type external struct {
	brokers []Broker
}

func startExternal(ctx context.Context, spec Spec) (*external, error) {
	if len(spec.Bootstrap) == 0 {
		return nil, errors.New("backend external needs bootstrap servers")
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	x := &external{}
	var errs []error
	for _, addr := range spec.Bootstrap {
		m, err := metadata(ctx, addr, []string{})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, b := range m.Brokers {
			x.brokers = append(x.brokers, Broker{ID: BrokerID(b.NodeID), Addr: fmt.Sprintf("%s:%d", b.Host, b.Port), State: Running})
		}
		break
	}
	if len(x.brokers) == 0 {
		return nil, fmt.Errorf("%w: none of the bootstrap servers %s answers: %w", ErrUnavailable, strings.Join(spec.Bootstrap, ", "), errors.Join(errs...))
	}
	slices.SortFunc(x.brokers, func(a, b Broker) int { return int(a.ID - b.ID) })
	if err := checkTopics(spec.Topics, len(x.brokers)); err != nil {
		return nil, fmt.Errorf("the cluster at %s: %w", spec.Bootstrap[0], err)
	}
	if err := waitRegistered(ctx, x.brokers, nil); err != nil {
		return nil, fmt.Errorf("%w: a broker cannot be reached at the address that it advertises: %w", ErrUnavailable, err)
	}
	if err := createTopics(ctx, x.brokers, spec.Topics); err != nil {
		return nil, err
	}
	return x, nil
}

func (x *external) Backend() string   { return "external" }
func (x *external) Brokers() []Broker { return slices.Clone(x.brokers) }
func (x *external) Close() error      { return nil }
