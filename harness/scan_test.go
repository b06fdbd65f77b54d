package harness

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/network"
)

// Whether a reader has something left is asked again and again while a run drains: what
// was read for one answer is not read for the next, and each is that of a reader who
// begins at the offset asked for.
func TestAnyRecordLeft(t *testing.T) {
	c, _, err := cluster.Start(t.Context(), cluster.Spec{
		Name: "left", Backend: "embedded", Brokers: 1, LogDir: t.TempDir(),
		Topics: []cluster.Topic{{Name: "orders", Partitions: 1, Replicas: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	a, err := newAdmin(c, network.TCP)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	cl, err := a.client(kgo.TransactionalID("shop"), kgo.DefaultProduceTopic("orders"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	write := func(end kgo.TransactionEndTry) {
		t.Helper()
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(t.Context(), kgo.StringRecord("tea")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	left := func(from int64, want bool) {
		t.Helper()
		marks, err := a.watermarks(t.Context(), []string{"orders"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.anyRecord(t.Context(), marks[0], from)
		if err != nil || got != want {
			t.Errorf("from %d, high watermark %d: %v, %v; want %v", from, marks[0].high, got, err, want)
		}
	}
	write(kgo.TryCommit) // 0, marker 1
	left(1, false)
	left(0, true) // before what was read for the last answer
	left(0, true)
	left(1, false)
	write(kgo.TryAbort) // 2, marker 3
	left(1, false)
	left(0, true)
	write(kgo.TryCommit) // 4, marker 5
	left(1, true)
	left(4, true)
	left(5, false)
	left(3, true)
}
