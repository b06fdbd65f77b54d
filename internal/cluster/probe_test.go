package cluster

import "testing"

func TestProbeSaysWhatThisMachineCanDo(t *testing.T) {
	e := needDocker(t)
	got := map[string]Fact{}
	for _, f := range Probe(t.Context(), "") {
		got[f.Name] = f
		if !f.OK && f.WayOut == "" {
			t.Errorf("%s is not there, and no way out is given: %s", f.Name, f.Text)
		}
		t.Logf("%-14s %v %s", f.Name, f.OK, f.Text)
	}
	for _, name := range []string{"docker engine", "kafka image", "ports", "memory", "packet filter", "packet queue", "changed processes"} {
		if _, ok := got[name]; !ok {
			t.Errorf("nothing about %s", name)
		}
	}
	if !got["packet filter"].OK {
		t.Errorf("packet filter: %s", got["packet filter"].Text)
	}
	if left := leftovers(t, e, "onceproof-probe"); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestProbeMissingImage(t *testing.T) {
	needDocker(t)
	for _, f := range Probe(t.Context(), "apache/kafka:0.0.1") {
		if f.Name == "kafka image" {
			if f.OK || f.WayOut == "" {
				t.Errorf("an image that is not here: %+v", f)
			}
			return
		}
	}
	t.Error("nothing about the image")
}
