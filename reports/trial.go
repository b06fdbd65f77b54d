package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// Trial is one run as a comparison, a trend or a baseline sees it.
type Trial struct {
	Dir         string
	Scenario    string
	Library     string // of its clients, "franz-go"; several joined by " + "
	Version     string
	Image       string // of the brokers; "" on other backends than docker
	Started     time.Time
	Report      *checker.Report // nil if Unsupported
	Rate        float64         // acknowledged records a second while anything was acknowledged
	Stall       time.Duration   // the longest that any fault was felt
	Fatal       map[string]int  // errors after which a client was of no more use, by name: fenced, fatal
	Unsupported string          // why the library cannot run the scenario; "" otherwise
	timeline    *Timeline
}

// LoadTrial reads a run folder: its verdict and its history.
func LoadTrial(dir string) (t Trial, err error) {
	t.Dir = dir
	if t.Report, err = ReadVerdict(dir); err != nil {
		return t, err
	}
	return TrialOf(Input{Report: t.Report, Dir: dir, History: func() (*history.Reader, error) { return history.Open(dir) }})
}

// TrialOf takes the run of in as a trial; it reads the history.
func TrialOf(in Input) (t Trial, err error) {
	t.Dir, t.Report, t.Scenario = in.Dir, in.Report, in.Report.Scenario
	r, err := in.History()
	if err != nil {
		return t, fmt.Errorf("read a run: %w", err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	h := r.Header()
	if h.Started != "" {
		if t.Started, err = time.Parse(time.RFC3339Nano, h.Started); err != nil {
			return t, fmt.Errorf("read a run: %w", err)
		}
	}
	t.Library, t.Version = libraries(h.Clients)
	t.Image = h.Image
	counted := &fatals{r, map[string]int{}}
	t.Fatal = counted.seen
	if t.timeline, err = Aggregate(counted, h, t.Report); err != nil {
		return t, err
	}
	t.measure()
	return t, nil
}

// ReadVerdict reads the verdict of a run folder.
func ReadVerdict(dir string) (*checker.Report, error) {
	file := filepath.Join(dir, FileVerdict)
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read a verdict: %w", err)
	}
	r := new(checker.Report)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if major, _, _ := strings.Cut(checker.Format, "/"); !strings.HasPrefix(r.Format, major+"/") {
		return nil, fmt.Errorf("read %s: format %q, want %s", file, r.Format, checker.Format)
	}
	return r, nil
}

func libraries(clients []history.ClientInfo) (names, versions string) {
	var ns, vs []string
	for _, c := range clients {
		if !slices.Contains(ns, c.Library) {
			ns = append(ns, c.Library)
			vs = append(vs, c.Version)
		}
	}
	return strings.Join(ns, " + "), strings.Join(vs, " + ")
}

// measure takes rate and stall from the timeline.
func (t *Trial) measure() {
	busy, total := 0, 0.0
	for _, v := range t.writes() {
		if v > 0 {
			busy++
			total += v
		}
	}
	if busy > 0 {
		t.Rate = total / float64(busy)
	}
	for _, f := range t.timeline.Faults {
		t.Stall = max(t.Stall, time.Duration(f.Stall)*time.Microsecond)
	}
}

// writes is the rate of acknowledged records of all clients together, by bin.
func (t *Trial) writes() []float64 {
	if t.timeline == nil {
		return nil
	}
	sum := make([]float64, t.timeline.Curves.Bins)
	for _, s := range t.timeline.Curves.Series {
		if s.Plot != "rate" || !strings.HasSuffix(s.Name, " writes") {
			continue
		}
		for i, v := range s.Y {
			if v != nil {
				sum[i] += float64(*v)
			}
		}
	}
	return sum
}

// spoilt says that the infrastructure broke, so that the trial says nothing of its library.
func (t *Trial) spoilt() bool { return t.Report != nil && t.Report.Infra != "" }

// result is the trial's verdict on g.
func (t *Trial) result(g guarantee.Guarantee) (checker.Result, bool) {
	if t.Report == nil {
		return checker.Result{}, false
	}
	for _, r := range t.Report.Guarantees {
		if r.Guarantee == g {
			return r, true
		}
	}
	return checker.Result{}, false
}
