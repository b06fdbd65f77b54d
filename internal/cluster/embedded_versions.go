package cluster

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// oneTransaction is the last version of AddPartitionsToTxn that is about one
	// transaction, and the last that Kafka's own client sends.
	oneTransaction = 3
	newestQuestion = 5 // the last ApiVersions that there is
	fromZero       = 4 // the first whose sender knows features whose versions begin at 0

	// noConfigs is the last version of CreateTopics whose answer has no configs (KIP-525).
	noConfigs = 4
)

// withheld are APIs of kfake that no client is told of, and highestOffered the last
// version of those that are told of in part; OfferAsBrokersDo says why.
var (
	withheld       = []kmsg.Key{kmsg.GetTelemetrySubscriptions, kmsg.PushTelemetry, kmsg.DescribeTopicPartitions}
	highestOffered = map[kmsg.Key]int16{kmsg.AddPartitionsToTxn: oneTransaction, kmsg.CreateTopics: noConfigs}
)

// OfferAsBrokersDo has fake tell what it offers as Kafka's brokers do where it does
// not. The broker at addr is asked what there is.
//
// kfake offers AddPartitionsToTxn also in the versions 4 and 5, of many transactions,
// and adds nothing for them: it reads the fields of version 3, which are empty, and
// answers with no errors. Those who take the highest version on offer, such as
// @platformatic/kafka, could then write nothing.
//
// Kafka keeps features whose versions begin at 0 from those who ask with ApiVersions
// before 4 (KAFKA-17492): Java's clients from 2.7 to 3.8 refuse an answer with them.
//
// From CreateTopics version 5 on a broker tells each config of the new topic with its
// source; kfake leaves the source at -1, which Java's admin client does not take ("id
// should be positive, id: -1"), so that Connect and MirrorMaker never start. The answer
// of kfake to DescribeTopicPartitions has a null list of eligible leaders, which Java's
// does not take either; without that API it asks for Metadata.
//
// A broker without a receiver of clients' metrics does not offer to take any (KIP-714);
// kfake does, and its clients then spend a tenth of their memory on reports to nobody.
func OfferAsBrokersDo(ctx context.Context, fake *kfake.Cluster, addr string) error {
	question := kmsg.NewPtrApiVersionsRequest()
	question.Version = newestQuestion
	question.ClientSoftwareName, question.ClientSoftwareVersion = "onceproof", "1"
	offer, err := ask[*kmsg.ApiVersionsResponse](ctx, addr, question)
	if err != nil {
		return fmt.Errorf("versions: %w", err)
	}
	nothing := kmsg.NewPtrMetadataRequest()
	nothing.Version, nothing.Topics = 4, []kmsg.MetadataRequestTopic{} // not null, which is all
	metadata, err := ask[*kmsg.MetadataResponse](ctx, addr, nothing)
	if err != nil {
		return fmt.Errorf("cluster id: %w", err)
	}
	offer.ApiKeys = slices.DeleteFunc(offer.ApiKeys, func(key kmsg.ApiVersionsResponseApiKey) bool {
		return slices.Contains(withheld, kmsg.Key(key.ApiKey))
	})
	for i, key := range offer.ApiKeys {
		if highest, capped := highestOffered[kmsg.Key(key.ApiKey)]; capped {
			offer.ApiKeys[i].MaxVersion = min(key.MaxVersion, highest)
		}
	}
	older := *offer
	older.SupportedFeatures = slices.DeleteFunc(slices.Clone(offer.SupportedFeatures), func(f kmsg.ApiVersionsResponseSupportedFeature) bool {
		return f.MinVersion == 0
	})
	// Who names another broker than this is refused (KIP-1242), and kfake does that.
	astray := func(req *kmsg.ApiVersionsRequest) bool {
		return (req.ClusterID != nil || req.NodeID != -1) &&
			(req.ClusterID == nil || *req.ClusterID != *metadata.ClusterID || req.NodeID != fake.CurrentNode())
	}
	fake.ControlKey(int16(kmsg.ApiVersions), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		if req.GetVersion() > newestQuestion || astray(req.(*kmsg.ApiVersionsRequest)) {
			return nil, nil, false
		}
		resp := *offer
		if req.GetVersion() < fromZero {
			resp = older
		}
		resp.SetVersion(req.GetVersion())
		return &resp, nil, true
	})
	return nil
}
