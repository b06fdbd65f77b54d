package faults

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// evict removes one member of a group, drawn, as a missed session timeout would,
// but at once: the group rebalances, and the member, which does not know yet, works
// on as a zombie until a request of its own is refused. It joins again by itself.
type evict struct {
	env    *Env
	group  string
	seed   uint64
	out    member
	before int              // members
	by     cluster.BrokerID // the coordinator that let it go
}

// member is one member of a group.
type member struct {
	id, instance, client, host string
}

// byClient orders members: their ids are random, and which one is drawn must not be.
func byClient(a, b member) int {
	return cmp.Or(cmp.Compare(a.client, b.client), cmp.Compare(a.host, b.host), cmp.Compare(a.id, b.id))
}

// groupState is a group as its coordinator describes it.
type groupState struct {
	state   string   // Stable, PreparingRebalance, …
	newer   bool     // the consumer protocol of KIP-848
	members []member // by client
}

var _ = register(scenario.KindEvict, newEvict)

func newEvict(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	if f.Args.Group == "" {
		return nil, errors.New("from where? Want group: a group.id")
	}
	return &evict{env: env, group: f.Args.Group, seed: seed}, nil
}

func (e *evict) Inject(ctx context.Context) (string, error) {
	g, err := e.find(ctx)
	if err != nil {
		return "", err
	}
	e.before = len(g.members)
	e.out = g.members[dice(e.seed).IntN(len(g.members))]
	resolved := fmt.Sprintf(
		"member %s of group %s (client id %s, any of %d, drawn)", e.out.id, e.group, e.out.client, len(g.members),
	)
	// A coordinator that does not answer may have done it all the same, and one that is
	// about to be elected does it later.
	_, err = awaitWithin(ctx, electionWait, func(ctx context.Context) (string, error) {
		var err error
		e.by, err = e.env.removeMember(ctx, e.group, g.newer, e.out)
		if errors.Is(err, kerr.UnknownMemberID) {
			err = nil // it has gone
		}
		return "", err
	})
	return resolved, err
}

// victims: a group's coordinator moves its partitions.
func (e *evict) victims() (brokers []int32, clients []string) { return []int32{int32(e.by)}, nil }

// calmLooks is how often in a row an embedded group must look settled. kfake never
// answers the JoinGroup or SyncGroup of a member that is removed meanwhile, and its
// client would wait for that answer: a stuck consumer that no Kafka makes.
const calmLooks = 5

// find waits until the group has somebody to evict.
func (e *evict) find(ctx context.Context) (groupState, error) {
	var g groupState
	calm := calmLooks
	if e.env.Cluster.Backend() != "embedded" {
		calm = 0
	}
	_, err := awaitWithin(ctx, electionWait, func(ctx context.Context) (string, error) {
		before := g
		var err error
		if g, err = e.env.describeGroup(ctx, e.group); err != nil {
			return "", err
		}
		if len(g.members) == 0 {
			return "", fmt.Errorf("%w: group %s has no members now (%s)", errNoTarget, e.group, g.state)
		}
		if calm == 0 {
			return "", nil
		}
		if calm--; g.state != "Stable" || !slices.Equal(before.members, g.members) {
			calm = calmLooks
		}
		return "", fmt.Errorf("group %s is not settled (%s, %d members)", e.group, g.state, len(g.members))
	})
	return g, err
}

// Effect waits until the coordinator no longer counts the member.
func (e *evict) Effect(ctx context.Context) (string, error) {
	return await(ctx, func(ctx context.Context) (string, error) {
		g, err := e.env.describeGroup(ctx, e.group)
		if err != nil {
			return "", err
		}
		if g.has(e.out.id) {
			return "", fmt.Errorf("member %s is still in group %s (%s)", e.out.id, e.group, g.state)
		}
		return fmt.Sprintf(
			"group %s (%s) has %d members, and %s is none of them", e.group, g.state, len(g.members), e.out.id,
		), nil
	})
}

func (g groupState) has(id string) bool {
	return slices.ContainsFunc(g.members, func(m member) bool { return m.id == id })
}

func (e *evict) Recover(context.Context) error { return nil }

