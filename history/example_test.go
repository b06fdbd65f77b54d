package history_test

import (
	"bytes"
	"fmt"

	"github.com/onceproof/onceproof/history"
)

func Example() {
	var file bytes.Buffer
	w, _ := history.NewWriter(&file, history.Header{Scenario: "by hand"})
	_ = w.Append(&history.Event{T: 1900, Src: history.SrcClient, Proc: "shop/0/1", Type: history.OK, Op: history.OpSend,
		TP: history.TopicPartition{Topic: "orders"}, Off: []int64{7}, Val: []history.Value{{Proc: "shop/0/1", N: 1}}})
	_ = w.Close()

	r, _ := history.NewReader("by hand", &file)
	defer r.Close()
	var e history.Event
	for r.Next(&e) == nil {
		fmt.Println(e.Op, e.Val[0], "at", history.Input{TP: e.TP, Off: e.Off[0]})
	}
	// Output: send shop/0/1#1 at orders/0@7
}
