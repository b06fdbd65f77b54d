package proxy

import (
	"fmt"
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// errorAnswer is the frame that answers r with code, as a broker that did
// nothing of what r asks would.
func errorAnswer(r *request, code int16, d addressBook) []byte {
	resp := kmsg.ResponseForKey(r.api)
	resp.SetVersion(r.version)
	if s, ok := resp.(interface{ Default() }); ok {
		s.Default()
	}
	outline(resp, r)
	if m, ok := resp.(*kmsg.MetadataResponse); ok {
		m.Brokers = d.brokers()
	}
	setError(resp, code, func(string, [16]byte, int32) bool { return true })
	return encodeResponse(r.requestHeader, resp)
}

// replaceError is the frame of a broker's response with code put where the
// broker's own codes are, in the partitions that match.
func replaceError(h requestHeader, frame []byte, code int16, match matcher) ([]byte, error) {
	if len(frame) > maxDecode && h.api != int16(kmsg.Fetch) {
		return nil, fmt.Errorf(
			"a %s v%d response of %d bytes is longer than what is decoded (%d)", h.name(), h.version, len(frame),
			maxDecode,
		)
	}
	c := cursor{buf: frame}
	skipResponseHeader(&c, h)
	resp := kmsg.ResponseForKey(h.api)
	resp.SetVersion(h.version)
	if c.bad || resp.ReadFrom(frame[c.off:]) != nil {
		return nil, fmt.Errorf("%w: a %s v%d response ends in its middle", errGarbage, h.name(), h.version)
	}
	setError(resp, code, match)
	return encodeResponse(h, resp), nil
}

func encodeResponse(h requestHeader, resp kmsg.Response) []byte {
	return finishFrame(resp.AppendTo(newResponse(nil, h)))
}

// addressBook is what an invented Metadata response needs of a door.
type addressBook interface {
	brokers() []kmsg.MetadataResponseBroker
}

// canAnswer says whether an API's responses have a place for an error code that
// errorAnswer can fill.
func canAnswer(api int16) bool {
	switch kmsg.Key(api) {
	case kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets, kmsg.OffsetForLeaderEpoch, kmsg.Metadata, kmsg.OffsetCommit,
		kmsg.OffsetFetch, kmsg.TxnOffsetCommit, kmsg.AddPartitionsToTxn, kmsg.FindCoordinator:
		return true
	case kmsg.ApiVersions:
		return false // clients learn from it what else they may say
	}
	_, ok := reflect.TypeOf(kmsg.ResponseForKey(api)).Elem().FieldByName("ErrorCode")
	return ok
}
