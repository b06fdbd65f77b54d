package proxy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Phase is when a rule acts.
type Phase int

const (
	OnRequest  Phase = iota // before the broker acts
	OnResponse              // after it acted, before the client hears
)

// Action is what a rule does with what it matched.
type Action int

const (
	Drop  Action = iota // swallow it and cut the connection to the client
	Delay               // pass it on after Rule.Delay
	Cut                 // cut the connection (request: before it is forwarded)
	// Hold, of a request only, cuts the client's side and forwards the request Delay
	// later on the upstream connection, which stays open.
	Hold
	// Error answers with Rule.Code: a request without forwarding it, a response instead
	// of what the broker said.
	Error
	Blackhole // swallow it, the connection stays open
	// Duplicate, of a response only, sends the request again over another connection, as
	// a client would that lost the answer. The client hears the second answer.
	Duplicate
)

// Versions is a range of an API's versions, both ends included.
type Versions struct{ Min, Max int16 }

// Rule matches requests. Zero fields match everything.
type Rule struct {
	API      int16     // Kafka's API key; -1 = any
	Versions *Versions // of the request; nil = any
	Client   string    // "till": all instances; "till/0": one
	ClientID string    // what the request's header says
	Broker   int32     // node id; -1 = any
	TxnID    string    // a name, or "~" and an expression that the whole name matches
	Topic    string
	Part     int32   // -1 = any; used only with Topic
	Nth      int     // 0 = each match, n = only the nth match since the rule was added
	Times    int     // how many matches, from the nth on; 0 = one with Nth, else no limit
	Prob     float64 // 0 = always; drawn from Seed
	Seed     uint64
	Phase    Phase
	Action   Action
	Delay    time.Duration
	Redial   bool // Hold: the broker's side is cut too, and the request comes over a connection of its own
	Code     int16
	Label    string // goes with each hit into the history, as "fault"
	// Link faults (API -1, whole connections): see Proxy.Refuse and Proxy.Shape.
}

// Hit is one request that a rule struck.
type Hit struct {
	T       int64
	Client  string
	Broker  int32
	API     int16
	Version int16
	Corr    int32
	Text    string // "Produce v11 of shop/0 to broker 2, correlation 57: response dropped"
}

// Handle is an active rule.
type Handle struct {
	p       *Proxy
	rule    Rule
	removed atomic.Bool

	mu       sync.Mutex
	matched  int // requests that matched
	taken    int // of them, chosen
	owed     int // chosen requests that were lost before the rule could act: the next match makes up for each
	hits     []Hit
	firstHit chan struct{} // closed at the first hit
	spent    chan struct{} // closed at the last of Times
	released chan struct{} // closed by Release
}

// Add activates r. An error says what is wrong with the rule.
func (p *Proxy) Add(r Rule) (*Handle, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("add a rule: %w", err)
	}
	h := &Handle{p: p, rule: r, firstHit: make(chan struct{}), spent: make(chan struct{}), released: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fmt.Errorf("add a rule: %w", ErrClosed)
	}
	rules := append(slices.Clone(*p.rules.Load()), h)
	p.rules.Store(&rules)
	return h, nil
}

func (r Rule) check() error {
	known := r.API >= 0 && int(r.API) < len(apis) && apis[r.API].known
	name := "any API"
	if known {
		name = kmsg.NameForKey(r.API)
	}
	switch {
	case !known && r.API != -1:
		return fmt.Errorf("there is no API key %d", r.API)
	case r.Action < Drop || r.Action > Duplicate:
		return fmt.Errorf("there is no action %d", r.Action)
	case r.Phase != OnRequest && r.Phase != OnResponse:
		return fmt.Errorf("there is no phase %d", r.Phase)
	case r.Prob < 0 || r.Prob > 1:
		return fmt.Errorf("probability %g is not between 0 and 1", r.Prob)
	case r.Nth < 0:
		return fmt.Errorf("nth %d is negative", r.Nth)
	case r.Times < 0:
		return fmt.Errorf("times %d is negative", r.Times)
	case r.Versions != nil && (r.API == -1 || r.Versions.Min > r.Versions.Max || r.Versions.Max < 0):
		return fmt.Errorf("versions %d to %d: want one API and a range that grows", r.Versions.Min, r.Versions.Max)
	case r.Versions != nil && r.Versions.Min > apis[r.API].max:
		return fmt.Errorf("%s has no version %d; the newest that is known is %d", name, r.Versions.Min, apis[r.API].max)
	case r.Delay < 0:
		return fmt.Errorf("delay %v is negative", r.Delay)
	case r.Action == Hold && r.Phase == OnResponse:
		return errors.New("only a request can be held; use Drop to lose a response")
	case r.Action == Duplicate && r.Phase == OnRequest:
		return errors.New("a request is sent again once its answer is lost: its phase is the response")
	case r.Action == Duplicate && !repeatable(r.API):
		return fmt.Errorf("%s is not what clients send again as it was", name)
	case r.Redial && r.Action != Hold:
		return errors.New("only a held request comes over a connection of its own")
	case r.Action == Delay && r.Delay == 0:
		return errors.New("a delay of 0 delays nothing")
	case r.Action == Error && r.Code == 0:
		return errors.New("error code 0 means success: no broker answers that without acting")
	case r.Action == Error && r.API == -1:
		return errors.New("an error answer needs one API: what it looks like depends on it")
	case r.Action == Error && !canAnswer(r.API):
		return fmt.Errorf("%s cannot be answered with an error code", name)
	case r.TxnID != "" && !hasTxnID(r.API):
		return fmt.Errorf("%s names no transactional id", name)
	case r.Topic != "" && !hasTopics(r.API):
		return fmt.Errorf("%s names no topics", name)
	}
	return nil
}

