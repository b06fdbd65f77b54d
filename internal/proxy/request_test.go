package proxy

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestEveryRequestOfEveryVersionIsRead(t *testing.T) {
	var names topicNames
	eachVersion(t, everyKey(), func(t *testing.T, h requestHeader, rng *rand.Rand) {
		req, frame := filledRequest(h, rng)
		got, err := parseHeader(frame)
		if err != nil || got != h {
			t.Fatalf("header %+v, %v", got, err)
		}
		r, err := parseRequest(h, frame, &names)
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := req.(*kmsg.ProduceRequest); ok {
			n := 0
			for _, topic := range p.Topics {
				n += len(topic.Partitions)
			}
			if len(r.parts) != n || r.acks != p.Acks {
				t.Errorf("%d partitions and acks %d, want %d and %d", len(r.parts), r.acks, n, p.Acks)
			}
			return
		}
		if again := r.body.AppendTo(nil); !bytes.HasSuffix(frame, again) {
			t.Errorf("body is not what was sent")
		}
	})
}

func TestProduceNamesTopicsByID(t *testing.T) {
	var names topicNames
	id := [16]byte{1, 2, 3}
	names.learn(id, []byte("orders"))
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.TransactionID = 13, kmsg.StringPtr("till-0")
	req.Topics = []kmsg.ProduceRequestTopic{{TopicID: id, Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: 4}}}}
	h := requestHeader{version: 13, corr: 9}
	r, err := parseRequest(h, kmsg.NewRequestFormatter().AppendRequest(nil, req, 9), &names)
	if err != nil {
		t.Fatal(err)
	}
	want := []partition{{"orders", id, 4}}
	if !reflect.DeepEqual(r.parts, want) || len(r.txns) != 1 || r.txns[0] != "till-0" {
		t.Errorf("%+v", r)
	}
}

func TestAnswersOfEveryVersion(t *testing.T) {
	var keys []kmsg.Key
	for _, k := range everyKey() {
		if canAnswer(int16(k)) {
			keys = append(keys, k)
		}
	}
	for _, must := range []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata, kmsg.OffsetCommit, kmsg.OffsetFetch, kmsg.FindCoordinator,
		kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup, kmsg.ConsumerGroupHeartbeat, kmsg.InitProducerID,
		kmsg.AddPartitionsToTxn, kmsg.AddOffsetsToTxn, kmsg.EndTxn, kmsg.TxnOffsetCommit} {
		if !canAnswer(int16(must)) {
			t.Errorf("%s cannot be answered", must.Name())
		}
	}
	const code = 15 // COORDINATOR_NOT_AVAILABLE
	d := &Door{ports: map[int32]*port{}}
	eachVersion(t, keys, func(t *testing.T, h requestHeader, rng *rand.Rand) {
		_, frame := filledRequest(h, rng)
		r, err := parseRequest(h, frame, &topicNames{})
		if err != nil {
			t.Fatal(err)
		}
		answer := errorAnswer(r, code, d)
		check := func(what string, b []byte) {
			c := cursor{buf: b}
			skipResponseHeader(&c, h)
			resp := kmsg.ResponseForKey(h.api)
			resp.SetVersion(h.version)
			if err := resp.ReadFrom(b[c.off:]); err != nil || !bytes.Equal(resp.AppendTo(nil), b[c.off:]) {
				t.Fatalf("%s does not decode: %v", what, err)
			}
			if codes := codesIn(reflect.ValueOf(resp).Elem()); len(r.parts) > 0 && h.api != 9 && !codes[code] {
				t.Errorf("%s has the codes %v", what, codes)
			}
		}
		check("answer", answer)
		// The same in place of a broker's answer.
		real := encodeResponse(h, filledResponse(h, rng))
		replaced, err := replaceError(h, real, code, func(string, [16]byte, int32) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		r.parts = nil
		check("replaced answer", replaced)
	})
}

// codesIn collects every ErrorCode in a kmsg structure.
func codesIn(v reflect.Value) map[int64]bool {
	codes := map[int64]bool{}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Struct:
			if c := v.FieldByName("ErrorCode"); c.IsValid() {
				codes[c.Int()] = true
			}
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					walk(v.Field(i))
				}
			}
		}
	}
	walk(v)
	return codes
}

func TestAHostileLengthCostsNothing(t *testing.T) {
	for _, size := range []string{"\x07\xff\xff\xff", "\x7f\xff\xff\xff", "\xff\xff\xff\xff", "\x80\x00\x00\x00", "\x00\x00\x00\x00", "GET "} {
		in := newFrameReader(bytes.NewReader([]byte(size + "\x00\x00\x00\x00some bytes")))
		n, err := in.size(leastRequest)
		if err == nil {
			_, err = in.fill(n)
		}
		if err == nil {
			t.Errorf("%q was taken for a frame", size)
		}
		if len(in.buf) > readBuffer {
			t.Errorf("%q: a buffer of %d bytes for a handful", size, len(in.buf))
		}
	}
}

// FuzzRequest: whatever a client sends, it is a request or garbage, never a panic,
// and costs memory only as it arrives.
func FuzzRequest(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, key := range everyKey() {
		for v := int16(0); v <= apis[key].max; v++ {
			_, frame := filledRequest(requestHeader{api: int16(key), version: v}, rng)
			f.Add(frame)
		}
	}
	f.Add([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var names topicNames
		in := newFrameReader(&trickle{b, 1})
		for {
			size, err := in.size(leastRequest)
			if err != nil {
				break
			}
			h, err := parseHeader(in.buffered())
			if err != nil {
				if !errors.Is(err, errGarbage) {
					t.Errorf("%v is not garbage", err)
				}
				break
			}
			frame, err := in.fill(size)
			if err != nil {
				break
			}
			r, err := parseRequest(h, frame[:size], &names)
			if err == nil && !r.opaque && canAnswer(h.api) {
				errorAnswer(r, 7, &Door{})
			}
			in.discard(size)
		}
		if len(in.buf) > 2*len(b)+readBuffer {
			t.Errorf("%d bytes came, the buffer has %d", len(b), len(in.buf))
		}
	})
}

// trickle gives a few bytes at a time, more each time.
type trickle struct {
	b []byte
	n int
}

func (r *trickle) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.n)], r.b)
	r.b, r.n = r.b[n:], r.n*2
	return n, nil
}
