package harness

import (
	"context"
	"fmt"
	"time"

	"github.com/onceproof/onceproof/internal/process"
)

// An incarnation that ends by itself is started again, as a supervisor in
// production would: after restartWait where it had got something done, after twice
// as long each time where it had not. After maxFutile ends in a row that got nothing
// done and that no fault excuses, the client is broken, and the run with it.
const (
	restartWait     = 500 * time.Millisecond
	restartWaitMost = 4 * time.Second
	maxFutile       = 5
)

// keep starts m again whenever it ends by itself, until it is retired.
func (f *fleet) keep(ctx context.Context, m *member) {
	var past restarts
	for {
		var exit process.Exit
		select {
		case <-ctx.Done():
			return
		case exit = <-m.Exited():
		}
		if exit.Wanted || m.isRetired() {
			continue
		}
		if m.isDone(exit) {
			f.status.log(m.Name() + " has done what it had to do")
			continue
		}
		if exit.Err != nil {
			f.fail(exit.Err)
			return
		}
		m.ended(exit)
		wait, broken := past.recordExit(m.Counts(), f.status.isStruck())
		if broken {
			f.fail(exit.Explain(fmt.Errorf("ended by itself %d times without getting anything done (%s)", past.futile, describeExit(exit))))
			return
		}
		f.status.log(fmt.Sprintf("%s ended by itself (%s), starting it again in %v", exit.Proc, describeExit(exit), wait))
		if !pause(ctx, wait) {
			return
		}
		if err := m.revive(ctx); err != nil && ctx.Err() == nil {
			f.fail(fmt.Errorf("start client %s again: %w", m.Name(), err))
			return
		}
	}
}

// ended notes how m last ended by itself.
func (m *member) ended(exit process.Exit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = &exit
}

// noProgress returns an error if the client reported nothing in the whole run because
// it hung or ended by itself. stop is the result of stopping it. A client that had nothing
// to do and stopped when asked is not to blame, nor is a program, which never reports.
func (m *member) noProgress(stop error) error {
	if m.Counts() != (process.Counts{}) || len(m.spec.Program) > 0 {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if stop == nil && m.last != nil {
		stop = m.last.Explain(fmt.Errorf("ended by itself (%s)", describeExit(*m.last)))
	}
	if stop == nil {
		return nil
	}
	return fmt.Errorf("got nothing done in the whole run: %w", stop)
}

// isDone says whether m ended because it had nothing left to do.
func (m *member) isDone(exit process.Exit) bool {
	return exit.Code == 0 && exit.Err == nil && (len(m.spec.Program) > 0 || m.spec.Max > 0)
}

// revive starts the next incarnation unless m has been retired meanwhile.
func (m *member) revive(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.retired {
		return nil
	}
	_, err := m.Start(ctx)
	return err
}

// restarts are the ends of one client so far.
type restarts struct {
	futile int           // in a row, that got nothing done and that nothing excuses
	wait   time.Duration // before the last start
	before process.Counts
}

// recordExit counts an end of the client, which came after now was reached. While a fault strikes, a client that cannot
// work is no news: it is started again, ever more slowly.
func (r *restarts) recordExit(now process.Counts, struck bool) (wait time.Duration, broken bool) {
	if progressed(r.before, now) {
		r.futile, r.wait = 0, 0
	}
	r.before = now
	if !struck {
		r.futile++
	}
	r.wait = min(max(restartWait, 2*r.wait), restartWaitMost)
	return r.wait, r.futile >= maxFutile
}

func progressed(before, now process.Counts) bool {
	return now.Acked > before.Acked || now.Processed > before.Processed || now.Polled > before.Polled
}

func describeExit(e process.Exit) string {
	if e.Signal != "" {
		return e.Signal
	}
	return fmt.Sprintf("exit code %d", e.Code)
}
