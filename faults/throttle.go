package faults

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/network"
	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

// throttle limits how many bytes a second each connection of the links passes, in
// each direction or in one. A few bytes a second are a slow drip: the connection
// lives, and nothing arrives whole.
type throttle struct {
	*linkStrike
	rate float64
	way  proxy.Way
}

// fastest is the greatest rate whose effect still shows beside what a busy machine
// takes for the same bytes.
const fastest = 4 << 20

var _ = register(scenario.KindThrottle, newThrottle)

func newThrottle(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	rate := f.Args.Rate
	switch {
	case rate <= 0:
		return nil, errors.New("to what? Want rate: bytes a second, as in 64KiB/s")
	case rate > fastest:
		return nil, errors.New("at more than 4MiB/s nobody could tell a throttled link from one that is not")
	}
	shape := proxy.Shape{Rate: rate, Way: linkWay(f.Args), Seed: seed}
	l, err := newLinkStrike(f, env, seed, func(d door, l proxy.Link) (func(), int, error) {
		heal, err := d.shape(l, shape)
		return heal, 0, err
	})
	if err != nil {
		return nil, err
	}
	return throttle{l, float64(rate), shape.Way}, nil
}

// probe is how many bytes a look sends or waits for, and how long they take at the rate:
// the proxy passes a twentieth of a second's worth, or one byte, at once.
func (t throttle) probe() (bytes int, takes time.Duration) {
	const least = 40 // a request with its header
	n := max(t.rate*0.4, least)
	if t.way == proxy.ToClient {
		n = max(t.rate*0.4, 4)
	}
	return int(n), time.Duration((n - max(1, t.rate/20)) / t.rate * float64(time.Second))
}

// Effect waits until bytes through each door take as long as the rate makes them.
func (t throttle) Effect(ctx context.Context) (string, error) {
	n, takes := t.probe()
	return t.everyLink(ctx, func(ctx context.Context, l doorLink) (string, error) {
		took, err := t.pass(ctx, l, n, takes)
		if err != nil {
			return t.brokerGone(l, err)
		}
		text := fmt.Sprintf("%d bytes through the door of %s took %s", n, l, took.Round(time.Millisecond))
		if took < takes*7/10 {
			return "", errors.New(text)
		}
		return text, nil
	})
}

// Gone waits until they take less than half of that.
func (t throttle) Gone(ctx context.Context) (string, error) {
	n, takes := t.probe()
	return t.everyFreeLink(ctx, func(ctx context.Context, l doorLink) (string, error) {
		took, err := t.pass(ctx, l, n, takes)
		if err != nil {
			return t.brokerGone(l, err)
		}
		text := fmt.Sprintf("%d bytes through the door of %s took %s", n, l, took.Round(time.Millisecond))
		if took >= takes/2 {
			return "", errors.New(text + " still")
		}
		return text, nil
	})
}

func (t throttle) patience() (effect, gone time.Duration) {
	_, takes := t.probe()
	return 3*takes + 15*time.Second, 3*takes + 15*time.Second
}

// pass sends requests through a door and tells how long n of their bytes took: those
// of the requests, until the first byte of the last answer, or those of the answers.
func (t throttle) pass(ctx context.Context, l doorLink, n int, takes time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait+2*takes)
	defer cancel()
	conn, err := network.Dial(ctx, l.addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	requests, answers, more := t.requests(n)
	began := t.env.Now()
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(requests)
		sent <- err
	}()
	for range answers {
		if err = skipFrame(conn); err != nil {
			break
		}
	}
	if err == nil {
		_, err = io.CopyN(io.Discard, conn, more)
	}
	took := time.Duration(t.env.Now() - began)
	conn.Close()
	if err != nil {
		return 0, errors.Join(err, <-sent)
	}
	<-sent
	return took, nil
}

func skipFrame(r io.Reader) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, r, int64(binary.BigEndian.Uint32(head[:])))
	return err
}

// requests are questions of n bytes together, or as many as are answered by n bytes, and what
// of the answers has to be heard: so many whole ones, and so many bytes more.
func (t throttle) requests(n int) (requests []byte, answers int, more int64) {
	const (
		longest = 20000 // of a client id, by which a request is padded
		answer  = 100   // bytes at least of an answer to ApiVersions
	)
	var last int32
	add := func(pad int) {
		last++
		f := kmsg.NewRequestFormatter(kmsg.FormatterClientID(strings.Repeat("x", pad)))
		requests = append(requests, f.AppendRequest(nil, kmsg.NewPtrApiVersionsRequest(), last)...)
	}
	if t.way == proxy.ToClient {
		for heard := 0; heard < n; heard += answer {
			add(1)
		}
		return requests, 0, int64(n)
	}
	add(0)
	head := len(requests)
	requests = requests[:0]
	for answers == 0 || len(requests)+head < n {
		add(min(longest, n-len(requests)-head))
		answers++
	}
	return requests, answers - 1, 1 // the last answer's first byte tells that all have passed
}
