package native

import (
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/history"
)

// world is a cluster, its clients, and the proxy between them.
type world struct {
	*sim
	cfg       *Config
	rec       *recorder
	truth     *Truth
	brokers   map[int]*broker
	brokerIDs []int
	parts     map[history.TopicPartition]*partition
	tps       []history.TopicPartition
	slots     []*slot
	links     map[linkKey]*link
	seats     []*seat
	acks      map[string]int // by process
	rules     []*rule
	striking  int   // faults that have not healed
	fired     int64 // how often the defect showed

	conns, requests, memberIDs int64
	pids                       int64
	quiet                      bool // producers stop
	draining                   bool
	over                       bool
}

// seat is one instance of a client, over all its incarnations.
type seat struct {
	client      *client
	instance    int
	incarnation int
	process     *process
	deaths      int // by itself, in a row
	batches     *batches
}

func (s *seat) name() string { return fmt.Sprintf("%s/%d", s.client.Name, s.instance) }

func (w *world) defect(d Defect) bool { return w.cfg.Defect == d && d != Correct }

// broke notes that the defect had an effect.
func (w *world) broke() { w.fired++ }

// Run runs a world to its end.
func Run(cfg *Config) *History {
	w := newWorld(cfg)
	w.start()
	w.load()
	w.drain()
	w.stopAll()
	w.audit()
	w.phase("stop")
	h := &History{Header: cfg.header(), Lines: w.rec.finish(), Truth: *w.truth}
	h.Truth.Fired = w.fired
	return h
}

func newWorld(cfg *Config) *world {
	w := &world{sim: newSim(cfg.Seed), cfg: cfg, brokers: map[int]*broker{}, parts: map[history.TopicPartition]*partition{},
		links: map[linkKey]*link{}, acks: map[string]int{}, pids: 4000}
	w.rec = &recorder{w: w, last: map[string]int64{}}
	w.truth = newTruth(w)
	for id := 1; id <= cfg.Brokers; id++ {
		w.brokers[id] = &broker{w: w, id: id, up: true}
		w.brokerIDs = append(w.brokerIDs, id)
	}
	for _, t := range cfg.Topics {
		for part := range t.Partitions {
			tp := history.TopicPartition{Topic: t.Name, Part: part}
			p := &partition{w: w, tp: tp, base: cfg.FirstOffset, high: cfg.FirstOffset, epoch: 1, producers: map[int64]*tail{}}
			first := w.rng.IntN(cfg.Brokers)
			for i := range int(t.Replicas) {
				p.replicas = append(p.replicas, 1+(first+i)%cfg.Brokers)
			}
			p.leader = p.replicas[0]
			w.parts[tp] = p
			w.tps = append(w.tps, tp)
		}
	}
	for i := range 3 {
		w.slots = append(w.slots, &slot{w: w, leader: 1 + i%cfg.Brokers, groups: map[string]*groupState{}, txns: map[string]*txnState{}})
	}
	for _, c := range cfg.Clients {
		for i := range c.Count {
			w.seats = append(w.seats, &seat{client: c, instance: i, batches: newBatches()})
		}
	}
	return w
}

func (w *world) partitions(topic string) int32 {
	for _, t := range w.cfg.Topics {
		if t.Name == topic {
			return t.Partitions
		}
	}
	return 0
}

func (w *world) partitionsOf(topic string) []history.TopicPartition {
	var all []history.TopicPartition
	for part := range w.partitions(topic) {
		all = append(all, history.TopicPartition{Topic: topic, Part: part})
	}
	return all
}

func (w *world) memberName() string { return fmt.Sprintf("member-%d", w.memberIDs) }

func (w *world) anyBroker() int { return w.brokerIDs[w.rng.IntN(len(w.brokerIDs))] }

// txnIDOf is a process's transactional id; "" without transactions.
func (w *world) txnIDOf(p *process) string {
	return strings.ReplaceAll(p.client.TxnID, "${instance}", fmt.Sprint(p.instance))
}

func (w *world) phase(note string) {
	w.rec.harness(history.Event{Op: history.OpPhase, Note: note})
}

// run lets d pass.
func (w *world) run(d int64) {
	until := w.now + d
	w.runUntil(func() bool { return len(w.queue) == 0 || w.queue[0].at > until })
	w.now = max(w.now, until)
}

// launch starts the next incarnation of a seat.
func (w *world) launch(s *seat) {
	if w.over {
		return
	}
	s.incarnation++
	p := &process{w: w, client: s.client, instance: s.instance, conns: map[int]*conn{},
		name: fmt.Sprintf("%s/%d", s.name(), s.incarnation), arrived: w.now}
	s.process = p
	w.acks[p.name] = s.client.Acks
	w.rec.add(&Line{Event: history.Event{T: w.stamp(), Src: history.SrcHarness, Proc: p.name, Type: history.Info, Op: history.OpSpawn,
		Data: map[string]any{"pid": 1000 + len(w.rec.lines)}}, by: p.name, arrive: p.later()})
	if s.client.Program {
		p.deduced = newDeduced(p, s.batches)
	}
	p.spawn(p.main)
}

