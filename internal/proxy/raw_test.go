package proxy

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// raw is a client that does nothing by itself: no retries, no reconnects.
type raw struct {
	t    testing.TB
	nc   net.Conn
	in   *frameReader
	corr int32
	sent []requestHeader
}

func dialRaw(t testing.TB, addr string) *raw {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return &raw{t: t, nc: nc, in: newFrameReader(nc)}
}

func (r *raw) send(req kmsg.Request) {
	r.corr++
	r.sent = append(r.sent, requestHeader{req.Key(), req.GetVersion(), r.corr})
	r.nc.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID("raw")).AppendRequest(nil, req, r.corr))
}

// receive returns the response to the oldest request without one.
func (r *raw) receive() (kmsg.Response, error) {
	size, err := r.in.size(4)
	if err != nil {
		return nil, err
	}
	frame, err := r.in.fill(size)
	if err != nil {
		return nil, err
	}
	h := r.sent[0]
	r.sent = r.sent[1:]
	if corr := int32(binary.BigEndian.Uint32(frame[4:])); corr != h.corr {
		return nil, fmt.Errorf("correlation id %d, want %d", corr, h.corr)
	}
	c := cursor{buf: frame[:size]}
	skipResponseHeader(&c, h)
	resp := kmsg.ResponseForKey(h.api)
	resp.SetVersion(h.version)
	err = resp.ReadFrom(frame[c.off:size])
	r.in.discard(size)
	return resp, err
}

// produceOf is a Produce request with one record to orders/0.
func produceOf(value string) *kmsg.ProduceRequest {
	rec := kmsg.Record{Value: []byte(value)}
	rec.Length = int32(len(rec.AppendTo(nil)) - 1)
	records := rec.AppendTo(nil)
	b := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1,
		Magic:                2,
		ProducerID:           -1,
		ProducerEpoch:        -1,
		FirstSequence:        -1,
		NumRecords:           1,
		Records:              records,
	}
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	encoded := b.AppendTo(nil)
	b.CRC = int32(crc32.Checksum(encoded[21:], crc32.MakeTable(crc32.Castagnoli)))
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = 8, -1, 5000
	req.Topics = []kmsg.ProduceRequestTopic{
		{Topic: "orders", Partitions: []kmsg.ProduceRequestTopicPartition{{Records: b.AppendTo(nil)}}},
	}
	return req
}

func codeOf(resp kmsg.Response) int16 {
	return resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode
}

// TestEachFaultHitsTheChosenRequest sends pipelined requests and strikes one of
// them, 100 times, with every action that leaves a trace in the log.
func TestEachFaultHitsTheChosenRequest(t *testing.T) {
	const requests, rounds, code = 10, 100, 19
	cl, p := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	d, err := p.Open("shop/0")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	reader := openLog(t, cl, "orders", 0)
	var log []string // what orders/0 must hold
	for round := range rounds {
		n := 1 + rng.IntN(requests)
		rule := onPart(0, []Action{Drop, Cut, Error}[round%3], Phase(round/3%2))
		rule.Nth, rule.Code = n, code*int16(round%3/2)
		h := add(t, p, rule)
		r := dialRaw(t, d.Bootstrap()[0])
		for i := 1; i <= requests; i++ {
			r.send(produceOf(fmt.Sprint(round, "-", i)))
		}
		var codes []int16
		for {
			if len(codes) == requests {
				break
			}
			resp, err := r.receive()
			if err != nil {
				break
			}
			codes = append(codes, codeOf(resp))
		}
		hits := h.Hits()
		h.Remove()
		r.nc.Close()
		if len(hits) != 1 || hits[0].Corr != int32(n) {
			t.Fatalf("round %d, %v: hits %v, want one with correlation %d", round, rule, hits, n)
		}
		if rule.Action == Error {
			want := make([]int16, requests)
			want[n-1] = code
			if !slices.Equal(codes, want) {
				t.Fatalf("round %d, %v: codes %v, want %v", round, rule, codes, want)
			}
			for i := 1; i <= requests; i++ {
				if i != n || rule.Phase == OnResponse {
					log = append(log, fmt.Sprint(round, "-", i))
				}
			}
		} else {
			// A reset may overtake responses on their way; an orderly end does not.
			if rule.Action == Drop && len(codes) != n-1 || len(codes) >= n {
				t.Fatalf("round %d, %v: %d responses, want %d", round, rule, len(codes), n-1)
			}
			from := n - 1
			if rule.Phase == OnResponse {
				from = n
			}
			for i := 1; i <= from; i++ {
				log = append(log, fmt.Sprint(round, "-", i))
			}
		}
		waitFor(t, func() bool { return len(p.connsOf(Link{Client: "shop/0", Broker: -1})) == 0 })
		got := reader.read(t, int(cl.PartitionInfo("orders", 0).HighWatermark))
		if rule.Phase == OnResponse && rule.Action != Error {
			// What was pipelined behind a lost response may be in the log too.
			for i := n + 1; i <= requests && len(log) < len(got) && got[len(log)] == fmt.Sprint(round, "-", i); i++ {
				log = append(log, got[len(log)])
			}
		}
		if !slices.Equal(got, log) {
			t.Fatalf("round %d, %v:\nlog  %v\nwant %v", round, rule, got[max(0, len(got)-12):], log[max(0, len(log)-12):])
		}
	}
}

func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	ctx := within(t)
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("did not happen in time")
		case <-time.After(time.Millisecond):
		}
	}
}

