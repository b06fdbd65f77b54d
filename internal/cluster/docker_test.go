package cluster

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// needDocker skips where no engine answers, and fails instead if
// ONCEPROOF_REQUIRE_DOCKER=1.
func needDocker(t testing.TB) *engine {
	t.Helper()
	e, err := connect(t.Context())
	if err == nil {
		_, _, err = e.image(t.Context(), defaultImage, func(string) {})
	}
	if err != nil {
		if os.Getenv("ONCEPROOF_REQUIRE_DOCKER") == "1" {
			t.Fatalf("ONCEPROOF_REQUIRE_DOCKER=1, but %v", err)
		}
		t.Skipf("needs Docker: %v", err)
	}
	t.Cleanup(func() { e.close() })
	return e
}

// long skips, under -short, what starts further clusters.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts another cluster; not with -short")
	}
}

func dockerSpec(t *testing.T) Spec {
	return Spec{
		Name: t.Name(), Backend: "docker", Brokers: 3, LogDir: t.TempDir(),
		Topics: []Topic{{Name: "orders", Partitions: 3, Replicas: 3, Config: map[string]string{"min.insync.replicas": "2"}}},
	}
}

func transact(ctx context.Context, as []string) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(as...), kgo.TransactionalID("t"), kgo.DefaultProduceTopic("orders"))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		return err
	}
	if err := cl.ProduceSync(ctx, kgo.StringRecord("v")).FirstErr(); err != nil {
		return err
	}
	return cl.EndTransaction(ctx, kgo.TryCommit)
}

func TestDockerReadyAndGone(t *testing.T) {
	e := needDocker(t)
	begin := time.Now()
	c := startTest(t, dockerSpec(t))
	registered := time.Since(begin)
	if err := transact(t.Context(), addrs(c)); err != nil {
		t.Fatal(err)
	}
	checkFeatures(t, c.Brokers()[0])
	t.Logf("ready after %s, first transaction committed after %s", registered.Round(10*time.Millisecond), time.Since(begin).Round(10*time.Millisecond))
	run := c.(*docker).run
	begin = time.Now()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("closed in %s", time.Since(begin).Round(10*time.Millisecond))
	if left := leftovers(t, e, run); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	for _, b := range c.Brokers() {
		l, err := net.Listen("tcp", b.Addr)
		if err != nil {
			t.Errorf("the port of broker %d is not free again: %v", b.ID, err)
			continue
		}
		l.Close()
	}
	if err := c.(Killer).Kill(t.Context(), 1); !errors.Is(err, errClosed) {
		t.Errorf("kill after close: %v", err)
	}
}

// checkFeatures asks a broker of Kafka 4 for its features: the newest ones are
// finalised, transaction protocol 2 above all, though no StorageTool ran.
func checkFeatures(t *testing.T, b Broker) {
	t.Helper()
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version = 3
	req.ClientSoftwareName, req.ClientSoftwareVersion = "onceproof", "1"
	resp, err := ask[*kmsg.ApiVersionsResponse](t.Context(), b.Addr, req)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int16{}
	for _, f := range resp.FinalizedFeatures {
		got[f.Name] = f.MaxVersionLevel
	}
	if got["transaction.version"] != 2 || got["group.version"] != 1 || got["metadata.version"] == 0 {
		t.Errorf("finalised features: %v", got)
	}
}

// Controllers of their own can be killed too, and the cluster lives on with the rest.
func TestDockerIsolatedControllers(t *testing.T) {
	long(t)
	needDocker(t)
	spec := dockerSpec(t)
	spec.Brokers, spec.Controllers = 1, 3
	spec.Topics = []Topic{{Name: "orders", Partitions: 1, Replicas: 1}}
	c := startTest(t, spec)
	if got := len(c.Brokers()); got != 1 {
		t.Fatalf("%d brokers, want 1", got)
	}
	if err := c.(Killer).Kill(t.Context(), firstController); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	later := []Topic{{Name: "later", Partitions: 1, Replicas: 1}}
	if err := createTopics(ctx, c.Brokers(), later); err != nil {
		t.Errorf("two of three controllers do not create a topic: %v", err)
	}
	if err := transact(ctx, addrs(c)); err != nil {
		t.Error(err)
	}
}

// Every Kafka version that was built on this machine starts, forms a cluster and
// commits, with the newest features that it has.
func TestDockerVersions(t *testing.T) {
	long(t)
	e := needDocker(t)
	list, err := e.api.ImageList(t.Context(), client.ImageListOptions{Filters: make(client.Filters).Add("reference", "onceproof/kafka")})
	if err != nil {
		t.Fatal(err)
	}
	def, _, err := e.image(t.Context(), defaultImage, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list.Items {
		for _, image := range i.RepoTags {
			if image == def { // every other test uses it
				continue
			}
			t.Run(image, func(t *testing.T) {
				spec := dockerSpec(t)
				spec.Image = image
				c := startTest(t, spec)
				if err := transact(t.Context(), addrs(c)); err != nil {
					t.Fatal(err)
				}
				if err := c.(Killer).Kill(t.Context(), 2); err != nil {
					t.Fatal(err)
				}
				if err := c.(Killer).Start(t.Context(), 2); err != nil {
					t.Fatal(err)
				}
				answers(t, c)
			})
		}
	}
}
