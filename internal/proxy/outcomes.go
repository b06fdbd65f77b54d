package proxy

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// results has what a response says of each partition, by the names that the
// request's events have. An error outranks a success.
func (p *Proxy) results(resp kmsg.Response) map[history.TopicPartition]place {
	if !hasTopics(resp.Key()) {
		return nil
	}
	all := map[history.TopicPartition]place{}
	walkPartitions(resp, func(at place) {
		if at.topic == "" {
			at.topic = p.topics.name(at.id)
		}
		tp := history.TopicPartition{Topic: at.name(), Part: at.part}
		if _, twice := all[tp]; !twice || at.errorOf() != 0 {
			all[tp] = at
		}
	})
	return all
}

// partitionOutcome puts into e, the event of one partition of a request, what the
// broker's response says about it.
func partitionOutcome(e *history.Event, results map[history.TopicPartition]place) {
	at, told := results[e.TP]
	if !told {
		return
	}
	setErr(e, at.errorOf())
	if r, ok := at.entry.(*kmsg.ProduceResponseTopicPartition); ok && r.ErrorCode == 0 && r.BaseOffset >= 0 {
		last := facts.LastDelta.Get(e)
		e.Off = []int64{r.BaseOffset, r.BaseOffset + int64(last)}
	}
}

// outcome puts into e, an event of a request, what the broker's response says about
// the request as a whole. It says whether that is news, for requests that are routine.
func (p *Proxy) outcome(e *history.Event, resp kmsg.Response) (news bool) {
	switch r := resp.(type) {
	case *kmsg.InitProducerIDResponse:
		setErr(e, r.ErrorCode)
		if r.ErrorCode == 0 {
			e.PID, e.Epoch, e.HasPID = r.ProducerID, r.ProducerEpoch, true
		}
	case *kmsg.AddPartitionsToTxnResponse:
		setErr(e, r.ErrorCode)
	case *kmsg.AddOffsetsToTxnResponse:
		setErr(e, r.ErrorCode)
	case *kmsg.EndTxnResponse:
		setErr(e, r.ErrorCode)
		if r.ErrorCode == 0 && r.Version >= 5 { // KIP-890: each transaction has an epoch of its own
			facts.NextPID.Set(e, r.ProducerID)
			facts.NextEpoch.Set(e, r.ProducerEpoch)
		}
	case *kmsg.JoinGroupResponse:
		setErr(e, r.ErrorCode)
		facts.Generation.Set(e, r.Generation)
		facts.Member.Set(e, r.MemberID)
		facts.IsLeader.Set(e, r.LeaderID == r.MemberID)
		if r.Protocol != nil {
			facts.Protocol.Set(e, *r.Protocol)
		}
	case *kmsg.SyncGroupResponse:
		setErr(e, r.ErrorCode)
		if assigned := assignment(r.MemberAssignment); r.ErrorCode == 0 && assigned != nil {
			facts.Assigned.Set(e, assigned)
		}
	case *kmsg.LeaveGroupResponse:
		setErr(e, r.ErrorCode)
		for _, m := range r.Members {
			setErr(e, m.ErrorCode)
		}
	case *kmsg.HeartbeatResponse:
		setErr(e, r.ErrorCode)
		return r.ErrorCode != 0
	case *kmsg.ConsumerGroupHeartbeatResponse:
		return p.consumerGroupOutcome(e, r)
	}
	return false
}

// consumerGroupOutcome: a heartbeat of KIP-848 is news when it brings an error, a
// new epoch or an assignment, or when it says what the member has.
func (p *Proxy) consumerGroupOutcome(e *history.Event, r *kmsg.ConsumerGroupHeartbeatResponse) (news bool) {
	setErr(e, r.ErrorCode)
	if r.MemberID != nil {
		facts.Member.Set(e, *r.MemberID)
	}
	if _, news = facts.Owns.Of(e); r.ErrorCode == 0 {
		news = news || facts.Generation.Get(e) != r.MemberEpoch
		facts.Generation.Set(e, r.MemberEpoch)
	}
	if r.Assignment == nil {
		return news || r.ErrorCode != 0
	}
	assigned := []string{}
	for _, t := range r.Assignment.Topics {
		assigned = append(assigned, p.partitionsOf(t.TopicID, t.Partitions)...)
	}
	slices.Sort(assigned)
	facts.Assigned.Set(e, assigned)
	return true
}

// partitionsOf writes partitions of a topic that is known by its id.
func (p *Proxy) partitionsOf(id [16]byte, parts []int32) []string {
	var out []string
	for _, part := range parts {
		out = append(out, fmt.Sprintf("%s/%d", partition{topic: p.topics.name(id), id: id}.name(), part))
	}
	return out
}

// name is the topic's name, or its id in hexadecimal where no Metadata response
// has told the name.
func (p partition) name() string {
	if p.topic != "" || p.id == [16]byte{} {
		return p.topic
	}
	return fmt.Sprintf("%x", p.id)
}

// assignment reads what the group's leader assigned to a member of a classic
// consumer group; nil for groups of another kind.
func assignment(b []byte) []string {
	var a kmsg.ConsumerMemberAssignment
	if len(b) == 0 || len(b) > maxDecode || a.ReadFrom(b) != nil {
		return nil
	}
	assigned := []string{}
	for _, t := range a.Topics {
		for _, part := range t.Partitions {
			assigned = append(assigned, fmt.Sprintf("%s/%d", t.Topic, part))
		}
	}
	slices.Sort(assigned)
	return assigned
}

// fetchedOffsets has one event for each partition whose committed offset a
// response tells (-1 = none), or one for a group that has an error.
func (c *conn) fetchedOffsets(
	p *pending, resp *kmsg.OffsetFetchResponse, told facts.Told, toldCode int16,
) []history.Event {
	var events []history.Event
	add := func(at place, offset int64, meta *string, code int16) {
		e := c.event(p.requestHeader, p.seen.id, history.OK, history.OpResponse)
		facts.ToldClient.Set(&e, told)
		if told == facts.Replaced {
			facts.ToldCode.Set(&e, toldCode)
		}
		e.Group = at.owner
		if at.topic == "" {
			at.topic = c.p.topics.name(at.id)
		}
		if topic := at.name(); topic != "" {
			e.TP = history.TopicPartition{Topic: topic, Part: at.part}
			setOffset(&e, offset, meta)
		}
		setErr(&e, code)
		events = append(events, e)
	}
	own := p.seen.events[0].Group // version 7 and older ask for one group
	if resp.ErrorCode != 0 {
		add(place{owner: own}, 0, nil, resp.ErrorCode)
	}
	for _, g := range resp.Groups {
		if g.ErrorCode != 0 {
			add(place{owner: g.Group}, 0, nil, g.ErrorCode)
		}
	}
	walkPartitions(resp, func(at place) {
		switch tp := at.entry.(type) {
		case *kmsg.OffsetFetchResponseTopicPartition:
			at.owner = own
			add(at, tp.Offset, tp.Metadata, tp.ErrorCode)
		case *kmsg.OffsetFetchResponseGroupTopicPartition:
			add(at, tp.Offset, tp.Metadata, tp.ErrorCode)
		}
	})
	return events
}
