// Package doctor finds out what this machine can do: the engine and its kernel, the
// workers, and which of the shipped scenarios can run.
package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/onceproof/onceproof/internal/buildinfo"
	"github.com/onceproof/onceproof/internal/cluster"
)

// Report is what doctor found; `doctor --json` prints it.
type Report struct {
	Format    string         `json:"format"` // "onceproof-doctor/1"
	Tool      buildinfo.Info `json:"tool"`
	Machine   []cluster.Fact `json:"machine"`
	Libraries []Library      `json:"libraries"`
	Backend   string         `json:"backend"` // what backend: auto means here
	Scenarios []Scenario     `json:"scenarios"`
}

// Format is the format of Report.
const Format = "onceproof-doctor/1"

// Examine tries what this machine can do. It takes some seconds, changes nothing and
// leaves nothing behind.
func Examine(ctx context.Context) (*Report, error) {
	h := here{facts: map[string]bool{}}
	facts := cluster.Probe(ctx, "")
	for _, f := range facts {
		h.facts[f.Name] = f.OK
	}
	h.docker = h.facts[cluster.FactEngine] && h.facts[cluster.FactImage]
	h.libraries = Libraries(ctx)
	for i, l := range h.libraries {
		if l.usable() { // another version may have to be built all the same
			h.libraries[i].Lacks = lacksOf(ctx, l.Name)
		}
	}
	scenarios, err := h.scenarios(ctx)
	if err != nil {
		return nil, err
	}
	return &Report{Format, buildinfo.Read(), facts, h.libraries, h.backend(), scenarios}, nil
}

// JSON writes the report for programs.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// Text writes the report for people.
func (r *Report) Text(w io.Writer) error {
	p := &printer{w: w}
	p.printf("%s\n\n", r.Tool)
	for _, f := range r.Machine {
		p.line(f.OK, f.Name, f.Text)
		if !f.OK && f.WayOut != "" {
			p.printf("     %s\n", f.WayOut)
		}
	}
	for _, l := range r.Libraries {
		p.line(l.usable(), "worker "+l.Name, l.String())
	}
	runs, first, refused := r.count()
	p.printf("\n%d of %d shipped scenarios can run here, on backend %s", runs, len(r.Scenarios), r.Backend)
	if first > 0 {
		p.printf("; %d more after the commands below", first)
	}
	if refused > 0 {
		p.printf("; %d cannot", refused)
	}
	p.printf("\n")
	for _, s := range r.Scenarios {
		switch {
		case s.Refused != "":
			p.printf("no   %s: %s\n", s.Name, s.Refused)
		case len(s.First) > 0:
			p.printf("then %s: %s\n", s.Name, strings.Join(s.First, "; "))
		}
	}
	return p.err
}

func (r *Report) count() (runs, first, refused int) {
	for _, s := range r.Scenarios {
		switch {
		case s.Runs:
			runs++
		case s.Refused != "":
			refused++
		default:
			first++
		}
	}
	return runs, first, refused
}

// printer keeps the first error of its writer.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *printer) line(ok bool, name, text string) {
	mark := "yes"
	if !ok {
		mark = "no "
	}
	p.printf("%s  %s: %s\n", mark, name, text)
}
