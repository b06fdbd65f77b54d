package lint

import (
	"cmp"
	"maps"
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
)

// OfScenario is every client of a scenario, with the brokers that it names.
func OfScenario(s *scenario.Scenario) []*Application {
	broker := fileOf(s.File, s.Cluster.Config, s.Cluster.ConfigPos)
	var apps []*Application
	for i := range s.Clients {
		c := &s.Clients[i]
		config := fileOf(s.File, c.Config, c.ConfigPos)
		a := &Application{
			Client: c.Name, Library: c.Library, Role: c.Role, Commit: c.Commit, Batch: c.Transaction, Instances: c.Count, Work: c.Process.Max,
			Resends: c.Role == guarantee.Producer && c.Retry.Attempts > 0, Broker: broker, Line: cmp.Or(c.ConfigPos["commit"].Line, c.Pos.Line),
		}
		a.HandsOff = slices.Contains(c.Habits, guarantee.HabitHandOff)
		a.Observes = slices.ContainsFunc(s.Clients, func(w scenario.Client) bool { return w.Output != "" && w.Output == c.Input })
		if c.Role != guarantee.Consumer {
			a.Producer = config
		}
		if c.Role != guarantee.Producer {
			a.Consumer, a.Reads = config, writtenBy(s, c.Input)
		}
		for _, t := range s.Cluster.Topics {
			if t.Name == c.Topic || t.Name == c.Output {
				a.Replicas, a.Topic = int(t.Replicas), fileOf(s.File, t.Config, placesAt(t.Config, t.Pos))
			}
		}
		apps = append(apps, a)
	}
	return apps
}

// writtenBy says whether any client of s writes topic in transactions.
func writtenBy(s *scenario.Scenario, topic string) Origin {
	for _, c := range s.Clients {
		writer := Application{Producer: &File{}, Commit: c.Commit, Batch: c.Transaction}
		if (c.Topic == topic || c.Output == topic) && c.Role != guarantee.Consumer && writer.transactional() {
			return Transactional
		}
	}
	return Plain
}

// fileOf is a mapping of a scenario file as properties with their lines. A
// property whose line is not known stands on the first.
func fileOf(path string, config map[string]string, at map[string]scenario.Pos) *File {
	f := &File{Path: path}
	for _, name := range slices.Sorted(maps.Keys(config)) {
		f.Properties = append(f.Properties, Property{Name: name, Value: config[name], Line: max(1, at[name].Line)})
	}
	return f
}

func placesAt(config map[string]string, pos scenario.Pos) map[string]scenario.Pos {
	at := map[string]scenario.Pos{}
	for name := range config {
		at[name] = pos
	}
	return at
}
