package reports

import (
	"sort"
	"strings"
)

// addConfiguration lists every effective property and marks those whose line a
// witness names.
func (p *page) addConfiguration(in Input) {
	var named strings.Builder
	for _, f := range p.Findings {
		for _, w := range f.Witnesses {
			named.WriteString(w.Forfeit + "\n")
		}
	}
	for _, c := range in.Header.Clients {
		p.Clients = append(p.Clients, client{c, properties(c.Config, c.Lines, named.String())})
	}
	p.Broker = properties(in.Header.Broker, nil, named.String())
}

func properties(config, lines map[string]string, named string) []property {
	var ps []property
	for k, v := range config {
		ps = append(ps, property{Name: k, Value: v, Line: lines[k], Named: strings.Contains(named, k+"="+v) || strings.Contains(named, k+": "+v)})
	}
	sort.Slice(ps, func(i, j int) bool { return ps[i].Name < ps[j].Name })
	return ps
}
