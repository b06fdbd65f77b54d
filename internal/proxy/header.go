package proxy

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// apiInfo is what the proxy knows of one API.
type apiInfo struct {
	known    bool
	max      int16 // the newest version whose layout is known
	flexible int16 // the first version with flexible headers; math.MaxInt16 if there is none
}

// apis is indexed by API key.
var apis = func() (t [kmsg.MaxKey + 1]apiInfo) {
	for k := range t {
		req := kmsg.RequestForKey(int16(k))
		if req == nil {
			continue
		}
		info := apiInfo{known: true, max: req.MaxVersion(), flexible: math.MaxInt16}
		for v := int16(0); v <= info.max; v++ {
			if req.SetVersion(v); req.IsFlexible() {
				info.flexible = v
				break
			}
		}
		t[k] = info
	}
	return t
}()

const apiVersions = int16(kmsg.ApiVersions)

// requestHeader is the fixed beginning of each request.
type requestHeader struct {
	api, version int16
	corr         int32
}

func (h requestHeader) flexible() bool { return h.version >= apis[h.api].flexible }

// responseFlexible says whether the response's header ends with tagged fields.
// That of ApiVersions never does, so that a client can read the answer of a
// broker that does not know its version (KIP-511).
func (h requestHeader) responseFlexible() bool { return h.api != apiVersions && h.flexible() }

func (h requestHeader) name() string { return kmsg.NameForKey(h.api) }

// leastRequest is the shortest request: API key, version, correlation id.
const leastRequest = 8

// parseHeader reads the header of the request frame that b begins with, its
// length included. ApiVersions may come in a version newer than any that is
// known: the broker answers it in version 0.
func parseHeader(b []byte) (requestHeader, error) {
	if len(b) < 4+leastRequest {
		return requestHeader{}, fmt.Errorf("%w: a request of %d bytes", errGarbage, len(b))
	}
	h := requestHeader{
		api:     int16(binary.BigEndian.Uint16(b[4:])),
		version: int16(binary.BigEndian.Uint16(b[6:])),
		corr:    int32(binary.BigEndian.Uint32(b[8:])),
	}
	if h.api < 0 || int(h.api) >= len(apis) || !apis[h.api].known {
		return h, fmt.Errorf("%w: API key %d", errGarbage, h.api)
	}
	if h.version < 0 || h.version > apis[h.api].max && h.api != apiVersions {
		return h, fmt.Errorf("%w: %s version %d", errGarbage, h.name(), h.version)
	}
	return h, nil
}

// skipRequestHeader moves c, which stands at the beginning of a request frame,
// to the request's body, and returns the client id.
func skipRequestHeader(c *cursor, h requestHeader) (clientID []byte) {
	c.take(4 + leastRequest)
	if h.api == int16(kmsg.ControlledShutdown) && h.version == 0 {
		return nil // the only header without a client id
	}
	clientID = c.str(false) // never a compact string (KIP-482)
	c.tags(h.flexible())
	return clientID
}

// skipResponseHeader moves c, which stands at the beginning of a response
// frame, to the response's body.
func skipResponseHeader(c *cursor, h requestHeader) {
	c.take(8)
	c.tags(h.responseFlexible())
}

// newResponse begins a response frame to h in dst[:0]; finishFrame ends it.
func newResponse(dst []byte, h requestHeader) []byte {
	dst = append(dst[:0], 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.corr))
	if h.responseFlexible() {
		dst = append(dst, 0)
	}
	return dst
}

func finishFrame(b []byte) []byte {
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}
