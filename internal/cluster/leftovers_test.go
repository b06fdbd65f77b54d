package cluster

import (
	"strings"
	"testing"

	"github.com/moby/moby/client"
)

// leftovers lists the containers and networks whose name begins with prefix.
func leftovers(t *testing.T, e *engine, prefix string) (names []string) {
	t.Helper()
	cs, err := e.api.ContainerList(t.Context(), client.ContainerListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cs.Items {
		if name := strings.TrimPrefix(c.Names[0], "/"); strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	ns, err := e.api.NetworkList(t.Context(), client.NetworkListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range ns.Items {
		if strings.HasPrefix(n.Name, prefix) {
			names = append(names, n.Name)
		}
	}
	return names
}
