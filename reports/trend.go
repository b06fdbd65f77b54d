package reports

import (
	_ "embed" // the page
	"fmt"
	"html/template"
	"io"
	"math"
	"sort"
	"time"

	"github.com/onceproof/onceproof/guarantee"
)

//go:embed assets/trend.html.tmpl
var trendTemplate string

var trendPage = template.Must(template.New("trend").Funcs(template.FuncMap{"symbol": symbol}).Parse(trendTemplate))

const trendTime = "2006-01-02 15:04"

// maxTrend is how many runs of one scenario are shown: the latest.
const maxTrend = 100

// trendSeries is one scenario with one library over its runs, oldest first.
type trendSeries struct {
	Scenario, Library string
	Runs              []trendRun
	Rows              []trendRow
	Left              int // older runs that are not shown
	Span              string
	Rate, Stall       string // the largest of each
	News              []string
}

type trendRun struct {
	When, Version, Link string
	Rate, Stall         string
	RateShare           string // of the largest, in percent
	StallShare          string
}

type trendRow struct {
	Guarantee guarantee.Guarantee
	Cells     []trendCell
}

type trendCell struct {
	Verdict guarantee.Verdict
	First   bool // bad where the run before was good, or there was none
	Bad     bool // not as expected
	Words   string
	Link    string
}

// Trend writes one self-contained page that shows guarantees, rate and stalls
// over runs, the first bad run of each guarantee marked. Links are relative to
// the folder base, where the page will lie.
func Trend(w io.Writer, base string, trials []Trial) error {
	page := struct {
		CSS    template.CSS
		Series []trendSeries
	}{CSS: template.CSS(reportCSS), Series: trend(base, trials)}
	if err := trendPage.Execute(w, page); err != nil {
		return fmt.Errorf("write the trend page: %w", err)
	}
	return nil
}

// trend sorts trials into series. Those where something went bad come first.
func trend(base string, trials []Trial) []trendSeries {
	type key struct{ scenario, library string }
	groups := map[key][]Trial{}
	for _, t := range trials {
		if t.Report != nil {
			k := key{t.Scenario, t.Library}
			groups[k] = append(groups[k], t)
		}
	}
	var out []trendSeries
	for k, ts := range groups {
		sort.SliceStable(ts, func(i, j int) bool { return ts[i].Started.Before(ts[j].Started) })
		s := trendSeries{Scenario: k.scenario, Library: k.library, Left: max(0, len(ts)-maxTrend)}
		s.fill(base, ts)
		out = append(out, s)
	}
	sort.Slice(out, func(i, j int) bool {
		if a, b := len(out[i].News) > 0, len(out[j].News) > 0; a != b {
			return a
		}
		return out[i].Scenario+out[i].Library < out[j].Scenario+out[j].Library
	})
	return out
}

func (s *trendSeries) fill(base string, ts []Trial) {
	for _, g := range guarantee.All {
		row := trendRow{Guarantee: g}
		good := true // before the first run
		judged := false
		for _, t := range ts {
			c := trendCell{Link: linkTo(base, t.Dir)}
			if r, ok := t.result(g); ok && t.Report.Infra == "" {
				c.Verdict = r.Verdict
				st := stand(r, nil)
				c.Bad, c.Words = !st.fine(), fmt.Sprintf("%s: %s, %s", g, r.Verdict, st.words(r))
				judged = judged || r.Verdict != guarantee.NotExercised
				c.First = c.Bad && good
				good = !c.Bad
				if c.First {
					s.News = append(s.News, fmt.Sprintf("%s: turned bad on %s (%s, %s)", g, t.Started.UTC().Format(trendTime), r.Verdict, st.words(r)))
				}
			}
			row.Cells = append(row.Cells, c)
		}
		row.Cells = row.Cells[s.Left:]
		if judged {
			s.Rows = append(s.Rows, row)
		}
	}
	ts = ts[s.Left:]
	first, last := ts[0].Started.UTC(), ts[len(ts)-1].Started.UTC()
	s.Span = fmt.Sprintf("%s to %s, %d %s", first.Format(trendTime), last.Format(trendTime), len(ts), countName("runs", int64(len(ts))))
	var rate, stall float64
	for _, t := range ts {
		rate, stall = math.Max(rate, t.Rate), math.Max(stall, float64(t.Stall))
	}
	s.Rate, s.Stall = count(int64(rate)), stallWords(time.Duration(stall))
	for _, t := range ts {
		s.Runs = append(s.Runs, trendRun{
			When: t.Started.UTC().Format(trendTime), Version: t.Version, Link: linkTo(base, t.Dir),
			Rate: count(int64(t.Rate)), Stall: stallWords(t.Stall),
			RateShare: share(t.Rate, rate), StallShare: share(float64(t.Stall), stall),
		})
	}
}

func share(v, of float64) string {
	if of == 0 {
		return "0"
	}
	return fmt.Sprintf("%.0f", 100*v/of)
}