// TestNthCountsAcrossConnections: one of many concurrent requests is struck.
func TestNthCountsAcrossConnections(t *testing.T) {
	const conns, requests, code = 8, 25, 19
	_, p := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	for round := range 10 {
		rule := onPart(0, Error, OnRequest)
		rule.Nth, rule.Code = 1+round*conns*requests/10, code
		h := add(t, p, rule)
		struck := make(chan string, conns*requests)
		var wg sync.WaitGroup
		for i := range conns {
			d, err := p.Open(fmt.Sprint("shop/", i))
			if err != nil {
				t.Fatal(err)
			}
			r := dialRaw(t, d.Bootstrap()[0])
			wg.Go(func() {
				for range requests {
					r.send(produceOf("x"))
					resp, err := r.receive()
					if err != nil {
						t.Error(err)
						return
					}
					if codeOf(resp) == code {
						struck <- d.client
					}
				}
			})
		}
		wg.Wait()
		h.Remove()
		if len(struck) != 1 || h.Matched() != conns*requests {
			t.Fatalf("nth %d: %d struck of %d, want 1 of %d", rule.Nth, len(struck), h.Matched(), conns*requests)
		}
		if hit := h.Hits()[0]; hit.Client != <-struck {
			t.Errorf("hit %+v", hit)
		}
	}
}

func TestProbabilityIsDrawnFromTheSeed(t *testing.T) {
	draws := func(seed uint64) (s string) {
		h := &Handle{rule: Rule{Prob: 0.3, Seed: seed}}
		for range 1000 {
			if h.chosen() {
				s += "x"
			} else {
				s += "."
			}
		}
		return s
	}
	a := draws(7)
	n := 0
	for _, c := range a {
		if c == 'x' {
			n++
		}
	}
	if a != draws(7) || a == draws(8) || n < 230 || n > 370 {
		t.Errorf("%d of 1000 at probability 0.3; the same seed repeats: %v", n, a == draws(7))
	}
}

// TestALostChoiceIsMadeUpFor: the connection ends before the chosen response
// comes, so the next one is struck.
func TestALostChoiceIsMadeUpFor(t *testing.T) {
	cl, p := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	d, err := p.Open("shop/0")
	if err != nil {
		t.Fatal(err)
	}
	rule := onPart(0, Error, OnResponse)
	rule.Nth, rule.Code = 1, 19
	h := add(t, p, rule)
	cl.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		return nil, io.ErrUnexpectedEOF, true // ends the connection
	})
	first := dialRaw(t, d.Bootstrap()[0])
	first.send(produceOf("a"))
	if _, err := first.receive(); err == nil {
		t.Fatal("the broker answered")
	}
	waitFor(t, func() bool { return len(p.connsOf(Link{Broker: -1})) == 0 })
	second := dialRaw(t, d.Bootstrap()[0])
	for _, want := range []int16{19, 0} {
		second.send(produceOf("b"))
		resp, err := second.receive()
		if err != nil || codeOf(resp) != want {
			t.Errorf("%v, %v, want code %d", resp, err, want)
		}
	}
	if len(h.Hits()) != 1 {
		t.Errorf("hits %v", h.Hits())
	}
}

func TestProduceWithoutAcknowledgement(t *testing.T) {
	cl, p := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	d, err := p.Open("shop/0")
	if err != nil {
		t.Fatal(err)
	}
	after := add(t, p, onPart(0, Drop, OnResponse)) // never: there is no response
	rule := onPart(0, Error, OnRequest)
	rule.Nth, rule.Code = 2, 19
	before := add(t, p, rule)
	r := dialRaw(t, d.Bootstrap()[0])
	for i := range 3 {
		req := produceOf(strconv.Itoa(i))
		req.Acks = 0
		r.send(req)
	}
	r.sent = nil
	r.send(kmsg.NewPtrApiVersionsRequest())
	if _, err := r.receive(); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(logOf(t, cl, "orders", 0, 2)); got != "[0 2]" {
		t.Errorf("log %s", got)
	}
	if len(after.Hits()) != 0 || after.Matched() != 0 || len(before.Hits()) != 1 {
		t.Errorf("hits %v and %v", after.Hits(), before.Hits())
	}
}

func TestGarbageEndsItsConnectionOnly(t *testing.T) {
	_, p := start(t, kfake.NumBrokers(1))
	d, err := p.Open("shop/0")
	if err != nil {
		t.Fatal(err)
	}
	good := dialRaw(t, d.Bootstrap()[0])
	for i, garbage := range []string{"GET / HTTP/1.1\r\n\r\n", "\x7f\xff\xff\xff\x00\x00\x00\x00", "\xff\xff\xff\xff", "\x00\x00\x00\x08\x7f\xff\x00\x00\x00\x00\x00\x00",
		"\x00\x00\x00\x08\x00\x00\x7f\xff\x00\x00\x00\x00", "\x00\x00\x00\x0a\x00\x00\x00\x08\x00\x00\x00\x00\x7f\xff"} {
		r := dialRaw(t, d.Bootstrap()[0])
		r.nc.Write([]byte(garbage))
		if _, err := r.nc.Read(make([]byte, 1)); err == nil {
			t.Errorf("%q got an answer", garbage)
		}
		waitFor(t, func() bool { return p.Stats().Unparsed == int64(i+1) })
	}
	good.send(kmsg.NewPtrApiVersionsRequest())
	if _, err := good.receive(); err != nil {
		t.Errorf("the good connection: %v", err)
	}
}
