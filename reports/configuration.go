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
		kinds := []string{c.Role}
		if c.Role == "processor" {
			kinds = []string{"consumer", "producer"}
		}
		p.Clients = append(p.Clients, client{c, in.properties(kinds, c.Config, c.Lines, named.String())})
	}
	p.Broker = in.properties([]string{"broker"}, in.Header.Broker, nil, named.String())
	for _, t := range in.Header.Topics {
		p.Topics = append(p.Topics, topic{t, in.properties([]string{"topic"}, t.Config, nil, named.String())})
	}
}

// properties are what config says, against the defaults of whichever kind knows
// each: producer, consumer, broker, topic.
func (in Input) properties(kinds []string, config, lines map[string]string, named string) []property {
	var ps []property
	for k, v := range config {
		p := property{Name: k, Value: v, Line: lines[k], Named: strings.Contains(named, k+"="+v) || strings.Contains(named, k+": "+v)}
		for _, kind := range kinds {
			if in.Default == nil {
				break
			}
			if d, ok := in.Default(kind, k); ok {
				p.Default, p.Differs = d, !sameValue(d, v)
				break
			}
		}
		ps = append(ps, p)
	}
	sort.Slice(ps, func(i, j int) bool { return ps[i].Name < ps[j].Name })
	return ps
}

// sameValue tells whether two spellings mean the same to Kafka.
func sameValue(a, b string) bool {
	if a == "-1" || b == "-1" { // acks
		a, b = strings.Replace(a, "-1", "all", 1), strings.Replace(b, "-1", "all", 1)
	}
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}
