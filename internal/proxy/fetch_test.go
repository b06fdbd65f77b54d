package proxy

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
)

// bigFetch is a random Fetch response longer than any buffer, whose brokers are
// at host.
func bigFetch(h requestHeader, rng *rand.Rand, host string) *kmsg.FetchResponse {
	resp := filledResponse(h, rng).(*kmsg.FetchResponse)
	for i := range resp.Brokers {
		resp.Brokers[i].Host = host
	}
	for len(resp.Topics) < 2 {
		resp.Topics = append(resp.Topics, kmsg.NewFetchResponseTopic())
	}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		if len(t.Partitions) == 0 {
			t.Partitions = append(t.Partitions, kmsg.NewFetchResponseTopicPartition())
		}
		for j := range t.Partitions {
			t.Partitions[j].RecordBatches = bytes.Repeat([]byte{byte(j)}, rng.IntN(3*readBuffer))
		}
	}
	resp.Topics[0].Partitions[0].RecordBatches = make([]byte, 2*readBuffer)
	return resp
}

// TestStreamedFetchEqualsTheWhole: while it streams, the response becomes what it
// would in memory where the addresses are as long as the door's, and loses them
// where they are not.
func TestStreamedFetchEqualsTheWhole(t *testing.T) {
	hidden := 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		h := requestHeader{api: int16(kmsg.Fetch), version: int16(16 + seed%3), corr: 9}
		host := strings.Repeat("h", len(shiftedHost)-int(seed%2))
		resp := bigFetch(h, rng, host)
		frame := encodeResponse(h, resp)
		if !streamsFetch(h, len(frame)) {
			t.Fatalf("a response of %d bytes does not stream", len(frame))
		}
		behind := []byte("the next frame")
		in := newFrameReader(&trickle{append(bytes.Clone(frame), behind...), 1 + rng.IntN(1000)})
		var out bytes.Buffer
		if err := streamFetch(in, &out, len(frame), shifted{}, nil); err != nil {
			t.Fatal(err)
		}
		if rest, err := in.fill(len(behind)); err != nil || !bytes.Equal(rest, behind) {
			t.Fatalf("the next frame begins with %q, %v", rest, err)
		}
		if len(in.buf) > 4*readBuffer {
			t.Errorf("a buffer of %d bytes for a stream", len(in.buf))
		}
		shift(reflect.ValueOf(resp).Elem())
		want := encodeResponse(h, resp)
		if seed%2 == 1 && len(resp.Brokers) > 0 {
			hidden++
			got := kmsg.NewPtrFetchResponse()
			got.Version = h.version
			if err := got.ReadFrom(out.Bytes()[9:]); err != nil || len(got.Brokers) > 0 || got.UnknownTags.Len() == 0 {
				t.Fatalf("addresses %v, %v", got.Brokers, err)
			}
			continue
		}
		if !bytes.Equal(out.Bytes(), want) {
			t.Fatalf("seed %d: %s", seed, cmp.Diff(want[len(want)-200:], out.Bytes()[out.Len()-200:]))
		}
	}
	if hidden == 0 {
		t.Error("no address was of another length")
	}
}

func TestConsumingLongResponses(t *testing.T) {
	_, p := start(t, kfake.SeedTopics(1, "orders"))
	shop := client(t, p, "shop/0", kgo.ProducerBatchCompression(kgo.NoCompression()))
	const n = 200
	for i := range n {
		shop.Produce(within(t), &kgo.Record{Topic: "orders", Value: bytes.Repeat([]byte{byte(i)}, 20000)}, nil)
	}
	if err := shop.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	till := client(t, p, "till/0", kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, got := within(t), 0
	for got < n {
		fs := till.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d of %d records: %v", got, n, fs.Errors())
		}
		fs.EachRecord(func(r *kgo.Record) {
			if len(r.Value) != 20000 || r.Value[0] != byte(got) {
				t.Fatalf("record %d is %d bytes of %d", got, len(r.Value), r.Value[0])
			}
			got++
		})
	}
	if s := p.Stats(); s.Unparsed != 0 {
		t.Errorf("stats %+v", s)
	}
}

// FuzzStreamFetch: a response that is walked while it passes never panics, and
// never passes more than its length.
func FuzzStreamFetch(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	h := requestHeader{api: int16(kmsg.Fetch), version: 17}
	for range 5 {
		f.Add(encodeResponse(h, filledResponse(h, rng)))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		var out bytes.Buffer
		in := newFrameReader(&trickle{frame, 3})
		err := streamFetch(in, &out, len(frame), shifted{}, nil)
		if err == nil && out.Len() != len(frame) || out.Len() > len(frame) {
			t.Errorf("%d bytes became %d", len(frame), out.Len())
		}
	})
}

// TestWitnessOfFetches: whatever the size of the answers, the wire shows each
// offset that a consumer was given, and what it could not be given yet.
func TestWitnessOfFetches(t *testing.T) {
	for _, size := range []int{10, 20000} {
		_, p, w := startWitnessed(t, kfake.SeedTopics(1, "orders"))
		shop := client(t, p, "shop/0", kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.TransactionalID("shop"))
		const n = 100
		for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
			if err := shop.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			for i := range n {
				shop.Produce(within(t), &kgo.Record{Topic: "orders", Value: bytes.Repeat([]byte{byte(i)}, size)}, nil)
			}
			if err := shop.Flush(within(t)); err != nil {
				t.Fatal(err)
			}
			if err := shop.EndTransaction(within(t), end); err != nil {
				t.Fatal(err)
			}
		}
		till := client(
			t, p, "till/0", kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		)
		ctx, got := within(t), 0
		for got < n {
			fs := till.PollFetches(ctx)
			if ctx.Err() != nil {
				t.Fatalf("%d of %d records: %v", got, n, fs.Errors())
			}
			got += fs.NumRecords()
		}
		p.Close()
		next := int64(0)
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, e := range w.events {
			if e.Op != history.OpFetched {
				continue
			}
			if e.TP.String() != "orders/0" || e.Proc != "till/0" || e.Data["committed"] != true ||
				e.Data["last-stable"] != int64(2*n+2) ||
				e.Data["high-watermark"] != int64(2*n+2) {
				t.Errorf("size %d: %+v", size, e)
			}
			if e.Off[0] > next {
				t.Errorf("size %d: offsets %v, want them from %d on", size, e.Off, next)
			}
			next = max(next, e.Off[1]+1)
		}
		if next < n { // what was aborted need not have come any more
			t.Errorf("size %d: offsets up to %d were witnessed, of %d", size, next, n)
		}
	}
}
