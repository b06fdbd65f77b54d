package harness

import (
	"fmt"
	"os"
	"sync"

	"github.com/onceproof/onceproof/history"
)

// recorder is where every event of a run goes. The history's header tells the
// clients' versions and effective configurations, which are known only once they
// have said hello: until open, events wait in memory.
type recorder struct {
	watch   func(history.Header) func(*history.Event) // makes observe; may be nil
	observe func(*history.Event)

	mu      sync.Mutex
	file    *os.File
	w       *history.Writer
	waiting []history.Event
	awaited []*eventTrigger
	err     error
}

func newRecorder(path string, watch func(history.Header) func(*history.Event)) (*recorder, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create the history: %w", err)
	}
	return &recorder{file: f, watch: watch}, nil
}

func (r *recorder) record(e history.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.w == nil {
		r.waiting = append(r.waiting, e)
		return
	}
	r.append(&e)
}

func (r *recorder) append(e *history.Event) {
	if r.observe != nil {
		e.Each(r.observe)
	}
	for _, o := range r.awaited {
		e.Each(o.see)
	}
	if err := r.w.Append(e); err != nil && r.err == nil {
		r.err = err
	}
}

// expect shows every event from now on to o, until the run is over.
func (r *recorder) expect(o *eventTrigger) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.awaited = append(r.awaited, o)
}

// open writes the header and what has waited for it; a second call does nothing.
func (r *recorder) open(h history.Header) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.w != nil {
		return nil
	}
	w, err := history.NewWriter(r.file, h)
	if err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	r.w = w
	if r.watch != nil {
		r.observe = r.watch(h)
	}
	for i := range r.waiting {
		r.append(&r.waiting[i])
	}
	r.waiting = nil
	return nil
}

func (r *recorder) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.err
	if r.w != nil {
		if closeErr := r.w.Close(); err == nil {
			err = closeErr
		}
	}
	if closeErr := r.file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	return nil
}
