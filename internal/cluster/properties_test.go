package cluster

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// parse reads properties as Kafka would, as far as we write them.
func parse(t *testing.T, text string) map[string]string {
	t.Helper()
	got := map[string]string{}
	for line := range strings.Lines(text) {
		k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok || got[k] != "" {
			t.Errorf("line %q is no property, or one that was there before", line)
		}
		got[k] = v
	}
	return got
}

func TestPropertiesWiring(t *testing.T) {
	combined := Spec{Brokers: 3}
	isolated := Spec{Brokers: 1, Controllers: 2}
	for name, c := range map[string]struct {
		spec  Spec
		ports []int
		index int
		want  map[string]string
	}{
		"broker and controller": {combined, []int{21, 22, 23}, 1, map[string]string{
			"process.roles": "broker,controller", "node.id": "2",
			"controller.quorum.voters": "1@broker-1:9093,2@broker-2:9093,3@broker-3:9093",
			"listeners":                "CLIENT://:9092,REPLICA://:9094,CONTROLLER://:9093",
			"advertised.listeners":     "CLIENT://127.0.0.1:22,REPLICA://broker-2:9094",
		}},
		"broker only": {isolated, []int{21}, 0, map[string]string{
			"process.roles": "broker", "node.id": "1",
			"controller.quorum.voters": "101@controller-101:9093,102@controller-102:9093",
			"listeners":                "CLIENT://:9092,REPLICA://:9094",
			"advertised.listeners":     "CLIENT://127.0.0.1:21,REPLICA://broker-1:9094",
		}},
		"controller only": {isolated, []int{21}, 2, map[string]string{
			"process.roles": "controller", "node.id": "102",
			"controller.quorum.voters": "101@controller-101:9093,102@controller-102:9093",
			"listeners":                "CONTROLLER://:9093",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			nodes := layout(c.spec, c.ports)
			all := parse(t, properties(c.spec, nodes, nodes[c.index]))
			got := map[string]string{}
			for _, k := range []string{"process.roles", "node.id", "controller.quorum.voters", "listeners", "advertised.listeners"} {
				if v, ok := all[k]; ok {
					got[k] = v
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPropertiesPreferencesGiveWay(t *testing.T) {
	spec := Spec{Brokers: 1, Config: map[string]string{"broker.session.timeout.ms": "9000", "sasl.jaas.config": "a\nb\\c"}}
	nodes := layout(spec, []int{21})
	got := parse(t, properties(spec, nodes, nodes[0]))
	for k, want := range map[string]string{
		"broker.session.timeout.ms":                "9000",
		"sasl.jaas.config":                         `a\nb\\c`,
		"transaction.state.log.replication.factor": "1",
		"transaction.state.log.min.isr":            "1",
	} {
		if got[k] != want {
			t.Errorf("%s=%s, want %s", k, got[k], want)
		}
	}
}

func TestRunNamesAreContainerNames(t *testing.T) {
	for _, name := range []string{"guide-recipe", "a b/ç", "", strings.Repeat("x", 200)} {
		got := runName(name)
		if got == runName(name) {
			t.Errorf("%q is named the same twice: %s", name, got)
		}
		for _, r := range got {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", r) {
				t.Errorf("%q makes %q, which no engine takes", name, got)
			}
		}
	}
}