// ended is what the harness does when a process has ended.
func (w *world) ended(p *process, how string) {
	for _, s := range w.seats {
		if s.process != p {
			continue
		}
		if how != exitDead || w.over {
			return
		}
		s.deaths++
		w.after(500*millisecond*min(int64(s.deaths), 8), func() {
			if s.process == p && !w.over {
				w.launch(s)
			}
		})
	}
}

func (w *world) start() {
	w.phase("start")
	for _, s := range w.seats {
		w.run(w.between(millisecond, 20*millisecond))
		w.launch(s)
	}
	w.run(w.between(millisecond, 30*millisecond))
}

// load lets the clients work while the faults strike.
func (w *world) load() {
	w.phase("load")
	w.watch()
	for i, f := range w.cfg.Faults {
		f.step = i + 1
		w.after(f.At, func() { w.strike(f) })
	}
	end := w.now + w.cfg.Load
	w.runUntil(func() bool {
		return len(w.queue) == 0 || w.queue[0].at > end || w.cfg.MaxLines > 0 && len(w.rec.lines) > w.cfg.MaxLines
	})
	w.phase("heal")
	w.healAll()
	w.quiet = true
	end = w.now
	w.runUntil(func() bool { return w.producersDone() || w.now > end+w.cfg.Drain })
}

func (w *world) producersDone() bool {
	for _, s := range w.seats {
		if s.client.Role == producerRole && s.process.ids > 0 && !s.process.dead {
			return false
		}
	}
	return true
}

// drain waits until every group has committed all that it could read.
func (w *world) drain() {
	w.phase("drain")
	w.draining = true
	end := w.now + w.cfg.Drain
	for w.now < end && !w.endless() {
		missing := w.undrained()
		if len(missing) == 0 {
			w.phase("drained")
			return
		}
		w.run(100 * millisecond)
	}
	w.rec.harness(history.Event{Op: history.OpPhase, Note: "drain-timeout", Data: map[string]any{"missing": w.undrained()}})
	w.truth.Undrained = w.cfg.Drain > 100*second && !w.endless()
}

// endless stops a world that tells and tells, as one with a defect may.
func (w *world) endless() bool { return len(w.rec.lines) > 3*w.cfg.MaxLines+10000 }

func (w *world) undrained() []string {
	var missing []string
	for _, tp := range w.tps {
		if p := w.parts[tp]; p.stable() < p.high || p.high < p.end() {
			missing = append(missing, fmt.Sprintf("a transaction is open on %s at offset %d", tp, p.stable()))
		}
	}
	for _, c := range w.cfg.Clients {
		if c.Group == "" {
			continue
		}
		g := w.group(c.Group)
		for _, tp := range w.partitionsOf(c.Input) {
			if p := w.parts[tp]; p.lastVisible(c.Committed) >= max(g.offsets[tp].off, p.base) {
				missing = append(missing, fmt.Sprintf("group %s is at offset %d of %d on %s", c.Group, g.offsets[tp].off, p.high, tp))
			}
		}
		for _, pending := range g.pending {
			if len(pending) > 0 {
				missing = append(missing, "an open transaction holds an offset of group "+c.Group)
				break
			}
		}
	}
	return missing
}

// lastVisible is the last record that a consumer is given, -1 if there is none.
func (p *partition) lastVisible(committed bool) int64 {
	for off := p.end() - 1; off >= p.base; off-- {
		e := p.at(off)
		if e.marker == "" && e.note == "" && (!e.inTxn || !committed || e.fate == "commit") {
			return off
		}
	}
	return -1
}

// stopAll asks everybody to end.
func (w *world) stopAll() {
	w.over = true
	for _, s := range w.seats {
		p := s.process
		if p.dead {
			continue
		}
		p.stopping = true
		p.thaw() // a frozen process is thawed to hear it
		w.after(10*second, func() { p.end(sigkill) })
	}
	w.runUntil(func() bool {
		for _, s := range w.seats {
			if !s.process.dead {
				return false
			}
		}
		return true
	})
	w.run(50 * millisecond)
}

// watch records leaders, brokers and watermarks as they change.
func (w *world) watch() {
	leaders, marks, states := map[history.TopicPartition]int32{}, map[history.TopicPartition]string{}, map[int]string{}
	var look func()
	look = func() {
		if w.over {
			return
		}
		for _, id := range w.brokerIDs {
			state := "running"
			if !w.brokers[id].up {
				state = "stopped"
			}
			if states[id] != state {
				states[id] = state
				w.rec.harness(history.Event{Op: history.OpBroker, Data: map[string]any{"broker": id, "state": state}})
			}
		}
		for _, tp := range w.tps {
			p := w.parts[tp]
			if !w.alive(p.leader) {
				continue
			}
			if leaders[tp] != p.epoch {
				leaders[tp] = p.epoch
				w.rec.harness(history.Event{Op: history.OpLeader, TP: tp, Data: map[string]any{"leader": p.leader, "epoch": p.epoch}})
			}
			off := []int64{p.base, p.stable(), p.high}
			if text := fmt.Sprint(off); marks[tp] != text {
				marks[tp] = text
				w.rec.harness(history.Event{Op: history.OpWatermarks, TP: tp, Off: off})
			}
		}
		w.after(w.between(200*millisecond, second), look)
	}
	look()
}
