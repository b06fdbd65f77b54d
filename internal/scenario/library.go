package scenario

import "slices"

// WithLibrary is s with all its clients on one library; a client with a command
// of its own keeps it.
func (s *Scenario) WithLibrary(name string) *Scenario {
	out := *s
	out.Clients = slices.Clone(s.Clients)
	for i := range out.Clients {
		if len(out.Clients[i].Command) == 0 {
			out.Clients[i].Library = name
		}
	}
	return &out
}
