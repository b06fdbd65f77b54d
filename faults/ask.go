package faults

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/network"
)

const (
	askWait = time.Second            // for one answer of one broker
	pollGap = 100 * time.Millisecond // between two looks at the same thing
)

// maxAnswer bounds what a broker may answer: metadata of many topics is well below.
const maxAnswer = 64 << 20

// ask sends one request to the broker at addr over a connection of its own and
// returns the answer. A client library would answer from caches, retry, and ask
// another broker: a proof must know who said what, and when.
//
// The request's version is lowered to what the broker speaks.
func ask(ctx context.Context, addr string, req kmsg.Request) (kmsg.Response, error) {
	return askWithin(ctx, askWait, addr, req)
}

func askWithin(ctx context.Context, wait time.Duration, addr string, req kmsg.Request) (kmsg.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	conn, err := network.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	if _, isVersions := req.(*kmsg.ApiVersionsRequest); !isVersions {
		if err := negotiate(conn, req); err != nil {
			return nil, err
		}
	}
	return exchange(conn, req)
}

// errOldBroker is returned by ask when the broker does not know the request.
var errOldBroker = errors.New("the broker does not know this request")

func negotiate(conn net.Conn, req kmsg.Request) error {
	resp, err := exchange(conn, kmsg.NewPtrApiVersionsRequest()) // version 0: known to all
	if err != nil {
		return err
	}
	for _, k := range resp.(*kmsg.ApiVersionsResponse).ApiKeys {
		if k.ApiKey == req.Key() {
			req.SetVersion(min(req.GetVersion(), k.MaxVersion))
			return nil
		}
	}
	return fmt.Errorf("%s: %w", kmsg.NameForKey(req.Key()), errOldBroker)
}

func exchange(conn net.Conn, req kmsg.Request) (kmsg.Response, error) {
	f := kmsg.NewRequestFormatter(kmsg.FormatterClientID("onceproof-faults"))
	if _, err := conn.Write(f.AppendRequest(nil, req, 1)); err != nil {
		return nil, err
	}
	var head [4]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < 4 || size > maxAnswer {
		return nil, fmt.Errorf("an answer of %d bytes", size)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil, err
	}
	body = body[4:] // the correlation id: one request is in flight
	resp := req.ResponseKind()
	resp.SetVersion(req.GetVersion())
	if resp.IsFlexible() && resp.Key() != int16(kmsg.ApiVersions) {
		if len(body) == 0 || body[0] != 0 {
			return nil, errors.New("an answer with header tags")
		}
		body = body[1:]
	}
	if err := resp.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("answer to %s v%d: %w", kmsg.NameForKey(req.Key()), req.GetVersion(), err)
	}
	return resp, nil
}

// answers asks the broker at addr for its versions: the least that a live broker does.
func answers(ctx context.Context, addr string) error {
	_, err := ask(ctx, addr, kmsg.NewPtrApiVersionsRequest())
	return err
}

// isRefused says whether err shows that nobody serves an address: the connection
// was refused, or closed by a port forwarder that found nobody behind it.
func isRefused(err error) bool {
	for _, dead := range []error{
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EHOSTUNREACH, syscall.ENETUNREACH,
		syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF,
	} {
		if errors.Is(err, dead) {
			return true
		}
	}
	return false
}

// isSilent says whether err shows that nothing was heard in time.
func isSilent(err error) bool {
	var ne net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &ne) && ne.Timeout()
}

// await looks until look returns no error, and returns what it saw. When ctx
// ends first, the error says what the last look saw instead.
func await(ctx context.Context, look func(context.Context) (string, error)) (string, error) {
	tick := time.NewTicker(pollGap)
	defer tick.Stop()
	var last error
	for {
		seen, err := look(ctx)
		if err == nil {
			return seen, nil
		}
		if last == nil || !isSilent(err) {
			last = err // rather than a look that the end of ctx interrupted
		}
		var final finalError
		if errors.As(err, &final) {
			return "", final.error
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("not seen in time (%w); the last look: %w", context.Cause(ctx), last)
		case <-tick.C:
		}
	}
}

// awaitWithin is await with a time limit of its own.
func awaitWithin(ctx context.Context, limit time.Duration, look func(context.Context) (string, error)) (string, error) {
	return bounded(ctx, limit, func(ctx context.Context) (string, error) { return await(ctx, look) })
}

// finalError ends await at once: looking again would show the same.
type finalError struct{ error }
