package cluster

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/network"
)

// sessionLook is how often sessions are looked at, well below any that is used.
const sessionLook = 300 * time.Millisecond

// sessions keeps the sessions of classic groups' members as Kafka's coordinator does,
// where kfake does not. To Kafka a member that waits in JoinGroup or SyncGroup is alive,
// and every other has its session timeout from its last request or answer. kfake lets
// the session of one that waits in SyncGroup run out, drops it, and never answers it;
// and one whose connection is gone before JoinGroup is answered has no session at all,
// and keeps its partitions for ever. After a death in the midst of a rebalance either
// looks like a consumer that is stuck.
type sessions struct {
	fake    *kfake.Cluster
	brokers func() []Broker

	work sync.WaitGroup // watches

	mu     sync.Mutex
	life   context.Context
	end    context.CancelFunc
	groups map[string]*groupSessions
}

type groupSessions struct {
	timeout time.Duration // the last that a member asked for
	members map[string]*session
}

// session is a member's.
type session struct {
	instance *string // group.instance.id
	timeout  time.Duration
	seen     time.Time
	joining  bool  // it asked to join and was not seen answered
	synced   int32 // the generation whose assignment it asked for
}

// keepSessions begins to keep them. ctx has the network.
func keepSessions(ctx context.Context, fake *kfake.Cluster, brokers func() []Broker) *sessions {
	k := &sessions{fake: fake, brokers: brokers, groups: map[string]*groupSessions{}}
	k.life, k.end = context.WithCancel(network.With(context.WithoutCancel(ctx), network.Beside(network.From(ctx))))
	control(fake, kmsg.JoinGroup, func(req *kmsg.JoinGroupRequest) {
		timeout := time.Duration(req.SessionTimeoutMillis) * time.Millisecond
		k.note(req.Group, req.MemberID, req.InstanceID, timeout, func(s *session) { s.joining = true })
	})
	control(fake, kmsg.SyncGroup, func(req *kmsg.SyncGroupRequest) {
		k.note(req.Group, req.MemberID, req.InstanceID, 0, func(s *session) { s.joining, s.synced = false, req.Generation })
	})
	control(fake, kmsg.Heartbeat, func(req *kmsg.HeartbeatRequest) {
		k.note(req.Group, req.MemberID, req.InstanceID, 0, func(*session) {})
	})
	return k
}

// control shows each request of a kind before kfake answers it. kfake runs show apart
// from its loop and serves our own questions meanwhile.
func control[R kmsg.Request](fake *kfake.Cluster, key kmsg.Key, show func(R)) {
	fake.ControlKey(int16(key), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		show(req.(R))
		return nil, nil, false
	})
}

// close ends the watches. Nothing reaches kfake afterwards.
func (k *sessions) close() {
	k.mu.Lock()
	k.end()
	k.mu.Unlock()
	k.work.Wait()
}

// note sees a member. timeout is 0 if its request does not tell one.
func (k *sessions) note(group, member string, instance *string, timeout time.Duration, change func(*session)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.life.Err() != nil {
		return
	}
	g := k.groups[group]
	if g == nil {
		g = &groupSessions{members: map[string]*session{}}
		k.groups[group] = g
		k.work.Go(func() { k.watch(group) })
	}
	if timeout > 0 {
		g.timeout = timeout
	}
	if member == "" || g.timeout == 0 {
		return
	}
	s := g.members[member]
	if s == nil {
		s = &session{}
		g.members[member] = s
	}
	s.instance, s.timeout, s.seen = instance, g.timeout, time.Now()
	change(s)
}

// watch looks at a group's sessions until the cluster ends.
func (k *sessions) watch(group string) {
	tick := time.NewTicker(sessionLook)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-k.life.Done():
			return
		}
		info := k.fake.GroupInfo(group)
		if info == nil {
			continue
		}
		for _, req := range k.due(info, time.Now()) {
			k.send(group, req)
		}
	}
}

// due are the requests that members' sessions call for: a heartbeat for one that waits
// in SyncGroup, its leave for one that has run out.
func (k *sessions) due(info *kfake.GroupInfo, now time.Time) (reqs []kmsg.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	g := k.groups[info.Group]
	for id, s := range g.members {
		silent := now.Sub(s.seen)
		switch {
		case s.joining && (info.State == "PreparingRebalance" || silent < sessionLook):
		case s.joining: // it was answered, perhaps without hearing it
			s.joining, s.seen = false, now
		case info.State == "CompletingRebalance" && s.synced == info.Epoch:
			req := kmsg.NewPtrHeartbeatRequest()
			req.Version = 3 // the last without flexible headers
			req.Group, req.Generation, req.MemberID, req.InstanceID = info.Group, info.Epoch, id, s.instance
			reqs = append(reqs, req)
		case silent <= s.timeout:
		default:
			delete(g.members, id)
			if !slices.ContainsFunc(info.Members, func(m kfake.GroupMember) bool { return m.MemberID == id }) {
				continue
			}
			req := kmsg.NewPtrLeaveGroupRequest()
			req.Version, req.Group = 3, info.Group
			m := kmsg.NewLeaveGroupRequestMember()
			m.MemberID, m.InstanceID = id, s.instance
			req.Members = append(req.Members, m)
			reqs = append(reqs, req)
		}
	}
	return reqs
}

// send asks the group's coordinator. A failure is tried again at the next look, if it
// is about a heartbeat; one that cannot be told to leave has left.
func (k *sessions) send(group string, req kmsg.Request) {
	node := k.fake.CoordinatorFor(group)
	for _, b := range k.brokers() {
		if int32(b.ID) == node && b.State == Running {
			ask[kmsg.Response](k.life, b.Addr, req)
		}
	}
}
