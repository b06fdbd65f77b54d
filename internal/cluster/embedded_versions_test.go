package cluster

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A client that takes the highest version on offer must be able to add partitions to
// its transaction, none is asked for its metrics, and one that does not know versions
// from 0 must not be told of them; everything else stays on offer, in every version of
// the answer.
func TestEmbeddedOffersAsBrokersDo(t *testing.T) {
	c := startTest(t, embeddedSpec())
	for version := range int16(newestQuestion + 1) {
		req := kmsg.NewPtrApiVersionsRequest()
		req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = version, "test", "1"
		resp, err := ask[*kmsg.ApiVersionsResponse](t.Context(), c.Brokers()[1].Addr, req)
		if err != nil {
			t.Fatal(err)
		}
		offer := map[int16]int16{}
		for _, key := range resp.ApiKeys {
			offer[key.ApiKey] = key.MaxVersion
		}
		if got := offer[int16(kmsg.AddPartitionsToTxn)]; got != oneTransaction {
			t.Errorf("ApiVersions %d: AddPartitionsToTxn up to %d, want %d", version, got, oneTransaction)
		}
		if got := offer[int16(kmsg.CreateTopics)]; got != noConfigs {
			t.Errorf("ApiVersions %d: CreateTopics up to %d, want %d", version, got, noConfigs)
		}
		for _, key := range withheld {
			if _, ok := offer[int16(key)]; ok {
				t.Errorf("ApiVersions %d: %s is on offer", version, key.Name())
			}
		}
		if len(offer) < 50 || offer[int16(kmsg.Produce)] < 12 {
			t.Errorf("ApiVersions %d: %d APIs, Produce up to %d", version, len(offer), offer[int16(kmsg.Produce)])
		}
		zero := 0
		for _, f := range resp.SupportedFeatures {
			if f.MinVersion == 0 {
				zero++
			}
		}
		if (zero > 0) != (version >= fromZero) {
			t.Errorf("ApiVersions %d: %d features whose versions begin at 0", version, zero)
		}
		if features := len(resp.SupportedFeatures); (features > 0) != (version >= 3) {
			t.Errorf("ApiVersions %d: %d features", version, features)
		}
	}
}
