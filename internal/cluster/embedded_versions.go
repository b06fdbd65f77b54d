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
		return key.ApiKey == int16(kmsg.GetTelemetrySubscriptions) || key.ApiKey == int16(kmsg.PushTelemetry)
	})
	for i, key := range offer.ApiKeys {
		if key.ApiKey == int16(kmsg.AddPartitionsToTxn) {
			offer.ApiKeys[i].MaxVersion = min(key.MaxVersion, oneTransaction)
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
