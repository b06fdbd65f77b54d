package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/scenario"
)

// restartBound is for brokers that come back: a JVM start, log recovery, and
// catching up with their leaders, on a machine that is busy with the load.
const restartBound = 90 * time.Second

const pauseTries = 5

// broker is a broker as a process that can be struck.
type broker struct {
	env *Env
	id  cluster.BrokerID
}

func (b broker) String() string {
	if b.isolated() {
		return fmt.Sprintf("controller %d", b.id)
	}
	return fmt.Sprintf("broker %d", b.id)
}

// ready: a broker that is not held runs; a backend restarts none by itself.
func (b broker) ready(context.Context) error { return nil }

func (b broker) kill(ctx context.Context) error {
	k, err := ability[cluster.Killer](b.env.Cluster, "kill brokers")
	if err != nil {
		return err
	}
	if now, err := b.now(); err == nil && now.State == cluster.Stopped {
		return nil // it died of another fault, such as too little memory
	}
	return k.Kill(ctx, b.id)
}

func (b broker) stop(ctx context.Context) error {
	k, err := ability[cluster.Killer](b.env.Cluster, "stop brokers")
	if err != nil {
		return err
	}
	return k.Stop(ctx, b.id)
}

func (b broker) start(ctx context.Context) error {
	k, err := ability[cluster.Killer](b.env.Cluster, "start brokers")
	if err != nil {
		return err
	}
	return k.Start(ctx, b.id)
}

// startAgain starts a broker that an effect has ended, unless a strike keeps it down.
func (b broker) startAgain(ctx context.Context) error {
	known, err := b.now()
	if err != nil || known.State != cluster.Stopped || len(b.env.ledger.claimantsOf(b)) > 0 {
		return err
	}
	return b.start(ctx)
}

func (b broker) pause(ctx context.Context) error {
	p, err := ability[cluster.Pauser](b.env.Cluster, "pause brokers")
	if err != nil {
		return err
	}
	// An engine on cgroup v1 may find a busy container's tasks unwilling to freeze
	// ("unable to freeze"); it thaws them then, and the next try finds them willing.
	var failed error
	for range pauseTries {
		if failed = p.Pause(ctx, b.id); failed == nil || ctx.Err() != nil {
			return failed
		}
	}
	return failed
}

func (b broker) resume(ctx context.Context) error {
	p, err := ability[cluster.Pauser](b.env.Cluster, "resume brokers")
	if err != nil {
		return err
	}
	return p.Resume(ctx, b.id)
}

func (b broker) revive(ctx context.Context) error {
	if b.isolated() { // its state is not known: make it so
		killErr := b.kill(ctx)
		if err := b.start(ctx); err != nil {
			return errors.Join(killErr, err)
		}
		return nil
	}
	now, err := b.now()
	if err != nil {
		return err
	}
	switch now.State {
	case cluster.Stopped:
		return b.start(ctx)
	case cluster.Paused:
		return b.resume(ctx)
	}
	return nil
}

// now is the broker as the backend knows it.
func (b broker) now() (cluster.Broker, error) {
	for _, known := range b.env.Cluster.Brokers() {
		if known.ID == b.id {
			return known, nil
		}
	}
	return cluster.Broker{}, fmt.Errorf("%w: broker %d", errNoTarget, b.id)
}

// ability returns c as an A, or an error that says that its backend lacks it.
func ability[A any](c cluster.Cluster, what string) (A, error) {
	a, ok := c.(A)
	if !ok {
		return a, fmt.Errorf("the %s backend cannot %s: %w", c.Backend(), what, cluster.ErrUnsupported)
	}
	return a, nil
}

// brokerStrike keeps the brokers that a target means in a condition. The broker
// faults differ in that condition and in how its effect shows.
type brokerStrike struct {
	env    *Env
	target scenario.Target
	seed   uint64
	want   condition
	soft   bool
	by     string
	struck []broker
	claims []*claim
}

func newBrokerStrike(f scenario.Fault, env *Env, seed uint64, want condition, soft bool) (*brokerStrike, error) {
	if f.Args.Broker == "" {
		return nil, errors.New("whom? Want broker: a target, as in broker(2), leader(orders/0) or any")
	}
	if _, err := parseTarget(f.Args.Broker); err != nil {
		return nil, err
	}
	by := label(f)
	return &brokerStrike{env: env, target: f.Args.Broker, seed: seed, want: want, soft: soft, by: by}, nil
}

