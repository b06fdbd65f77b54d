package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// partition drops packets between brokers:
//
//	isolate: TARGET          TARGET's brokers from all other nodes, both ways
//	split: [[1], [2, 3]]     between groups; a broker in two groups sees both (a bridge),
//	                         one in none sees all
//	from: TARGET, to: TARGET packets in that direction only
//
// of all traffic, or of one listener's. Isolated controllers are nodes too.
type brokerPartition struct {
	env   *Env
	args  scenario.FaultArgs
	seed  uint64
	links []cluster.Link
	held  bool
}

var _ = register(scenario.KindPartition, newPartition)

func newPartition(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	if err := checkPartition(f.Args); err != nil {
		return nil, err
	}
	return &brokerPartition{env: env, args: f.Args, seed: seed}, nil
}

// victims are the brokers that a packet no longer leaves; an isolated broker alone,
// not those that it is parted from.
func (p *brokerPartition) victims() (brokers []int32, clients []string) {
	left, heard := map[int32]int{}, map[int32]int{}
	for _, l := range p.links {
		left[int32(l.From)]++
		heard[int32(l.To)]++
	}
	most := 0
	for b := range left {
		most = max(most, left[b]+heard[b])
	}
	for b := range left {
		if left[b]+heard[b] == most {
			brokers = append(brokers, b)
		}
	}
	slices.Sort(brokers)
	return brokers, nil
}

func checkPartition(a scenario.FaultArgs) error {
	oneWay := a.To != "" || a.From != "" && a.Isolate == ""
	n := 0
	for _, given := range []bool{a.Isolate != "", len(a.Split) > 0, oneWay} {
		if given {
			n++
		}
	}
	if n != 1 {
		return errors.New("want one of isolate: a target, split: groups of broker ids, or from: and to: two targets")
	}
	var targets []scenario.Target
	switch {
	case a.Isolate != "":
		if a.From != "" && a.From != "brokers" {
			return fmt.Errorf("isolate from %q: want from: brokers", a.From)
		}
		targets = append(targets, a.Isolate)
	case oneWay:
		if a.From == "" || a.To == "" {
			return errors.New("one way needs both: from a target, to a target")
		}
		targets = append(targets, a.From, a.To)
	case len(a.Split) < 2:
		return errors.New("split into one group parts nothing; want two groups or more")
	}
	for _, t := range targets {
		if _, err := parseTarget(t); err != nil {
			return err
		}
	}
	return nil
}

func (p *brokerPartition) Inject(ctx context.Context) (string, error) {
	resolved, err := p.aim(ctx)
	if err != nil {
		return "", err
	}
	return resolved, p.block(ctx, p.links)
}

// aim resolves the links that are meant.
func (p *brokerPartition) aim(ctx context.Context) (string, error) {
	links, resolved, err := p.resolve(ctx)
	if err != nil {
		return "", err
	}
	if p.args.Listener == scenario.OfReplication {
		links = slices.DeleteFunc(links, p.ofControllers)
	}
	if len(links) == 0 {
		return "", fmt.Errorf("%w: %s leaves no link to block", errNoTarget, resolved)
	}
	for i := range links {
		links[i].Listener = p.args.Listener
	}
	if p.args.Listener != "" {
		resolved += ", " + p.args.Listener + " traffic only"
	}
	p.links = links
	return resolved, nil
}

// ofControllers says whether the link is one of an isolated controller, which has
// no replication listener.
func (p *brokerPartition) ofControllers(l cluster.Link) bool {
	return broker{env: p.env, id: l.From}.isolated() || broker{env: p.env, id: l.To}.isolated()
}

func (p *brokerPartition) block(ctx context.Context, links []cluster.Link) error {
	net, err := ability[cluster.Partitioner](p.env.Cluster, "part brokers from each other")
	if err != nil {
		return err
	}
	p.links = links
	if err := p.env.ledger.block(ctx, net, links); err != nil {
		return err
	}
	p.held = true
	return nil
}

