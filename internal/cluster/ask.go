package cluster

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/network"
)

const (
	askTimeout = 5 * time.Second // of one question when the context has no nearer deadline
	maxAnswer  = 64 << 20        // bytes; more is no Kafka broker
)

// ask puts one request to exactly the broker at addr on a connection of its own:
// no metadata cache, no retry, no other broker that might answer instead.
func ask[R kmsg.Response](ctx context.Context, addr string, req kmsg.Request) (resp R, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	conn, err := network.Dial(ctx, addr)
	if err != nil {
		return resp, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	name := kmsg.NameForKey(req.Key())
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("onceproof")).AppendRequest(nil, req, 1)
	if _, err := conn.Write(frame); err != nil {
		return resp, fmt.Errorf("%s to %s: %w", name, addr, err)
	}
	var head [8]byte // length, correlation id
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return resp, fmt.Errorf("%s answer of %s: %w", name, addr, err)
	}
	n := int(binary.BigEndian.Uint32(head[:4])) - 4
	if n < 0 || n > maxAnswer {
		return resp, fmt.Errorf("%s answer of %s: impossible length %d", name, addr, n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(conn, body); err != nil {
		return resp, fmt.Errorf("%s answer of %s: %w", name, addr, err)
	}
	kresp := req.ResponseKind()
	if kresp.IsFlexible() && kresp.Key() != int16(kmsg.ApiVersions) { // whose header never is
		r := kbin.Reader{Src: body}
		kmsg.SkipTags(&r)
		body = r.Src
	}
	if err := kresp.ReadFrom(body); err != nil {
		return resp, fmt.Errorf("%s answer of %s: %w", name, addr, err)
	}
	return kresp.(R), nil
}

// metadata asks one broker for what it knows of the brokers and of topics (nil:
// all topics, none: brokers only).
func metadata(ctx context.Context, addr string, topics []string) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 8 // the last without flexible headers; every Kafka from 2.3 on has it
	if topics != nil {
		req.Topics = make([]kmsg.MetadataRequestTopic, 0, len(topics))
		for _, t := range topics {
			rt := kmsg.NewMetadataRequestTopic()
			rt.Topic = kmsg.StringPtr(t)
			req.Topics = append(req.Topics, rt)
		}
	}
	return ask[*kmsg.MetadataResponse](ctx, addr, req)
}
