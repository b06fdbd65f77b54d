package checker

import (
	"maps"
	"sync"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// Online watches a run while it goes on, and raises an alarm at each violation
// that shows before the final log is read. Nothing of it lies on disk, and it
// keeps in memory what is in flight and the newest part of everything else,
// however long the run: what an event far back in time or in a log would have
// shown is left to Check, which judges the whole history at the end.
//
//	event ──> processes: in flight, transactions, positions ─┐
//	      ──> newest rows by partition and offset ───────────┼──> alarms
//	      ──> registers: newest commits, owners ─────────────┘
//
// Lines of different processes reach it a little out of order, and those of a
// process that was frozen much later. What depends on another process's silence
// (nobody sent this, nobody committed that) waits until that process was heard of
// again. An acknowledged record is taken to be in the log: if it is not, the
// verdict will be a loss instead. Its methods may be called concurrently; the
// zero value is of no use.
type Online struct {
	mu     sync.Mutex
	notify func(Alarm)
	seen   map[guarantee.Anomaly]int64
	header history.Header
	start  int64
	line   int64

	clients map[string]*history.ClientInfo
	asides  map[string]bool // retry and dead-letter topics
	foreign map[string]bool // topics that programs write
	given   assignments
	procs   map[string]*liveProc
	parts   map[history.TopicPartition]*livePart
	groups  map[string]*liveGroup
	rows    window[liveRow]
	inputs  window[liveInput]
	places  recent // where values were read
	holders map[int64]*liveProc
}

// Alarm is one violation that was seen while the run went on.
type Alarm struct {
	Kind guarantee.Anomaly
	T    int64 // ns since the history's start
	Line int64 // of the history, from 1 (the header)
	Text string
}

// Bounds of what is kept. With them all in use, that is about 100 MiB.
const (
	mostRowChunks   = 4096
	mostInputChunks = 16384
	mostPlaces      = 1 << 16
	mostLive        = 1 << 16 // processes, partitions and groups each, operations in flight of a process
	mostWaiting     = 1 << 8  // judgements that wait for a process
)

// NewOnline begins. notify, if not nil, is told of the first violation of each
// kind; it must not call the Online.
func NewOnline(h history.Header, notify func(Alarm)) *Online {
	o := &Online{
		notify:  notify,
		seen:    map[guarantee.Anomaly]int64{},
		header:  h,
		start:   h.StartT,
		line:    1,
		clients: map[string]*history.ClientInfo{},
		asides:  map[string]bool{},
		foreign: map[string]bool{},
		given:   assignments{},
		procs:   map[string]*liveProc{},
		parts:   map[history.TopicPartition]*livePart{},
		groups:  map[string]*liveGroup{},
		rows:    newWindow[liveRow](mostRowChunks),
		inputs:  newWindow[liveInput](mostInputChunks),
		places:  newRecent(mostPlaces),
		holders: map[int64]*liveProc{},
	}
	for i := range h.Clients {
		c := &o.header.Clients[i]
		o.clients[c.Name] = c
		for _, t := range programTopics(c) {
			o.foreign[t] = true
		}
		if c.Aside != "" && c.Aside != c.Output && c.Aside != c.Topic {
			o.asides[c.Aside] = true
		}
	}
	return o
}

// Observe takes one event in, in the history's order. Slices of e are not kept.
func (o *Online) Observe(e *history.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.line++
	if o.start == 0 {
		o.start = e.T
	}
	switch e.Src {
	case history.SrcClient:
		if p := o.proc(e.Proc); p != nil {
			o.client(p, e)
		}
	case history.SrcWire:
		if api := facts.API.Get(e); api != "" {
			o.given.observe(e, api)
		}
	case history.SrcHarness:
		if e.Op == history.OpExit {
			o.exited(e)
		}
	}
}

// Violations is what was seen so far, with counts.
func (o *Online) Violations() map[guarantee.Anomaly]int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.seen)
}

func (o *Online) alarm(kind guarantee.Anomaly, t int64, text string) {
	o.seen[kind]++
	if o.notify != nil && o.seen[kind] == 1 {
		o.notify(Alarm{Kind: kind, T: max(1, t-o.start), Line: o.line, Text: text})
	}
}

func (o *Online) client(p *liveProc, e *history.Event) {
	if e.Group != "" && p.group == nil {
		p.group = o.group(e.Group)
		o.join(p)
	}
	switch e.Op {
	case history.OpSend:
		o.send(p, e)
	case history.OpSetAside:
		if t := e.TP.Topic; t != "" && (p.info == nil || t != p.info.Output && t != p.info.Topic) {
			o.asides[t] = true
		}
		if len(e.Val) > 0 || e.Type != history.Invoke {
			o.send(p, e)
		}
	case history.OpPoll:
		o.poll(p, e)
	case history.OpProcess:
		o.processed(p, e)
	case history.OpInitProducer:
		o.initialised(p, e)
	case history.OpBegin, history.OpCommit, history.OpAbort:
		o.transaction(p, e)
	case history.OpSendOffsets:
		o.stage(p, e)
	case history.OpCommitOffsets, history.OpFetchOffsets:
		o.offset(p, e)
	case history.OpAssigned, history.OpRevoked, history.OpLost, history.OpSeek:
		o.assignment(p, e)
	}
	if e.Type == history.OK && e.Op == history.OpClose {
		o.forget(p)
		return
	}
	o.heard(p, e.T)
}

func (o *Online) exited(e *history.Event) {
	name := e.Proc
	if s, ok := facts.OfProc.Of(e); ok && (name == "harness" || name == "") {
		name = s
	}
	if p := o.procs[name]; p != nil {
		o.forget(p)
	}
}
