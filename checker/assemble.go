package checker

import (
	"cmp"
	"crypto/sha256"
	_ "embed" // the mutation score
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/guarantee"
)

// mutationScore is what TestMutation last measured; it wrote the file itself.
//
//go:embed mutation.txt
var mutationScore string

// verdicts puts the report together after finish.
func (j *judge) verdicts() *Report {
	r := &Report{
		Format:   Format,
		Scenario: j.header.Scenario,
		Seed:     j.header.Seed,
		Backend:  j.header.Backend,
		Tool:     cmp.Or(j.opt.Tool, j.header.Tool),
		Events:   j.events,
		Evidence: j.evidence(),
		Faults:   j.faultEvidence(),
		Infra:    j.infra(),
		Mutation: strings.TrimSpace(mutationScore),
	}
	for _, g := range guarantee.All {
		if len(j.opt.Only) > 0 && !slices.Contains(j.opt.Only, g) {
			continue
		}
		r.Guarantees = append(r.Guarantees, j.result(g))
	}
	j.decideExit(r)
	return r
}

func (j *judge) infra() string {
	var why []string
	switch {
	case j.auditErr != "":
		why = append(why, j.auditErr)
	case !j.auditDone && j.reads == nil:
		why = append(why, "the audit is missing: the final log was not read")
	}
	if j.cutOff {
		why = append(why, "the end of the history is cut off")
	}
	if s := j.unproved(); s != "" {
		why = append(why, s)
	}
	return strings.Join(why, "; ")
}

func (j *judge) evidence() Evidence {
	c := j.counts
	h := j.hot
	for k, v := range map[string]int64{
		"sends": h.sends, "acked": h.acked, "failed": h.failed, "unknown": h.unknown, "polled": h.polled,
		"processed": h.processed, "records": h.logged, "offset-commits": h.committedOffsets, "faults": int64(len(j.faults)), "wire-events": h.wire,
	} {
		c[k] = v
	}
	e := Evidence{Duration: j.lastT - j.firstT, Counts: c, Coverage: j.coverage()}
	for _, pt := range j.parts {
		if pt.hasWM {
			if e.Watermark == nil {
				e.Watermark = map[string]int64{}
			}
			e.Watermark[tpName(pt.tp)] = pt.marks[2]
		}
	}
	return e
}

// expected is the header's expectation of g, and whether it names g.
func (j *judge) expected(g guarantee.Guarantee) (guarantee.Verdict, bool) {
	if v, ok := j.header.Expect[string(g)]; ok {
		return guarantee.Verdict(v), true
	}
	return guarantee.Holds, false
}

func (j *judge) result(g guarantee.Guarantee) Result {
	r := Result{Guarantee: g, Examined: map[string]int64{}}
	r.Expected, _ = j.expected(g)
	ex := j.exercise(g)
	r.Applies = ex.notApplying == ""
	for _, k := range ex.examined {
		r.Examined[k] = j.counts[k]
	}
	for _, k := range ex.notable {
		if n := j.counts[k]; n > 0 {
			r.Examined[k] = n
		}
	}
	for _, kind := range breaks[g] {
		if k := j.finds.byKind[kind]; k != nil {
			r.Anomalies = append(r.Anomalies, j.finding(kind, k))
		}
		if k := j.finds.open[kind]; k != nil {
			r.Undecided = append(r.Undecided, j.finding(kind, k))
		}
	}
	switch {
	case len(r.Anomalies) > 0:
		r.Verdict, r.Applies = guarantee.Violated, true
		var parts []string
		for _, a := range r.Anomalies {
			parts = append(parts, fmt.Sprintf("%d × %s", a.Count, a.Kind))
		}
		r.Reason = strings.Join(parts, ", ")
		r.Permitted = permitted(r.Anomalies)
	case ex.notApplying != "":
		r.Verdict, r.Reason = guarantee.NotExercised, ex.notApplying
	case ex.unknown != "":
		r.Verdict, r.Reason = guarantee.Unknown, ex.unknown
	case ex.missing != "":
		r.Verdict, r.Reason = guarantee.NotExercised, ex.missing
	default:
		r.Verdict = guarantee.Holds
	}
	return r
}

// anyVerdict in `expect` leaves a guarantee out of the exit code.
const anyVerdict guarantee.Verdict = "any"

