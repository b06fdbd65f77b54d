package reports

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server shows a run in a browser while it goes on: report.html's own renderer
// on loopback. The page asks again each second. Only this machine reaches it.
type Server struct {
	http   *http.Server
	listen net.Listener
	served chan struct{} // closed when serving has ended

	mu     sync.Mutex
	follow *Follow
	in     Input
	at     Snapshot
	page   []byte // of the last second, or of a run that is over
	made   time.Time
	over   bool                 // page shows a run that is over
	ending bool                 // no more will come
	tabs   map[string]time.Time // open pages, by when they asked last
}

const (
	pageFor   = 700 * time.Millisecond // a page serves all who ask for so long
	tabAlive  = 4 * time.Second        // a page that has not asked for so long is closed
	maxTabs   = 64
	goodbyeIn = 3 * time.Second // how long the end of a run waits for open pages to see it
)

// NewServer listens on a free port of loopback.
func NewServer() (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the run: %w", err)
	}
	s := &Server{listen: l, served: make(chan struct{}), tabs: map[string]time.Time{}}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(l) // its end is Close's
	}()
	return s, nil
}

// URL is where the run is to be seen.
func (s *Server) URL() string { return "http://" + s.listen.Addr().String() + "/" }

// Begin shows the run that f follows; in holds what is known before it starts.
func (s *Server) Begin(f *Follow, in Input) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.follow, s.in, s.at, s.over, s.page = f, in, Snapshot{Phase: "start", Open: -1}, false, nil
}

// Show takes a snapshot of the run.
func (s *Server) Show(at Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at.Message = ""
	s.at = at
}

// End shows the report of a run that is over until the next one begins.
func (s *Server) End(in Input) error {
	page, err := finalPage(in, true)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.follow, s.in, s.over, s.page = nil, in, true, page
	return err
}

// Close stops serving, once the pages that are open have seen the last report.
func (s *Server) Close() error {
	s.mu.Lock()
	var err error
	if s.over {
		s.page, err = finalPage(s.in, false)
	}
	s.ending = true
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeIn)
	defer cancel()
	for s.watched(time.Now()) {
		select {
		case <-ctx.Done():
			return errors.Join(err, s.stop())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return errors.Join(err, s.stop())
}

func (s *Server) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) { // someone reads very slowly
		err = s.http.Close()
	}
	<-s.served
	return err
}

// watched tells whether a page is open that has not seen the last report.
func (s *Server) watched(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.tabs {
		if now.Sub(at) < tabAlive {
			return true
		}
	}
	return false
}

// ServeHTTP serves the one page there is. A name other than loopback's in Host
// means that another site's script found its way here.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil || host != "127.0.0.1" && host != "localhost" {
		http.Error(w, "ask at "+s.URL(), http.StatusForbidden)
		return
	}
	if r.URL.Path != "/" || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	page, err := s.render(r.URL.Query().Get("tab"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(page) // whoever asked may have gone
}

func (s *Server) render(tab string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case tab == "":
	case s.ending:
		delete(s.tabs, tab)
	case len(s.tabs) < maxTabs:
		s.tabs[tab] = time.Now()
	}
	if s.page != nil && (s.over || time.Since(s.made) < pageFor) {
		return s.page, nil
	}
	if s.follow == nil {
		return nil, errors.New("no run has begun")
	}
	var b bytes.Buffer
	if err := s.follow.Page(&b, s.in, s.at); err != nil {
		return nil, err
	}
	s.page, s.made = b.Bytes(), time.Now()
	return s.page, nil
}
