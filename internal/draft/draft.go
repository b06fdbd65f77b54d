// Package draft writes the scenario of a program that nobody has described yet: it runs
// the program a while without faults, looks at what it did, and proposes the faults that
// are worth most for a program that works so.
//
//	program ──> harness ──> history ──> draft ──> scenario
package draft

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/harness"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/plan"
	"github.com/onceproof/onceproof/internal/scenario"
)

// Options of Run.
type Options struct {
	Name          string   // of the program's client
	Program       []string // with ${bootstrap} where it takes its servers
	Input, Output string   // topics
	Group         string   // consumer group; "" = the one that it joins
	Dir           string   // run folder
	Backend       string
	For           time.Duration // of the load; 0 = 10 s
	Say           func(string)
}

// Found is what the program was seen to do.
type Found struct {
	Group          string
	TxnIDs         []string // transactional ids
	Wrote          map[string]int64
	Requests       map[string]bool // APIs
	NoLoss, NoDup  guarantee.Verdict
	Why            string // where those could not be decided
	Inputs, Traced int64
}

// Run runs the program without faults and returns what it did, and the scenario that
// follows from it.
func Run(ctx context.Context, o Options) (Found, []byte, error) {
	if o.For == 0 {
		o.For = 10 * time.Second
	}
	text := o.scenario(Found{Group: o.Group}, "")
	s, err := scenario.Parse(o.Name+".yaml", text)
	if err != nil {
		return Found{}, nil, err
	}
	s.Run.Duration, s.Run.Drain = o.For, 10*time.Second
	p, err := plan.Build(s, 1)
	if err != nil {
		return Found{}, nil, err
	}
	_, err = harness.Run(ctx, harness.Config{Scenario: s, Plan: p, Dir: o.Dir, Progress: func(p harness.Progress) {
		if p.Message != "" {
			o.Say(p.Message)
		}
	}})
	if err != nil {
		return Found{}, nil, err
	}
	f, err := look(ctx, o)
	if err != nil {
		return f, nil, err
	}
	if f.Group == "" && len(f.Wrote) == 0 {
		return f, nil, fmt.Errorf("%s joined no group and wrote nothing in %s: does it use the servers that ${bootstrap} or BOOTSTRAP_SERVERS say, and read %s? Its log is in %s/logs", o.Name, o.For, o.Input, o.Dir)
	}
	return f, o.scenario(f, faults(f, o)), nil
}

// look reads what the run's history says of the program.
func look(ctx context.Context, o Options) (Found, error) {
	f := Found{Group: o.Group, Wrote: map[string]int64{}, Requests: map[string]bool{}}
	r, err := history.Open(o.Dir)
	if err != nil {
		return f, err
	}
	ids := map[string]bool{}
	for {
		var e history.Event
		if err := r.Next(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return f, errors.Join(err, r.Close())
		}
		ours := strings.HasPrefix(e.Proc, o.Name+"/")
		switch {
		case e.Src == history.SrcWire && ours:
			api, _ := e.Data["api"].(string)
			f.Requests[api] = true
			if id, _ := e.Data["txn-id"].(string); id != "" {
				ids[id] = true
			}
			if e.Group != "" && f.Group == "" {
				f.Group = e.Group
			}
		case e.Src == history.SrcClient && ours && e.Op == history.OpSend && e.Type == history.Invoke:
			f.Wrote[e.TP.Topic] += int64(len(e.Val))
		}
	}
	f.TxnIDs = slices.Sorted(maps.Keys(ids))
	if err := r.Close(); err != nil {
		return f, err
	}
	return f, f.judged(ctx, o.Dir)
}

