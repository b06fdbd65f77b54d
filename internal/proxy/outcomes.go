package proxy

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
)

// outcome puts into e, the event of one request or of one of its partitions, what
// the broker's response says about it. It says whether that is news, for
// requests that are routine.
func (p *Proxy) outcome(e *history.Event, resp kmsg.Response) (news bool) {
	switch r := resp.(type) {
	case *kmsg.ProduceResponse:
		for _, t := range r.Topics {
			for _, tp := range t.Partitions {
				if p.is(e, t.Topic, t.TopicID, tp.Partition) {
					setErr(e, tp.ErrorCode)
					if tp.ErrorCode == 0 && tp.BaseOffset >= 0 {
						last, _ := e.Data["last-delta"].(int32)
						e.Off = []int64{tp.BaseOffset, tp.BaseOffset + int64(last)}
					}
				}
			}
		}
	case *kmsg.InitProducerIDResponse:
		setErr(e, r.ErrorCode)
		if r.ErrorCode == 0 {
			e.PID, e.Epoch, e.HasPID = r.ProducerID, r.ProducerEpoch, true
		}
	case *kmsg.AddPartitionsToTxnResponse:
		setErr(e, r.ErrorCode)
		for _, t := range r.Topics {
			for _, tp := range t.Partitions {
				if p.is(e, t.Topic, [16]byte{}, tp.Partition) {
					setErr(e, tp.ErrorCode)
				}
			}
		}
		for _, x := range r.Transactions {
			for _, t := range x.Topics {
				for _, tp := range t.Partitions {
					if p.is(e, t.Topic, [16]byte{}, tp.Partition) {
						setErr(e, tp.ErrorCode)
					}
				}
			}
		}
	case *kmsg.AddOffsetsToTxnResponse:
		setErr(e, r.ErrorCode)
	case *kmsg.TxnOffsetCommitResponse:
		for _, t := range r.Topics {
			for _, tp := range t.Partitions {
				if p.is(e, t.Topic, t.TopicID, tp.Partition) {
					setErr(e, tp.ErrorCode)
				}
			}
		}
	case *kmsg.EndTxnResponse:
		setErr(e, r.ErrorCode)
		if r.ErrorCode == 0 && r.Version >= 5 { // KIP-890: each transaction has an epoch of its own
			e.Data["next-pid"], e.Data["next-epoch"] = r.ProducerID, r.ProducerEpoch
		}
	case *kmsg.OffsetCommitResponse:
		for _, t := range r.Topics {
			for _, tp := range t.Partitions {
				if p.is(e, t.Topic, t.TopicID, tp.Partition) {
					setErr(e, tp.ErrorCode)
				}
			}
		}
	case *kmsg.JoinGroupResponse:
		setErr(e, r.ErrorCode)
		e.Data["generation"], e.Data["member"], e.Data["leader"] = r.Generation, r.MemberID, r.LeaderID == r.MemberID
		if r.Protocol != nil {
			e.Data["protocol"] = *r.Protocol
		}
	case *kmsg.SyncGroupResponse:
		setErr(e, r.ErrorCode)
		if assigned := assignment(r.MemberAssignment); r.ErrorCode == 0 && assigned != nil {
			e.Data["assigned"] = assigned
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
		e.Data["member"] = *r.MemberID
	}
	if _, news = e.Data["owns"]; r.ErrorCode == 0 {
		news = news || e.Data["generation"] != r.MemberEpoch
		e.Data["generation"] = r.MemberEpoch
	}
	if r.Assignment == nil {
		return news || r.ErrorCode != 0
	}
	assigned := []string{}
	for _, t := range r.Assignment.Topics {
		assigned = append(assigned, p.partitionsOf(t.TopicID, t.Partitions)...)
	}
	slices.Sort(assigned)
	e.Data["assigned"] = assigned
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

// is says whether e speaks of a topic-partition.
func (p *Proxy) is(e *history.Event, topic string, id [16]byte, part int32) bool {
	if topic == "" {
		topic = partition{topic: p.topics.name(id), id: id}.name()
	}
	return e.TP.Part == part && e.TP.Topic == topic
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
func (c *conn) fetchedOffsets(p *pending, resp *kmsg.OffsetFetchResponse, told string, toldCode int16) []history.Event {
	var events []history.Event
	add := func(group, topic string, id [16]byte, part int32, offset int64, meta *string, code int16) {
		e := c.event(p.requestHeader, p.sight.id, history.OK, history.OpResponse)
		e.Data["told"] = told
		if told == toldError {
			e.Data["told-code"] = toldCode
		}
		e.Group = group
		if topic == "" {
			topic = partition{topic: c.p.topics.name(id), id: id}.name()
		}
		if topic != "" {
			e.TP = history.TopicPartition{Topic: topic, Part: part}
			setOffset(&e, offset, meta)
		}
		setErr(&e, code)
		events = append(events, e)
	}
	var none [16]byte
	if resp.ErrorCode != 0 {
		add(p.sight.events[0].Group, "", none, 0, 0, nil, resp.ErrorCode)
	}
	for _, t := range resp.Topics {
		for _, tp := range t.Partitions {
			add(p.sight.events[0].Group, t.Topic, none, tp.Partition, tp.Offset, tp.Metadata, tp.ErrorCode)
		}
	}
	for _, g := range resp.Groups {
		if g.ErrorCode != 0 {
			add(g.Group, "", none, 0, 0, nil, g.ErrorCode)
		}
		for _, t := range g.Topics {
			for _, tp := range t.Partitions {
				add(g.Group, t.Topic, t.TopicID, tp.Partition, tp.Offset, tp.Metadata, tp.ErrorCode)
			}
		}
	}
	return events
}
