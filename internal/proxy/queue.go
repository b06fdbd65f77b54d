package proxy

import "sync"

// pending is one request of a connection that has no response yet. Responses go
// out in the order of the requests, as a broker sends them, also those that the
// proxy makes itself.
type pending struct {
	requestHeader
	kind      pendingKind
	answer    []byte            // of an answered one
	strikes   []*strike         // response rules that chose this request
	seen      *witnessedRequest // what the history knows of it; nil = nothing
	committed bool              // of Fetch: only what was committed
	again     *request          // kept to be sent once more; nil where no rule asks for it
}

type pendingKind int

const (
	forwarded        pendingKind = iota // the broker answers
	answered                            // the proxy answers
	closesAfterReply                    // no answer: the connection to the client ends here
)

// queue holds the pending requests of one connection, oldest first. The head
// stays until its response was written, so that nothing overtakes it.
type queue struct {
	mu      sync.Mutex
	list    []*pending
	drained chan struct{} // closed once nothing is pending; nil if nobody waits
}

// push appends e. It is first if nothing was pending.
func (q *queue) push(e *pending) (first bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list = append(q.list, e)
	return len(q.list) == 1
}

func (q *queue) head() *pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) == 0 {
		return nil
	}
	return q.list[0]
}

// pop removes the head and returns the next one.
func (q *queue) pop() *pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list[0] = nil
	q.list = q.list[1:]
	if len(q.list) > 0 {
		return q.list[0]
	}
	if q.drained != nil {
		close(q.drained)
		q.drained = nil
	}
	return nil
}

// empty returns a channel that is closed once nothing is pending.
func (q *queue) empty() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	ch := make(chan struct{})
	if len(q.list) == 0 {
		close(ch)
	} else {
		q.drained = ch
	}
	return ch
}

// rest removes and returns what is left.
func (q *queue) rest() []*pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.list
	q.list = nil
	return list
}

func (q *queue) count(into map[int16]int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.list {
		if e.kind == forwarded {
			into[e.api]++
		}
	}
}