// Gone waits a while until the group is as many as before. There is nothing to
// heal: a member that does not come back is the client's affair, and the checker's
// to judge.
func (e *evict) Gone(ctx context.Context) (string, error) {
	if e.out.id == "" {
		return "nobody was evicted", nil
	}
	last := "the group's coordinator did not tell"
	_, err := awaitWithin(ctx, electionWait, func(ctx context.Context) (string, error) {
		g, err := e.env.describeGroup(ctx, e.group)
		if err != nil {
			return "", err
		}
		last = fmt.Sprintf("group %s is %s with %d of %d members", e.group, g.state, len(g.members), e.before)
		if g.state != "Stable" || len(g.members) < e.before {
			return "", errors.New(last)
		}
		return "", nil
	})
	if err != nil {
		last += fmt.Sprintf(" after %s", electionWait)
	}
	return last, nil
}

// describeGroup asks a group's coordinator, by the protocol that the group speaks.
func (e *Env) describeGroup(ctx context.Context, name string) (groupState, error) {
	newer := kmsg.NewPtrConsumerGroupDescribeRequest()
	newer.SetVersion(0)
	newer.Groups = []string{name}
	resp, err := e.askCoordinator(ctx, group, name, newer)
	switch {
	case err == nil:
		groups := resp.(*kmsg.ConsumerGroupDescribeResponse).Groups
		if len(groups) != 1 || groups[0].ErrorCode != 0 {
			break // it speaks the classic protocol, or there is none
		}
		out := groupState{state: groups[0].State, newer: true}
		for _, m := range groups[0].Members {
			out.members = append(out.members, member{m.MemberID, deref(m.InstanceID), m.ClientID, m.ClientHost})
		}
		slices.SortFunc(out.members, byClient)
		return out, nil
	case !errors.Is(err, errOldBroker):
		return groupState{}, err
	}
	classic := kmsg.NewPtrDescribeGroupsRequest()
	classic.SetVersion(5)
	classic.Groups = []string{name}
	resp, err = e.askCoordinator(ctx, group, name, classic)
	if err != nil {
		return groupState{}, err
	}
	groups := resp.(*kmsg.DescribeGroupsResponse).Groups
	if len(groups) != 1 {
		return groupState{}, fmt.Errorf("DescribeGroups: %d answers about one group", len(groups))
	}
	g := groups[0]
	if err := code(g.ErrorCode); err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return groupState{}, fmt.Errorf("DescribeGroups: %w", err)
	}
	if g.ErrorCode != 0 || g.State == "Dead" {
		names, _, _ := e.keys(ctx, group)
		return groupState{}, fmt.Errorf("%w: no group is called %q; there are: %s", errNoTarget, name, list(names))
	}
	out := groupState{state: g.State}
	for _, m := range g.Members {
		out.members = append(out.members, member{m.MemberID, deref(m.InstanceID), m.ClientID, m.ClientHost})
	}
	slices.SortFunc(out.members, byClient)
	return out, nil
}

// removeMember lets a member leave that did not ask to, and tells by whom.
func (e *Env) removeMember(ctx context.Context, name string, newer bool, m member) (cluster.BrokerID, error) {
	var instance *string
	if m.instance != "" {
		instance = &m.instance
	}
	if newer {
		leave := kmsg.NewPtrConsumerGroupHeartbeatRequest()
		leave.SetVersion(0)
		leave.Group, leave.MemberID, leave.InstanceID, leave.MemberEpoch = name, m.id, instance, -1
		resp, by, err := e.askCoordinatorOf(ctx, group, name, leave)
		if err != nil {
			return by, err
		}
		return by, code(resp.(*kmsg.ConsumerGroupHeartbeatResponse).ErrorCode)
	}
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.SetVersion(4)
	leave.Group = name
	out := kmsg.NewLeaveGroupRequestMember()
	out.MemberID, out.InstanceID = m.id, instance
	leave.Members = append(leave.Members, out)
	resp, by, err := e.askCoordinatorOf(ctx, group, name, leave)
	if err != nil {
		return by, err
	}
	r := resp.(*kmsg.LeaveGroupResponse)
	err = code(r.ErrorCode)
	for _, m := range r.Members {
		err = errors.Join(err, code(m.ErrorCode))
	}
	if err != nil {
		return by, fmt.Errorf("LeaveGroup: %w", err)
	}
	return by, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