func (f *Found) judged(ctx context.Context, dir string) error {
	r, err := history.Open(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	rep, err := checker.Check(ctx, r, checker.Options{})
	if err != nil {
		return err
	}
	f.Inputs, f.Traced = rep.Evidence.Counts["inputs"], rep.Evidence.Counts["outputs"]
	for _, g := range rep.Guarantees {
		switch g.Guarantee {
		case guarantee.NoLoss:
			f.NoLoss = g.Verdict
			if g.Verdict == guarantee.Unknown {
				f.Why = g.Reason
			}
		case guarantee.NoDuplicates:
			f.NoDup = g.Verdict
		}
	}
	return nil
}

// Words tell of f, a line each.
func (f Found) Words(o Options) []string {
	lines := []string{fmt.Sprintf("%s reads %s in group %s", o.Name, o.Input, orNone(f.Group))}
	for _, t := range slices.Sorted(maps.Keys(f.Wrote)) {
		lines = append(lines, fmt.Sprintf("it wrote %d records to %s", f.Wrote[t], t))
	}
	if len(f.TxnIDs) > 0 {
		lines = append(lines, "in transactions of "+strings.Join(f.TxnIDs, ", "))
	}
	if f.Traced > 0 {
		lines = append(lines, fmt.Sprintf("its outputs show their inputs: %d of them, made from %d inputs", f.Traced, f.Inputs))
	}
	if f.Why != "" {
		lines = append(lines, f.Why)
	}
	return lines
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// faults are those that are worth most for what the program does.
func faults(f Found, o Options) string {
	commit := "OffsetCommit"
	if f.Requests["TxnOffsetCommit"] {
		commit = "TxnOffsetCommit"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "faults:\n")
	fmt.Fprintf(&b, "  - {name: lost-acknowledgement, on: {request: Produce, client: shop, nth: 40, phase: response}, drop: {}}\n")
	if f.Requests[commit] {
		fmt.Fprintf(&b, "  - {name: crash-before-commit, on: {request: %s, client: %s, nth: 5, phase: request}, crash: {client: %s}, for: 1s}\n", commit, o.Name, o.Name)
	} else {
		fmt.Fprintf(&b, "  - {name: crash, at: 5s, crash: {client: %s}, for: 1s}\n", o.Name)
	}
	if f.Requests["EndTxn"] {
		fmt.Fprintf(&b, "  - {name: crash-after-commit, on: {request: EndTxn, client: %s, nth: 8, phase: response}, crash: {client: %s}, for: 1s}\n", o.Name, o.Name)
	} else if f.Requests["Produce"] {
		fmt.Fprintf(&b, "  - {name: lost-output-ack, on: {request: Produce, client: %s, nth: 20, phase: response}, drop: {}}\n", o.Name)
	}
	fmt.Fprintf(&b, "  - {name: leader-dies, at: 12s, kill: {broker: leader(%s/0)}, for: 2s}\n", o.Input)
	return b.String()
}

// scenario is the scenario's text.
func (o Options) scenario(f Found, faults string) []byte {
	var b strings.Builder
	quoted := make([]string, len(o.Program))
	for i, w := range o.Program {
		quoted[i] = "'" + strings.ReplaceAll(w, "'", "''") + "'"
	}
	backend := o.Backend
	if backend == "" {
		backend = "auto"
	}
	fmt.Fprintf(&b, "apiVersion: onceproof/v1\nkind: Scenario\nmetadata: {name: %s, description: Does %s deliver exactly once?}\n", o.Name, o.Name)
	fmt.Fprintf(&b, "cluster:\n  backend: %s\n  config: {min.insync.replicas: 2}\n  topics:\n    - {name: %s, partitions: 2}\n", backend, o.Input)
	if o.Output != "" {
		fmt.Fprintf(&b, "    - {name: %s, partitions: 2}\n", o.Output)
	}
	fmt.Fprintf(&b, "clients:\n  - {name: shop, role: producer, topic: %s, rate: 40/s, config: {acks: all, enable.idempotence: true}}\n", o.Input)
	role := guarantee.Consumer
	if o.Output != "" {
		role = guarantee.Processor
	}
	fmt.Fprintf(&b, "  - name: %s\n    role: %s\n    program: [%s]\n    input: %s\n", o.Name, role, strings.Join(quoted, ", "), o.Input)
	if o.Output != "" {
		fmt.Fprintf(&b, "    output: %s\n", o.Output)
	}
	isolation := "read_uncommitted"
	if len(f.TxnIDs) > 0 {
		isolation = "read_committed"
	}
	// What the program's own configuration says, the checker believes.
	fmt.Fprintf(&b, "    config: {%sisolation.level: %s, auto.offset.reset: earliest}\n", groupOf(f), isolation)
	fmt.Fprintf(&b, "run: {duration: 20s, warmup: 1s, drain: 30s}\n%s", faults)
	return []byte(b.String())
}

func groupOf(f Found) string {
	if f.Group == "" {
		return ""
	}
	return "group.id: '" + f.Group + "', "
}

// Write writes a scenario to a file that is not there yet.
func Write(file string, text []byte) error {
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write the scenario: %w", err)
	}
	_, err = out.Write(text)
	return errors.Join(err, out.Close())
}