func (p *brokerPartition) resolve(ctx context.Context) ([]cluster.Link, string, error) {
	all := p.env.nodes()
	switch a := p.args; {
	case a.Isolate != "":
		alone, text, err := p.env.resolve(ctx, a.Isolate, p.seed)
		if err != nil {
			return nil, "", err
		}
		rest := slices.DeleteFunc(slices.Clone(all), func(id cluster.BrokerID) bool { return slices.Contains(alone, id) })
		return slices.Concat(oneWay(alone, rest), oneWay(rest, alone)), text + " from " + brokerText(rest), nil
	case len(a.Split) > 0:
		for _, group := range a.Split {
			for _, id := range group {
				if !slices.Contains(all, cluster.BrokerID(id)) {
					return nil, "", fmt.Errorf("split: broker %d: %w; brokers: %s", id, errNoTarget, idText(all))
				}
			}
		}
		return splitLinks(a.Split), splitText(a.Split), nil
	default:
		from, fromText, err := p.env.resolve(ctx, a.From, p.seed)
		if err != nil {
			return nil, "", err
		}
		to, toText, err := p.env.resolve(ctx, a.To, p.seed)
		if err != nil {
			return nil, "", err
		}
		return oneWay(from, to), "packets from " + fromText + " to " + toText, nil
	}
}

// oneWay are the links from each of from to each of to.
func oneWay(from, to []cluster.BrokerID) []cluster.Link {
	var links []cluster.Link
	for _, f := range from {
		for _, t := range to {
			if f != t {
				links = append(links, cluster.Link{From: f, To: t})
			}
		}
	}
	return links
}

// splitLinks are the links between brokers that are in groups but never in the same.
func splitLinks(groups [][]int32) []cluster.Link {
	var named []int32
	for _, g := range groups {
		named = append(named, g...)
	}
	slices.Sort(named)
	named = slices.Compact(named)
	var links []cluster.Link
	for _, a := range named {
		for _, b := range named {
			together := slices.ContainsFunc(
				groups, func(g []int32) bool { return slices.Contains(g, a) && slices.Contains(g, b) },
			)
			if a != b && !together {
				links = append(links, cluster.Link{From: cluster.BrokerID(a), To: cluster.BrokerID(b)})
			}
		}
	}
	return links
}

func splitText(groups [][]int32) string {
	var parts []string
	for _, g := range groups {
		parts = append(parts, brokerText(ids(g)))
	}
	return strings.Join(parts, " | ")
}

// Effect waits until no struck link lets a probe through.
func (p *brokerPartition) Effect(ctx context.Context) (string, error) {
	return p.probe(ctx, func(cluster.Link) bool { return true }, true)
}

func (p *brokerPartition) Recover(ctx context.Context) error {
	if !p.held {
		return nil
	}
	net, err := ability[cluster.Partitioner](p.env.Cluster, "part brokers from each other")
	if err != nil {
		return err
	}
	if err := p.env.ledger.unblock(ctx, net, p.links); err != nil {
		return err
	}
	p.held = false
	return nil
}

// Gone waits until every link that no other partition blocks lets a probe through.
func (p *brokerPartition) Gone(ctx context.Context) (string, error) {
	return p.probe(ctx, func(l cluster.Link) bool { return !p.env.ledger.isBlocked(l) }, false)
}

func (p *brokerPartition) probe(ctx context.Context, mine func(cluster.Link) bool, want bool) (string, error) {
	net, err := ability[cluster.Partitioner](p.env.Cluster, "part brokers from each other")
	if err != nil {
		return "", err
	}
	words := map[bool]string{true: "unreachable", false: "reachable"}
	seen := make([]string, len(p.links))
	err = each(p.links, func(i int, l cluster.Link) error {
		if !mine(l) {
			seen[i] = leftTo(route{p.env, l}, []string{"another partition"})
			return nil
		}
		var err error
		seen[i], err = await(ctx, func(ctx context.Context) (string, error) {
			blocked, err := net.Blocked(ctx, l)
			if err != nil {
				return "", fmt.Errorf("probe from %s to %s: %w", broker{p.env, l.From}, broker{p.env, l.To}, err)
			}
			text := fmt.Sprintf("%s is %s from %s", broker{p.env, l.To}, words[blocked], broker{p.env, l.From})
			if blocked != want {
				return "", errors.New(text)
			}
			return text, nil
		})
		return err
	})
	return strings.Join(seen, "; "), err
}
