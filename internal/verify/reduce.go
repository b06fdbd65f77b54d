package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/lint"
)

// Without is what came of doing without one line of a change that mends.
type Without struct {
	Change  lint.Change           `json:"change"`
	Needed  Need                  `json:"needed"`
	Broke   []guarantee.Guarantee `json:"broke,omitempty"`
	Refused string                `json:"refused,omitempty"` // why the configuration is none without it
	Runs    int                   `json:"runs"`
}

// Need says whether a line of a change is needed.
type Need string

// Untried is a line for which there was no time, or whose runs could not be judged.
const (
	Needed  Need = "yes"
	Spared  Need = "no" // nothing broke without it either
	Untried Need = "untried"
)

// Trial is what came of running with a part of a change. The zero value says that
// it was not tried.
type Trial struct {
	Answer   *Answer
	Complete bool  // it ran everything that the whole change was tried on
	Refused  error // the configuration is none
}

// Reduce does without each line of a change that mends, one after the other, and
// leaves out what is not needed. What remains is the smallest: without any line of
// it something breaks again, so no part of it is enough. Of a change of one line
// nothing can be left out.
func (a *Answer) Reduce(try func(change []lint.Change) Trial) {
	if a.Mended == nil || len(a.Mended.Broken()) > 0 || a.Mended.Judged() < len(a.Mended.Runs) || len(a.Change) < 2 {
		return
	}
	for _, c := range slices.Clone(a.Change) {
		rest := slices.DeleteFunc(slices.Clone(a.Change), func(other lint.Change) bool { return other == c })
		if len(rest) == 0 {
			a.Without = append(a.Without, Without{Change: c, Needed: Needed, Broke: a.Broken()}) // nothing is changed then
			continue
		}
		w := Without{Change: c, Needed: Untried}
		switch t := try(rest); {
		case t.Refused != nil:
			w.Needed, w.Refused = Needed, firstLine(t.Refused.Error())
		case t.Answer == nil:
		case len(t.Answer.Broken()) > 0:
			w.Needed, w.Broke, w.Runs = Needed, t.Answer.Broken(), t.Answer.Judged()
		case t.Complete && t.Answer.Judged() == len(t.Answer.Runs):
			w.Needed, w.Runs = Spared, t.Answer.Judged()
			a.Change, a.Mended = rest, t.Answer
		}
		a.Without = append(a.Without, w)
	}
}

// smallness says what is known of each line of the change.
func (a *Answer) smallness() string {
	switch {
	case len(a.Change) == 1 && len(a.Without) == 0:
		return "It is one line: nothing smaller mends it.\n"
	case len(a.Without) == 0:
		return ""
	}
	var b strings.Builder
	kept := slices.DeleteFunc(slices.Clone(a.Without), func(w Without) bool { return w.Needed == Spared })
	if slices.ContainsFunc(kept, func(w Without) bool { return w.Needed == Untried }) {
		b.WriteString("\nWhether all of it is needed was not tried to the end (--budget):\n\n")
	} else {
		b.WriteString("\nIt is the smallest: each line of it was left out, and is needed.\n\n")
	}
	for _, w := range kept {
		fmt.Fprintf(&b, "  without %s: %s\n", w.Change, w.words())
	}
	for _, w := range a.Without {
		if w.Needed == Spared {
			fmt.Fprintf(&b, "\nNot needed for that: %s. Without it nothing broke in %d runs either; lint says what it is for.\n", w.Change, w.Runs)
		}
	}
	return b.String()
}

func (w Without) words() string {
	switch {
	case w.Needed == Untried:
		return "not tried"
	case w.Refused != "":
		return "refused, " + w.Refused
	case w.Runs == 0:
		return "nothing is changed"
	}
	var broke []string
	for _, g := range w.Broke {
		broke = append(broke, string(g))
	}
	return strings.Join(broke, ", ") + " broke again"
}
