package reports

import (
	"encoding/json"
	"time"

	"github.com/onceproof/onceproof/guarantee"
)

// liveLine is a snapshot as one line of JSON. Times are seconds.
type liveLine struct {
	At       float64                        `json:"at"` // since the run began
	Scenario string                         `json:"scenario"`
	Phase    string                         `json:"phase"`
	Message  string                         `json:"message,omitempty"`
	Elapsed  float64                        `json:"elapsed"` // of the load
	Total    float64                        `json:"total"`   // of the load
	Faults   []string                       `json:"faults"`
	Clients  []liveClient                   `json:"clients"`
	Open     *int                           `json:"open-transactions,omitempty"`
	Violated map[guarantee.Guarantee]string `json:"violated"` // so far
}

type liveClient struct {
	Name      string `json:"name"`
	Rate      int64  `json:"rate"` // records a second
	Sent      int64  `json:"sent"`
	Acked     int64  `json:"acked"`
	Polled    int64  `json:"polled"`
	Processed int64  `json:"processed"`
	Commits   int64  `json:"commits"`
	Errors    int64  `json:"errors"`
}

func (l *Live) object(now time.Time, s Snapshot) string {
	line := liveLine{
		At: now.Sub(l.began).Seconds(), Scenario: l.opt.Scenario, Phase: s.Phase, Message: s.Message,
		Elapsed: s.Elapsed.Seconds(), Total: s.Total.Seconds(), Faults: append([]string{}, s.Faults...), Clients: []liveClient{},
		Violated: map[guarantee.Guarantee]string{},
	}
	for _, c := range s.Clients {
		line.Clients = append(line.Clients, liveClient{c.Name, l.rates.of(c.Name), c.Sent, c.Acked, c.Polled, c.Processed, c.Commits, c.Errors})
	}
	if s.Open >= 0 {
		line.Open = &s.Open
	}
	for _, g := range s.Guarantees {
		if g.Verdict == guarantee.Violated {
			line.Violated[g.Guarantee] = g.Found
		}
	}
	text, err := json.Marshal(line)
	if err != nil { // strings and finite numbers only
		panic(err)
	}
	return string(text) + "\n"
}