// Inject strikes all brokers of the target at once.
func (s *brokerStrike) Inject(ctx context.Context) (string, error) {
	ids, resolved, err := s.env.resolve(ctx, s.target, s.seed)
	if err != nil {
		return "", err
	}
	for _, id := range ids {
		s.struck = append(s.struck, broker{s.env, id})
		s.claims = append(s.claims, &claim{want: s.want, soft: s.soft, by: s.by})
	}
	return resolved, each(s.struck, func(i int, b broker) error {
		return s.env.ledger.acquire(ctx, b, s.claims[i])
	})
}

func (s *brokerStrike) victims() (brokers []int32, clients []string) {
	for _, b := range s.struck {
		brokers = append(brokers, int32(b.id))
	}
	return brokers, nil
}

// others names the strikes besides s that keep a struck broker from running.
func (s *brokerStrike) others(i int, _ broker) []string { return s.claims[i].others() }

func (s *brokerStrike) Recover(ctx context.Context) error {
	return each(s.claims, func(_ int, h *claim) error { return h.release(ctx) })
}

// Gone waits until every struck broker answers, is registered as others see it,
// and is in the ISR of all that it replicates.
func (s *brokerStrike) Gone(ctx context.Context) (string, error) {
	return sightings(s.struck, s.others, func(_ int, b broker) (string, error) { return await(ctx, b.isBack) })
}

func (s *brokerStrike) patience() (effect, gone time.Duration) { return 0, restartBound }

// isRefusing sees that nobody serves the broker's address.
func (b broker) isRefusing(ctx context.Context) (string, error) {
	if b.isolated() {
		return b.isDeposed(ctx)
	}
	now, err := b.now()
	if err != nil {
		return "", finalError{err}
	}
	switch err := answers(ctx, now.Addr); {
	case err == nil:
		return "", fmt.Errorf("%s still answers at %s", b, now.Addr)
	case isRefused(err):
		return fmt.Sprintf("%s: %s refused a connection", b, now.Addr), nil
	default:
		return "", err
	}
}

// isBack sees that the broker serves again and that its peers count on it.
func (b broker) isBack(ctx context.Context) (string, error) {
	if b.isolated() {
		return b.isVoting(ctx)
	}
	now, err := b.now()
	if err != nil {
		return "", finalError{err}
	}
	if err := answers(ctx, now.Addr); err != nil {
		return "", fmt.Errorf("%s does not answer at %s: %w", b, now.Addr, err)
	}
	answered := fmt.Sprintf("%s answered at %s", b, now.Addr)
	v, err := b.peersView(ctx)
	if err != nil {
		return "", err
	}
	if busy := b.env.ledger.busy(); len(busy) > 0 {
		return fmt.Sprintf("%s; whether it caught up is not awaited during %s", answered, strings.Join(busy, ", ")), nil
	}
	if !v.registered[b.id] {
		return "", fmt.Errorf("%s, but the metadata of %s does not list it", answered, brokerText(v.tellers))
	}
	behind, orphaned, replicated := v.lagging(b.id)
	if len(behind) > 0 {
		return "", fmt.Errorf("%s, but it is not in the ISR of %s", answered, list(behind))
	}
	if len(orphaned) > 0 {
		return fmt.Sprintf(
			"%s and is in sync for %d of its %d partitions; nobody leads %s, whose last disk in sync is lost (KIP-966), as %s",
			answered, replicated-len(orphaned), replicated, list(orphaned), tell(v.tellers),
		), nil
	}
	return fmt.Sprintf("%s and is in sync for its %d partitions, as %s", answered, replicated, tell(v.tellers)), nil
}

// peersView is what the other brokers tell, or the broker itself if it is alone.
func (b broker) peersView(ctx context.Context) (*view, error) {
	v, err := look(ctx, b.env.Cluster, b.id)
	if err != nil {
		return look(ctx, b.env.Cluster)
	}
	return v, nil
}

// tell is "broker 1 tells" or "brokers 1, 3 tell".
func tell(ids []cluster.BrokerID) string {
	if len(ids) == 1 {
		return brokerText(ids) + " tells"
	}
	return brokerText(ids) + " tell"
}
