package checker_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/history"
)

// One send is acknowledged, and the log that the audit read is empty.
func ExampleCheck() {
	const run = `{"format":"onceproof-history/1","scenario":"example"}
{"t":1,"src":"client","proc":"shop/0/1","type":"invoke","op":"send","id":1,"tp":"orders","val":"shop/0/1#0"}
{"t":2,"src":"client","proc":"shop/0/1","type":"ok","op":"send","id":1,"tp":"orders/0","off":7,"val":"shop/0/1#0"}
{"t":3,"src":"audit","proc":"audit","type":"ok","op":"audit-done"}
`
	r, err := history.NewReader("example", strings.NewReader(run))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	report, err := checker.Check(context.Background(), r, checker.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Exit, report.Why)
	fmt.Println(report.Guarantees[0].Anomalies[0].Witnesses[0].Events[1].Text)
	// Output:
	// 1 no-loss: violated, expected holds (1 × lost-write)
	// send of shop/0/1#0 acknowledged at orders/0@7
}
