package scenario

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckBackend(t *testing.T) {
	with := func(fault string) *Scenario {
		t.Helper()
		text := strings.Replace(
			wholeScenario, "    at: 12s\n    kill: {broker: leader(orders/0)}\n", "    at: 12s\n    "+fault+"\n", 1,
		)
		s, err := Parse("x.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		fault                      string
		docker, embedded, external string
	}{
		{"kill: {broker: any}", "", "", `x.yaml:26:5: fault "dies": onceproof did not start these brokers and cannot kill them; use --backend docker`},
		{"stop: {broker: any}", "", "", `x.yaml:26:5: fault "dies": onceproof did not start these brokers and cannot stop them; use --backend docker`},
		{"pause: {broker: any}", "", `x.yaml:26:5: fault "dies": the embedded brokers live in onceproof's own process and cannot be frozen; use --backend docker, or pause a client`, `x.yaml:26:5: fault "dies": onceproof did not start these brokers and cannot pause them; use --backend docker`},
		{"skew: {broker: any, ahead: 1h}", "", `x.yaml:26:5: fault "dies": the embedded brokers live in onceproof's own process, with no disk, clock or memory of their own; use --backend docker`, `x.yaml:26:5: fault "dies": onceproof did not start these brokers and cannot skew them; use --backend docker`},
		{"impair: {isolate: any, loss: 5%}", "", `x.yaml:26:5: fault "dies": the embedded backend has no replication between brokers; use --backend docker`, `x.yaml:26:5: fault "dies": onceproof did not start these brokers and cannot impair them; use --backend docker`},
		{"stop: {client: till}", "", "", ""},
		{"pause: {client: till}", "", "", ""},
		{"crash: {client: till}", "", "", ""},
		{"cut: {broker: any}", "", "", ""},
		{"partition: {isolate: any}", "", `x.yaml:26:5: fault "dies": the embedded backend has no replication between brokers; use --backend docker`, `x.yaml:26:5: fault "dies": onceproof did not start these brokers and cannot partition them; use --backend docker`},
	} {
		s := with(c.fault)
		for backend, want := range map[string]string{"auto": "", "docker": c.docker, "embedded": c.embedded, "external": c.external} {
			got := ""
			if err := CheckBackend(s, backend); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s on %s (-want +got):\n%s", c.fault, backend, diff)
			}
		}
	}
	if err := CheckBackend(with("kill: {broker: any}"), "dokcer"); err == nil ||
		err.Error() != `"dokcer" is not a backend; did you mean "docker"?` {
		t.Errorf("an unknown backend: %v", err)
	}
	s := with("kill: {broker: any}")
	s.Cluster.Controllers = 3
	if err := CheckBackend(s, "embedded"); err == nil ||
		!strings.Contains(err.Error(), "isolated controllers exist on docker only") {
		t.Errorf("isolated controllers on embedded: %v", err)
	}
}
