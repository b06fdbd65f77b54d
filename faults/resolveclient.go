package faults

import (
	"fmt"
	"strings"
)

// resolveInstances returns the client processes that name means: "till/0" is that
// one, "till/*" all, "till" one of them, drawn from seed.
func (e *Env) resolveInstances(name string, seed uint64) ([]instance, string, error) {
	var exact, every []instance
	var names []string
	for _, i := range e.instances() {
		names = append(names, i.Name())
		if i.Name() == name {
			exact = append(exact, i)
		}
		if clientOf(i.Name()) == clientOf(name) {
			every = append(every, i)
		}
	}
	switch {
	case len(exact) > 0:
		return exact, "client " + name, nil
	case len(every) == 0 || name != clientOf(name) && name != clientOf(name)+"/*":
		return nil, "", fmt.Errorf("client %q: %w; clients: %s", name, errNoTarget, list(names))
	case name != clientOf(name):
		return every, fmt.Sprintf("client %s (all %d instances)", name, len(every)), nil
	}
	one := every[dice(seed).IntN(len(every))]
	if len(every) == 1 {
		return []instance{one}, "client " + one.Name(), nil
	}
	return []instance{one}, fmt.Sprintf("client %s (any of %d, drawn)", one.Name(), len(every)), nil
}

// matchInstances returns every client process that name covers: "till" and
// "till/*" all of till's, "till/0" that one, "" all.
func (e *Env) matchInstances(name string) ([]instance, string, error) {
	if name == "" {
		if len(e.instances()) == 0 {
			return nil, "", fmt.Errorf("%w: there are no clients", errNoTarget)
		}
		return e.instances(), "all clients", nil
	}
	if name == clientOf(name) {
		name += "/*"
	}
	return e.resolveInstances(name, 0)
}

// clientOf is the client's name of an instance, "till" of "till/0".
func clientOf(instance string) string {
	name, _, _ := strings.Cut(instance, "/")
	return name
}