// String says what the rule does, for people.
func (r Rule) String() string {
	what := "every request"
	if r.API >= 0 {
		what = kmsg.NameForKey(r.API)
	}
	s := r.does(r.Phase) + " on " + what
	if r.Versions != nil {
		s += " " + r.Versions.String()
	}
	if r.Client != "" {
		s += " of " + r.Client
	}
	if r.ClientID != "" {
		s += " as " + r.ClientID
	}
	if r.Broker >= 0 {
		s += fmt.Sprintf(" to broker %d", r.Broker)
	}
	if r.TxnID != "" {
		s += " in " + r.TxnID
	}
	if r.Topic != "" && r.Part >= 0 {
		s += fmt.Sprintf(" for %s/%d", r.Topic, r.Part)
	} else if r.Topic != "" {
		s += " for " + r.Topic
	}
	if r.Nth > 0 {
		s += fmt.Sprintf(", number %d", r.Nth)
	}
	if r.Times > 0 {
		s += fmt.Sprintf(", %d times", r.Times)
	}
	if r.Prob > 0 {
		s += fmt.Sprintf(", with probability %g", r.Prob)
	}
	return s
}

// does names the action's effect.
func (r Rule) does(phase Phase) string {
	what := "request"
	if phase == OnResponse {
		what = "response"
	}
	switch r.Action {
	case Drop:
		return what + " dropped"
	case Delay:
		return fmt.Sprintf("%s delayed by %v", what, r.Delay)
	case Cut:
		return "connection cut before the " + what
	case Hold:
		if r.Redial {
			return fmt.Sprintf("client and broker cut, request held for %v", r.Delay)
		}
		return fmt.Sprintf("client cut, request held for %v", r.Delay)
	case Error:
		if phase == OnRequest {
			return "answered " + codeName(r.Code) + " without the broker"
		}
		return "response replaced by " + codeName(r.Code)
	case Blackhole:
		return what + " swallowed"
	case Duplicate:
		return "answer lost, request sent again over another connection"
	}
	return "nothing"
}

// String is "v4" or "v0..4".
func (v Versions) String() string {
	if v.Min == v.Max {
		return fmt.Sprintf("v%d", v.Min)
	}
	return fmt.Sprintf("v%d..%d", v.Min, v.Max)
}

func codeName(code int16) string {
	if e := kerr.TypedErrorForCode(code); e != nil && e.Code == code {
		return fmt.Sprintf("%s (%d)", e.Message, code)
	}
	return fmt.Sprintf("error code %d", code)
}

// chosen counts a match and says whether the rule strikes it.
func (h *Handle) chosen() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.matched++
	switch {
	case h.due():
	case h.owed > 0:
		h.owed--
		return true // the draw was won by the request that was lost
	default:
		return false
	}
	// Each match has its own draw, so that the order in which connections
	// come to it changes nothing but who is the nth.
	if p := h.rule.Prob; p > 0 && p < 1 && rand.New(rand.NewPCG(h.rule.Seed, uint64(h.matched))).Float64() >= p {
		return false
	}
	h.taken++
	return true
}

// due says whether the match that was just counted is one of those that the rule
// is about; h.mu is held.
func (h *Handle) due() bool {
	r := &h.rule
	if r.Nth > 0 {
		return h.matched >= r.Nth && h.matched < r.Nth+max(r.Times, 1)
	}
	return r.Times == 0 || h.taken < r.Times
}

// missed takes back a choice: the rule could not act on the request, because its
// connection ended first or another rule came before.
func (h *Handle) missed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rule.Nth > 0 || h.rule.Times > 0 {
		h.owed++
	}
}

func (h *Handle) hit(hit Hit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hits = append(h.hits, hit)
	if len(h.hits) == 1 {
		close(h.firstHit)
	}
	if len(h.hits) == h.rule.Times {
		close(h.spent)
	}
}

// Spent is closed when the rule has struck as many requests as Times says.
func (h *Handle) Spent() <-chan struct{} { return h.spent }

// Wait returns the first hit, as soon as there is one.
func (h *Handle) Wait(ctx context.Context) (Hit, error) {
	select {
	case <-h.firstHit:
	case <-ctx.Done():
		select {
		case <-h.firstHit:
		default:
			return Hit{}, fmt.Errorf("wait for a hit (%s; %d requests matched so far): %w", h.rule, h.Matched(), ctx.Err())
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hits[0], nil
}

// Hits returns all hits so far.
func (h *Handle) Hits() []Hit {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.hits)
}

// Matched returns how many requests matched so far, struck or not.
func (h *Handle) Matched() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.matched
}

// Remove deactivates the rule; requests already delayed or held go their way.
func (h *Handle) Remove() {
	h.removed.Store(true)
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	rules := slices.DeleteFunc(slices.Clone(*h.p.rules.Load()), func(o *Handle) bool { return o == h })
	h.p.rules.Store(&rules)
}

// Release lets what the rule delays or holds go at once, now and from now on:
// with a long Delay, a request is held until an event of the caller's choice.
func (h *Handle) Release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.released:
	default:
		close(h.released)
	}
}
