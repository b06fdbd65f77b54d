package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A member that dies between its JoinGroup and the answer has a session like any other:
// when it is over the living one is alone, whichever of them was to lead.
func TestEmbeddedEndsTheSessionOfWhoDiedJoining(t *testing.T) {
	spec := embeddedSpec()
	spec.Config = map[string]string{"group.min.session.timeout.ms": "1000"}
	e := startTest(t, spec).(*embedded)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var groups sync.WaitGroup
	for n := range 6 { // kfake draws the leader
		groups.Go(func() {
			if err := dieJoining(ctx, e, fmt.Sprint("g", n)); err != nil {
				t.Errorf("group %d: %v", n, err)
			}
		})
	}
	groups.Wait()
}

func dieJoining(ctx context.Context, e *embedded, group string) error {
	member := func() *rawMember {
		return &rawMember{group: group, addr: e.Brokers()[e.fake.CoordinatorFor(group)-1].Addr}
	}
	first := member() // leads, and is not heard of again: the others wait for its session
	if err := errors.Join(first.join(ctx), first.sync(ctx)); err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if err := member().join(short); short.Err() == nil {
		return fmt.Errorf("who joins must wait, and not get %v", err)
	}
	living := member()
	return until(ctx, func() error { return living.live(ctx, e) })
}

// rawMember speaks the protocol and does nothing by itself.
type rawMember struct {
	group, addr string
	id          string
	generation  int32
	synced      bool
}

// live does what a client would do next; nil once it has all to itself.
func (m *rawMember) live(ctx context.Context, e *embedded) error {
	if m.generation == 0 {
		return errors.Join(m.join(ctx), errors.New("joined"))
	}
	if !m.synced {
		if err := m.sync(ctx); err != nil {
			m.generation = 0
			return err
		}
	}
	req := kmsg.NewPtrHeartbeatRequest()
	req.Version, req.Group, req.Generation, req.MemberID = 3, m.group, m.generation, m.id
	resp, err := ask[*kmsg.HeartbeatResponse](ctx, m.addr, req)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		m.generation = 0
		return err
	}
	if n := len(e.fake.GroupInfo(m.group).Members); n != 1 {
		return fmt.Errorf("the group has %d members", n)
	}
	return nil
}

func (m *rawMember) join(ctx context.Context) error {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID = 5, m.group, m.id
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis, req.ProtocolType = 1000, 60_000, "consumer"
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name = "range"
	protocol.Metadata = (&kmsg.ConsumerMemberMetadata{Topics: []string{"orders"}}).AppendTo(nil)
	req.Protocols = append(req.Protocols, protocol)
	resp, err := ask[*kmsg.JoinGroupResponse](ctx, m.addr, req)
	if err != nil {
		return err
	}
	err = kerr.ErrorForCode(resp.ErrorCode)
	switch {
	case errors.Is(err, kerr.MemberIDRequired):
		m.id = resp.MemberID
		return m.join(ctx)
	case errors.Is(err, kerr.UnknownMemberID):
		m.id = ""
	case err == nil:
		m.generation, m.synced = resp.Generation, false
	}
	return err
}

func (m *rawMember) sync(ctx context.Context) error {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Version, req.Group, req.Generation, req.MemberID = 3, m.group, m.generation, m.id
	resp, err := ask[*kmsg.SyncGroupResponse](ctx, m.addr, req)
	if err != nil {
		return giveUp{err} // Kafka answers at the latest when the leader's session is over
	}
	err = kerr.ErrorForCode(resp.ErrorCode)
	m.synced = err == nil
	return err
}
