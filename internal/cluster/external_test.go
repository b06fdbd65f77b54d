package cluster

import (
	"errors"
	"strings"
	"testing"
)

func TestExternalTakesAClusterThatIsThere(t *testing.T) {
	e := startTest(t, embeddedSpec())
	x := startTest(t, Spec{Backend: "external", Bootstrap: []string{"127.0.0.1:1", addrs(e)[2]}, Topics: []Topic{
		{Name: "orders", Partitions: 3, Replicas: 3}, // there already
		{Name: "receipts", Partitions: 2, Replicas: 3},
	}})
	if got, want := strings.Join(addrs(x), " "), strings.Join(addrs(e), " "); got != want {
		t.Errorf("brokers %s, want %s", got, want)
	}
	if got := leaders(t, e.Brokers()[0], "receipts"); len(got) != 2 {
		t.Errorf("topic receipts has partitions %v, want 2", got)
	}
	if _, ok := x.(Killer); ok {
		t.Error("somebody else's cluster can be killed")
	}
}

func TestExternalRefuses(t *testing.T) {
	e := startTest(t, embeddedSpec())
	for name, c := range map[string]struct {
		spec        Spec
		unavailable bool
		says        string
	}{
		"nobody there":        {Spec{Bootstrap: []string{"127.0.0.1:1"}}, true, "127.0.0.1:1"},
		"no bootstrap":        {Spec{}, false, "bootstrap"},
		"another topic":       {Spec{Bootstrap: addrs(e), Topics: []Topic{{Name: "orders", Partitions: 9, Replicas: 3}}}, false, "orders has 3 partitions, wanted 9"},
		"too many replicas":   {Spec{Bootstrap: addrs(e), Topics: []Topic{{Name: "t", Partitions: 1, Replicas: 4}}}, false, "4 replicas on 3 brokers"},
		"no address, no port": {Spec{Bootstrap: []string{"localhost"}}, true, "localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			c.spec.Backend = "external"
			_, _, err := Start(t.Context(), c.spec)
			if err == nil || errors.Is(err, ErrUnavailable) != c.unavailable || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want one that says %q, unavailable %v", err, c.says, c.unavailable)
			}
		})
	}
}
