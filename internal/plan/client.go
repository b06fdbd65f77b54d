package plan

import "fmt"

// ClientSeed is the seed of one client instance's own draws. Like every draw it
// depends on nothing else in the scenario.
func (p *Plan) ClientSeed(name string, instance int) uint64 {
	return draws{p.Seed, fmt.Sprintf("client %s/%d", name, instance)}.sub("worker", 0)
}
