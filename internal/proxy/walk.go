package proxy

import (
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// place is where a kmsg message speaks of one topic-partition.
type place struct {
	// owner is the group or transactional id whose list the partition is in, ""
	// where the message has one list for all.
	owner string
	// partition as the message has it: a name, or an id.
	partition
	// entry points at the kmsg struct that has the partition's fields; it is nil
	// where a request lists bare numbers.
	entry any
}

// ownedLists are the fields of messages that have a list of topics for each group
// or transaction, with the field that names it.
var ownedLists = []struct{ field, key string }{
	{"Groups", "Group"},                 // OffsetFetch from version 8 on
	{"Transactions", "TransactionalID"}, // AddPartitionsToTxn from version 4 on
}

// walkPartitions visits each topic-partition of a request or response, in the
// order of the message. kmsg has types of its own for each message, but gives
// fields that mean the same the same name. Only messages of APIs for which hasTopics
// is true can be walked. Metadata speaks of whole topics: partition -1.
func walkPartitions(msg any, visit func(place)) {
	m := reflect.ValueOf(msg).Elem()
	walkTopics(m, "", visit)
	for _, list := range ownedLists {
		owners := m.FieldByName(list.field)
		if !owners.IsValid() {
			continue
		}
		for i := range owners.Len() {
			walkTopics(owners.Index(i), owners.Index(i).FieldByName(list.key).String(), visit)
		}
	}
}

// walkTopics visits the partitions of one list of topics.
func walkTopics(list reflect.Value, owner string, visit func(place)) {
	topics := list.FieldByName("Topics")
	for i := range topics.Len() {
		t := topics.Index(i)
		at := place{owner: owner}
		if id := t.FieldByName("TopicID"); id.IsValid() {
			at.id = id.Interface().([16]byte)
		}
		name := t.FieldByName("Topic")
		if name.Kind() == reflect.Pointer { // of Metadata
			if !name.IsNil() {
				at.topic = name.Elem().String()
			}
			at.part, at.entry = -1, t.Addr().Interface()
			visit(at)
			continue
		}
		at.topic = name.String()
		parts := t.FieldByName("Partitions")
		for j := range parts.Len() {
			if p := parts.Index(j); p.Kind() == reflect.Int32 {
				at.part = int32(p.Int())
			} else {
				at.part, at.entry = int32(p.FieldByName("Partition").Int()), p.Addr().Interface()
			}
			visit(at)
		}
	}
}

// errorOf is the error code of a response's partition.
func (p place) errorOf() int16 {
	return int16(reflect.ValueOf(p.entry).Elem().FieldByName("ErrorCode").Int())
}

// outlinePartitions gives resp an entry without an error for each topic-partition
// that r names, in lists of the same owners.
func outlinePartitions(resp kmsg.Response, r *request) {
	to := reflect.ValueOf(resp).Elem()
	if r.body == nil { // Produce, which is not decoded whole
		for _, p := range r.parts {
			addPartition(to, p)
		}
		return
	}
	from := reflect.ValueOf(r.body).Elem()
	for _, list := range ownedLists {
		if owners := from.FieldByName(list.field); owners.IsValid() {
			for i := range owners.Len() {
				appendNew(to.FieldByName(list.field)).FieldByName(list.key).Set(owners.Index(i).FieldByName(list.key))
			}
		}
	}
	next := 0
	walkPartitions(r.body, func(p place) {
		named := r.parts[next] // the same partition, by its name where that is known
		next++
		addPartition(listOf(to, p.owner), named)
	})
}

// listOf is the part of a response that has the owner's list of topics.
func listOf(resp reflect.Value, owner string) reflect.Value {
	for _, list := range ownedLists {
		owners := resp.FieldByName(list.field)
		if !owners.IsValid() {
			continue
		}
		for i := range owners.Len() {
			if o := owners.Index(i); o.FieldByName(list.key).String() == owner {
				return o
			}
		}
	}
	return resp
}

// addPartition appends p to a list of topics, behind others of its topic.
func addPartition(list reflect.Value, p partition) {
	topics := list.FieldByName("Topics")
	if n := topics.Len(); p.part < 0 || n == 0 || !isTopic(topics.Index(n-1), p) {
		nameTopic(appendNew(topics), p)
	}
	if p.part < 0 {
		return
	}
	entry := appendNew(topics.Index(topics.Len() - 1).FieldByName("Partitions"))
	entry.FieldByName("Partition").SetInt(int64(p.part))
	if offset := entry.FieldByName("Offset"); offset.IsValid() { // OffsetFetch has no default
		offset.SetInt(-1)
	}
}

func isTopic(t reflect.Value, p partition) bool {
	id := t.FieldByName("TopicID")
	return t.FieldByName("Topic").String() == p.topic && (!id.IsValid() || id.Interface() == p.id)
}

func nameTopic(t reflect.Value, p partition) {
	switch name := t.FieldByName("Topic"); {
	case name.Kind() == reflect.String:
		name.SetString(p.topic)
	case p.topic != "":
		name.Set(reflect.ValueOf(&p.topic))
	}
	if id := t.FieldByName("TopicID"); id.IsValid() {
		id.Set(reflect.ValueOf(p.id))
	}
}

// appendNew appends a struct with kmsg's defaults to a slice, and returns it.
func appendNew(slice reflect.Value) reflect.Value {
	slice.Set(reflect.Append(slice, reflect.Zero(slice.Type().Elem())))
	last := slice.Index(slice.Len() - 1)
	if d, ok := last.Addr().Interface().(interface{ Default() }); ok {
		d.Default()
	}
	return last
}
