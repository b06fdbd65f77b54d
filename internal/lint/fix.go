package lint

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/scenario"
)

// Fix writes what issues ask for as a unified diff of the user's own files, with their
// names for properties and values, their order and their comments. What no line of a
// file can say, and what has no place in it that is known, follows as comments.
func Fix(w io.Writer, apps []*Application, issues []Issue) error {
	edits := map[string]*edit{}
	var byHand []string
	for _, i := range issues {
		if i.Severity == Info {
			continue
		}
		a := owner(apps, i)
		for _, c := range i.Changes {
			f := a.FileOf(c.Part)
			if c.Part == Code || f == nil || i.Rule == "known-bug" {
				byHand = append(byHand, "# "+c.words())
				continue
			}
			if edits[f.Path] == nil {
				edits[f.Path] = &edit{path: f.Path, lines: map[int]string{}, gone: map[int]bool{}}
			}
			byHand = append(byHand, edits[f.Path].change(a, f, c)...)
		}
		if len(i.Changes) == 0 {
			byHand = append(byHand, "# "+i.Place()+": "+i.Fix)
		}
	}
	var b bytes.Buffer
	for _, path := range slices.Sorted(maps.Keys(edits)) {
		if err := edits[path].diff(&b); err != nil {
			return err
		}
	}
	slices.Sort(byHand)
	for _, line := range slices.Compact(byHand) {
		fmt.Fprintln(&b, line)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the diff: %w", err)
	}
	return nil
}

// words are a change that is made by hand.
func (c Change) words() string {
	if c.Property == "transactional.id" {
		return string(c.Part) + ": transactional.id: one that is this instance's own and stays the same when it starts again, such as till-0"
	}
	return c.String()
}

// owner is the application that an issue is about.
func owner(apps []*Application, i Issue) *Application {
	for _, a := range apps {
		if a.Client == i.Client && slices.ContainsFunc([]*File{a.Producer, a.Consumer, a.Broker}, func(f *File) bool { return f != nil && f.Path == i.File }) {
			return a
		}
	}
	return apps[0]
}

// edit is what becomes of a file's lines.
type edit struct {
	path  string
	lines map[int]string // by the number of the line that they replace
	gone  map[int]bool
	added []string
}

// change makes one change, or says what has to be done by hand.
func (e *edit) change(a *Application, f *File, c Change) (byHand []string) {
	text, err := os.ReadFile(f.Path)
	if err != nil {
		return []string{"# " + c.words()}
	}
	old := strings.Split(string(text), "\n")
	p, set := f.Get(c.Property)
	set = set && p.Line > 0 && p.Line <= len(old)
	value := ownValue(a.Library, p, c)
	switch {
	case c.Property == "transactional.id" && strings.Contains(c.Value, "${"):
		return []string{"# " + f.Path + ": " + c.words()}
	case set && c.Value == "":
		if _, kept := e.lines[p.Line]; !kept {
			e.gone[p.Line] = true
		}
	case set:
		line := old[p.Line-1]
		was := p.Value
		if p.Raw != "" {
			was = p.Raw
		}
		at := strings.LastIndex(line, strings.TrimSpace(was))
		if at < 0 || strings.TrimSpace(was) == "" || strings.HasSuffix(line, `\`) {
			return []string{fmt.Sprintf("# %s:%d: %s=%s", f.Path, p.Line, p.Written(), value)}
		}
		delete(e.gone, p.Line)
		e.lines[p.Line] = line[:at] + value + line[at+len(strings.TrimSpace(was)):]
	case filepath.Ext(f.Path) != ".properties" && filepath.Ext(f.Path) != ".env" || a.Framework != "" && a.Framework != "streams":
		return []string{fmt.Sprintf("# %s: %s: add %s=%s, in the file's own words", f.Path, c.Part, c.Property, c.Value)}
	default:
		name := ownName(a, c)
		if line := name + "=" + value; c.Value != "" && !slices.Contains(e.added, line) {
			e.added = append(e.added, line)
		}
	}
	return nil
}

// ownName is what the file's library calls a property.
func ownName(a *Application, c Change) string {
	if a.Framework == "streams" {
		return string(c.Part) + "." + c.Property
	}
	return c.Property // every library's file may have Kafka's names
}

// ownValue is a value in the words of the line that it stands in.
func ownValue(library string, p Property, c Change) string {
	if p.Written() == c.Property || p.Line == 0 {
		return c.Value
	}
	for _, v := range scenario.OwnValues() {
		if v.Library == scenario.Column(library) && v.Property == c.Property && v.Kafkas == c.Value {
			return v.Own
		}
	}
	return c.Value
}

// hunk is a change of one place: the lines from, to (1-based, to excluded) become now.
type hunk struct {
	from, to int
	now      []string
}

// diff writes the edit as a unified diff with three lines of context.
func (e *edit) diff(b *bytes.Buffer) error {
	text, err := os.ReadFile(e.path)
	if err != nil {
		return fmt.Errorf("read it again: %w", err)
	}
	old := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	var hunks []hunk
	for n := 1; n <= len(old); n++ {
		if line, ok := e.lines[n]; ok && line != old[n-1] {
			hunks = append(hunks, hunk{n, n + 1, []string{line}})
		} else if e.gone[n] {
			hunks = append(hunks, hunk{n, n + 1, nil})
		}
	}
	if len(e.added) > 0 {
		hunks = append(hunks, hunk{len(old) + 1, len(old) + 1, e.added})
	}
	if len(hunks) == 0 {
		return nil
	}
	fmt.Fprintf(b, "--- %[1]s\n+++ %[1]s\n", e.path)
	const context = 3
	shift := 0
	for i := 0; i < len(hunks); {
		last := i
		for last+1 < len(hunks) && hunks[last+1].from-hunks[last].to <= 2*context {
			last++
		}
		from, to := max(1, hunks[i].from-context), min(len(old)+1, hunks[last].to+context)
		var body strings.Builder
		news, at := 0, from
		for _, h := range hunks[i : last+1] {
			for ; at < h.from; at++ {
				fmt.Fprintf(&body, " %s\n", old[at-1])
				news++
			}
			for ; at < h.to; at++ {
				fmt.Fprintf(&body, "-%s\n", old[at-1])
			}
			for _, line := range h.now {
				fmt.Fprintf(&body, "+%s\n", line)
				news++
			}
		}
		for ; at < to; at++ {
			fmt.Fprintf(&body, " %s\n", old[at-1])
			news++
		}
		fmt.Fprintf(b, "@@ -%d,%d +%d,%d @@\n%s", from, to-from, from+shift, news, body.String())
		shift += news - (to - from)
		i = last + 1
	}
	return nil
}
