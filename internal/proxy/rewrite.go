package proxy

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// addresses is what a rewriter needs of a door.
type addresses interface {
	// address returns the door's own address of a broker, whose real address
	// the response gives.
	address(node int32, host string, port int32) (ourHost string, ourPort int32, err error)
	// topic learns the name of a topic id.
	topic(id [16]byte, name []byte)
}

// carriesAddresses says whether responses to h hold addresses of brokers or
// must be read for another reason, and so cannot be passed as bytes.
func carriesAddresses(h requestHeader) bool {
	switch kmsg.Key(h.api) {
	case kmsg.Metadata,
		kmsg.FindCoordinator,
		kmsg.DescribeCluster,
		kmsg.ApiVersions,
		kmsg.ShareFetch,
		kmsg.ShareAcknowledge:
		return true
	case kmsg.Produce:
		return h.version >= 10 // KIP-951
	case kmsg.Fetch:
		return h.version >= 16 // KIP-951
	}
	return false
}

// rewriter copies a response frame and replaces the addresses in it. All else,
// tagged fields that it does not know included, stays byte for byte.
type rewriter struct {
	c       cursor
	out     []byte // what is rewritten of c.buf[:mark]
	mark    int
	to      addresses
	changed bool
	err     error
}

// rewrite returns frame with its addresses replaced by those of to. The result
// is frame itself if nothing had to change.
func rewrite(frame []byte, h requestHeader, to addresses) ([]byte, error) {
	if !carriesAddresses(h) {
		return frame, nil
	}
	r := rewriter{c: cursor{buf: frame}, to: to}
	skipResponseHeader(&r.c, h)
	flexible := h.flexible()
	switch kmsg.Key(h.api) {
	case kmsg.ApiVersions:
		clampVersions(&r.c, flexible)
	case kmsg.Metadata:
		r.metadata(h.version, flexible)
	case kmsg.FindCoordinator:
		r.findCoordinator(h.version, flexible)
	case kmsg.DescribeCluster:
		r.describeCluster(h.version)
	case kmsg.Produce:
		r.produce(h.version, flexible)
	case kmsg.Fetch:
		r.fetch(h.version, flexible)
	case kmsg.ShareFetch:
		r.shareFetch(h.version)
	case kmsg.ShareAcknowledge:
		r.shareAcknowledge(h.version)
	}
	if r.err != nil {
		return nil, r.err
	}
	if r.c.bad {
		return nil, fmt.Errorf("%w: a %s v%d response ends in its middle", errGarbage, h.name(), h.version)
	}
	if !r.changed {
		return frame, nil
	}
	return finishFrame(append(r.out, frame[r.mark:]...)), nil
}

// clampVersions lowers, in place, the newest version that a broker offers to
// the newest whose layout the proxy knows: no client then speaks a version in
// which an address could pass unseen. APIs that it does not know at all are
// offered at version -1, which no client can ask for.
func clampVersions(c *cursor, flexible bool) {
	const unsupportedVersion = 35
	if c.int16() == unsupportedVersion {
		flexible = false // such an answer has the layout of version 0
	}
	for n := c.array(flexible); n > 0 && !c.bad; n-- {
		key := c.int16()
		c.int16()
		most := c.take(2)
		if most == nil {
			return
		}
		var known int16 = -1
		if key >= 0 && int(key) < len(apis) && apis[key].known {
			known = apis[key].max
		}
		if v := int16(binary.BigEndian.Uint16(most)); v > known && key != apiVersions {
			binary.BigEndian.PutUint16(most, uint16(known))
		}
		c.tags(flexible)
	}
}

// endpoint rewrites host and port of node, where c stands.
func (r *rewriter) endpoint(node int32, flexible bool) {
	start := r.c.off
	host, port := r.c.str(flexible), r.c.int32()
	if r.c.bad || r.err != nil || node < 0 || len(host) == 0 {
		return // no such broker: FindCoordinator's way to say "none"
	}
	ourHost, ourPort, err := r.to.address(node, string(host), port)
	if err != nil {
		r.err = err
		return
	}
	r.out = append(r.out, r.c.buf[r.mark:start]...)
	if flexible {
		r.out = binary.AppendUvarint(r.out, uint64(len(ourHost))+1)
	} else {
		r.out = binary.BigEndian.AppendUint16(r.out, uint16(len(ourHost)))
	}
	r.out = append(r.out, ourHost...)
	r.out = binary.BigEndian.AppendUint32(r.out, uint32(ourPort))
	r.mark = r.c.off
	r.changed = true
}

// nodeEndpoints rewrites KIP-951's array of brokers, where c stands.
func (r *rewriter) nodeEndpoints() {
	for n := r.c.array(true); n > 0 && !r.c.bad; n-- {
		r.endpoint(r.c.int32(), true)
		r.c.str(true) // rack
		r.c.tags(true)
	}
}

// endpointTag rewrites the tagged fields that end a response, of which the
// field 0 is an array of endpoints.
func (r *rewriter) endpointTag() {
	for n := r.c.uvarint(); n > 0 && !r.c.bad; n-- {
		tag := r.c.uvarint()
		sizeAt := r.c.off
		size := r.c.uvarint()
		if tag != 0 || size > r.c.left() {
			r.c.take(size)
			continue
		}
		// The field is rewritten by itself, since its size comes first.
		in := rewriter{c: cursor{buf: r.c.take(size)}, to: r.to}
		in.nodeEndpoints()
		if in.err != nil || in.c.bad {
			r.err, r.c.bad = in.err, r.c.bad || in.c.bad
			return
		}
		if !in.changed {
			continue
		}
		field := append(in.out, in.c.buf[in.mark:]...)
		r.out = append(r.out, r.c.buf[r.mark:sizeAt]...)
		r.out = binary.AppendUvarint(r.out, uint64(len(field)))
		r.out = append(r.out, field...)
		r.mark = r.c.off
		r.changed = true
	}
}
