package franzgo

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/worker"
)

// settings are the spec's properties in the library's terms.
type settings struct {
	spec    *worker.Spec
	opts    []kgo.Opt
	refused []string // properties that the library cannot honour, with the reason

	acks        string // "", "all", "1", "0"
	idempotence *bool
	inFlight    int // 0 = the library's default
	txnID       string
	group       string
	autoCommit  *bool
	protocol    string // group.protocol
	assignor    string // group.remote.assignor
	balancers   []kgo.GroupBalancer
	maxPoll     int // records a poll; 0 = no limit, the library's default
	key         string
}

// newSettings translates the properties of spec. A value that makes no sense is
// an error; a property that the library lacks goes to refused.
func newSettings(spec *worker.Spec) (*settings, error) {
	s := &settings{spec: spec, protocol: "classic"}
	for _, name := range slices.Sorted(maps.Keys(spec.Config)) {
		p, known := properties[name]
		if !known {
			s.refuse(name, "unknown to this worker")
			continue
		}
		if err := p.set(s, strings.TrimSpace(spec.Config[name])); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := s.fits(); err != nil {
		return nil, err
	}
	s.producer()
	s.consumer()
	return s, nil
}

func (s *settings) refuse(name, why string) { s.refused = append(s.refused, name+": "+why) }

func (s *settings) add(opts ...kgo.Opt) { s.opts = append(s.opts, opts...) }

// idempotent is what the producer will be: like Java's, it gives up idempotence
// silently when acks forbids it and nobody asked for it.
func (s *settings) idempotent() bool {
	if s.idempotence != nil {
		return *s.idempotence
	}
	return s.acks == "" || s.acks == "all"
}

func (s *settings) producer() {
	switch s.acks {
	case "0":
		s.add(kgo.RequiredAcks(kgo.NoAck()))
	case "1":
		s.add(kgo.RequiredAcks(kgo.LeaderAck()))
	}
	if !s.idempotent() {
		s.add(kgo.DisableIdempotentWrite())
		if s.inFlight > 0 {
			s.add(kgo.MaxProduceRequestsInflightPerBroker(s.inFlight))
		}
	} else if s.inFlight != 0 && s.inFlight != 5 {
		s.refuse("max.in.flight.requests.per.connection", "franz-go has always 5 with idempotence")
	}
	if _, timed := s.spec.Config["delivery.timeout.ms"]; timed && s.idempotent() && s.txnID == "" && s.spec.Retry.Attempts > 0 {
		// Without it the library never gives up a send that a broker may have; an
		// application that sends again after the timeout has to ask for that.
		s.add(cancellation()...)
	}
	if s.txnID != "" {
		s.add(kgo.TransactionalID(s.txnID))
	}
}

func (s *settings) consumer() {
	if s.spec.Role == guarantee.Producer {
		return
	}
	s.add(kgo.ConsumerGroup(s.group), kgo.ConsumeTopics(s.spec.Input))
	if !s.commitsByItself() {
		s.add(kgo.DisableAutoCommit())
	}
	if s.protocol == "consumer" {
		s.add(serverSide()...)
		if s.balancers == nil {
			s.balancers = []kgo.GroupBalancer{kgo.StickyBalancer()}
			if s.assignor == "range" {
				s.balancers = []kgo.GroupBalancer{kgo.RangeBalancer()}
			}
		}
	}
	if s.balancers != nil {
		s.add(kgo.Balancers(s.balancers...))
	}
}

// commitsByItself says whether the library commits in the background: by the
// pattern, or because a property asks for it whatever the pattern says.
func (s *settings) commitsByItself() bool {
	if s.txnID != "" {
		return false // the library forbids it
	}
	if s.autoCommit != nil {
		return *s.autoCommit
	}
	return s.spec.Commit == guarantee.CommitAuto
}

// fits checks what the library would only find out later, or not at all.
func (s *settings) fits() error {
	spec := s.spec
	transactional := spec.Commit == guarantee.CommitTxn || spec.Commit == guarantee.CommitTxnOutside || spec.Transaction > 0
	switch {
	case !slices.Contains([]string{guarantee.Producer, guarantee.Consumer, guarantee.Processor}, spec.Role):
		return fmt.Errorf("role %q is none of producer, consumer, processor", spec.Role)
	case spec.Role == guarantee.Producer && spec.Topic == "":
		return fmt.Errorf("a producer needs a topic")
	case spec.Role != guarantee.Producer && spec.Input == "":
		return fmt.Errorf("a %s needs an input", spec.Role)
	case spec.Role != guarantee.Producer && s.group == "":
		return fmt.Errorf("a %s needs group.id", spec.Role)
	case spec.Role == guarantee.Processor && spec.Output == "":
		return fmt.Errorf("a processor needs an output")
	case spec.Role != guarantee.Producer && !slices.Contains(commits, spec.Commit):
		return fmt.Errorf("commit %q is none of %s", spec.Commit, strings.Join(commits, ", "))
	case transactional && s.txnID == "":
		return fmt.Errorf("transactions need transactional.id")
	case !transactional && s.txnID != "":
		return fmt.Errorf("transactional.id needs transactions: give a producer `transaction: <records>`, a processor `commit: transaction`")
	case s.idempotent() && s.acks != "" && s.acks != "all":
		return fmt.Errorf("enable.idempotence=true needs acks=all, not %s", s.acks)
	case !s.idempotent() && s.txnID != "":
		return fmt.Errorf("transactional.id needs acks=all and enable.idempotence not to be false")
	case s.autoCommit != nil && !*s.autoCommit && spec.Commit == guarantee.CommitAuto:
		return fmt.Errorf("commit: auto and enable.auto.commit=false contradict each other")
	case s.autoCommit != nil && *s.autoCommit && s.txnID != "":
		s.refuse("enable.auto.commit", "franz-go never commits by itself with a transactional.id")
	}
	return nil
}

// options are the library's options for the spec.
func (s *settings) options() []kgo.Opt {
	return append([]kgo.Opt{kgo.SeedBrokers(s.spec.Bootstrap...)}, s.opts...)
}
