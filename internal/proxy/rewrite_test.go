package proxy

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// shifted moves every broker to a host and port that its node id tells.
type shifted struct{ topics map[[16]byte]string }

const shiftedHost = "a-door-with-a-long-name.example"

func (shifted) address(node int32, _ string, _ int32) (string, int32, error) {
	return shiftedHost, 10000 + node, nil
}

func (s shifted) topic(id [16]byte, name []byte) { s.topics[id] = string(name) }

var withAddresses = []kmsg.Key{
	kmsg.Metadata,
	kmsg.FindCoordinator,
	kmsg.DescribeCluster,
	kmsg.Produce,
	kmsg.Fetch,
	kmsg.ShareFetch,
	kmsg.ShareAcknowledge,
}

// TestRewriteEqualsDecodingAndEncoding compares the rewriter, which copies, with
// what decoding, changing and encoding gives, byte for byte.
func TestRewriteEqualsDecodingAndEncoding(t *testing.T) {
	eachVersion(t, withAddresses, func(t *testing.T, h requestHeader, rng *rand.Rand) {
		resp := filledResponse(h, rng)
		frame := encodeResponse(h, resp)
		before := bytes.Clone(frame)
		to := shifted{map[[16]byte]string{}}
		got, err := rewrite(frame, h, to)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(frame, before) {
			t.Fatal("the frame was changed in place")
		}
		shift(reflect.ValueOf(resp).Elem())
		if want := encodeResponse(h, resp); carriesAddresses(h) && !bytes.Equal(got, want) {
			t.Fatalf("%s", cmp.Diff(want, got))
		}
		if m, ok := resp.(*kmsg.MetadataResponse); ok && h.version >= 10 {
			for _, topic := range m.Topics {
				if topic.Topic != nil && to.topics[topic.TopicID] != *topic.Topic {
					t.Errorf("topic id of %s not learned", *topic.Topic)
				}
			}
		}
	})
}

// shift finds everything with NodeID, Host and Port in a kmsg structure and moves
// it as shifted does.
func shift(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Struct {
			return
		}
		for i := range v.Len() {
			shift(v.Index(i))
		}
	case reflect.Struct:
		if host := v.FieldByName("Host"); host.IsValid() && host.String() != "" {
			host.SetString(shiftedHost)
			v.FieldByName("Port").SetInt(10000 + v.FieldByName("NodeID").Int())
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				shift(v.Field(i))
			}
		}
	}
}

func TestNoSuchCoordinatorStaysAsItIs(t *testing.T) {
	h := requestHeader{api: int16(kmsg.FindCoordinator), version: 4}
	resp := kmsg.NewFindCoordinatorResponse()
	resp.Version = 4
	resp.Coordinators = []kmsg.FindCoordinatorResponseCoordinator{{Key: "g", NodeID: -1, Port: -1, ErrorCode: 15}}
	frame := encodeResponse(h, &resp)
	got, err := rewrite(frame, h, shifted{})
	if err != nil || !bytes.Equal(got, frame) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestApiVersionsAreClamped(t *testing.T) {
	for version := int16(0); version <= apis[apiVersions].max; version++ {
		h := requestHeader{api: apiVersions, version: version}
		resp := kmsg.NewApiVersionsResponse()
		resp.Version = version
		for key, most := range map[int16]int16{0: 99, 1: 4, apiVersions: 99, 400: 3} {
			resp.ApiKeys = append(resp.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: key, MaxVersion: most})
		}
		got, err := rewrite(encodeResponse(h, &resp), h, shifted{})
		if err != nil {
			t.Fatal(err)
		}
		out := kmsg.NewApiVersionsResponse()
		out.Version = version
		if err := out.ReadFrom(got[8:]); err != nil {
			t.Fatal(err)
		}
		most := map[int16]int16{}
		for _, k := range out.ApiKeys {
			most[k.ApiKey] = k.MaxVersion
		}
		want := map[int16]int16{0: apis[0].max, 1: 4, apiVersions: 99, 400: -1}
		if d := cmp.Diff(want, most); d != "" {
			t.Errorf("v%d: %s", version, d)
		}
	}
}

// TestApiVersionsInAVersionThatTheBrokerDoesNotKnow: the answer is version 0's.
func TestApiVersionsInAVersionThatTheBrokerDoesNotKnow(t *testing.T) {
	resp := kmsg.NewApiVersionsResponse()
	resp.ErrorCode = 35
	resp.ApiKeys = []kmsg.ApiVersionsResponseApiKey{{ApiKey: apiVersions, MaxVersion: 4}}
	frame := encodeResponse(requestHeader{api: apiVersions}, &resp)
	got, err := rewrite(frame, requestHeader{api: apiVersions, version: 9}, shifted{})
	if err != nil || !bytes.Equal(got, frame) {
		t.Errorf("%v, %v", got, err)
	}
}

// FuzzRewrite: whatever a broker sends, a rewriter ends with an error or a frame,
// and allocates no more than a small multiple of what came.
func FuzzRewrite(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, key := range append(withAddresses, kmsg.ApiVersions) {
		for v := int16(0); v <= apis[key].max; v++ {
			h := requestHeader{api: int16(key), version: v}
			f.Add(int16(key), v, encodeResponse(h, filledResponse(h, rng)))
		}
	}
	f.Fuzz(func(t *testing.T, api, version int16, frame []byte) {
		h := requestHeader{api: api, version: version}
		if api < 0 || int(api) >= len(apis) || version < 0 || !carriesAddresses(h) || len(frame) < 8 {
			return
		}
		to := shifted{map[[16]byte]string{}}
		got, err := rewrite(frame, h, to)
		if err == nil && len(got) > len(frame)*(len(shiftedHost)+1) {
			t.Errorf("%d bytes became %d", len(frame), len(got))
		}
	})
}
