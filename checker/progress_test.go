package checker

import "testing"

// TestNeverCommitted: a client that is to commit and never does, since every one
// of its transactions aborts, stands still however much it polls. A reader that
// is not known to commit does not.
func TestNeverCommitted(t *testing.T) {
	story := func(client string) []string {
		return []string{
			"a send 0 orders@0", client + " poll orders 0:a#0",
			"fault", "phase drain", "wait 60s", client + " poll orders 0:a#0", "phase drain-timeout",
			"log orders: a#0",
		}
	}
	for client, stuck := range map[string]bool{"x": true, "c": false} {
		p := tell(t, story(client))
		for i := range p.h.Clients {
			if c := &p.h.Clients[i]; c.Name == "audience" {
				c.Config["group.id"] = "audience"
			}
		}
		if got := kinds(p.judge(t))[StuckConsumer] > 0; got != stuck {
			t.Errorf("%s: stuck-consumer %v, want %v", client, got, stuck)
		}
	}
}
