package checker

import (
	"strings"
	"testing"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// TestSecondOpinionIsSeen: where the passes and porcupine differ, the guarantee
// is unknown, and says with whom.
func TestSecondOpinionIsSeen(t *testing.T) {
	for _, c := range []struct {
		name  string
		story func(p *tape)
		blind func(j *judge) // makes the passes see what is not there, or not see what is
		g     guarantee.Guarantee
		want  string
	}{
		{"a log in order that a pass calls out of order", func(p *tape) {
			p.send("shop/0/1", 0, orders, 0, nil)
			p.send("shop/1/1", 0, orders, 1, nil)
			p.kill()
			p.log(orders, rec("shop/0/1", 0), rec("shop/1/1", 0))
		}, func(j *judge) { j.parts[0].outOfOrder(0, 1) }, guarantee.Order, "log of orders/0 from 0 to 1 linearizable"},
		{"an id that passed on, and a commit that a pass calls a zombie's", func(p *tape) {
			for i, proc := range []string{"exact/0/1", "exact/1/1"} {
				p.add(history.Event{Proc: proc, Type: history.OK, Op: history.OpInitProducer, PID: 7, Epoch: int16(i), HasPID: true})
				p.begin(proc, 1)
				p.send(proc, 0, receipts, int64(2*i), &made{from: -1, txn: 1})
				p.end(proc, history.OpCommit, 1, history.OK)
			}
			p.log(receipts, out("exact/0/1", 0, -1, 7), marker("commit", 7), out("exact/1/1", 0, -1, 7), marker("commit", 7))
		}, func(j *judge) { j.zombies[7] = true }, guarantee.Fencing, "use of producer id 7 linearizable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTape()
			c.story(p)
			p.done()
			verdict := func(blind bool) *Report {
				j := newJudge(p.h, Options{})
				for i := range p.events {
					if err := j.observe(&p.events[i], int64(i)+2); err != nil {
						t.Fatal(err)
					}
				}
				if blind {
					c.blind(j)
				}
				j.finish()
				defer j.close()
				return j.verdicts()
			}
			if r := verdict(false); r.Evidence.Counts["second-opinions"] == 0 || r.Evidence.Counts["second-opinions-against"] != 0 {
				t.Errorf("%v", r.Evidence.Counts)
			}
			r := resultOf(verdict(true), c.g)
			if r.Verdict != guarantee.Unknown || !strings.Contains(r.Reason, c.want) {
				t.Errorf("%s: %s, want unknown with %q", r.Verdict, r.Reason, c.want)
			}
		})
	}
}

// unsureCommits tells n commits of unknown outcome by one process, all at once, and
// what others are told of the offset meanwhile.
func unsureCommits(p *tape, n int, told ...int64) {
	for i := range n {
		c := history.Event{Proc: "till/0/1", Type: history.Invoke, Op: history.OpCommitOffsets, Group: "till", TP: orders, Off: []int64{int64(i)}}
		c.ID = p.add(c).ID
		c.Type, c.T, c.Err = history.Info, 0, &history.Error{Name: "REQUEST_TIMED_OUT", Code: 7}
		p.add(c)
	}
	for _, off := range told {
		f := history.Event{Proc: "till/1/1", Type: history.Invoke, Op: history.OpFetchOffsets, Group: "till", TP: orders}
		f.ID = p.add(f).ID
		f.Type, f.Off, f.T = history.OK, []int64{off}, 0
		p.add(f)
	}
}

// TestUnsearchedIsUnknown: where the search matters and a cap forbids it, the
// offsets are unknown; where the rules are exact, they are judged all the same.
func TestUnsearchedIsUnknown(t *testing.T) {
	for _, c := range []struct {
		name   string
		unsure int
		told   []int64
		want   guarantee.Verdict
	}{
		{"more unknown outcomes than can be searched, and two fetches that they may explain", 20, []int64{3, 5}, guarantee.Unknown},
		{"one fetch: the rules are exact", 20, []int64{3}, guarantee.Holds},
		{"few enough to be searched", 6, []int64{3, 5}, guarantee.Holds},
		{"nobody fetched", 20, nil, guarantee.Holds},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTape()
			for n := range int64(21) {
				p.send("shop/0/1", n, orders, n, nil)
			}
			unsureCommits(p, c.unsure, c.told...)
			var log []entry
			for n := range int64(21) {
				log = append(log, rec("shop/0/1", n))
			}
			p.log(orders, log...)
			p.offset("till", 5)
			r := resultOf(p.done().judge(t), guarantee.Offsets)
			if r.Verdict != c.want {
				t.Errorf("%s: %s (%v), want %s", r.Verdict, r.Reason, r.Examined, c.want)
			}
		})
	}
}
