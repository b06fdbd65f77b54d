package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/network"
	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

// linkStrike changes the links between clients and brokers, in the proxy: those
// of a client, to the brokers of a target, or both. The link faults differ in what
// they do to a link and in how that shows at the client instances' doors.
type linkStrike struct {
	env    *Env
	client string          // "" = all
	target scenario.Target // "" = all brokers
	seed   uint64
	by     string
	strike func(door, proxy.Link) (heal func(), cut int, err error)

	links  []doorLink
	struck []proxy.Link // the same as the proxy has it
	cut    int          // connections that were cut
	mu     sync.Mutex
	heals  []func()
}

// doorLink is one client instance's way to one broker.
type doorLink struct {
	instance string
	broker   cluster.BrokerID
	addr     string
}

func (l doorLink) String() string { return fmt.Sprintf("%s to broker %d", l.instance, l.broker) }

func newLinkStrike(
	f scenario.Fault, env *Env, seed uint64, strike func(door, proxy.Link) (func(), int, error),
) (*linkStrike, error) {
	if f.Args.Client == "" && f.Args.Broker == "" {
		return nil, errors.New("whose links? Want client: a client's name, broker: a target, or both")
	}
	if f.Args.Broker != "" {
		if _, err := parseTarget(f.Args.Broker); err != nil {
			return nil, err
		}
	}
	return &linkStrike{
		env: env, client: strings.TrimSuffix(f.Args.Client, "/*"), target: f.Args.Broker, seed: seed,
		by: label(f), strike: strike,
	}, nil
}

// Inject strikes every link between the clients and the brokers.
func (s *linkStrike) Inject(ctx context.Context) (string, error) {
	instances, resolved, err := s.env.matchInstances(s.client)
	if err != nil {
		return "", err
	}
	s.struck = []proxy.Link{{Client: s.client, Broker: -1}}
	var brokers []cluster.BrokerID
	if s.target == "" {
		for _, b := range s.env.Cluster.Brokers() {
			brokers = append(brokers, b.ID)
		}
		resolved += " to all brokers"
	} else {
		var text string
		if brokers, text, err = s.env.resolve(ctx, s.target, s.seed); err != nil {
			return "", err
		}
		resolved += " to " + text
		s.struck = nil
		for _, id := range brokers {
			s.struck = append(s.struck, proxy.Link{Client: s.client, Broker: int32(id)})
		}
	}
	d := s.env.door()
	for _, i := range instances {
		for _, id := range brokers {
			addr, err := d.address(i.Name(), int32(id))
			if err != nil {
				return "", err
			}
			s.links = append(s.links, doorLink{i.Name(), id, addr})
		}
	}
	s.env.ledger.addLinks(s, s.links)
	for _, l := range s.struck {
		heal, cut, err := s.strike(d, l)
		if err != nil {
			return "", err
		}
		s.heals = append(s.heals, heal)
		s.cut += cut
	}
	return resolved, nil
}

// victims are the ends that the scenario names: a link to all brokers strikes none
// of them.
func (s *linkStrike) victims() (brokers []int32, clients []string) {
	for _, l := range s.links {
		if s.target != "" && !slices.Contains(brokers, int32(l.broker)) {
			brokers = append(brokers, int32(l.broker))
		}
		if s.client != "" && !slices.Contains(clients, l.instance) {
			clients = append(clients, l.instance)
		}
	}
	return brokers, clients
}

func (s *linkStrike) Recover(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, heal := range s.heals {
		heal()
	}
	s.heals = nil
	s.env.ledger.removeLinks(s)
	return nil
}

// everyLink awaits look at each struck link, all at once.
func (s *linkStrike) everyLink(
	ctx context.Context, look func(context.Context, doorLink) (string, error),
) (string, error) {
	seen := make([]string, len(s.links))
	err := each(s.links, func(i int, l doorLink) error {
		var err error
		seen[i], err = await(ctx, func(ctx context.Context) (string, error) { return look(ctx, l) })
		return err
	})
	if err != nil {
		return "", err
	}
	if len(seen) == 0 {
		return "nothing was struck", nil
	}
	return strings.Join(seen, "; "), nil
}

// everyFreeLink is everyLink for what is seen when the strike is over; a link that
// another strike still holds is left to it.
func (s *linkStrike) everyFreeLink(
	ctx context.Context, look func(context.Context, doorLink) (string, error),
) (string, error) {
	return s.everyLink(ctx, func(ctx context.Context, l doorLink) (string, error) {
		if others := s.env.ledger.changersOf(l); len(others) > 0 {
			return leftTo(l, others), nil
		}
		return look(ctx, l)
	})
}

// brokerGone turns the failure of a question through a door into a sighting when
// the broker behind it is itself struck: then the door cannot show more.
func (s *linkStrike) brokerGone(l doorLink, err error) (string, error) {
	if held := s.env.ledger.claimantsOf(broker{s.env, l.broker}); len(held) > 0 {
		return fmt.Sprintf("nothing to see at the door of %s during %s", l, strings.Join(held, ", ")), nil
	}
	return "", fmt.Errorf("through the door of %s: %w", l, err)
}

// dial opens a connection to a door and closes it: what a client would meet.
func dial(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	conn, err := network.Dial(ctx, addr)
	if err != nil {
		return err
	}
	return conn.Close()
}
