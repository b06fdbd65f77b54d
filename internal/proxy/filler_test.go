package proxy

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// fill sets every field of a kmsg structure to something of the right type.
func fill(v reflect.Value, rng *rand.Rand) {
	if tags, ok := v.Addr().Interface().(*kmsg.Tags); ok {
		if rng.IntN(3) == 0 {
			tags.Set(uint32(1000+rng.IntN(1000)), []byte{1, 2, 3})
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Version" {
				fill(v.Field(i), rng)
			}
		}
	case reflect.Slice:
		n := rng.IntN(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), rng)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), rng)
		}
	case reflect.Pointer:
		if rng.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), rng)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("s%d", rng.IntN(1000)))
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(rng.IntN(100)))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(rng.IntN(100)))
	case reflect.Float64:
		v.SetFloat(rng.Float64())
	}
}

// eachVersion calls fn for every version of the APIs in keys, a few times each.
func eachVersion(t *testing.T, keys []kmsg.Key, fn func(t *testing.T, h requestHeader, rng *rand.Rand)) {
	for _, key := range keys {
		for v := int16(0); v <= apis[key].max; v++ {
			if key == kmsg.ControlledShutdown && v == 0 {
				continue // kmsg cannot format it; only brokers ever sent it
			}
			t.Run(fmt.Sprintf("%s/v%d", key.Name(), v), func(t *testing.T) {
				for seed := range uint64(12) {
					fn(t, requestHeader{api: int16(key), version: v, corr: 77}, rand.New(rand.NewPCG(seed, uint64(v))))
				}
			})
		}
	}
}

func filledRequest(h requestHeader, rng *rand.Rand) (kmsg.Request, []byte) {
	req := kmsg.RequestForKey(h.api)
	fill(reflect.ValueOf(req).Elem(), rng)
	req.SetVersion(h.version)
	return req, kmsg.NewRequestFormatter(kmsg.FormatterClientID("me")).AppendRequest(nil, req, h.corr)
}

func filledResponse(h requestHeader, rng *rand.Rand) kmsg.Response {
	resp := kmsg.ResponseForKey(h.api)
	fill(reflect.ValueOf(resp).Elem(), rng)
	resp.SetVersion(h.version)
	return resp
}

func everyKey() (keys []kmsg.Key) {
	for k := range apis {
		if apis[k].known {
			keys = append(keys, kmsg.Key(k))
		}
	}
	return keys
}
