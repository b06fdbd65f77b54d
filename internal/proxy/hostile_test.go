package proxy

import (
	"bytes"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestHostileBrokers answers one request with what no broker would: the client's
// connection ends, counted, and the proxy lives on.
func TestHostileBrokers(t *testing.T) {
	metadata := requestHeader{api: int16(kmsg.Metadata), version: 9, corr: 1}
	resp := kmsg.NewPtrMetadataResponse()
	resp.Version = 9
	resp.Brokers = []kmsg.MetadataResponseBroker{{NodeID: 0, Host: "elsewhere", Port: 9092}}
	good := encodeResponse(metadata, resp)
	endless := append(bytes.Clone(good[:13]), 0xff, 0xff, 0xff, 0xff, 0x07) // so many brokers
	truncated := finishFrame(bytes.Clone(good[:len(good)-12]))
	for name, answer := range map[string][]byte{
		"length":      {0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1},
		"negative":    {0x80, 0, 0, 0, 0, 0, 0, 1},
		"too short":   {0, 0, 0, 1, 0},
		"correlation": finishFrame([]byte{0, 0, 0, 0, 0, 0, 0, 99, 0}),
		"endless":     finishFrame(endless),
		"truncated":   truncated,
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				nc, err := l.Accept()
				if err != nil {
					return
				}
				defer nc.Close()
				nc.Read(make([]byte, 1000))
				nc.Write(answer)
				swallow(nc)
			}()
			p, err := New(
				Config{Now: monotonic, Brokers: func() map[int32]string { return map[int32]string{0: l.Addr().String()} }},
			)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			d, err := p.Open("shop/0")
			if err != nil {
				t.Fatal(err)
			}
			r := dialRaw(t, d.Bootstrap()[0])
			req := kmsg.NewPtrMetadataRequest()
			req.Version = 9
			r.send(req)
			if resp, err := r.receive(); err == nil {
				t.Errorf("the client got %+v", resp)
			}
			waitFor(t, func() bool { return p.Stats().Unparsed == 1 })
		})
	}
}