func (j *judge) finding(kind guarantee.Anomaly, k *found) Finding {
	f := Finding{Kind: kind, Jepsen: k.names, Count: k.count}
	for i := range k.drafts {
		d := &k.drafts[i]
		w := Witness{Events: byTime(d.events), Text: d.text, Legal: d.legal, Forfeit: j.forfeit(kind, d.client), View: d.view}
		w.Context = byTime(j.context(d))
		if i == 0 {
			f.Fingerprint = j.fingerprint(kind, d, w.Context)
		}
		f.Witnesses = append(f.Witnesses, w)
	}
	return f
}

// fingerprint names a finding so that the same one is recognised in another
// run: the anomaly, what the configuration says about it, the kinds of faults
// around its first witness. No time, offset, seed or process goes in.
func (j *judge) fingerprint(kind guarantee.Anomaly, d *draft, context []WitnessEvent) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", kind)
	if c := j.clients[d.client]; c != nil {
		fmt.Fprintf(h, "%s %s %s\n", c.Role, c.Library, c.Commit)
		keys := make([]string, 0, len(c.Config))
		for k := range c.Config {
			if fingerprinted[k] {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		for _, k := range keys {
			fmt.Fprintf(h, "%s=%s\n", k, c.Config[k])
		}
	}
	kinds := map[string]bool{}
	for _, e := range context {
		if f := j.byStep[e.Proc]; f != nil {
			kinds[f.kind+" "+role(f.target)] = true
		}
	}
	names := make([]string, 0, len(kinds))
	for k := range kinds {
		names = append(names, k)
	}
	slices.Sort(names)
	fmt.Fprintf(h, "%s\n", strings.Join(names, ","))
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// fingerprinted are the properties that bear on a guarantee.
var fingerprinted = map[string]bool{
	"acks": true, "enable.idempotence": true, "max.in.flight.requests.per.connection": true,
	"isolation.level": true, "enable.auto.commit": true, "auto.offset.reset": true,
}

// role is a target without its arguments: leader(orders/0) is leader.
func role(target string) string {
	if i := strings.IndexByte(target, '('); i > 0 {
		return target[:i]
	}
	if i := strings.IndexByte(target, '/'); i > 0 {
		return target[:i]
	}
	return target
}

// decideExit sets the exit code and the one line that says why.
//
//	1  a guarantee is violated where it was expected to hold, or holds, in a run
//	   that went as planned, where it was expected to be violated
//	3  the run could not be judged: infrastructure, or unknown or not-exercised
//	   where a verdict was expected
//	0  as expected
func (j *judge) decideExit(r *Report) {
	var broken, unbroken, open reasons
	for _, g := range r.Guarantees {
		want, named := j.expected(g.Guarantee)
		if g.Verdict == want || want == anyVerdict {
			continue
		}
		switch {
		case g.Verdict == guarantee.Violated:
			broken.add(g, want)
		case g.Verdict == guarantee.Holds:
			unbroken.add(g, want)
		case named || g.Applies:
			open.add(g, want)
		}
	}
	// A violation is one whatever else went wrong. That none was found where one
	// was expected says something only if the run went as planned.
	switch {
	case len(broken) > 0:
		r.Exit, r.Why = 1, append(broken, unbroken...).String()
	case r.Infra != "":
		r.Exit, r.Why = 3, r.Infra
	case len(unbroken) > 0:
		r.Exit, r.Why = 1, unbroken.String()
	case len(open) > 0:
		r.Exit, r.Why = 3, open.String()
	default:
		r.Exit, r.Why = 0, "every guarantee ended as expected"
	}
}

// reasons say why guarantees ended otherwise than expected: each reason once, the
// guarantees that it is about before it.
type reasons []reason

type reason struct {
	about []string
	text  string
}

func (rs *reasons) add(g Result, want guarantee.Verdict) {
	text := fmt.Sprintf("%s, expected %s", g.Verdict, want)
	why := g.Reason
	if !g.Applies {
		why = "does not apply: " + why
	}
	if why != "" {
		text += " (" + why + ")"
	}
	for i := range *rs {
		if r := &(*rs)[i]; r.text == text {
			r.about = append(r.about, string(g.Guarantee))
			return
		}
	}
	*rs = append(*rs, reason{[]string{string(g.Guarantee)}, text})
}

func (rs reasons) String() string {
	var parts []string
	for _, r := range rs {
		parts = append(parts, strings.Join(r.about, ", ")+": "+r.text)
	}
	return strings.Join(parts, "; ")
}
