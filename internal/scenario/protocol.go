package scenario

import (
	"errors"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var apiKeys = sync.OnceValue(func() map[string]int16 {
	keys := map[string]int16{}
	for k := int16(0); k <= kmsg.MaxKey; k++ {
		if n := kmsg.NameForKey(k); n != "Unknown" && kmsg.RequestForKey(k) != nil {
			keys[strings.ReplaceAll(n, "ProducerID", "ProducerId")] = k
		}
	}
	return keys
})

// APIKey is the key of a request by the name that Kafka gives it: Produce,
// EndTxn, InitProducerId, …
func APIKey(name string) (int16, bool) {
	k, ok := apiKeys()[name]
	return k, ok
}

var errorCodes = sync.OnceValue(func() map[string]int16 {
	codes := map[string]int16{}
	for c := int16(-1); c < 512; c++ {
		var k *kerr.Error
		if errors.As(kerr.ErrorForCode(c), &k) && k.Code == c {
			codes[k.Message] = c
		}
	}
	for _, old := range renamed {
		codes[old.now] = codes[old.was]
	}
	return codes
})

// renamed are errors that Kafka has renamed since franz-go took their names.
var renamed = []struct{ was, now string }{
	{"NOT_LEADER_FOR_PARTITION", "NOT_LEADER_OR_FOLLOWER"},
}

// ErrorCode is the code of a Kafka error by its name: NOT_LEADER_OR_FOLLOWER, …
func ErrorCode(name string) (int16, bool) {
	c, ok := errorCodes()[name]
	return c, ok
}

// What a request tells of itself, and so what a Match may ask of it.
var (
	txnRequests   = []string{"Produce", "InitProducerId", "AddPartitionsToTxn", "AddOffsetsToTxn", "EndTxn", "TxnOffsetCommit"}
	topicRequests = []string{"Produce", "Fetch", "ListOffsets", "OffsetCommit", "OffsetFetch", "TxnOffsetCommit", "AddPartitionsToTxn", "Metadata", "DeleteRecords", "OffsetForLeaderEpoch"}
)
